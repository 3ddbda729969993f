"""What holds an engine, and is closed at the end of a `with` block."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

__all__ = ["Held"]


class Held(AbstractContextManager[Any, None]):
    """Something to close."""

    @abstractmethod
    def close(self) -> None:
        """Free the memory."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
