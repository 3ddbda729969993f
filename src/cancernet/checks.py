"""Small checks at the door, shared by all rooms: nearest names, optional dependencies, positive numbers."""

import signal
import threading
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import import_module
from types import FrameType, ModuleType

from cancernet.errors import CancerNetError, InvalidInput, MissingExtra

__all__ = ["listed", "nearest", "one_of", "refuse_future", "require"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like `name`, or None when none is close."""
    lowered = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[matches[0]] if matches else None


def listed(names: Sequence[str], most: int = 10) -> str:
    """Return the first names quoted and joined by commas, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def one_of(value: str, known: Sequence[str], what: str) -> str:
    """Return `value` when it is a known name.

    Raises
    ------
    InvalidInput
        When it is not; the message offers the nearest known name.
    """
    if value in known:
        return value
    close = nearest(value, known)
    todo = f"Did you mean '{close}'?" if close else ""
    raise InvalidInput(f"Unknown {what} '{value}'", f"Known are: {listed(known, 20)}", todo)


def refuse_future(version: object, newest: int, *, where: str, error: type[CancerNetError]) -> None:
    """Raise the error when a file has a schema newer than the newest that this package reads."""
    if isinstance(version, int) and version > newest:
        raise error(
            f"'{where}' has schema {version}, written by a newer version of this package",
            f"This version reads schemas up to {newest}",
            "Run: pip install --upgrade cancernet",
        )


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say how to install it.

    Parameters
    ----------
    module
        Dotted name of the module.
    extra
        Extra of this package that brings it.

    Raises
    ------
    MissingExtra
        When the module is not installed.
    """
    try:
        return _imported(module)
    except ImportError as error:
        raise MissingExtra(
            f"'{module}' is not installed ({error})",
            f"This job needs the extra '{extra}'",
            f"Run: pip install 'cancernet[{extra}]'",
        ) from error


def _imported(module: str) -> ModuleType:
    """Import a module; Ctrl-C meanwhile is heard when it is imported, a second one at once.

    An extension module that is interrupted while it starts says `ImportError: initialization failed` or ends the
    process, and libraries take an import that fails for a package that is not there and go on without it.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return import_module(module)
    pressed: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        if len(pressed) > 1:
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        return import_module(module)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if pressed:
            raise KeyboardInterrupt
