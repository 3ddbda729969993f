import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict

import pytest

from cancernet.jobs.lease import Leases
from cancernet.jobs.place import Place
from cancernet.jobs.process import Process, is_dead, resident_bytes, this_process


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "out")
    place.prepare()
    return place


def _write(place, key, token, process, *, age=0.0):
    """Write the lease of another process, renewed some seconds ago."""
    path = place.leases / key
    path.write_text(json.dumps({"key": key, "token": token, **asdict(process)}))
    os.utime(path, (time.time() - age,) * 2)


@pytest.fixture
def elsewhere():
    return Process("node7", 1234, "node7 another-boot")


@pytest.fixture(scope="module")
def ended():
    """A process of this machine that has ended."""
    code = "from cancernet.jobs.process import this_process; print(*vars(this_process()).values(), sep='|')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    host, pid, space, born = done.stdout.strip().split("|")
    return Process(host, int(pid), space, born)


def test_one_holds_it_until_it_is_released(place):
    one, two = Leases(place, 60), Leases(place, 60)
    lease = one.acquire("slide", "first")
    assert lease.renew()
    assert two.acquire("slide", "second") is None
    assert two.acquire("another", "third") is not None
    lease.release()
    assert not lease.renew()
    assert two.acquire("slide", "second").renew()


def test_of_many_threads_one_gets_it(place):
    barrier, got = threading.Barrier(16), []

    def run(number):
        barrier.wait()
        got.append(Leases(place, 60).acquire("slide", f"token{number}"))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(lease is not None for lease in got) == 1


def test_of_many_takers_one_gets_a_dead_one(place, elsewhere):
    for turn in range(20):
        _write(place, "slide", f"dead{turn}", elsewhere, age=100)
        barrier, got = threading.Barrier(8), []

        def run(number, barrier=barrier, got=got):
            barrier.wait()
            got.append(Leases(place, 60).acquire("slide", f"token{number}"))

        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        held = [lease for lease in got if lease is not None and lease.renew()]
        assert len(held) == 1
        held[0].release()
        assert list(place.taken.iterdir()) == []


def test_a_dead_process_here_loses_it_at_once_with_its_half_outputs(place, ended):
    _write(place, "slide", "old", ended)
    partial = place.partial("slide", "old")
    partial.mkdir()
    (partial / "half").write_text("half")
    assert Leases(place, 60).dead() == ["slide"]

    assert Leases(place, 60).acquire("slide", "new") is not None

    assert not partial.exists()


def test_outputs_that_a_dead_attempt_was_about_to_replace_come_back(place, ended):
    _write(place, "slide", "old", ended)
    place.old("slide", "old").mkdir()
    (place.old("slide", "old") / "result").write_text("before")

    Leases(place, 60).acquire("slide", "new")

    assert (place.final("slide") / "result").read_text() == "before"


@pytest.mark.parametrize(("age", "taken"), [(0, False), (50, False), (70, True)])
def test_one_of_another_machine_is_taken_when_it_is_silent(place, elsewhere, age, taken):
    _write(place, "slide", "theirs", elsewhere, age=age)
    assert (Leases(place, 60).acquire("slide", "ours") is not None) == taken


def test_renewing_keeps_it(place):
    lease = Leases(place, 60).acquire("slide", "ours")
    path = place.leases / "slide"
    os.utime(path, (0, 0))
    assert lease.renew()
    assert time.time() - path.stat().st_mtime < 10


def test_who_lost_it_neither_renews_nor_removes_it(place, elsewhere):
    mine = Leases(place, 60).acquire("slide", "mine")
    place.leases.joinpath("slide").unlink()
    _write(place, "slide", "theirs", elsewhere)
    assert not mine.renew()
    mine.release()
    assert place.leases.joinpath("slide").exists()


def test_a_torn_lease_counts_by_its_age(place):
    path = place.leases / "slide"
    path.write_text('{"key": "sl')
    assert Leases(place, 60).acquire("slide", "ours") is None
    os.utime(path, (0, 0))
    assert Leases(place, 60).acquire("slide", "ours") is not None


def test_a_lease_taken_by_mistake_is_given_back(place, elsewhere, monkeypatch):
    """Another has taken over between the look and the renaming."""
    _write(place, "slide", "dead", elsewhere, age=100)
    slow, fast = Leases(place, 60), Leases(place, 60)
    judged, winner = slow._is_dead, []

    def look_then_sleep(holder):
        dead = judged(holder)
        winner.append(fast.acquire("slide", "fast"))
        return dead

    monkeypatch.setattr(slow, "_is_dead", look_then_sleep)

    assert slow.acquire("slide", "slow") is None
    assert winner[0].renew()


def test_what_a_taker_left_that_died_is_cleared(place, ended):
    _write(place, "slide", "old", ended)
    os.rename(place.leases / "slide", place.taken / "something")
    place.partial("slide", "old").mkdir()

    Leases(place, 60).clear()

    assert not place.partial("slide", "old").exists()
    assert list(place.taken.iterdir()) == []


def test_processes(ended, elsewhere):
    mine = this_process()
    assert not is_dead(mine)
    assert is_dead(ended)
    assert not is_dead(elsewhere)
    assert is_dead(Process(mine.host, mine.pid, mine.space, "1")), "another process had this number"


def test_memory_is_measured():
    before = resident_bytes()
    held = bytearray(64 * 2**20)
    held[:: 2**10] = b"x" * len(held[:: 2**10])
    assert 50 * 2**20 < resident_bytes() - before < 200 * 2**20


def test_files_without_a_name_are_tidied_when_they_are_old(place):
    (place.new / "old").write_text("")
    (place.new / "young").write_text("")
    os.utime(place.new / "old", (0, 0))
    place.tidy()
    assert [path.name for path in place.new.iterdir()] == ["young"]
