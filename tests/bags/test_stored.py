import json
from dataclasses import replace

import numpy as np
import pytest

from bags.made import MPP, made_features, made_places, write_slide
from cancernet.bags import Bag, read_bag, write_bag
from cancernet.errors import CorruptFile, InvalidInput, StorageFailure
from cancernet.files import read_arrays, write_arrays


def test_what_is_written_is_read(tmp_path):
    bag = Bag(made_features(7), "uni_v1", MPP, made_places(7))
    write_bag(tmp_path / "s.npz", bag)
    found = read_bag(tmp_path / "s.npz")
    np.testing.assert_array_equal(found.features, bag.features)
    np.testing.assert_array_equal(found.places, bag.places)
    assert (found.encoder, found.pixel_size, found.unit, len(found), found.width) == ("uni_v1", MPP, "l0_px", 7, 6)


def test_the_file_is_as_documented_and_needs_numpy_alone(tmp_path):
    path = write_slide(tmp_path, "s", made_features(3))
    with np.load(path, allow_pickle=False) as file:
        assert set(file) == {"features", "l0_x", "l0_y", "l0_width", "l0_height", "about"}
        assert file["features"].dtype == np.float32
        np.testing.assert_array_equal(file["l0_x"], [0, 256, 512])
        about = json.loads(str(file["about"]))
    assert about["schema"] == 1
    assert about["encoder"] == "made"
    assert about["pixel_size"]["mpp"] == 0.5


@pytest.mark.parametrize("features", [np.empty((0, 6), np.float32), np.full((2, 6), np.nan, np.float32)])
def test_nothing_is_written_that_would_be_refused(tmp_path, features):
    with pytest.raises(InvalidInput, match=r"holds no tile|12 features of"):
        write_bag(tmp_path / "s.npz", Bag(features, "x", MPP, made_places(len(features))))
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_kept_and_places_are_needed(tmp_path):
    bag = Bag(made_features(2), "x", MPP, made_places(2))
    write_bag(tmp_path / "s.npz", bag)
    with pytest.raises(InvalidInput, match="exists already"):
        write_bag(tmp_path / "s.npz", bag)
    with pytest.raises(InvalidInput, match="have no places in pixels of the base level"):
        write_bag(tmp_path / "t.npz", replace(bag, unit="um"))
    with pytest.raises(InvalidInput, match=r"A name that ends in \.npz"):
        write_bag(tmp_path / "t.h5", bag)


def change(path, **arrays):
    """Write the file again with other arrays; None leaves one out."""
    content = {**read_arrays(path), **arrays}
    write_arrays(path, {name: array for name, array in content.items() if array is not None})


@pytest.mark.parametrize(
    ("arrays", "error", "words"),
    [
        ({"features": None}, CorruptFile, "lacks features"),
        ({"l0_x": None}, CorruptFile, "l0_x"),
        ({"l0_x": np.zeros(2)}, CorruptFile, "s.npz"),
        ({"about": np.array("{")}, CorruptFile, "is no JSON"),
        ({"about": np.array("[]")}, CorruptFile, "no JSON object"),
        ({"about": np.array('{"schema": 1}')}, CorruptFile, "pixel_size"),
        ({"about": np.array('{"schema": 2}')}, InvalidInput, "newer version"),
        ({"features": np.zeros((3, 4, 6))}, InvalidInput, "not those of a whole slide"),
        ({"features": np.zeros(6)}, InvalidInput, "not those of a whole slide"),
        ({"features": np.array([["a"], ["b"], ["c"]])}, InvalidInput, "real numbers"),
        ({"features": np.full((3, 6), 1e300)}, InvalidInput, "18 features of .* too large"),
    ],
)
def test_what_is_damaged_is_told(tmp_path, arrays, error, words):
    path = write_slide(tmp_path, "s", made_features(3))
    change(path, **arrays)
    with pytest.raises(error, match=words):
        read_bag(path)


def test_files_that_are_none(tmp_path):
    (tmp_path / "half.npz").write_bytes(write_slide(tmp_path, "s", made_features(3)).read_bytes()[:200])
    with pytest.raises(CorruptFile, match="Make the features of this slide again"):
        read_bag(tmp_path / "half.npz")
    with pytest.raises(StorageFailure, match="no such file"):
        read_bag(tmp_path / "absent.npz")
    with pytest.raises(InvalidInput, match="is no file of features"):
        read_bag(tmp_path / "s.pt")
