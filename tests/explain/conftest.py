import numpy as np
import pytest

from cancernet import bundle, engine
from cancernet.data import Feature, Table
from predict.made import CLASSES, COLUMNS, make_bundle, make_card, make_curved_bundle, make_decision, training_values

# The third column is not used; the log-odds of M at temperature 2 are (0.8 radius + 0.3 texture - 17) / 2.
WEIGHTS = np.array([[0.1, 0.9], [0.0, 0.3], [0.02, 0.02]])
BIAS = [17.0, 0.0]
LOG_ODDS = np.array([0.4, 0.15, 0.0])


@pytest.fixture(scope="session")
def linear(tmp_path_factory):
    """A model whose log-odds are linear."""
    folder = make_bundle(tmp_path_factory.mktemp("made") / "linear", make_card(), WEIGHTS, bias=BIAS)
    with engine.open(folder, threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def curved(tmp_path_factory):
    """A model whose columns act together."""
    folder = make_curved_bundle(tmp_path_factory.mktemp("made") / "curved", make_card())
    with engine.open(folder, threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def three_classes(tmp_path_factory):
    """A model of three classes, with medians and without novelty."""
    card = make_card(
        task=bundle.Task(kind="multiclass", classes=("a", "b", "c")),
        input=bundle.TableInput(columns=tuple(bundle.Column(name=name) for name in COLUMNS), medians=(14, 19, 600)),
        decision=make_decision(threshold=None, novelty=None),
        prior={"a": 0.2, "b": 0.3, "c": 0.5},
    )
    folder = make_curved_bundle(tmp_path_factory.mktemp("made") / "three", card)
    with engine.open(folder, threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def table():
    """Sixty rows of thirty patients; the truth is the linear model's answer with some noise."""
    values = training_values(60, seed=5)
    noise = np.random.default_rng(0).normal(0, 0.5, 60)
    positive = values @ LOG_ODDS - 8.5 + noise > 0
    return Table(
        name="made",
        features=tuple(Feature(name) for name in COLUMNS),
        values=values,
        ids=np.array([f"case {row}" for row in range(60)]),
        groups=np.array([f"patient {row // 2}" for row in range(60)]),
        target=np.array(CLASSES)[positive.astype(int)],
        target_column="diagnosis",
        group_column="patient",
    )
