import numpy as np
import pytest

from cancernet import bundle, engine
from predict.made import COLUMNS, make_bundle, make_card

WEIGHTS = [[0.0, 0.8], [0.0, 0.1], [0.0, -0.002]]
BIAS = [0.0, -10.0]


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A linear model that refuses missing values."""
    folder = make_bundle(tmp_path_factory.mktemp("made") / "strict", make_card(), WEIGHTS, bias=BIAS)
    with engine.open(folder, threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def lenient(tmp_path_factory):
    """The same model with medians."""
    card_input = bundle.TableInput(
        columns=tuple(bundle.Column(name=name) for name in COLUMNS), medians=(14.0, 19.0, 600.0)
    )
    folder = make_bundle(tmp_path_factory.mktemp("made") / "lenient", make_card(input=card_input), WEIGHTS, bias=BIAS)
    with engine.open(folder, threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def three_classes(tmp_path_factory):
    """A model of three classes whose names want quotes, without sets and without novelty."""
    names = ("a,b", 'say "c"', "d")
    card = make_card(
        task=bundle.Task(kind="multiclass", classes=names),
        decision=bundle.Decision(),
        prior=dict.fromkeys(names, 1 / 3),
    )
    folder = make_bundle(tmp_path_factory.mktemp("made") / "three", card, np.diag([1.0, 0.5, 0.01]))
    with engine.open(folder, threads=1) as opened:
        yield opened
