from dataclasses import replace

import numpy as np
import pytest

from cancernet.estimate import Estimate
from cancernet.explain import attribution_figure, importance_figure, occlusion, shapley
from cancernet.explain.figures import _ranks, _spread
from predict.made import training_values


def texts(figure):
    """All words of a figure."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text")) if text.get_text()]


@pytest.mark.parametrize("rows", [1, 2, 5, 6])
def test_few_rows_have_bars(curved, rows):
    figure = attribution_figure(shapley(curved, training_values(rows)))
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == rows
    assert all(len(axes.patches) == 3 for axes in panels)
    figure.draw_without_rendering()
    assert all(axes.xaxis.get_tick_params()["labelbottom"] for axes in panels)


def test_bars_say_value_answer_and_doubt(linear):
    found = occlusion(linear, np.array([[60.0, 19.0, 590.0]]))
    words = texts(attribution_figure(replace(found, cases=replace(found.cases, ids=np.array(["case 7"])))))
    assert "case 7: predicted M, abstained, p(M) > 0.999" in words
    assert "radius = 60" in words
    assert any(word.startswith("change of the log-odds of 'M'") for word in words)


def test_bars_name_the_reference(linear, three_classes):
    rows = training_values(2)
    for found, words in (
        (occlusion(linear, rows), "the mean of the training rows"),
        (occlusion(three_classes, rows), "the median of the training rows"),
        (occlusion(linear, rows, reference=rows[0]), "the given row"),
    ):
        assert attribution_figure(found).get_suptitle().endswith(words)


def test_bars_of_many_columns_add_up(linear):
    found = occlusion(linear, training_values(1))
    wide = replace(
        found,
        columns=tuple(f"c{k}" for k in range(30)),
        contributions=np.arange(30.0)[None],
        values=np.zeros((1, 30)),
    )
    (axes,) = attribution_figure(wide).axes
    assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(np.arange(30).sum())
    assert axes.get_yticklabels()[-1].get_text() == "18 other columns"


def test_many_rows_have_a_dot_each(curved):
    figure = attribution_figure(shapley(curved, training_values(300)))
    (dots,) = figure.axes[0].collections
    assert len(dots.get_offsets()) == 3 * 300
    assert "What moved the answers, 300 rows" in texts(figure)


def test_very_many_rows_are_thinned_and_it_is_said(linear):
    figure = attribution_figure(occlusion(linear, training_values(3000)))
    (dots,) = figure.axes[0].collections
    assert len(dots.get_offsets()) == 3 * 1000
    assert "What moved the answers, 1000 of 3000 rows" in texts(figure)


def test_several_classes_name_no_class(three_classes):
    words = texts(attribution_figure(occlusion(three_classes, training_values(50))))
    assert any("the predicted class" in word for word in words)


def test_importance_in_order_with_intervals():
    estimates = [Estimate(0.3 - k / 100, 0.2 - k / 100, 0.4, 60, 30, "bootstrap over groups") for k in range(30)]
    figure = importance_figure(tuple((f"c{k}", estimate) for k, estimate in enumerate(estimates)), "auroc")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"c{k}" for k in range(24)]
    assert "the 24 of 30 columns that matter most" in figure.get_suptitle()
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first is at the top"


def test_importance_without_numbers_or_intervals():
    figure = importance_figure((("a", Estimate.undefined("rows of one class only")),), "auroc")
    assert "Importance of the columns is undefined: rows of one class only" in texts(figure)
    importance_figure((("a", Estimate(0.1, None, None, 5, 1, "none", "one group has no interval")),), "auroc")


@pytest.mark.parametrize("sizes", [np.zeros(500), np.arange(50.0), np.array([1.0])])
def test_dots_stay_in_their_lane(sizes):
    offsets = _spread(sizes)
    assert np.abs(offsets).max() <= 0.4
    assert len({*zip(sizes.tolist(), offsets.tolist(), strict=True)}) == len(sizes)


def test_ranks_share_ties():
    assert _ranks(np.array([5.0, 1.0, 5.0, 9.0])).tolist() == [0.5, 0.0, 0.5, 1.0]
    assert _ranks(np.array([3.0])).tolist() == [0.0]
