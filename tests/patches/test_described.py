import numpy as np
import pytest

from cancernet.errors import StorageFailure
from cancernet.patches import described, image_statistics, open_pack, pack_statistics


@pytest.fixture
def pack(tissue, save_set, tmp_path):
    return open_pack(save_set(tissue(12), [f"p{number}" for number in range(12)]), cache=tmp_path / "cache")


@pytest.fixture
def counted(monkeypatch):
    """Count the calls that describe images, and let them take five at once."""
    calls = []
    monkeypatch.setattr(described, "_AT_ONCE", 5)
    monkeypatch.setattr(
        described, "image_statistics", lambda images: calls.append(len(images)) or image_statistics(images)
    )
    return calls


def kept(pack):
    return list(pack.folder.glob("statistics-*"))


def test_statistics_are_those_of_the_pixels_and_are_computed_once(pack, counted):
    told = []

    first = pack_statistics(pack, progress=told.append)
    again = pack_statistics(pack)

    np.testing.assert_array_equal(first, image_statistics(np.asarray(pack.images)))
    np.testing.assert_array_equal(again, first)
    assert (counted, told, len(kept(pack))) == ([5, 5, 2], [5, 10, 12], 1)


@pytest.mark.parametrize("harm", ["cut", "changed", "of other images"])
def test_a_file_that_is_not_whole_is_written_anew(pack, counted, harm):
    values = pack_statistics(pack)
    (path,) = kept(pack)
    content = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "changed":
        content[len(content) // 2] ^= 16
        path.write_bytes(content)
    else:
        described.write_arrays(path, {"values": values[:5]})

    np.testing.assert_array_equal(pack_statistics(pack), values)
    np.testing.assert_array_equal(pack_statistics(pack), values)
    assert counted == [5, 5, 2] * 2


def test_other_statistics_have_another_file(pack, monkeypatch):
    pack_statistics(pack)
    monkeypatch.setattr(described, "_VERSION", 0)

    pack_statistics(pack)

    assert len(kept(pack)) == 2


def test_a_folder_that_may_not_be_written_is_no_error(pack, monkeypatch):
    def refuse(path, arrays):
        raise StorageFailure(f"'{path}' may not be written", "A folder that may be", "Ask")

    monkeypatch.setattr(described, "write_arrays", refuse)

    assert pack_statistics(pack).shape == (12, 24)
    assert not kept(pack)
