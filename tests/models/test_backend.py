import os
import subprocess
import sys

import pytest

from cancernet.errors import MissingExtra
from cancernet.models import keras_library
from cancernet.models.backend import _held_back


def test_keras_comes_from_one_place():
    import keras

    assert keras_library() is keras


def test_backend_is_the_one_that_was_asked_for():
    assert keras_library().backend.backend() == os.environ["KERAS_BACKEND"]


def test_tensorflow_starts_without_a_word():
    code = "from cancernet.models import keras_library; keras_library(); print('ready')"
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("ready\n", "")


def test_a_missing_keras_is_told_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'cancernet\[train\]'"):
        keras_library()


def test_what_was_held_back_is_shown_after_an_error(capfd):
    def fail():
        with _held_back():
            os.write(2, b"the cause\n")
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert capfd.readouterr().err == "the cause\n"


def test_what_was_held_back_is_forgotten_when_all_goes_well(capfd):
    with _held_back():
        os.write(2, b"a note\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"
