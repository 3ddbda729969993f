"""Real processes that are killed, interrupted, doubled: nothing is lost and nothing is done twice."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from cancernet.jobs import BatchOptions, Ledger, Place, run_batch
from jobs import works
from jobs.made import SCRIPT, contents, ended, entries, inputs, litter, start, wait_until


def _kept_of(out) -> dict[str, str]:
    """Return the token of each item that is complete: another one would mean that it was done again."""
    return {key: entry.token for key, entry in entries(out).items() if entry.status == "done"}


def _kill_and_go_on(tmp_path, *, kills: int, count: int, workers: int) -> None:
    """Kill a batch at random moments, start it again each time, and compare with one that ran in peace."""
    items, out, chance = inputs(tmp_path / "in", count), tmp_path / "out", random.Random(7)
    killed, done, seen = 0, {}, []
    while killed < kills:
        process = start(tmp_path / "in", out, work="slow_copy", pause=0.02, workers=workers)
        _wait_for_a_moment(process, out, early=len(seen) % 2 == 0, chance=chance)
        os.kill(process.pid, signal.SIGKILL)
        killed += process.wait(10) == -signal.SIGKILL
        process.stdout.close()
        process.stderr.close()
        now = _kept_of(out)
        assert {key: now.get(key) for key in done} == done, "what was complete was done again"
        done = now
        seen.append(len(done))
        if len(done) == count:
            break
    options = BatchOptions(workers=workers)
    result = run_batch(items, works.slow_copy, out=out, options=options)
    peace = run_batch(items, works.copy, out=tmp_path / "peace")
    assert len(result.done) == len(peace.done) == count
    assert {key: entry.token for key, entry in entries(out).items() if key in done} == done
    assert contents(out) == contents(tmp_path / "peace")
    assert litter(out) == []
    assert any(0 < number < count for number in seen), f"never killed in the middle: {seen}"
    assert killed >= min(kills, 3), seen


def _wait_for_a_moment(process, out, *, early, chance) -> None:
    """Wait for any moment: `early`, while the batch begins; else after some lines of the log, while items are done."""
    log = out / "ledger.jsonl"
    enough = (log.stat().st_size if log.exists() else 0) + chance.randint(600, 4000)
    begun = (out / ".jobs" / "entries").is_dir if early else lambda: log.exists() and log.stat().st_size > enough
    wait_until(lambda: process.poll() is not None or begun())
    time.sleep(chance.uniform(0.0, 0.5 if early else 0.05))


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_started_again(tmp_path, workers):
    _kill_and_go_on(tmp_path, kills=4, count=60, workers=workers)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_twenty_moments(tmp_path, workers):
    _kill_and_go_on(tmp_path, kills=20, count=400, workers=workers)


@pytest.mark.parametrize("workers", [1, 2])
def test_two_processes_share_a_folder(tmp_path, workers):
    inputs(tmp_path / "in", 16)
    out = tmp_path / "out"
    both = [start(tmp_path / "in", out, work="slow_copy", workers=workers) for _ in range(2)]

    said = [ended(process) for process in both]

    assert [code for code, _ in said] == [0, 0], said
    assert [text.split()[0] for _, text in said] == ["16", "16"]
    done = entries(out).values()
    assert [entry.attempts for entry in done] == [1] * 16
    assert {path.read_text() for path in (tmp_path / "in").glob("*.count")} == {"x"}, "an item was done twice"
    assert litter(out) == []


def test_who_stood_still_too_long_does_not_publish(tmp_path):
    """A stopped process is alive, but silent: another does its item, and what it does later comes to nothing."""
    inputs(tmp_path / "in", 2)
    out, beats = tmp_path / "out", {"heartbeat": 0.2, "patience": 1.0}
    first = start(tmp_path / "in", out, work="slow_copy", pause=1.5, **beats)
    wait_until(lambda: any(out.glob(".text000.partial-*/text.txt")))
    first.send_signal(signal.SIGSTOP)

    code, said = ended(start(tmp_path / "in", out, work="slow_copy", pause=0.01, **beats))
    assert (code, said.split()) == (0, ["2", "0", "0"])
    before = _kept_of(out)
    first.send_signal(signal.SIGCONT)

    code, said = ended(first)
    assert (code, said.split()) == (0, ["2", "0", "0"])
    assert _kept_of(out) == before
    assert litter(out) == []


def test_one_dies_and_the_other_takes_over(tmp_path):
    inputs(tmp_path / "in", 3)
    out = tmp_path / "out"
    first = start(tmp_path / "in", out, work="slow_copy", pause=30)
    wait_until(lambda: any(out.glob(".text000.partial-*/text.txt")))
    second = start(tmp_path / "in", out, work="slow_copy", pause=0.01)
    wait_until(lambda: sum(entry.status == "done" for entry in entries(out).values()) == 2)
    assert second.poll() is None, "it must wait for what the other one works on"

    first.kill()
    ended(first)

    code, said = ended(second)
    assert (code, said.split()) == (0, ["3", "0", "0"])
    assert entries(out)["text000"].attempts == 2
    assert litter(out) == []


MURDERS = {
    "kill": "its worker was killed by SIGKILL; the system does so when",
    "exit": "its worker ended with exit code 9",
}


@pytest.mark.parametrize("mood", MURDERS)
def test_a_worker_that_dies_takes_only_its_item(tmp_path, mood):
    items = inputs(tmp_path / "in", 5, said={1: mood})

    result = run_batch(items, works.moody, out=tmp_path / "out", options=BatchOptions(workers=2))

    assert len(result.done) == 4
    (failed,) = result.failed
    assert failed.error.startswith(f"text001.txt: {MURDERS[mood]}")
    assert entries(tmp_path / "out")["text001"] == failed
    assert litter(tmp_path / "out") == []


def test_too_much_memory_ends_the_worker_and_its_item(tmp_path):
    items = inputs(tmp_path / "in", 3, said={0: "eat"})
    options = BatchOptions(max_ram=400 * 2**20)

    result = run_batch(items, works.moody, out=tmp_path / "out", options=options)

    assert [entry.status for entry in result.entries] == ["failed", "done", "done"]
    assert "GB of memory are held by its worker. At most 0.42 GB (max_ram). Raise --max-ram" in result.failed[0].error
    assert result.failed[0].pid != os.getpid()
    assert litter(tmp_path / "out") == []


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_all_at_once_and_items_wait(tmp_path, workers):
    inputs(tmp_path / "in", 4)
    out = tmp_path / "out"
    process = start(tmp_path / "in", out, work="slow_copy", pause=30, workers=workers)
    wait_until(lambda: len(list(out.glob(".*.partial-*/text.txt"))) == workers)
    running = [entry.pid for entry in entries(out).values() if entry.status == "running"]
    began = time.monotonic()

    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well

    code, said = ended(process)
    assert time.monotonic() - began < 5
    assert code == -signal.SIGINT
    assert said.count("Traceback") == 1, said
    assert len(running) == workers
    for pid in running:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert {entry.status for entry in entries(out).values()} == {"waiting"}
    assert [line["status"] for line in Ledger(Place(out)).history()] == ["running"] * workers + ["waiting"] * workers
    assert litter(out) == []


def test_workers_die_with_their_parent(tmp_path):
    inputs(tmp_path / "in", 2)
    out = tmp_path / "out"
    process = start(tmp_path / "in", out, work="slow_copy", pause=60, workers=2)
    wait_until(lambda: len(list(out.glob(".*.partial-*/text.txt"))) == 2)
    pids = [entry.pid for entry in entries(out).values()]

    process.kill()
    ended(process)

    wait_until(lambda: all(_is_gone(pid) for pid in pids), 5)


def _is_gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] == "Z"  # in a container, nobody may collect it
    except OSError:
        return True


def test_a_torn_log_and_a_torn_entry_cost_nothing_but_themselves(tmp_path):
    items, out = inputs(tmp_path / "in", 3), tmp_path / "out"
    first = run_batch(items[:2], works.copy, out=out)
    ledger, log = Ledger(Place(out)), out / "ledger.jsonl"
    log.write_bytes(log.read_bytes()[:-25])
    Place(out).entry("text000").write_bytes(b"")
    Place(out).entry("text001").write_text('{"key": "text0')

    result = run_batch(items, works.slow_copy, out=out)

    assert [entry.token for entry in result.entries[:2]] == [entry.token for entry in first.entries]
    assert [asdict(entry) for entry in ledger.entries()] == [asdict(entry) for entry in result.entries]
    states = [(line["key"], line["status"]) for line in ledger.history()]
    assert states[:3] == [("text000", "running"), ("text000", "done"), ("text001", "running")]
    assert states[-2:] == [("text002", "running"), ("text002", "done")]
    assert len(log.read_bytes().splitlines()) == len(states) + 1


def test_published_but_not_yet_in_the_ledger(tmp_path):
    """Killed between the two: what is complete is acknowledged, not done again."""
    items, out = inputs(tmp_path / "in", 1), tmp_path / "out"
    done = run_batch(items, works.copy, out=out).entries[0]
    ledger = Ledger(Place(out))
    ledger.write(replace(done, status="running", outputs=(), answer={}))

    assert run_batch(items, works.never, out=out).entries == (done,)
    assert list(ledger.entries()) == [done]


def test_a_script_without_a_guard_ends_with_words(tmp_path):
    inputs(tmp_path / "in", 1)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:"))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "in"), str(tmp_path / "out"), "copy", '{"workers": 2}'],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Workers die before they begin" in done.stderr
    assert "if __name__ == '__main__'" in done.stderr
