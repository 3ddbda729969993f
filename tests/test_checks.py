"""Optional dependencies: found, missing, and interrupted while they are imported."""

import signal
import sys
import threading

import pytest

from cancernet.checks import require
from cancernet.errors import MissingExtra

PRESSED = "import signal; signal.raise_signal(signal.SIGINT); after = 42"
SWALLOWED = """
import signal
signal.raise_signal(signal.SIGINT)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    {then}
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A function that makes a module of a text, to be imported once."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text):
        (tmp_path / "made_package.py").write_text(text)
        monkeypatch.delitem(sys.modules, "made_package", raising=False)
        return "made_package"

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield write
    signal.signal(signal.SIGINT, before)


def test_a_module_that_is_there_is_returned(package):
    assert require(package("answer = 42"), "train").answer == 42


@pytest.mark.parametrize("text", ["raise ImportError('initialization failed')", "import no_such_package"])
def test_one_that_cannot_be_imported_is_missing_and_the_extra_is_named(package, text):
    with pytest.raises(MissingExtra, match=r"cancernet\[train\]"):
        require(package(text), "train")


@pytest.mark.parametrize("then", ["raise ImportError('initialization failed') from None", "pass"])
def test_an_interrupt_that_the_module_hides_is_heard(package, then):
    with pytest.raises(KeyboardInterrupt):
        require(package(SWALLOWED.format(then=then)), "train")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_waits_for_the_end_of_the_import_and_the_next_one_works(package):
    with pytest.raises(KeyboardInterrupt):
        require(package(PRESSED), "train")
    assert sys.modules["made_package"].after == 42
    assert require(package("answer = 42"), "train").answer == 42


def test_the_handler_of_somebody_else_is_left_alone(package):
    heard = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    assert require(package(PRESSED), "train").after == 42
    assert heard == [signal.SIGINT]


def test_it_works_in_a_thread(package):
    found = []
    thread = threading.Thread(target=lambda: found.append(require(package("answer = 42"), "train").answer))
    thread.start()
    thread.join()
    assert found == [42]
