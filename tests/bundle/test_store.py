import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from bundle.made import made_bundle, made_card, made_keras, made_onnx
from cancernet import bundle
from cancernet.bundle import store
from cancernet.errors import BundleMismatch, CorruptFile, InvalidInput, StorageFailure

FILES = ("card.json", "checksums.json", "model.keras", "model.onnx")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_bundle(tmp_path / "made")


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    onnx.save(made_onnx(), tmp_path / "source.onnx")
    return {"keras_file": made_keras(tmp_path / "source.keras"), "onnx_file": tmp_path / "source.onnx"}


def change_json(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_was_written_is_read(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert bundle.load_card(folder) == bundle.verify(folder) == made_card()


def test_a_bundle_may_be_moved(folder, tmp_path):
    assert bundle.verify(shutil.move(folder, tmp_path / "elsewhere")) == made_card()


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_anywhere_is_found(folder, name):
    path = folder / name
    whole = path.read_bytes()
    for position in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises((CorruptFile, BundleMismatch), match=rf"{name}|damaged"):
            bundle.verify(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "longer"])
def test_missing_and_cut_files_are_named(folder, name, damage):
    path = folder / name
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes({"empty": b"", "cut": whole[:-5], "longer": whole + b"x"}[damage])
    with pytest.raises(CorruptFile, match=name):
        bundle.verify(folder)


@pytest.mark.parametrize("name", ["card.json", "checksums.json"])
def test_a_schema_from_the_future_is_called_newer_not_damaged(folder, name):
    change_json(folder / name, schema_version=99)
    with pytest.raises(BundleMismatch, match=r"schema 99.*newer.*pip install --upgrade"):
        bundle.verify(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"schema_version": None},
        {"schema_version": "1"},
        {"sha256": []},
        {"sha256": {"card.json": "0"}},
        {"sha256": {"card.json": "0", "model.keras": "0", "model.onnx": "0", "../../etc/passwd": "0"}},
    ],
)
def test_checksums_hold_what_they_should_and_nothing_else(folder, changes):
    change_json(folder / "checksums.json", **changes)
    with pytest.raises(CorruptFile, match=r"checksums\.json"):
        bundle.verify(folder)


def test_checksums_that_are_no_object_are_damaged(folder):
    (folder / "checksums.json").write_text("[1]")
    with pytest.raises(CorruptFile, match=r"checksums\.json"):
        bundle.verify(folder)


def test_an_unknown_key_in_the_card_is_named(folder):
    change_json(folder / "card.json", surprise=1)
    with pytest.raises(CorruptFile, match="surprise"):
        bundle.load_card(folder)


def test_an_absurdly_large_card_is_not_read(folder):
    with (folder / "card.json").open("r+b") as stream:
        stream.truncate(2**30)  # sparse: takes no room
    with pytest.raises(CorruptFile, match="larger than 64 MiB"):
        bundle.load_card(folder)


def test_an_existing_bundle_is_kept_unless_forced(folder, sources):
    with pytest.raises(InvalidInput, match="exists already"):
        bundle.write(folder, made_card(name="new"), **sources)
    assert bundle.verify(folder).name == "made"
    bundle.write(folder, made_card(name="new"), **sources, force=True)
    assert bundle.verify(folder).name == "new"


@pytest.mark.parametrize("name", ["keras_file", "onnx_file"])
def test_unsafe_weights_are_not_written(sources, name, tmp_path):
    sources[name].write_bytes(b"no such file format")
    with pytest.raises(CorruptFile, match="source"):
        bundle.write(tmp_path / "new", made_card(), **sources)
    assert not list(tmp_path.glob("*new*"))


def test_a_full_disk_leaves_nothing_half_written(sources, tmp_path):
    target = tmp_path / "disk" / "made"
    code = """
import resource, signal, sys
from pathlib import Path
from bundle.made import made_card
from cancernet import bundle
from cancernet.errors import StorageFailure
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
try:
    bundle.write(Path(sys.argv[1]), made_card(), keras_file=Path(sys.argv[2]), onnx_file=Path(sys.argv[3]))
except StorageFailure as error:
    print(error)
"""
    paths = [str(target), str(sources["keras_file"]), str(sources["onnx_file"])]
    tests = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, env=tests)
    assert done.returncode == 0, done.stderr
    assert "the file would be larger than allowed" in done.stdout
    assert not target.parent.exists()


def test_a_place_that_cannot_be_a_folder_is_explained(sources, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailure, match=r"a file, not a folder|a file stands"):
        bundle.write(tmp_path / "file" / "made", made_card(), **sources)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_explained(sources, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(StorageFailure, match="rights are missing"):
        bundle.write(locked / "made", made_card(), **sources)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_explained(folder):
    (folder / "model.onnx").chmod(0)
    with pytest.raises(StorageFailure, match="rights are missing"):
        bundle.verify(folder)


def test_a_bundle_is_found_by_path_and_by_name(folder, tmp_path, monkeypatch):
    zoo = tmp_path / "zoo"
    made_bundle(zoo / "fna")
    (zoo / "no-bundle").mkdir()
    monkeypatch.setattr(store, "_ZOO", zoo)
    assert bundle.zoo_names() == ("fna",)
    assert bundle.find("fna") == zoo / "fna"
    assert bundle.find(folder) == bundle.find(str(folder)) == folder


def test_an_unknown_name_offers_the_nearest(tmp_path, monkeypatch):
    made_bundle(tmp_path / "zoo" / "fna")
    monkeypatch.setattr(store, "_ZOO", tmp_path / "zoo")
    with pytest.raises(InvalidInput, match=r"no bundle 'fan'.*Did you mean 'fna'"):
        bundle.find("fan")
    with pytest.raises(InvalidInput, match=r"no bundle 'runs/x'.*Check the path"):
        bundle.find("runs/x")


def test_without_shipped_bundles_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_ZOO", tmp_path / "none")
    with pytest.raises(InvalidInput, match="there is none"):
        bundle.find("fna")


@pytest.mark.parametrize("name", ["../../../../etc", "fna/../../data", "/etc/hostname"])
def test_a_name_does_not_leave_the_zoo(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((InvalidInput, CorruptFile)):
        bundle.verify(bundle.find(name))


def test_a_file_is_not_a_bundle(folder):
    with pytest.raises(InvalidInput, match="is a file, not a bundle"):
        bundle.find(folder / "card.json")


def test_all_names_are_public():
    assert len(bundle.__all__) == len(set(bundle.__all__))
    assert all(hasattr(bundle, name) for name in bundle.__all__)


def test_verifying_needs_no_deep_learning_library(folder):
    code = "import sys; from cancernet import bundle; bundle.verify(sys.argv[1]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "onnx", "openvino", "onnxruntime"} & set(done.stdout.split())
