"""Files as TRIDENT (0.2, WSI.extract_patch_features and IO.save_h5), STAMP (2.x, preprocessing) and CLAM write them."""

import sys

import h5py
import numpy as np
import pytest

from bags.made import made_features, made_places, write_stamp, write_trident
from cancernet.bags import read_bag
from cancernet.errors import CorruptFile, InvalidInput, MissingExtra, StorageFailure


@pytest.mark.parametrize("batch", [False, True])
def test_trident(tmp_path, batch):
    features = made_features(5)
    bag = read_bag(write_trident(tmp_path / "a.h5", features, batch=batch))
    np.testing.assert_array_equal(bag.features, features)
    np.testing.assert_array_equal(bag.places[:, :2], made_places(5)[:, :2])
    assert (bag.places[:, 2:] == 512).all()
    assert (bag.encoder, bag.unit) == ("uni_v1", "l0_px")
    assert (bag.pixel_size.status, bag.pixel_size.mpp) == ("estimated", 0.5)
    assert (bag.pixel_size.low, bag.pixel_size.high) == (0.4, 0.6)  # 0.2 to 0.3 at 40x, read at 20x
    assert "magnification 20" in bag.pixel_size.how


@pytest.mark.parametrize("batch", [False, True])
def test_stamp(tmp_path, batch):
    features = made_features(5)
    bag = read_bag(write_stamp(tmp_path / "a.h5", features, batch=batch))
    assert bag.features.dtype == np.float32
    np.testing.assert_array_equal(bag.features, features.astype(np.float16))
    np.testing.assert_allclose(bag.places[:, :2], made_places(5, 112.0)[:, :2])
    assert (bag.places[:, 2:] == 112).all()
    assert (bag.encoder, bag.unit) == ("mahmood-uni", "um")
    assert (bag.pixel_size.status, bag.pixel_size.mpp) == ("known", 0.5)


def test_stamp_before_2_1_knows_no_resolution(tmp_path):
    bag = read_bag(write_stamp(tmp_path / "a.h5", made_features(5), version="2.0.0"))
    assert (bag.encoder, bag.unit, bag.pixel_size.status) == ("mahmood-uni", "um", "unknown")
    assert (bag.places[:, 2] == 112).all()


def test_clam_says_nothing_of_itself(tmp_path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["features"], file["coords"] = made_features(4), np.zeros((4, 2), np.int64)
    bag = read_bag(tmp_path / "a.hdf5")
    assert (bag.encoder, bag.pixel_size.status, bag.places, len(bag)) == ("", "unknown", None, 4)


def test_an_unknown_encoder_is_no_name(tmp_path):
    assert read_bag(write_trident(tmp_path / "a.h5", made_features(2), encoder=None)).encoder == ""


def test_other_magnifications_give_no_range(tmp_path):
    path = write_trident(tmp_path / "a.h5", made_features(2))
    with h5py.File(path, "a") as file:
        file["coords"].attrs["level0_magnification"] = 30
    assert (read_bag(path).pixel_size.mpp, read_bag(path).pixel_size.low) == (0.5, None)


def with_datasets(path, **datasets):
    """Write HDF5 with these datasets."""
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return path


@pytest.mark.parametrize(
    ("datasets", "error", "words"),
    [
        ({}, CorruptFile, "holds nothing"),
        ({"embeddings": np.zeros((2, 3))}, CorruptFile, "holds 'embeddings'"),
        ({"features": np.zeros(3)}, InvalidInput, "not those of a whole slide"),
        ({"features": np.zeros((2, 3, 4))}, InvalidInput, "not those of a whole slide"),
        ({"features": np.zeros((0, 4))}, InvalidInput, "holds no tile"),
        ({"feats": np.full((2, 4), np.nan)}, InvalidInput, "8 features of"),
        ({"features": np.full((2, 4), np.inf)}, InvalidInput, "8 features of"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, datasets, error, words):
    with pytest.raises(error, match=words):
        read_bag(with_datasets(tmp_path / "a.h5", **datasets))


def test_coordinates_of_another_number_are_refused(tmp_path):
    path = write_trident(tmp_path / "a.h5", made_features(5))
    with h5py.File(path, "a") as file:
        del file["features"]
        file["features"] = made_features(4)
    with pytest.raises(CorruptFile, match=r"coordinates of shape \(5, 2\) for 4 tiles"):
        read_bag(path)


def test_a_file_cannot_reach_into_others(tmp_path):
    other = with_datasets(tmp_path / "other.h5", features=made_features(2))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["features"] = h5py.ExternalLink(str(other), "features")
    with pytest.raises(CorruptFile, match="holds a link in the place of 'features'"):
        read_bag(tmp_path / "link.h5")
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout((2, 6), dtype="f4")
        layout[:] = h5py.VirtualSource(str(other), "features", shape=(2, 6))
        file.create_virtual_dataset("features", layout)
    with pytest.raises(CorruptFile, match="does not hold the numbers of 'features' itself"):
        read_bag(tmp_path / "virtual.h5")


def test_damaged_and_absent_files(tmp_path):
    whole = write_trident(tmp_path / "a.h5", made_features(500)).read_bytes()
    (tmp_path / "half.h5").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.h5").write_text("no HDF5")
    for name in ("half.h5", "text.h5"):
        with pytest.raises(CorruptFile, match="cannot be read"):
            read_bag(tmp_path / name)
    with pytest.raises(StorageFailure, match="no such file"):
        read_bag(tmp_path / "absent.h5")


def test_without_h5py_the_install_line_is_told(tmp_path, monkeypatch):
    path = write_trident(tmp_path / "a.h5", made_features(2))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"pip install 'cancernet\[train\]'"):
        read_bag(path)
