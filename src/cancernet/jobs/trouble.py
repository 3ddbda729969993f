"""Errors that cross from one process to another as words, and the catching of whatever a work may raise."""

from __future__ import annotations

import errno
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from cancernet import errors
from cancernet.errors import CancerNetError
from cancernet.files import storage_errors

__all__ = ["Caught", "Trouble", "disk_trouble", "trace_of", "trouble_of", "words_of"]

_FOR_ALL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_TRACE = 4000  # characters that are kept


@dataclass(frozen=True)
class Trouble:
    """An error that ends the whole batch: the parts of a `CancerNetError`, and which it is."""

    kind: str
    wrong: str
    expected: str = ""
    todo: str = ""

    def error(self) -> CancerNetError:
        """Return the error, to be raised here."""
        kind = getattr(errors, self.kind) if self.kind in errors.__all__ else CancerNetError
        made: CancerNetError = kind(self.wrong, self.expected, self.todo)
        return made


class Caught:
    """A block whose exception is kept instead of raised; an interruption is no exception of the work, and passes."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> Caught:
        """Enter the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Keep the exception."""
        self.error = error if isinstance(error, Exception) else None
        return self.error is not None


def trouble_of(error: Exception, where: str) -> Trouble:
    """Return the words of an error; one that is none of ours gets those of `where` it happened."""
    if isinstance(error, CancerNetError):
        return Trouble(type(error).__name__, error.wrong, error.expected, error.todo)
    return Trouble("CancerNetError", f"{where}: {words_of(error)}", "", f"It happened here:\n{trace_of(error)}")


def words_of(error: Exception) -> str:
    """Return an error in one line."""
    text = str(error) if isinstance(error, CancerNetError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def trace_of(error: Exception) -> str | None:
    """Return the end of the traceback of an error that is none of ours."""
    if isinstance(error, CancerNetError):
        return None
    return "".join(traceback.format_exception(error))[-_TRACE:]


def disk_trouble(error: Exception, where: Path) -> Trouble | None:
    """Return the words of an error whose cause is a full or read-only disk: no other item can do better. Else None."""
    cause = _disk_error(error)
    if cause is None:
        return None
    with Caught() as caught, storage_errors(where):
        raise cause
    return trouble_of(caught.error or error, str(where))


def _disk_error(error: Exception) -> OSError | None:
    """Return the error of the disk that led to this one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FOR_ALL:
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
