"""Feeding: the same patches from memory and from a mapped file, whose pages do not stay resident."""

import mmap
import re
from pathlib import Path

import numpy as np
import pytest

from cancernet.training import Augmentation
from cancernet.training.feed import PatchFeed

SIZE, COUNT = 32, 4000


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (COUNT, SIZE, SIZE, 3), dtype=np.uint8))
    return path


def _batches(images, rows, *, epoch=0):
    feed = PatchFeed(images, rows, augmentation=Augmentation(), seed=3)
    places = np.array_split(np.random.default_rng(1).permutation(len(rows)), 40)
    return list(feed.batches(places, epoch=epoch))


def _resident(path: Path) -> int:
    """Return how many kB of a mapped file are resident in this process."""
    smaps = Path("/proc/self/smaps").read_text(encoding="utf-8")
    found = re.findall(rf"{re.escape(str(path))}\n(?:\w+:.*\n)*?Rss:\s+(\d+) kB", smaps)
    return sum(map(int, found))


def test_patches_of_a_mapped_file_are_those_of_memory(pack: Path) -> None:
    rows = np.arange(0, COUNT, 3)
    mapped, loaded = _batches(np.load(pack, mmap_mode="r"), rows), _batches(np.load(pack), rows)
    for one, other in zip(mapped, loaded, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="the system cannot give pages back")
@pytest.mark.skipif(not Path("/proc/self/smaps").is_file(), reason="no /proc")
def test_a_pack_does_not_stay_resident(pack: Path) -> None:
    images = np.load(pack, mmap_mode="r")
    whole = int(images.sum(dtype=np.int64))
    before = _resident(pack)
    batches = _batches(images, np.arange(COUNT))
    assert sum(map(len, batches)) == COUNT
    assert before > 0.9 * pack.stat().st_size / 1024
    assert _resident(pack) < 0.1 * before
    assert int(images.sum(dtype=np.int64)) == whole  # the pages come back when they are asked for
