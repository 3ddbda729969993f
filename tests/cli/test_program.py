"""The program as a whole: help, version, completion, pipes, terminals, interrupts and bugs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cancernet import __version__, engine
from cli.made import cancernet, linear_bundle, succeeded, write_rows, write_study

PROGRAM = Path(sys.executable).with_name("cancernet")
ZOO = Path(engine.__file__).parents[1] / "zoo"
VERBS = ["train", "evaluate", "predict", "scan", "pcr", "explain", "export", "init", "doctor", "demo", "data"]


def _run(*command: object, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)


def test_module_and_program_are_the_same(here: Path) -> None:
    found = [_run(*start, "--version") for start in ([PROGRAM], [sys.executable, "-m", "cancernet"])]
    assert [done.stdout for done in found] == [f"cancernet {__version__}\n"] * 2
    assert [done.returncode for done in found] == [0, 0]


@pytest.mark.parametrize("verb", [[], *([verb] for verb in VERBS), ["data", "list"], ["data", "audit"]], ids=" ".join)
def test_every_help_names_its_options_and_fits(here: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for flag in ("--help", "-h"):
        told = succeeded(*verb, flag).out
        assert "Usage:" in told
        assert max(map(len, told.splitlines())) <= 80
    for name in VERBS if not verb else ():
        assert re.search(rf"^│ {name} ", told, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prdict"], "'predict'"),
        (["train"], "Missing argument"),
        (["train", "wdbc", "--nope"], "No such option"),
        (["predict", "a", "b", "--prevalence", "often"], "--prevalence"),
    ],
)
def test_misuse_ends_with_2(here: Path, arguments: list[str], words: str) -> None:
    found = cancernet(*arguments)
    assert found.code == 2
    assert words in found.err
    assert found.out == ""


def _complete(words: str, here: Path) -> list[str]:
    """Return what bash offers for the last word, by the script that `--show-completion` prints."""
    script = f"""
    eval "$(_CANCERNET_COMPLETE=source_bash cancernet)"
    COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMPREPLY=()
    [[ "{words}" == *" " ]] && {{ COMP_WORDS+=(""); COMP_CWORD=$((COMP_CWORD + 1)); }}
    _cancernet_completion cancernet
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = os.pathsep.join([str(PROGRAM.parent), os.environ["PATH"]])
    done = _run("bash", "-c", script, cwd=here, env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes(here: Path) -> None:
    linear_bundle(here / "runs" / "mine" / "bundle")
    assert _complete("cancernet tr", here) == ["train"]
    assert _complete("cancernet train w", here) == ["wdbc"]
    assert _complete("cancernet predict ru", here) == ["runs/mine/bundle"]
    assert _complete("cancernet predict ", here) == [
        *sorted(card.parent.name for card in ZOO.glob("*/card.json")),
        "runs/mine/bundle",
    ]
    assert _complete("cancernet export x --format o", here) == ["onnx", "openvino"]
    assert "--prevalence" in _complete("cancernet predict --p", here)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_completion_is_installed_for_bash(here: Path) -> None:
    environment = {**os.environ, "HOME": str(here), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = _run(PROGRAM, "--install-completion", "bash", env=environment)
    assert done.returncode == 0, done.stderr
    assert "bash completion installed" in done.stdout
    assert str(here) in (here / ".bashrc").read_text()


def test_a_reader_that_goes_is_no_error(here: Path, bundle: Path) -> None:
    rows = write_rows(here / "rows.csv", rows=20_000)
    command = f"'{PROGRAM}' predict '{bundle}' '{rows}' --out - | head -n 2"
    done = _run("bash", "-c", command)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.skipif(shutil.which("script") is None, reason="no script(1) here to make a terminal")
def test_on_a_terminal_lines_fit_it(here: Path, bundle: Path) -> None:
    write_rows(here / "rows.csv")
    inner = f"stty cols 60; '{PROGRAM}' predict '{bundle}' rows.csv; '{PROGRAM}' predict '{bundle}' {'x' * 20}.csv"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = _run("script", "-qec", inner, "/dev/null", env=environment, stdin=subprocess.DEVNULL)
    lines = done.stdout.replace("\r", "").splitlines()
    assert "Error: Cannot use" in done.stdout
    assert max(len(line) for line in lines) <= 60, done.stdout


def test_sigint_ends_with_130_and_leaves_nothing(here: Path) -> None:
    study = write_study(here / "tiny.toml")
    command = [sys.executable, "-m", "cancernet", "train", str(study)]
    # A shell that starts tests in the background lets its children ignore the signal; here it counts again.
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=here, preexec_fn=heard) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "Training ...\n" or running.poll() is None
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()
    assert running.returncode == 130, rest
    assert "nothing is left behind" in rest
    assert "Traceback" not in rest
    assert not list(here.rglob("*.partial"))


def test_a_bug_ends_with_1_and_a_log(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cancernet import studies

    def broken(kind: str) -> str:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(studies, "template", broken)
    found = cancernet("init", "x.toml")
    assert found.code == 1
    assert found.err.startswith("Error: this is a bug in cancernet (ZeroDivisionError: by zero)\n")
    log = Path(found.err.split("The details are in ")[1].strip())
    text = log.read_text()
    log.unlink()
    assert "Traceback" in text
    assert f"cancernet {__version__}" in text
    assert "init x.toml" in text


def test_too_little_memory_ends_with_2_and_advice(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cancernet import studies

    monkeypatch.setattr(studies, "template", lambda kind: np.empty(1 << 50))
    found = cancernet("init", "x.toml")
    assert found.code == 2
    assert found.err.startswith("Error: The memory of this machine is not enough")
    assert not (here / "x.toml").exists()


@pytest.mark.skipif(not (ZOO / "fna").is_dir(), reason="the bundle 'fna' is not shipped yet")
def test_doctor_finds_nothing_wrong_here(here: Path) -> None:
    found = succeeded("doctor", "--json").json
    assert found["machine"]["cancernet"] == __version__
    assert all(answer.startswith("works") for answer in found["jobs"].values())
    assert "missing" not in json.dumps(found["packages"])
    told = succeeded("doctor").out
    assert "predict with openvino" in told
    assert not list(here.iterdir())
