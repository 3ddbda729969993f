"""Sheets as figures: every pixel of a patch is where it should be, nothing overlaps, nothing is huge."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cancernet.report import PatchSheet, RunRecord
from cancernet.report.sheetfigures import place, scaled, sheet_drawings
from cancernet.report.style import render
from report.made import make_record

LONG = "invasive ductal carcinoma of no special type, moderately differentiated, with necrosis"
RECORD = make_record(rows=30)


def noise(count: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return patches of noise, (count, height, width, 3)."""
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def sheet(images: NDArray[np.uint8], **changes: Any) -> PatchSheet:
    """Return a sheet of some pictures."""
    labels = tuple(f"truth {LONG}\nanswer benign\nprobability 0.98\npatient_{place}" for place in range(len(images)))
    return PatchSheet(
        **({"name": "made", "title": "Made", "caption": "x", "images": images, "labels": labels} | changes)
    )


def drawn(one: PatchSheet) -> NDArray[np.uint8]:
    """Return the pixels of a sheet's figure."""
    (drawing,) = sheet_drawings(
        RunRecord(name="x", kind="train", title="x", scored=RECORD.scored, metrics={}, sheets=(one,))
    )
    return np.asarray(Image.open(io.BytesIO(render(drawing).png)))


@pytest.mark.parametrize("shape", [(27, 27), (50, 50), (64, 40), (128, 128), (224, 224), (256, 256)])
def test_every_pixel_of_a_patch_is_a_block_of_the_figure(shape: tuple[int, int]) -> None:
    one = sheet(noise(7, *shape), tones=("good", "bad", "") * 2 + ("",))
    pictures = scaled(one.images)
    factor = pictures.shape[1] // shape[0]
    np.testing.assert_array_equal(pictures[:, ::factor, ::factor], one.images)
    pixels, layout = drawn(one), place(one, height=pictures.shape[1], width=pictures.shape[2])
    assert pixels.shape == (layout.height, layout.width, 3)
    for picture, (left, top) in zip(pictures, layout.corners, strict=True):
        np.testing.assert_array_equal(pixels[top:, left:][: picture.shape[0], : picture.shape[1]], picture)


def test_the_frame_tells_right_from_wrong() -> None:
    one = sheet(noise(3, 50, 50), tones=("good", "bad", ""))
    pixels, layout = drawn(one), place(one, height=200, width=200)
    frames = [tuple(pixels[top + 100, left - 3].tolist()) for left, top in layout.corners]
    assert frames == [(15, 130, 118), (213, 94, 0), (255, 255, 255)]


def test_large_patches_are_averaged_over_whole_blocks() -> None:
    images = noise(1, 700, 460)
    found = scaled(images)
    assert found.shape == (1, 233, 153, 3)  # by three, a rest of one pixel left out
    blocks = images[:, :699, :459].reshape(1, 233, 3, 153, 3, 3).astype(float)
    np.testing.assert_allclose(found, blocks.mean(axis=(2, 4)), atol=0.51)
    assert scaled(noise(1, 2, 5000)).shape[1:3] == (1, 250)


@pytest.mark.parametrize("side", [16, 27, 50, 128, 224, 256, 600])
@pytest.mark.parametrize("count", [1, 7, 12, 37, 64])
def test_a_sheet_is_neither_tiny_nor_huge_and_nothing_overlaps(side: int, count: int) -> None:
    one = sheet(np.zeros((count, side, side, 3), dtype=np.uint8))
    pictures = scaled(one.images)
    assert 96 <= pictures.shape[1] <= 270
    layout = place(one, height=pictures.shape[1], width=pictures.shape[2])
    assert 840 <= layout.width <= 1680
    assert layout.height <= 3400
    step = pictures.shape[1] + 5 * 21  # at least five lines stand under each
    for index, (left, top) in enumerate(layout.corners):
        assert left >= 5
        assert left + pictures.shape[2] <= layout.width - 5
        assert top + step <= layout.height
        for other, below in layout.corners[:index]:
            assert abs(other - left) >= pictures.shape[2] + 10 or abs(below - top) >= step


def test_each_block_begins_a_row_under_its_heading() -> None:
    one = sheet(noise(7, 50, 50), blocks=("a",) * 4 + ("b",) * 2 + ("a",))
    layout = place(one, height=200, width=200)
    assert [text for text, _, _ in layout.headings] == ["a", "b", "a"]
    tops = [top for _, top in layout.corners]
    assert len(set(tops[:4])) == len(set(tops[4:6])) == 1
    assert tops[0] < layout.headings[1][2] < tops[4] < layout.headings[2][2] < tops[6]
    assert layout.corners[4][0] == layout.corners[0][0]


def test_rows_of_a_long_block_are_about_equally_full() -> None:
    one = sheet(noise(7, 50, 50))
    layout = place(one, height=200, width=200)
    lefts = sorted({left for left, _ in layout.corners})
    assert len(lefts) == 4  # four and three, not six and one


def test_long_texts_are_broken_once_and_the_others_are_kept() -> None:
    one = sheet(noise(2, 50, 50), labels=(f"truth {LONG}\nprobability 0.98\nlung_n_213\x07", "x" * 500))
    first, second = place(one, height=200, width=200).labels
    assert first[0].startswith("truth invasive")
    assert first[1].endswith("…")
    assert first[2:] == ("probability 0.98", "lung_n_213")
    assert len(second) == 2
    assert second[1] == f"{'x' * (len(second[0]) - 1)}…"


@pytest.mark.parametrize("text", [LONG, "$\\frac{", "汉字汉字汉字", "", "é\n\n\nü"])
def test_any_text_can_be_drawn(text: str) -> None:
    pixels = drawn(sheet(noise(2, 27, 27), labels=(text, "x"), blocks=(text, text), title=text or "x"))
    assert pixels.shape[1] == 840


def test_labels_do_not_run_into_their_neighbours() -> None:
    digits = "patient " + "0123456789abcdef" * 2
    blank = np.full((6, 128, 128, 3), 255, dtype=np.uint8)
    one = sheet(blank, labels=(digits,) * 6)
    pixels, layout = drawn(one), place(one, height=256, width=256)
    for left, top in layout.corners[1:]:
        assert (pixels[top + 270 :, left - 8 : left - 2] > 245).all()


def test_the_words_of_a_sheet_hold_every_label() -> None:
    one = sheet(noise(3, 27, 27), blocks=("Missed", "Missed", "False alarms"))
    (drawing,) = sheet_drawings(
        RunRecord(name="x", kind="train", title="x", scored=RECORD.scored, metrics={}, sheets=(one,))
    )
    assert drawing.alt.startswith("3 patches side by side. Missed: truth ")
    assert drawing.alt.count(LONG) == 3
    assert "False alarms: truth" in drawing.alt
    assert "patient_2." in drawing.alt
    assert (drawing.name, drawing.section) == ("sheet-made", "errors")
