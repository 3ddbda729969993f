"""Mosaics: the right patch in every square, and a table that says which."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import openslide
import pandas as pd
import pytest
from PIL import Image
from shapely import Point, box

from cancernet.errors import InvalidInput
from cancernet.patches import Pack, PatchOptions, open_pack, read_patches
from cancernet.slides.made import Outlines, make_slide, mosaic_picture, of_groups, whole_patches

SIZE = (700, 500)
OUTLINES = Outlines((box(60, 60, 640, 440).difference(box(300, 100, 360, 160)),), (Point(250, 300).buffer(90),))


def _write(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (20, 20)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty normal and ten tumour patches of one colour each, of three patients, and a smaller piece."""
    top = tmp_path_factory.mktemp("patches")
    for number in range(40):
        _write(top / "normal" / f"p{number % 3}_{number}.png", (240, 200 - number, number))
    for number in range(10):
        _write(top / "tumour" / f"p{number % 3}_{number}.png", (90, 40, 100 + 5 * number))
    _write(top / "normal" / "p0_edge.png", (0, 0, 0), (20, 11))
    return top


@pytest.fixture(scope="module")
def pack(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    patches = read_patches(folder, options=PatchOptions(layout="folders", group=r"re:(p\d)_"))
    return open_pack(whole_patches(patches), cache=tmp_path_factory.mktemp("cache"))


def _kind(x: float, y: float) -> str:
    """The class of a square by its centre, one point at a time."""
    if any(each.contains(Point(x, y)) for each in OUTLINES.tumour):
        return "tumour"
    return "normal" if any(each.contains(Point(x, y)) for each in OUTLINES.tissue) else "glass"


def test_pieces_are_left_out(folder, pack):
    assert len(read_patches(folder)) == 51
    assert len(pack) == 50
    assert "normal/p0_edge.png" not in pack.patches.ids


def test_every_square_holds_a_patch_of_its_class(pack):
    picture = mosaic_picture(pack, positive="tumour", size=SIZE, mpp=4.0, outlines=OUTLINES)
    pixels = picture.block(0, 0, *SIZE)
    by_place = {place: row for row, place in enumerate(zip(picture.cells.l0_x, picture.cells.l0_y, strict=True))}
    for y in range(0, 500 - 19, 20):
        for x in range(0, 700 - 19, 20):
            kind, row = _kind(x + 10, y + 10), by_place.pop((x, y), None)
            square = pixels[y : y + 20, x : x + 20]
            if kind == "glass":
                assert row is None
                assert (square == 245).all()
            else:
                assert picture.cells.label[row] == kind
                number = pack.patches.ids.tolist().index(picture.cells.path[row])
                assert np.array_equal(square, pack.images[number])
    assert by_place == {}


def test_patches_come_again_only_when_all_were_laid(pack):
    picture = mosaic_picture(pack, positive="tumour", size=SIZE, mpp=4.0, outlines=OUTLINES)
    for label in ("normal", "tumour"):
        paths = [path for path, of in zip(picture.cells.path, picture.cells.label, strict=True) if of == label]
        counts = Counter(paths)
        assert len(counts) == len(pack.patches.ids[pack.patches.target == label])
        assert max(counts.values()) - min(counts.values()) <= 1


def test_any_block_is_a_part_of_the_whole(pack):
    picture = mosaic_picture(pack, positive="tumour", size=SIZE, mpp=4.0, outlines=OUTLINES)
    whole = picture.block(0, 0, *SIZE)
    for x, y, width, height in ((0, 0, 1, 1), (13, 27, 301, 199), (690, 480, 10, 20), (239, 299, 2, 2)):
        assert np.array_equal(picture.block(x, y, width, height), whole[y : y + height, x : x + width])


@pytest.mark.parametrize(("patch_mpp", "side"), [(None, 20), (4.0, 20), (8.0, 40), (2.0, 10), (5.0, 25)])
def test_patches_are_resampled_to_the_slide(pack, patch_mpp, side):
    picture = mosaic_picture(pack, positive="tumour", size=SIZE, mpp=4.0, patch_mpp=patch_mpp, outlines=OUTLINES)
    assert picture.cells.l0_side == side
    assert picture.facts["patch_mpp"] == (patch_mpp or 4.0)
    for x, y, path in list(zip(picture.cells.l0_x, picture.cells.l0_y, picture.cells.path, strict=True))[::7]:
        colour = pack.images[pack.patches.ids.tolist().index(path)][0, 0]
        assert (picture.block(x, y, side, side) == colour).all()


def test_the_seed_decides(pack):
    one, same, other = (
        mosaic_picture(pack, positive="tumour", size=SIZE, mpp=4.0, seed=seed, outlines=OUTLINES) for seed in (1, 1, 2)
    )
    assert one.cells == same.cells
    assert one.cells != other.cells
    drawn = mosaic_picture(pack, positive="tumour", size=SIZE, mpp=4.0, seed=1)
    assert len(drawn.outlines.tumour) == 3


def test_only_some_patients(folder):
    patches = read_patches(folder, options=PatchOptions(layout="folders", group=r"re:(p\d)_"))
    assert set(of_groups(patches, ["p0", "p2"]).groups.tolist()) == {"p0", "p2"}
    with pytest.raises(InvalidInput, match=r"Unknown group 'p9'.*p0"):
        of_groups(patches, ["p0", "p9"])


def test_the_table_is_written(tmp_path, pack):
    picture = mosaic_picture(pack, positive="tumour", size=SIZE, mpp=4.0, outlines=OUTLINES)
    made = make_slide(tmp_path / "m.tiff", picture)
    table = pd.read_parquet(tmp_path / "m.cells.parquet")
    assert list(table.columns) == ["l0_x", "l0_y", "l0_side", "path", "label", "group"]
    assert len(table) == len(picture.cells.path)
    assert made.description["groups"] == ["p0", "p1", "p2"]
    assert made.description["patch_mpp_is"] == "taken to be that of the slide"
    with openslide.OpenSlide(tmp_path / "m.tiff") as slide:
        for row in table.sample(20, random_state=1).itertuples():
            found = np.array(slide.read_region((row.l0_x + 5, row.l0_y + 5), 0, (10, 10)))[:, :, :3]
            colour = pack.images[pack.patches.ids.tolist().index(row.path)][0, 0]
            assert np.abs(found.mean(axis=(0, 1)) - colour).max() < 25  # colours of neighbours bleed at 4:2:0
            assert row.group in row.path


def test_mosaics_that_cannot_be(pack, folder, tmp_path):
    with pytest.raises(InvalidInput, match=r"Unknown label 'tumor'.*Did you mean 'tumour'"):
        mosaic_picture(pack, positive="tumor", size=SIZE, mpp=4.0)
    with pytest.raises(InvalidInput, match="would be 1 pixels wide"):
        mosaic_picture(pack, positive="tumour", size=SIZE, mpp=4.0, patch_mpp=0.2)
    with pytest.raises(InvalidInput, match="above 0"):
        mosaic_picture(pack, positive="tumour", size=SIZE, mpp=4.0, patch_mpp=-1)
    files = sorted(folder.glob("tumour/*.png"))
    plain = open_pack(read_patches(files), cache=tmp_path)
    with pytest.raises(InvalidInput, match="no labels"):
        mosaic_picture(plain, positive="tumour", size=SIZE, mpp=4.0)
    only = pack.patches.take(pack.patches.target == "tumour")
    with pytest.raises(InvalidInput, match="All patches have the label 'tumour'"):
        mosaic_picture(open_pack(only, cache=tmp_path), positive="tumour", size=SIZE, mpp=4.0)


def test_patches_that_cannot_be(tmp_path):
    _write(tmp_path / "a" / "1.png", (1, 2, 3), (20, 10))
    with pytest.raises(InvalidInput, match="20x10"):
        whole_patches(read_patches(tmp_path / "a"))
    (tmp_path / "a" / "1.png").write_bytes(b"no image")
    with pytest.raises(InvalidInput, match="can be read"):
        whole_patches(read_patches(tmp_path / "a"))


@pytest.mark.realdata
def test_a_mosaic_of_real_patches(realdata, tmp_path):
    patches = read_patches(realdata / "idc", options=PatchOptions(layout="idc"))
    some = of_groups(patches, sorted(set(patches.groups.tolist()))[:6])
    pack = open_pack(whole_patches(some), cache=tmp_path / "cache")
    picture = mosaic_picture(pack, positive="1", size=(3000, 2000), mpp=4.0, seed=3)
    make_slide(tmp_path / "m.tiff", picture)
    table = pd.read_parquet(tmp_path / "m.cells.parquet")
    assert {"0", "1"} == set(table["label"])
    assert (table["path"].str.extract(r"class(\d)\.png$")[0] == table["label"]).all()
    tumours = picture.outlines.tumour
    inside = [
        any(each.contains(Point(x + 25, y + 25)) for each in tumours)
        for x, y in zip(table.l0_x, table.l0_y, strict=True)
    ]
    assert (table["label"].eq("1") == inside).all()
