import json
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cancernet.errors import InvalidInput, StorageFailure
from cancernet.patches import packing
from cancernet.patches.hashes import perceptual_hash, pixel_digest
from cancernet.patches.images import fit_image
from cancernet.patches.pack import cache_folder, open_pack
from cancernet.patches.patchset import PatchSet


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def small_pieces(monkeypatch):
    """Let a piece hold 5 images, and progress be told after each."""
    monkeypatch.setattr(packing, "_MOST_IMAGES", 5)
    monkeypatch.setattr(packing, "_TOLD", 1)


def files_of(cache):
    """Return the names of what lies in the cache, without the locks."""
    return sorted(path.name for path in (cache / "packs").iterdir() if path.suffix != ".lock")


def damage(path, place):
    """Flip a bit."""
    content = bytearray(path.read_bytes())
    content[place] ^= 16
    path.write_bytes(content)


def refusal(kind, patches, **options):
    with pytest.raises(kind) as caught:
        open_pack(patches, **options)
    return str(caught.value)


def test_a_pack_holds_the_pixels_and_what_is_known_of_them(tissue, save_set, cache):
    images = tissue(12)
    patches = save_set(images, [f"p{number % 4}" for number in range(12)], target=["a", "b"] * 6)
    pack = open_pack(patches, cache=cache)
    assert len(pack) == 12
    assert np.array_equal(pack.images, images)
    assert isinstance(pack.images, np.memmap)
    assert pack.digests.tolist() == [pixel_digest(image) for image in images]
    assert np.array_equal(pack.perceptual, perceptual_hash(images))
    assert pack.native_sizes.tolist() == [[50, 50]] * 12
    for column in ("ids", "groups", "target"):
        assert np.array_equal(getattr(pack.patches, column), getattr(patches, column))
    for column in (pack.images, pack.digests, pack.perceptual, pack.native_sizes):
        assert not column.flags.writeable


def test_the_files_of_a_pack_can_be_read_without_this_package(tissue, save_set, cache):
    pack = open_pack(save_set(tissue(3)), cache=cache)
    assert np.array_equal(np.load(pack.folder / "images.npy"), tissue(3))
    assert pq.read_table(pack.folder / "index.parquet").column("id").to_pylist() == ["0000.png", "0001.png", "0002.png"]
    assert json.loads((pack.folder / "pack.json").read_text())["key"] == pack.key
    assert sorted(path.name for path in pack.folder.iterdir()) == ["images.npy", "index.parquet", "pack.json"]
    assert files_of(cache) == [pack.folder.name]


def test_the_second_time_nothing_is_decoded(tissue, save_set, cache, monkeypatch):
    patches = save_set(tissue(4))
    first = open_pack(patches, cache=cache)
    monkeypatch.setattr(packing, "read_image", None)
    told = []
    second = open_pack(patches, cache=cache, progress=told.append)
    assert (second.key, second.folder) == (first.key, first.folder)
    assert np.array_equal(second.images, first.images)
    assert second.digests.tolist() == first.digests.tolist()
    assert told == []


def test_the_same_files_elsewhere_share_the_pack(tissue, save_set, cache):
    first = open_pack(save_set(tissue(4), folder="here"), cache=cache)
    second = open_pack(save_set(tissue(4), folder="there"), cache=cache)
    assert first.folder == second.folder
    assert second.patches.path(0).parent.name == "there"


def test_whatever_differs_makes_another_key(tissue, save_set, cache):
    patches = save_set(tissue(4))
    turned = patches.take([1, 0, 2, 3])
    keys = [
        open_pack(patches, cache=cache).key,
        open_pack(patches, size=32, fit="crop", cache=cache).key,
        open_pack(patches, size=32, fit="resize", cache=cache).key,
        open_pack(patches.take([0, 1, 2]), cache=cache).key,
        open_pack(turned, cache=cache).key,
    ]
    path = patches.path(2)
    Image.fromarray(tissue(1, seed=9)[0]).save(path)
    keys.append(open_pack(patches, cache=cache).key)
    assert len(set(keys)) == len(keys)
    assert np.array_equal(open_pack(turned, cache=cache).images[0], tissue(4)[1])


def test_a_changed_file_of_the_same_length_is_seen(tissue, save_set, cache):
    patches = save_set(tissue(2))
    for number, image in enumerate(tissue(2)):
        Image.fromarray(image).save(patches.path(number), "BMP")  # without compression
    before = open_pack(patches, cache=cache)
    Image.fromarray(tissue(1, seed=4)[0]).save(patches.path(1), "BMP")
    after = open_pack(patches, cache=cache)
    assert before.key != after.key
    assert np.array_equal(after.images[1], tissue(1, seed=4)[0])


def test_labels_and_groups_are_not_part_of_the_key(tissue, save_set, cache):
    patches = save_set(tissue(3))
    other = replace(patches, groups=np.array(["x", "x", "y"]), target=np.array(["1", "0", "1"]))
    assert open_pack(patches, cache=cache).folder == open_pack(other, cache=cache).folder
    assert open_pack(other, cache=cache).patches.groups.tolist() == ["x", "x", "y"]


@pytest.mark.parametrize("fit", ["crop", "resize"])
def test_images_of_other_sizes_are_fitted(tissue, save_set, cache, fit):
    images = [*tissue(3, 50), tissue(1, 64)[0], tissue(1, 50)[0][:30]]
    pack = open_pack(save_set(images), fit=fit, cache=cache)
    assert pack.images.shape == (5, 50, 50, 3)
    assert all(
        np.array_equal(found, fit_image(image, 50, fit=fit)) for found, image in zip(pack.images, images, strict=True)
    )
    assert pack.native_sizes.tolist() == [[50, 50]] * 3 + [[64, 64], [50, 30]]  # width, height
    assert pack.fit == fit


def test_other_sizes_are_refused_and_counted(tissue, save_set, cache):
    images = [*tissue(3, 50), *tissue(2, 64), tissue(1, 50)[0][:30]]
    patches = save_set(images)
    words = refusal(InvalidInput, patches, cache=cache)
    assert "have 3 sizes: 50x50 (3), 64x64 (2), 50x30 (1)" in words
    assert 'fit = "resize" or fit = "crop"' in words
    assert "size = 50" in words
    assert files_of(cache) == []
    assert "Expected 48x48" in refusal(InvalidInput, patches, size=48, cache=cache)
    assert "have 40x30 (2) pixels" in refusal(InvalidInput, save_set([images[0][:30, :40]] * 2), cache=cache)


@pytest.mark.parametrize("size", [0, -5, 7, 5000])
def test_impossible_sizes_are_refused(tissue, save_set, cache, size):
    assert f"size = {size}" in refusal(InvalidInput, save_set(tissue(1)), size=size, fit="crop", cache=cache)


def test_an_unknown_fit_and_an_empty_set_are_refused(tissue, save_set, cache):
    patches = save_set(tissue(2))
    assert "Did you mean 'resize'" in refusal(InvalidInput, patches, fit="resiz", cache=cache)
    assert "holds no image" in refusal(InvalidInput, patches.take(np.arange(0)), cache=cache)


def test_files_that_cannot_be_decoded_are_set_aside(tissue, save_set, cache):
    patches = save_set(tissue(20))
    patches.path(0).write_bytes(patches.path(0).read_bytes()[:900])
    patches.path(7).write_text("no image")
    patches.path(19).unlink()
    for _ in range(2):  # made, and opened
        pack = open_pack(patches, cache=cache)
        assert len(pack.patches) == len(pack) == 17
        assert np.array_equal(pack.images, np.delete(tissue(20), [0, 7, 19], axis=0))
        assert pack.patches.ids.tolist() == np.delete(patches.ids, [0, 7, 19]).tolist()
        reasons = {fault.path.name: fault.reason for fault in pack.patches.faults}
        assert set(reasons) == {"0000.png", "0007.png", "0019.png"}
        assert "damaged" in reasons["0000.png"]
        assert reasons["0007.png"] == "it cannot be read as an image"
        assert reasons["0019.png"] == "there is no such file or folder"
        assert all(fault.path.parent == patches.folder for fault in pack.patches.faults)


def test_too_many_faults_are_refused_and_ten_are_named(tissue, save_set, cache):
    patches = save_set(tissue(50))
    for row in range(11):
        patches.path(row).write_bytes(b"")
    words = refusal(InvalidInput, patches, cache=cache)
    assert "11 of 50 images of 'set' cannot be decoded" in words
    assert "'0009.png' (it is empty) and 1 more" in words
    assert files_of(cache) == []
    Image.fromarray(tissue(1)[0]).save(patches.path(0))
    assert len(open_pack(patches, cache=cache)) == 40


def test_a_set_without_a_whole_image_is_refused(tissue, save_set, cache):
    patches = save_set(tissue(2))
    for row in range(2):
        patches.path(row).write_bytes(b"")
    assert "No image of 'set' can be decoded: '0000.png' (it is empty)" in refusal(InvalidInput, patches, cache=cache)


def interrupted(patches, cache, after):
    """Interrupt the packing when so many images are done."""

    def progress(done):
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_pack(patches, cache=cache, progress=progress)


@pytest.mark.usefixtures("small_pieces")
def test_an_interrupted_packing_goes_on_to_the_same_bytes(tissue, save_set, cache, tmp_path, monkeypatch):
    patches = save_set(tissue(23))
    patches.path(3).write_bytes(b"broken")
    interrupted(patches, cache, 13)
    assert [name.endswith(".partial") for name in files_of(cache)] == [True]
    read, decoded = packing.read_image, []
    monkeypatch.setattr(packing, "read_image", lambda path: decoded.append(path.name) or read(path))
    told = []
    pack = open_pack(patches, cache=cache, progress=told.append)
    assert sorted(decoded) == [f"{number:04}.png" for number in range(10, 23)]  # two pieces of five were done
    assert told == [5, 10, *range(11, 24)]
    assert files_of(cache) == [pack.folder.name]
    monkeypatch.undo()
    whole = open_pack(patches, cache=tmp_path / "other")
    assert (pack.folder / "images.npy").read_bytes() == (whole.folder / "images.npy").read_bytes()
    assert pack.digests.tolist() == whole.digests.tolist()
    assert np.array_equal(pack.perceptual, whole.perceptual)
    assert pack.patches.faults == whole.patches.faults
    assert pack.key == whole.key


@pytest.mark.usefixtures("small_pieces")
def test_a_file_that_changed_since_the_interruption_is_read_again(tissue, save_set, cache):
    patches = save_set(tissue(20))
    for row in range(20):
        Image.fromarray(tissue(20)[row]).save(patches.path(row), "BMP")
    interrupted(patches, cache, 18)
    changed = tissue(1, seed=8)[0]
    Image.fromarray(changed).save(patches.path(6), "BMP")  # of the same length, in the second piece
    pack = open_pack(patches, cache=cache)
    expected = tissue(20)
    expected[6] = changed
    assert np.array_equal(pack.images, expected)
    assert pack.digests[6] == pixel_digest(changed)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("what", ["pixels", "record", "lost pixels", "half a piece"])
def test_what_was_damaged_since_the_interruption_is_made_again(tissue, save_set, cache, what):
    patches = save_set(tissue(20))
    interrupted(patches, cache, 18)
    (partial,) = (cache / "packs").glob("*.partial")
    if what == "pixels":
        damage(partial / "images.npy", 60_000)
    elif what == "record":
        damage(partial / "piece-00001.npz", 100)
    elif what == "lost pixels":
        (partial / "images.npy").unlink()
    else:
        os.truncate(partial / "images.npy", 70_000)
    pack = open_pack(patches, cache=cache)
    assert np.array_equal(pack.images, tissue(20))
    assert files_of(cache) == [pack.folder.name]


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("images.npy", lambda path: damage(path, 5000)),
        ("images.npy", lambda path: damage(path, -1)),
        ("images.npy", lambda path: damage(path, 70)),
        ("images.npy", lambda path: os.truncate(path, 10_000)),
        ("images.npy", lambda path: os.truncate(path, 0)),
        ("images.npy", lambda path: path.write_bytes(path.read_bytes() + b"x")),
        ("images.npy", Path.unlink),
        ("index.parquet", lambda path: damage(path, 200)),
        ("index.parquet", lambda path: os.truncate(path, 100)),
        ("index.parquet", Path.unlink),
        ("pack.json", lambda path: path.write_text("{")),
        ("pack.json", lambda path: path.write_text("[]")),
        ("pack.json", lambda path: path.write_text(path.read_text().replace('"images": 6', '"images": 5'))),
        ("pack.json", Path.unlink),
    ],
)
def test_a_damaged_pack_is_made_anew_with_a_note(tissue, save_set, cache, name, harm):
    patches = save_set(tissue(6))
    before = open_pack(patches, cache=cache)
    assert before.patches.notes == ()
    folder, whole = before.folder, (before.folder / "images.npy").read_bytes()
    del before  # an open map would keep the file on some systems
    harm(folder / name)
    pack = open_pack(patches, cache=cache)
    assert np.array_equal(pack.images, tissue(6))
    (note,) = pack.patches.notes
    assert "is damaged" in note
    assert note.endswith("It was made anew.")
    assert (folder / "images.npy").read_bytes() == whole
    assert open_pack(patches, cache=cache).patches.notes == ()


def test_a_pack_of_another_version_is_made_anew(tissue, save_set, cache):
    patches = save_set(tissue(2))
    path = open_pack(patches, cache=cache).folder / "pack.json"
    path.write_text(path.read_text().replace('"schema_number": 1', '"schema_number": 2'))
    assert len(open_pack(patches, cache=cache).patches.notes) == 1


PROGRAM = """
import sys, time
from pathlib import Path
import numpy as np
from cancernet.patches.pack import open_pack
from cancernet.patches.patchset import PatchSet

folder, cache, signs, name = (Path(word) for word in sys.argv[1:])
ids = np.array(sorted(path.name for path in folder.iterdir()))
told = []

def wait_for(sign):
    deadline = time.monotonic() + 60
    while not (signs / sign).exists() and time.monotonic() < deadline:
        time.sleep(0.01)

def progress(done):
    told.append(done)
    (signs / "begun").touch()
    wait_for("second")

if str(name) == "second":
    wait_for("begun")
    (signs / "second").touch()
pack = open_pack(PatchSet("set", folder, ids, ids), cache=cache, progress=progress)
print(len(told), pack.key, len(pack))
"""


def test_two_processes_that_pack_the_same_set_do_it_once(tissue, save_set, cache, tmp_path):
    patches = save_set(tissue(100))
    arguments = [sys.executable, "-c", PROGRAM, str(patches.folder), str(cache), str(tmp_path)]
    programs = [subprocess.Popen([*arguments, name], stdout=subprocess.PIPE, text=True) for name in ("first", "second")]
    said = [program.communicate(timeout=120)[0].split() for program in programs]
    assert [program.returncode for program in programs] == [0, 0]
    assert [int(told) for told, *_ in said] == [2, 0]  # of 64 and of 100 images; the other waited and opened it
    assert said[0][1:] == said[1][1:]
    assert len(files_of(cache)) == 1


def test_a_process_that_is_killed_leaves_no_lock_behind(tissue, save_set, cache, tmp_path):
    patches = save_set(tissue(100))
    arguments = [sys.executable, "-c", PROGRAM, str(patches.folder), str(cache), str(tmp_path), "first"]
    program = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    program.kill()
    program.wait()
    assert np.array_equal(open_pack(patches, cache=cache).images, tissue(100))


def test_a_disk_that_is_too_small_is_told_before_the_work_begins(tissue, save_set, cache, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 70_000))
    monkeypatch.setattr(packing, "read_image", None)
    words = refusal(StorageFailure, save_set(tissue(10)), cache=cache)
    assert "The pack of 10 images needs 0.00 GB more" in words
    assert "CANCERNET_CACHE" in words


def test_a_cache_that_cannot_be_written_is_named(tissue, save_set, tmp_path):
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refusal(StorageFailure, save_set(tissue(2)), cache=tmp_path / "file")


def test_a_disk_that_becomes_full_leaves_nothing_under_the_name(tissue, save_set, cache, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    patches = save_set(tissue(6))
    with monkeypatch.context() as patch:
        patch.setattr(packing, "write_contents", full)
        assert "the disk is full" in refusal(StorageFailure, patches, cache=cache)
    assert [name.endswith(".partial") for name in files_of(cache)] == [True]
    assert np.array_equal(open_pack(patches, cache=cache).images, tissue(6))


def test_the_cache_is_where_the_environment_says(tissue, save_set, tmp_path, monkeypatch):
    monkeypatch.setenv("CANCERNET_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    assert open_pack(save_set(tissue(2))).folder.parent == tmp_path / "mine" / "packs"


def test_one_thread_and_many_make_the_same_pack(tissue, save_set, cache, tmp_path):
    patches = save_set(tissue(30))
    one, many = open_pack(patches, cache=cache, workers=1), open_pack(patches, cache=tmp_path / "many", workers=7)
    assert one.key == many.key
    assert (one.folder / "images.npy").read_bytes() == (many.folder / "images.npy").read_bytes()


@pytest.mark.realdata
def test_idc_is_packed_with_its_edge_pieces(realdata, cache):
    paths = sorted((realdata / "idc").glob("*/*/*.png"))[::40]
    ids = np.array([path.relative_to(realdata / "idc").as_posix() for path in paths])
    patches = PatchSet("idc", realdata / "idc", ids, ids)
    assert "50x50" in refusal(InvalidInput, patches, cache=cache)
    pack = open_pack(patches, size=50, fit="crop", cache=cache)
    assert len(pack) == len(paths) == 301
    assert 0 < (pack.native_sizes < 50).any(axis=1).sum() < 10
    row = int(np.flatnonzero((pack.native_sizes == 50).all(axis=1))[0])
    assert np.array_equal(pack.images[row], np.asarray(Image.open(paths[row])))
