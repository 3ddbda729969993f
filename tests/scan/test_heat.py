import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.made import made_card
from cancernet.bundle import Decision, Task, Threshold
from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.scan.grid import grid_of
from cancernet.scan.heat import HeatMap, map_scores, smooth, target_of
from cancernet.scan.score import Scores
from cancernet.slides import Pitch

GRADES = Task(kind="ordinal", classes=("normal", "light", "severe"))
TYPES = Task(kind="multiclass", classes=("a", "b", "c"))


def card_of(task, **fields):
    return made_card(task=task, prior=dict.fromkeys(task.classes, 1 / len(task.classes)), **fields)


def scores_at(columns, rows, probabilities=None):
    n = len(columns)
    given = np.full((n, 3), 1 / 3, np.float32) if probabilities is None else np.asarray(probabilities, np.float32)
    no = np.zeros(n, dtype=bool)
    return Scores(("a", "b", "c"), np.asarray(columns), np.asarray(rows), given, np.zeros(n, np.int64), no, no)


def grid_with(overlap=0.0, extent=1000, tile=50):
    return grid_of(Box(10, 20, extent, extent), Pitch(1, 1, "made"), px_tile=tile, mpp=1.0, overlap=overlap)


def everything(grid):
    rows, columns = np.divmod(np.arange(len(grid)), grid.columns)
    return scores_at(columns, rows)


def test_the_map_of_two_classes_shows_the_positive_one_at_the_threshold_of_the_card():
    binary = Task(kind="binary", classes=("0", "1"), positive="1")
    card = card_of(binary, decision=Decision(threshold=Threshold(value=0.37, rule="balanced", rows="made")))
    target = target_of(card)
    assert (target.name, target.columns, target.threshold) == ("1", (1,), 0.37)
    other = target_of(card, "0")
    assert (other.columns, other.threshold) == ((0,), 0.5)


def test_the_map_of_grades_shows_this_grade_or_a_worse_one():
    target = target_of(card_of(GRADES))
    assert target.words == "probability of light or worse"
    scores = scores_at([0, 1], [0, 0], [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    np.testing.assert_allclose(target.of(scores), [0.5, 0.9], atol=1e-6)
    assert target_of(card_of(GRADES), "severe").words == "probability of severe"


@pytest.mark.parametrize(("name", "said"), [(None, "--class"), ("d", "no class 'd'")])
def test_a_type_has_to_be_named(name, said):
    with pytest.raises(InvalidInput, match=said):
        target_of(card_of(TYPES), name)
    assert target_of(card_of(TYPES), "b").columns == (1,)


def test_without_overlap_each_tile_is_a_cell():
    grid = grid_with()
    scores = scores_at([0, 3], [1, 2])
    heat = map_scores(scores, np.array([0.25, 0.75]), grid=grid)
    assert heat.values.shape == (grid.rows, grid.columns)
    assert heat.box == Box(10, 20, 1000, 1000)
    assert heat.l0_cell == (50, 50)
    assert heat.values[1, 0] == 0.25
    assert heat.values[2, 3] == 0.75
    assert np.isnan(heat.values).sum() == len(grid) - 2


@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.5, 0.7, 0.75, 0.9])
def test_a_cell_is_the_mean_of_the_tiles_that_cover_its_middle(overlap):
    """Twin: for each cell, look at all tiles."""
    grid = grid_with(overlap, extent=160)
    scores = everything(grid)
    values = np.random.default_rng(1).random(len(scores))
    heat = map_scores(scores, values, grid=grid)
    corners = grid.corners(scores.columns, scores.rows)
    width, height = heat.l0_cell
    for row, column in np.ndindex(heat.values.shape):
        middle = np.array([10 + (column + 0.5) * width, 20 + (row + 0.5) * height])
        covers = ((corners < middle) & (middle < corners + 50)).all(axis=1)
        assert heat.values[row, column] == pytest.approx(values[covers].mean())


@given(seed=st.integers(0, 1000), cells=st.floats(0.3, 3))
def test_smoothing_keeps_to_what_was_scored(seed, cells):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((12, 15)) < 0.6, rng.random((12, 15)), np.nan)
    found = smooth(HeatMap(values, Box(0, 0, 15, 12)), cells).values
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    if not np.isnan(values).all():
        assert np.nanmin(values) - 1e-9 <= np.nanmin(found)
        assert np.nanmax(found) <= np.nanmax(values) + 1e-9


def test_glass_does_not_pull_tissue_down():
    values = np.full((9, 9), np.nan)
    values[2:7, 2:4] = 0.8
    np.testing.assert_allclose(smooth(HeatMap(values, Box(0, 0, 9, 9)), 1.5).values[2:7, 2:4], 0.8)


def test_no_smoothing_changes_nothing():
    heat = HeatMap(np.eye(3), Box(0, 0, 3, 3))
    assert smooth(heat, 0) is heat
