import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import ledoit_wolf

from cancernet.bundle import Novelty
from cancernet.errors import InvalidInput
from cancernet.predict import fit_novelty, novelty_distance, novelty_reason
from cancernet.predict.novelty import shrunk_covariance
from predict.made import COLUMNS, ROWS, training_values

UNIT = Novelty(mean=(10.0, 0.0), scale=(2.0, 1.0), precision=((1.0, 0.0), (0.0, 1.0)), limit=3.0, rows=ROWS)


@pytest.mark.parametrize(("rows", "columns"), [(5, 3), (400, 3), (20, 30), (2, 1)])
def test_covariance_agrees_with_scikit_learn(rows, columns):
    values = np.random.default_rng(rows).normal(size=(rows, columns)) @ np.diag(np.arange(1, columns + 1))
    centred = values - values.mean(axis=0)
    assert shrunk_covariance(centred) == pytest.approx(ledoit_wolf(centred, assume_centered=True)[0])


def test_distance_agrees_with_scipy():
    values = training_values()
    novelty = fit_novelty(values, rows=ROWS)
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    inverse = np.linalg.inv(ledoit_wolf(standardised, assume_centered=True)[0])
    expected = [mahalanobis(row, np.zeros(3), inverse) for row in standardised]
    assert novelty_distance(novelty, values) == pytest.approx(expected, rel=1e-9)


def test_distance_by_hand():
    rows = np.array([[10.0, 0.0], [16.0, 4.0], [8.0, 0.0]])
    assert novelty_distance(UNIT, rows).tolist() == [0.0, 5.0, 1.0]


def test_limit_is_a_distance_of_the_data():
    values = training_values()
    novelty = fit_novelty(values, rows=ROWS)
    distances = novelty_distance(novelty, values)
    assert novelty.limit in distances
    assert 0 < (distances > novelty.limit).mean() <= 0.01


def test_limit_from_held_out_rows_or_given():
    values = training_values()
    held_out = np.arange(1, 101, dtype=float)
    assert fit_novelty(values, rows=ROWS, held_out_distances=held_out).limit == 100.0
    assert fit_novelty(values, rows=ROWS, held_out_distances=held_out, limit_quantile=0.5).limit == 51.0
    assert fit_novelty(values, rows=ROWS, held_out_distances=held_out, limit=7).limit == 7.0


def test_share_of_new_rows_beyond_the_limit():
    novelty = fit_novelty(training_values(2000), rows=ROWS)
    fresh = novelty_distance(novelty, training_values(20000, seed=1)) > novelty.limit
    assert 0.004 < fresh.mean() < 0.02


def test_json_keeps_every_digit():
    novelty = fit_novelty(training_values(), rows=ROWS)
    again = Novelty.model_validate_json(novelty.model_dump_json())
    values = training_values(50, seed=2)
    assert np.array_equal(novelty_distance(again, values), novelty_distance(novelty, values))


def test_reason_names_the_column_that_stands_out():
    reasons = novelty_reason(
        UNIT, np.array([[28.2, 0.0], [10.0, -5.0], [12.0, 3.0], [1e30, 0.0]]), names=("radius", "y")
    )
    assert reasons.tolist() == [
        "radius is 9.1 standard deviations above the training rows",
        "y is 5.0 standard deviations below the training rows",
        "unusual combination of columns",
        "radius is 5e+29 standard deviations above the training rows",
    ]


def test_reason_without_names_numbers_the_columns():
    assert novelty_reason(UNIT, np.array([[10.0, 8.0]]))[0].startswith("column 2 is 8.0 standard")


def test_a_large_area_of_a_small_radius_is_an_unusual_combination():
    novelty = fit_novelty(training_values(), rows=ROWS)
    odd = np.array([[10.0, 19.0, 900.0]])
    assert novelty_distance(novelty, odd)[0] > novelty.limit
    assert novelty_reason(novelty, odd, names=COLUMNS)[0] == "unusual combination of columns"


def test_values_too_large_for_a_number_are_infinitely_far():
    novelty = fit_novelty(training_values(), rows=ROWS)
    assert np.isinf(novelty_distance(novelty, np.array([[1e300, -1e300, 1e300]]))).all()


@pytest.mark.parametrize(
    "values",
    [
        np.repeat([[1.0, 2.0]], 5, axis=0),
        np.stack([np.arange(5.0), np.full(5, 3.0)], axis=1),
        np.repeat(np.arange(4.0)[:, None], 6, axis=1),
        np.array([[1e9, 1.0], [1e9 + 1, 2.0], [1e9 + 2, 1.5]]),
    ],
    ids=["one row again and again", "a constant column", "one column again and again", "far from zero"],
)
def test_poor_training_rows_give_finite_numbers(values):
    novelty = fit_novelty(values, rows=ROWS)
    assert np.isfinite(novelty_distance(novelty, values)).all()
    assert novelty.limit > 0


@given(st.integers(0, 1000), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_units_do_not_matter(seed, factor, shift):
    values = training_values(60, seed=seed)
    new = training_values(10, seed=seed + 1)
    there = novelty_distance(fit_novelty(values, rows=ROWS), new)
    assert novelty_distance(fit_novelty(values * factor + shift, rows=ROWS), new * factor + shift) == pytest.approx(
        there, rel=1e-4
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [(np.zeros((1, 2)), "1 training rows"), (np.array([[1.0, 2.0], [3.0, np.nan]]), "row 2 .* column 2")],
)
def test_unusable_training_rows_are_refused(values, words):
    with pytest.raises(InvalidInput, match=words):
        fit_novelty(values, rows=ROWS)


def test_of_many_columns_each_counts_by_itself():
    rows = np.random.default_rng(0).normal(5, 2, (60, 200))
    found = fit_novelty(rows, rows="made")
    assert found.precision == ()
    standard = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    assert novelty_distance(found, rows) == pytest.approx(np.sqrt((standard**2).sum(axis=1)))
    assert novelty_distance(found, rows * 3).min() > found.limit
