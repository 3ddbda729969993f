"""Fits travel: as JSON, between processes, as words."""

import json
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.stain import (
    MACENKO_TARGET,
    REINHARD_TARGET,
    MacenkoFit,
    ReinhardFit,
    StainFit,
    fit_macenko,
    fit_reinhard,
)
from stain.made import tissue

PIXELS = tissue(np.random.default_rng(0), noise=1)
FITS = [fit_macenko(PIXELS), fit_macenko(PIXELS, white=[250, 251, 252]), fit_reinhard(PIXELS), MACENKO_TARGET]


@pytest.mark.parametrize("fit", [*FITS, REINHARD_TARGET])
def test_json_and_back(fit):
    content = fit.to_dict()
    again = StainFit.from_dict(json.loads(json.dumps(content, allow_nan=False)))
    assert json.loads(json.dumps(content)) == content
    assert again == fit
    assert hash(again) == hash(fit)
    assert type(again) is type(fit)


@pytest.mark.parametrize("fit", FITS)
def test_workers_get_the_same_fit(fit):
    assert ForkingPickler.loads(ForkingPickler.dumps(fit)) == fit


@pytest.mark.parametrize("fit", FITS)
def test_fits_are_frozen(fit):
    with pytest.raises(AttributeError, match="cannot assign"):
        fit.pixels = 3


def test_words():
    assert MACENKO_TARGET.words() == (
        "Stains by Macenko (given): haematoxylin (0.56, 0.72, 0.41) up to 1.97, eosin (0.22, 0.80, 0.56) up to 1.03 in "
        "natural optical density."
    )
    assert ReinhardFit(12345, (-0.9, -0.1, 0.04), (0.6, 0.1, 0.03)).words() == (
        "Colours by Reinhard (fitted on 12,345 pixels): l -0.90 ± 0.60, alpha -0.10 ± 0.10, beta 0.04 ± 0.03, in "
        "natural logarithms."
    )
    assert "counted from white (250, 251, 252)" in FITS[1].words()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "vahadane"}, "Unknown method of normalising stains 'vahadane'.*'macenko', 'reinhard'"),
        ({"method": "Macenko"}, "Did you mean 'macenko'"),
        ({"method": "reinhard"}, "parts .*'eosin'.*'deviation'"),
        ({"more": 1}, "parts .*'more'"),
        ({"pixels": -1}, "pixels = -1"),
        ({"pixels": "many"}, "pixels = 'many'"),
        ({"eosin": [1, 2]}, r"eosin = \[1, 2\].*3 finite numbers"),
        ({"eosin": None}, "eosin = None"),
        ({"eosin": [[1, 2], [3]]}, "eosin = "),
        ({"eosin": [0.1, float("nan"), 0.2]}, "eosin = .*nan"),
        ({"eosin": [0.0, 0.0, 0.0]}, "0.0 degrees apart"),
        ({"eosin": list(FITS[0].haematoxylin)}, "0.0 degrees apart"),
        ({"amounts": [1.0, 0.0]}, r"amounts \[1.0, 0.0\]"),
        ({"white": [255, 255, 300]}, "White is"),
    ],
)
def test_what_is_no_fit_is_refused(change, words):
    with pytest.raises(InvalidInput, match=words):
        StainFit.from_dict(FITS[0].to_dict() | change)


def test_a_missing_part_is_refused():
    with pytest.raises(InvalidInput, match="Unknown method"):
        StainFit.from_dict({})
    with pytest.raises(InvalidInput, match="parts"):
        StainFit.from_dict({"method": "macenko", "pixels": 3})


def test_lists_and_arrays_become_tuples_of_floats():
    fit = MacenkoFit(0, np.array([0.6, 0.7, 0.4]), [0, 1, 0], (1, np.float32(2)))
    assert fit.eosin == (0.0, 1.0, 0.0)
    assert {type(part) for part in (*fit.haematoxylin, *fit.eosin, *fit.amounts)} == {float}
