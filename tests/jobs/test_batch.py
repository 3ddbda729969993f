import os
import re

import pytest

from cancernet.errors import CancerNetError, InvalidInput, StorageFailure
from cancernet.jobs import BatchOptions, BatchWatcher, Ledger, Place, run_batch
from jobs import works
from jobs.made import contents, entries, inputs, litter


class Told(BatchWatcher):
    def __init__(self):
        self.begun, self.reached, self.finished = (), [], []

    def begin(self, total, kept):
        self.begun = (total, kept)

    def reach(self, key, share):
        self.reached.append((key, share))

    def finish(self, entry):
        self.finished.append(entry.key)


@pytest.fixture(params=[1, 2], ids=["here", "pool"])
def workers(request):
    return request.param


def test_outputs_ledger_and_progress(tmp_path, workers):
    items, told = inputs(tmp_path / "in", 5), Told()
    options = BatchOptions(workers=workers, digest="d1", versions={"cancernet": "1"})

    result = run_batch(items, works.copy, out=tmp_path / "out", options=options, watcher=told)

    assert [entry.key for entry in result.done] == [f"text{number:03}" for number in range(5)]
    first = result.entries[0]
    text = items[0].path.read_text()
    assert contents(tmp_path / "out")["text000/text.txt"] == text
    assert (first.attempts, first.answer, first.outputs) == (1, {"letters": len(text)}, ("deep/again.txt", "text.txt"))
    assert (first.digest, first.versions, first.path) == ("d1", {"cancernet": "1"}, str(items[0].path))
    assert first.started <= first.finished
    assert (first.pid == os.getpid()) == (workers == 1)
    assert entries(tmp_path / "out")["text000"] == first
    assert told.begun == (5, 0)
    assert sorted(told.finished) == [entry.key for entry in result.entries]
    assert ("text003", 0.5) in told.reached
    assert litter(tmp_path / "out") == []
    states = [(line["key"], line["status"]) for line in Ledger(Place(tmp_path / "out")).history()]
    assert [state for state in states if state[0] == "text002"] == [("text002", "running"), ("text002", "done")]


def test_what_is_done_is_not_done_again(tmp_path):
    items = inputs(tmp_path / "in", 3)
    first = run_batch(items, works.copy, out=tmp_path / "out")

    again = run_batch(items, works.never, out=tmp_path / "out")

    assert again.entries == first.entries
    assert again.kept == {"text000", "text001", "text002"}


def test_what_is_done_stays_when_its_input_has_gone(tmp_path):
    items = inputs(tmp_path / "in", 1)
    run_batch(items, works.copy, out=tmp_path / "out")
    items[0].path.unlink()

    assert run_batch(items, works.never, out=tmp_path / "out").kept == {"text000"}


def test_a_removed_output_is_made_again(tmp_path):
    items = inputs(tmp_path / "in", 2)
    run_batch(items, works.copy, out=tmp_path / "out")
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "text001").rename(tmp_path / "elsewhere")

    result = run_batch(items, works.copy, out=tmp_path / "out")

    assert [entry.attempts for entry in result.entries] == [1, 2]
    assert contents(tmp_path / "out") == before


def test_other_options_are_refused_or_forced(tmp_path):
    items = inputs(tmp_path / "in", 2)
    run_batch(items, works.copy, out=tmp_path / "out", options=BatchOptions(digest="one"))

    with pytest.raises(InvalidInput, match=r"'text000', 'text001' was made with other options.*--force"):
        run_batch(items, works.never, out=tmp_path / "out", options=BatchOptions(digest="two"))

    forced = BatchOptions(digest="two", force=True)
    assert [entry.digest for entry in run_batch(items, works.copy, out=tmp_path / "out", options=forced).done] == [
        "two"
    ] * 2
    assert run_batch(items, works.never, out=tmp_path / "out", options=forced).kept == {"text000", "text001"}


def test_a_changed_input_is_refused_or_forced(tmp_path):
    items = inputs(tmp_path / "in", 2)
    run_batch(items, works.copy, out=tmp_path / "out")
    items[1].path.write_text("another text")

    with pytest.raises(InvalidInput, match="'text001' was made of an input that has changed since"):
        run_batch(items, works.never, out=tmp_path / "out")

    result = run_batch(items, works.copy, out=tmp_path / "out", options=BatchOptions(force=True))
    assert result.kept == {"text000"}
    assert contents(tmp_path / "out")["text001/text.txt"] == "another text"
    assert litter(tmp_path / "out") == []


def test_a_folder_that_no_batch_made_is_kept(tmp_path):
    items = inputs(tmp_path / "in", 1)
    (tmp_path / "out" / "text000").mkdir(parents=True)
    (tmp_path / "out" / "text000" / "mine").write_text("precious")

    with pytest.raises(InvalidInput, match="not made by this batch"):
        run_batch(items, works.never, out=tmp_path / "out")

    assert (tmp_path / "out" / "text000" / "mine").read_text() == "precious"


MOODS = {
    "raise": "text001.txt: RuntimeError: this one is not readable",
    "vanish": "text001.txt: Cannot use '.*text001.txt': there is no such file or folder",
    "change": "text001.txt: It changed while it was read",
    "array": "text001.txt: ValueError: Out of range float values are not JSON",
}


@pytest.mark.parametrize("mood", MOODS)
def test_one_that_fails_stops_no_other(tmp_path, mood):
    items = inputs(tmp_path / "in", 3, said={1: mood})

    result = run_batch(items, works.moody, out=tmp_path / "out")

    assert [entry.status for entry in result.entries] == ["done", "failed", "done"]
    (failed,) = result.failed
    assert re.match(MOODS[mood], failed.error)
    assert (failed.trace is not None) == (mood in {"raise", "array"})
    assert sorted(contents(tmp_path / "out")) == ["text000/said.txt", "text002/said.txt"]
    assert litter(tmp_path / "out") == []


def test_failed_ones_are_tried_again_on_request(tmp_path):
    items = inputs(tmp_path / "in", 2, said={1: "raise"})
    run_batch(items, works.moody, out=tmp_path / "out")

    assert len(run_batch(items, works.never, out=tmp_path / "out").failed) == 1

    result = run_batch(items, works.copy, out=tmp_path / "out", options=BatchOptions(retry_failed=True))
    assert [(entry.status, entry.attempts) for entry in result.entries] == [("done", 1), ("done", 2)]
    assert result.entries[1].error is None


def test_a_missing_input_fails_and_is_tried_when_it_is_there(tmp_path):
    items = inputs(tmp_path / "in", 2)
    items[0].path.unlink()
    first = run_batch(items, works.copy, out=tmp_path / "out")
    assert "there is no such file" in first.failed[0].error

    items[0].path.write_text("back again")

    assert len(run_batch(items, works.copy, out=tmp_path / "out").done) == 2


def test_the_tool_is_made_once_in_each_worker_and_closed(tmp_path, workers, monkeypatch):
    (tmp_path / "closed").mkdir()
    monkeypatch.setenv("TEST_CLOSED", str(tmp_path / "closed"))
    items = inputs(tmp_path / "in", 6)

    result = run_batch(
        items, works.tooled, out=tmp_path / "out", setup=works.Tool, options=BatchOptions(workers=workers)
    )

    used = [text.split() for text in contents(tmp_path / "out").values()]
    assert all(made == by for made, by in used)
    pids = {made for made, _ in used}
    assert len(pids) <= workers
    assert {path.name for path in (tmp_path / "closed").iterdir()} >= pids
    for pid in pids:
        calls = [entry.answer["calls"] for entry in result.entries if str(entry.pid) == pid]
        assert sorted(calls) == list(range(1, len(calls) + 1))


def test_a_tool_that_cannot_be_made_is_one_clear_error(tmp_path, workers):
    items = inputs(tmp_path / "in", 2)
    kind, match = (ValueError, "the engine is broken")
    if workers == 2:
        kind, match = (CancerNetError, "cannot be set up: ValueError: the engine is broken")

    with pytest.raises(kind, match=match):
        run_batch(
            items, works.never, out=tmp_path / "out", setup=works.bad_setup, options=BatchOptions(workers=workers)
        )

    assert {entry.status for entry in entries(tmp_path / "out").values()} == {"waiting"}


def test_an_error_of_ours_in_a_worker_is_raised_as_it_was(tmp_path, workers):
    with pytest.raises(StorageFailure, match=r"Cannot use 'engine.xml'. A file. Check the path\."):
        run_batch(
            inputs(tmp_path / "in", 1),
            works.never,
            out=tmp_path / "out",
            setup=works.storage_setup,
            options=BatchOptions(workers=workers),
        )


def test_who_loses_the_lease_does_not_publish(tmp_path):
    result = run_batch(inputs(tmp_path / "in", 1), works.usurped, out=tmp_path / "out")

    assert [(entry.status, entry.attempts) for entry in result.entries] == [("done", 2)]
    assert contents(tmp_path / "out") == {"text000/attempt.txt": "2"}
    assert litter(tmp_path / "out") == []


def test_a_full_disk_ends_the_batch_and_blames_no_item(tmp_path, workers):
    items = inputs(tmp_path / "in", 3, said={0: "full", 1: "full", 2: "full"})

    with pytest.raises(StorageFailure, match=r"Cannot use '.*out': the disk is full"):
        run_batch(items, works.moody, out=tmp_path / "out", options=BatchOptions(workers=workers))

    assert {entry.status for entry in entries(tmp_path / "out").values()} == {"waiting"}
    assert litter(tmp_path / "out") == []


def test_a_disk_that_is_known_to_be_too_small_is_refused_before(tmp_path):
    with pytest.raises(StorageFailure, match="are free"):
        run_batch(inputs(tmp_path / "in", 1), works.never, out=tmp_path / "out", options=BatchOptions(disk=2**60))


def test_a_place_that_cannot_be_written_is_refused_before(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StorageFailure, match="a file stands where a folder is needed"):
        run_batch(inputs(tmp_path / "in", 1), works.never, out=tmp_path / "out")


def test_work_that_cannot_be_sent_is_refused(tmp_path):
    def inner(item, folder, *, tool, report):
        return {}

    items = inputs(tmp_path / "in", 1)
    assert len(run_batch(items, inner, out=tmp_path / "out").done) == 1  # in this process it may be anything
    with pytest.raises(InvalidInput, match="cannot be sent to another process"):
        run_batch(items, inner, out=tmp_path / "other", options=BatchOptions(workers=2))


def test_nothing_to_do(tmp_path):
    assert run_batch([], works.never, out=tmp_path / "out").entries == ()


def test_interrupted_here_the_item_waits_and_goes_on(tmp_path):
    items = inputs(tmp_path / "in", 3)

    def interrupted(item, folder, *, tool, report):
        if item.key == "text001":
            (folder / "half").write_text("half")
            raise KeyboardInterrupt
        return works.copy(item, folder, tool=tool, report=report)

    with pytest.raises(KeyboardInterrupt):
        run_batch(items, interrupted, out=tmp_path / "out")

    found = entries(tmp_path / "out")
    assert [found[key].status for key in sorted(found)] == ["done", "waiting", "waiting"]
    assert litter(tmp_path / "out") == []
    again = run_batch(items, works.copy, out=tmp_path / "out")
    assert [entry.attempts for entry in again.entries] == [1, 2, 1]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"workers": 0}, "0 workers"),
        ({"max_ram": 0}, "max_ram is 0"),
        ({"heartbeat": 10, "patience": 20}, "at least three heartbeats"),
        ({"gpus": -1}, "0 or more"),
    ],
)
def test_options_out_of_range(options, match):
    with pytest.raises(InvalidInput, match=match):
        BatchOptions(**options)
