import os
import random

import pytest

from cancernet.jobs import BatchOptions, Item, run_batch
from cancernet.jobs.place import Place
from cancernet.jobs.plan import _safe, make_plan
from jobs import works


def _files(tmp_path, *names):
    items = []
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        items.append(Item(path))
    return items


def _keys(items, out):
    place = Place(out)
    place.prepare()
    return make_plan(items, place, options=BatchOptions()).keys


def test_names_are_those_of_the_files(tmp_path):
    items = _files(tmp_path, "in/CMU-1.svs", "in/b.ome.tif", "in/.hidden")
    assert _keys(items, tmp_path / "out") == ("CMU-1", "b.ome", "_.hidden")


def test_equal_names_get_a_digest_whatever_the_order(tmp_path):
    items = _files(tmp_path, "a/x.svs", "b/x.svs", "c/X.tif", "d/y.svs")
    keys = _keys(items, tmp_path / "out")
    assert len(set(keys)) == 4
    assert keys[3] == "y"
    assert [key[:2] for key in keys[:3]] == ["x-", "x-", "X-"]

    shuffled = random.Random(1).sample(range(4), 4)
    again = _keys([items[number] for number in shuffled], tmp_path / "other")
    assert again == tuple(keys[number] for number in shuffled)


def test_names_stay_when_the_list_grows_and_shrinks(tmp_path):
    items = _files(tmp_path, "a/x.svs", "b/x.svs")
    assert _keys(items[:1], tmp_path / "out") == ("x",)
    both = _keys(items, tmp_path / "out")
    assert both[0] == "x"
    assert both[1].startswith("x-")
    assert _keys(items[::-1], tmp_path / "out") == both[::-1]
    assert _keys(items[1:], tmp_path / "out") == both[1:]


def test_an_input_listed_twice_is_one(tmp_path, monkeypatch):
    items = _files(tmp_path, "a/x.svs")
    monkeypatch.chdir(tmp_path)
    paths = ("a/x.svs", "a/../a/x.svs")
    assert _keys([*items, *(Item(type(tmp_path)(path)) for path in paths)], tmp_path / "out") == ("x",)


def test_a_folder_that_moved_keeps_its_names(tmp_path):
    items = _files(tmp_path, "a/x.txt", "a/y.txt")
    done = run_batch(items, works.copy, out=tmp_path / "out")
    os.rename(tmp_path / "a", tmp_path / "moved")

    again = run_batch([Item(tmp_path / "moved" / item.path.name) for item in items], works.never, out=tmp_path / "out")

    assert again.entries == done.entries


def test_wished_names_and_those_that_are_taken(tmp_path):
    (path,) = _files(tmp_path, "x.svs")
    assert _keys([Item(path.path, "ledger.jsonl")], tmp_path / "out")[0].startswith("ledger.jsonl-")
    assert _keys([Item(path.path, "a/b")], tmp_path / "out") == ("a_b",)


@pytest.mark.parametrize("name", ["..", ".", " ", "a\0b", "ä" * 200, "🔬" * 50, "x" * 300, "\\server", "\udcff"])
def test_any_name_becomes_one_of_a_folder(name):
    safe = _safe(name)
    assert safe
    assert not safe.startswith(".")
    assert "/" not in safe
    assert len(safe.encode(errors="surrogatepass")) <= 120


def test_folders_are_inputs_too(tmp_path):
    _files(tmp_path, "dicom/1.dcm", "dicom/deep/2.dcm")
    place = Place(tmp_path / "out")
    place.prepare()
    (order,) = make_plan([Item(tmp_path / "dicom")], place, options=BatchOptions()).orders
    assert order.item.key == "dicom"


def test_what_was_begun_before_comes_last(tmp_path):
    items = _files(tmp_path, "in/a.txt", "in/b.txt")

    def deadly(item, folder, *, tool, report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(items, deadly, out=tmp_path / "out")
    orders = make_plan(items, Place(tmp_path / "out"), options=BatchOptions()).orders
    assert [(order.item.key, order.attempts) for order in orders] == [("b", 0), ("a", 1)]
