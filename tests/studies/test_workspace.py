import subprocess
import sys
import textwrap

import pytest

from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import partial_of
from cancernet.studies.workspace import open_workspace


class Stopped(Exception):
    """What interrupts a run in these tests."""


def begin(out, *, digest="a", resume=False, force=False, finished=0, fail=False, extra=()):
    """Work on a run: finish some folds, leave other files, and fail or not; return the names that were in `work`."""
    with open_workspace(out, digest=digest, resume=resume, force=force) as workspace:
        found = sorted(path.name for path in workspace.work.iterdir())
        beside = sorted(path.name for path in workspace.folder.iterdir())
        for number in range(finished):
            (workspace.work / f"fold-0-{number}.json").write_text("{}")
        for name in extra:
            (workspace.folder / name).write_text("x")
        if fail:
            raise Stopped
        (workspace.folder / "report.html").write_text("done")
    return found, beside


def interrupt(out, **settings):
    with pytest.raises(Stopped):
        begin(out, fail=True, **settings)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "runs" / "made"


def test_a_finished_run_is_whole_and_its_work_is_gone(out):
    begin(out, finished=2)
    assert [path.name for path in out.iterdir()] == ["report.html"]
    assert [path.name for path in out.parent.iterdir()] == ["made"]


def test_an_interrupted_run_without_a_finished_fold_leaves_nothing(out):
    interrupt(out, extra=["study.toml"])
    assert not out.parent.exists()


def test_ctrl_c_leaves_nothing_half_written(out):
    def work():
        with open_workspace(out, digest="a", resume=False, force=False):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not out.parent.exists()


def test_an_interrupted_run_keeps_its_folds_for_resume(out):
    interrupt(out, finished=2)
    assert not out.exists()
    assert partial_of(out).is_dir()
    found, _ = begin(out, resume=True)
    assert found == ["begun.json", "fold-0-0.json", "fold-0-1.json"]
    assert [path.name for path in out.iterdir()] == ["report.html"]


def test_what_was_written_before_the_interruption_is_written_anew(out):
    """Else a bundle that stands there already would stop every further attempt."""
    interrupt(out, finished=1, extra=["study.toml", "metrics.json"])
    (partial_of(out) / "bundle").mkdir()
    _, beside = begin(out, resume=True)
    assert beside == ["work"]


def test_resume_with_nothing_left_begins(out):
    found, _ = begin(out, resume=True)
    assert found == ["begun.json"]


def test_an_interrupted_run_is_neither_resumed_nor_thrown_away_unasked(out):
    interrupt(out, finished=1)
    with pytest.raises(InvalidInput, match=r"holds an interrupted run.*--resume to go on with it, or --force"):
        begin(out)
    assert (partial_of(out) / "work" / "fold-0-0.json").is_file()


def test_force_throws_an_interrupted_run_away(out):
    interrupt(out, finished=1)
    found, _ = begin(out, force=True)
    assert found == ["begun.json"]


def test_a_run_of_another_study_is_not_resumed(out):
    interrupt(out, finished=1)
    with pytest.raises(InvalidInput, match="was begun with another study, other data or another version"):
        begin(out, digest="b", resume=True)
    assert (partial_of(out) / "work" / "fold-0-0.json").is_file()


@pytest.mark.parametrize("content", [None, "[]", "3", "{}"])
def test_a_folder_that_nobody_began_is_not_resumed(out, content):
    interrupt(out, finished=1)
    begun = partial_of(out) / "work" / "begun.json"
    begun.unlink()
    if content is not None:
        begun.write_text(content)
    with pytest.raises(InvalidInput, match="was begun with another study"):
        begin(out, resume=True)


def test_a_damaged_mark_is_told(out):
    interrupt(out, finished=1)
    (partial_of(out) / "work" / "begun.json").write_text("{")
    with pytest.raises(CorruptFile, match=r"begun\.json"):
        begin(out, resume=True)


def test_a_finished_run_is_kept_unless_forced(out):
    begin(out)
    (out / "report.html").write_text("the first")
    for resume in (False, True):
        with pytest.raises(InvalidInput, match="exists already"):
            begin(out, resume=resume)
    interrupt(out, force=True)
    assert (out / "report.html").read_text() == "the first"
    begin(out, force=True)
    assert (out / "report.html").read_text() == "done"


def test_a_second_process_is_refused(out):
    code = f"""
        import sys
        from pathlib import Path
        from cancernet.studies.workspace import open_workspace
        with open_workspace(Path({str(out)!r}), digest="a", resume=False, force=False):
            print("working", flush=True)
            sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "working\n"
        for settings in ({}, {"resume": True}, {"force": True}):
            with pytest.raises(InvalidInput, match="Another process works on"):
                begin(out, **settings)
        assert partial_of(out).is_dir()
        other.stdin.close()
        assert other.wait(timeout=20) == 0
    assert out.is_dir()


def test_a_killed_process_locks_nobody_out(out):
    code = f"""
        import os, signal
        from pathlib import Path
        from cancernet.studies.workspace import open_workspace
        with open_workspace(Path({str(out)!r}), digest="a", resume=False, force=False) as workspace:
            (workspace.work / "fold-0-0.json").write_text("{{}}")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -9
    found, _ = begin(out, resume=True)
    assert "fold-0-0.json" in found
    assert out.is_dir()
