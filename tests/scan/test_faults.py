"""What may happen to a batch of real slides: each fault is one clear line, and the other slides are finished."""

import contextlib
import os
import random
import shutil
import signal
import time

import numpy as np
import pytest
import tifffile
from PIL import Image

from cancernet.jobs import Ledger, Place
from cli.made import cancernet, largest_file, succeeded, tiny_disk, without_rights
from engine.patchbundle import patch_bundle
from jobs.made import ended, entries, litter, wait_until
from scan.made import MPP, found_in, start_scan, write_slide

PER_INCH = 25_400 / MPP


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return patch_bundle(tmp_path_factory.mktemp("bundles") / "patches")


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """A folder of six slides."""
    folder = tmp_path_factory.mktemp("slides")
    for number in range(6):
        write_slide(folder / f"slide{number}.png", width=300, height=200, seed=number)
    return folder


@pytest.fixture(scope="module")
def peace(tmp_path_factory, model, slides):
    """What a scan leaves that nothing interrupts."""
    out = tmp_path_factory.mktemp("peace") / "out"
    succeeded("scan", model, slides, "--out", out, "--quiet")
    return found_in(out)


def tokens(out):
    """Return which attempt made each slide that is complete."""
    return {key: entry.token for key, entry in entries(out).items() if entry.status == "done"}


def pause(process, out, chance, *, early):
    """Wait for any moment: `early`, while the batch begins; else after some lines of the ledger."""
    log = out / "ledger.jsonl"
    enough = (log.stat().st_size if log.exists() else 0) + chance.randint(200, 900)
    begun = (out / ".jobs").is_dir if early else lambda: log.exists() and log.stat().st_size > enough
    wait_until(lambda: process.poll() is not None or begun(), 60)
    time.sleep(chance.uniform(0.0, 0.5))


def kill_and_go_on(out, command, *, kills, cwd):
    """Kill a batch at random moments and start it again each time; what is complete must stay as it is."""
    chance, killed, done, seen = random.Random(11), 0, {}, []
    for number in range(kills):
        process = start_scan(*command, cwd=cwd)
        pause(process, out, chance, early=number % 2 == 0)
        process.kill()
        ended(process)
        killed += process.returncode == -signal.SIGKILL
        now = tokens(out)
        assert {key: now.get(key) for key in done} == done, "what was complete was done again"
        done = now
        seen.append(len(done))
    told = succeeded(*("scan", *command))
    assert done.items() <= tokens(out).items()
    return killed, seen, told


def test_killed_at_random_moments_and_started_again(tmp_path, model, slides, peace):
    out = tmp_path / "out"
    killed, seen, told = kill_and_go_on(out, (model, slides, "--out", out), kills=4, cwd=tmp_path)
    assert told.out.startswith("6 of 6 slides done")
    assert found_in(out) == peace
    assert litter(out) == []
    assert killed >= 2, seen


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_twenty_random_moments(tmp_path, model, workers):
    (tmp_path / "slides").mkdir()
    for number in range(60):
        write_slide(tmp_path / "slides" / f"slide{number:02}.png", width=300, height=200, seed=number)
    peace, out = tmp_path / "peace", tmp_path / "out"
    options = ("--workers", workers)
    succeeded("scan", model, tmp_path / "slides", "--out", peace, *options, "--quiet")
    killed, seen, _ = kill_and_go_on(out, (model, tmp_path / "slides", "--out", out, *options), kills=20, cwd=tmp_path)
    assert found_in(out) == found_in(peace)
    assert litter(out) == []
    assert killed >= 15, seen


def write_bad(folder, slides):
    """Write slides of which most cannot be scanned, each for another reason; return their names in order."""
    shutil.copy(slides / "slide0.png", folder / "going.png")
    shutil.copy(slides / "slide0.png", folder / "gone.png")
    pixels = np.asarray(Image.open(slides / "slide0.png"))
    tifffile.imwrite(folder / "cut.tif", pixels, tile=(64, 64), resolution=(PER_INCH, PER_INCH), resolutionunit=2)
    os.truncate(folder / "cut.tif", (folder / "cut.tif").stat().st_size // 2)
    (folder / "empty.svs").touch()
    (folder / "text.svs").write_text("Dear colleague, the slide is on the other disk.")
    Image.fromarray(pixels).save(folder / "bare.png")
    Image.new("RGB", (300, 200), "white").save(folder / "glass.png", dpi=(PER_INCH, PER_INCH))
    Image.fromarray(pixels[:20, :30]).save(folder / "speck.png", dpi=(PER_INCH, PER_INCH))
    shutil.copy(slides / "slide1.png", folder / "good.png")
    return [
        "going.png",
        "gone.png",
        *("cut.tif", "empty.svs", "text.svs", "bare.png"),
        "glass.png",
        "speck.png",
        "good.png",
    ]


REASONS = {
    "going": "there is no such file",
    "gone": "there is no such file",
    "cut": "is cut off",
    "empty": "is empty",
    "text": "no slide",
    "bare": "does not say how large its pixels are",
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory, model, slides):
    """A batch of bad slides, scanned; two of them vanish: one before its turn, one while it is read."""
    folder = tmp_path_factory.mktemp("bad")
    names, out = write_bad(folder, slides), folder / "out"
    process = start_scan(model, *names, "--out", out, cwd=folder)
    wait_until(lambda: any(out.glob(".going.partial-*")))
    (folder / "going.png").unlink()
    (folder / "gone.png").unlink()
    said, complained = process.communicate(timeout=120)
    return out, process.returncode, said, complained


@pytest.mark.parametrize("key", REASONS)
def test_a_slide_that_cannot_be_scanned_has_one_clear_line(bad, key):
    out, _, _, complained = bad
    entry = Ledger(Place(out)).read(key)
    name = os.path.basename(entry.path)
    assert entry.status == "failed"
    assert entry.error.startswith(f"{name}: ")
    assert REASONS[key] in entry.error
    assert "\n" not in entry.error
    assert "Error:" not in entry.error
    assert entry.trace is None, "no bug of ours"
    assert f"\n  {entry.error}\n" in complained
    assert f"<strong>{name}</strong>" in (out / "report.html").read_text()


def test_the_others_are_finished(bad):
    out, code, said, complained = bad
    assert code == 2
    assert said.startswith("3 of 9 slides done; 6 failed.\n")
    assert "Traceback" not in complained
    done = {key: entry.answer for key, entry in entries(out).items() if entry.status == "done"}
    assert sorted(done) == ["glass", "good", "speck"]
    assert "glass.png: no tissue found" in complained
    assert (done["glass"]["tiles"], done["glass"]["positive_fraction"]) == (0, None)
    assert litter(out) == []


def test_a_region_of_one_tile_that_lies_outside_of_another_slide(tmp_path, model, slides):
    write_slide(tmp_path / "small.png", width=100, height=90)
    found = cancernet(
        *("scan", model, tmp_path / "small.png", slides / "slide0.png"),
        *("--out", tmp_path / "out", "--region", "200,100,20,30"),
    )
    assert found.code == 2
    assert found.out.startswith("1 of 2 slides done; 1 failed.\n")
    assert Ledger(Place(tmp_path / "out")).read("slide0").answer["tiles"] == 1
    assert "  small.png: The region lies outside of 'small.png'. A part of its 100 x 90 pixels." in found.err


def test_a_folder_without_rights(tmp_path, model, slides):
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed").chmod(0o500)
    with without_rights():
        found = cancernet("scan", model, slides, "--out", tmp_path / "closed" / "out")
    assert found.code == 2
    assert found.err == (
        f"Error: Cannot use '{tmp_path}/closed/out': the rights are missing\n"
        "  Choose another place, or ask for the rights\n"
    )
    assert list((tmp_path / "closed").iterdir()) == []


def test_a_disk_that_fills_up_ends_the_batch_and_loses_nothing(tmp_path, model, slides, peace):
    """No other slide could do better, so none is marked as failed; with more room it goes on."""
    out = tmp_path / "disk" / "out"
    with contextlib.ExitStack() as stack:
        stack.enter_context(tiny_disk(tmp_path / "disk", "1000k"))
        found = cancernet("scan", model, slides, "--out", out)
        assert found.code == 2
        assert found.out == ""
        assert "Traceback" not in found.err
        head = found.err.splitlines()[-2]
        assert head.startswith("Error: Cannot use '")
        assert head.endswith("the disk is full")
        assert {entry.status for entry in entries(out).values()} <= {"done", "waiting"}
        kept = tokens(out)
        assert 0 < len(kept) < 6
        shutil.copytree(tmp_path / "disk", tmp_path / "large")
    out = tmp_path / "large" / "out"
    succeeded("scan", model, slides, "--out", out, "--quiet")
    assert kept.items() <= tokens(out).items()
    assert found_in(out) == peace
    assert litter(out) == []


def test_files_that_may_not_grow_fail_slide_by_slide(tmp_path, model, slides):
    with largest_file(20_000):
        found = cancernet("scan", model, slides / "slide0.png", slides / "slide1.png", "--out", tmp_path / "out")
    assert found.code == 2
    assert found.out.startswith("0 of 2 slides done; 2 failed.\n")
    assert found.err.count("the file would be larger than allowed") == 4
    assert litter(tmp_path / "out") == []


def test_two_processes_share_a_folder(tmp_path, model, slides, peace):
    out = tmp_path / "out"
    both = [start_scan(model, slides, "--out", out, cwd=tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all(told.startswith("6 of 6 slides done") for told, _ in said)
    assert [entry.attempts for entry in entries(out).values()] == [1] * 6
    assert found_in(out) == peace
    assert litter(out) == []


def running(out):
    """Return the slides that are worked on now."""
    return [entry for entry in entries(out).values() if entry.status == "running"]


def test_a_worker_that_is_killed_takes_only_its_slide(tmp_path, model, slides, peace):
    out = tmp_path / "out"
    process = start_scan(model, slides, "--out", out, "--workers", 2, cwd=tmp_path)
    wait_until(lambda: len(running(out)) == 2, 60)
    victim = running(out)[0]
    os.kill(victim.pid, signal.SIGKILL)
    said, complained = process.communicate(timeout=120)
    assert process.returncode == 2, complained
    assert said.startswith("5 of 6 slides done; 1 failed.\n")
    name = os.path.basename(victim.path)
    assert f"\n  {name}: its worker was killed by SIGKILL; the system does so when the memory runs out\n" in complained

    succeeded("scan", model, slides, "--out", out, "--retry-failed", "--quiet")
    assert found_in(out) == peace
    assert litter(out) == []


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_ctrl_c_says_how_to_go_on_and_loses_nothing(tmp_path, model, slides, peace, workers):
    out = tmp_path / "out"
    process = start_scan(model, slides, "--out", out, "--workers", workers, cwd=tmp_path)
    wait_until(lambda: tokens(out) and running(out), 60)
    os.killpg(process.pid, signal.SIGINT)
    said, complained = process.communicate(timeout=60)
    assert process.returncode == 130, complained
    assert said == ""
    assert complained.endswith("Interrupted: what is done stays.\n  To go on, give the same command again\n")
    assert "Traceback" not in complained
    done = tokens(out)
    assert {entry.status for entry in entries(out).values()} == {"done", "waiting"}
    assert litter(out) == []

    succeeded("scan", model, slides, "--out", out, "--workers", workers, "--quiet")
    assert done.items() <= tokens(out).items()
    assert found_in(out) == peace
