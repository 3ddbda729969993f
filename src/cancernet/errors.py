"""The exceptions of CancerNet: one tree, three-part messages.

::

    CancerNetError
    ├── InvalidInput (ValueError)      a value, file or option that cannot be used
    │   └── LeakingSplit               the same patient or row on two sides of a split
    ├── MissingResolution (ValueError) microns per pixel are not known
    ├── BundleMismatch (ValueError)    the bundle does not fit the data or this version
    ├── CorruptFile (ValueError)       a file is damaged, unsafe or not what it says
    ├── StorageFailure (OSError)       the disk is full, or a folder may not be written
    └── MissingExtra (ImportError)     an optional dependency is not installed

Each message says what is wrong with which value, what was expected, and what to do. The command line prints it
and exits with 2; anything that is not a `CancerNetError` is a bug and exits with 1.
"""

__all__ = [
    "BundleMismatch",
    "CancerNetError",
    "CorruptFile",
    "InvalidInput",
    "LeakingSplit",
    "MissingExtra",
    "MissingResolution",
    "StorageFailure",
]


class CancerNetError(Exception):
    """A failure that the user can understand and mend.

    Parameters
    ----------
    wrong
        What is wrong, with the offending value.
    expected
        What was expected instead.
    todo
        What to do next.
    """

    def __init__(self, wrong: str, expected: str = "", todo: str = "") -> None:
        self.wrong, self.expected, self.todo = wrong, expected, todo
        super().__init__(wrong, expected, todo)

    def __str__(self) -> str:
        """Return the parts as sentences on one line."""
        return " ".join(_sentence(part) for part in (self.wrong, self.expected, self.todo) if part)


class InvalidInput(CancerNetError, ValueError):
    """A value, a file or an option that cannot be used."""


class LeakingSplit(InvalidInput):
    """The same patient, or the same row, stands on two sides of a split."""


class MissingResolution(CancerNetError, ValueError):
    """Microns per pixel are needed and not known."""


class BundleMismatch(CancerNetError, ValueError):
    """The bundle does not fit the data, or was written for another version."""


class CorruptFile(CancerNetError, ValueError):
    """A file is damaged, unsafe, or not what its name says."""


class StorageFailure(CancerNetError, OSError):
    """The disk is full, or a file or folder may not be read or written."""


class MissingExtra(CancerNetError, ImportError):
    """An optional dependency is not installed."""


def _sentence(text: str) -> str:
    """Return the text with a full stop at its end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
