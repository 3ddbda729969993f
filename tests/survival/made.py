"""Outcomes for the tests: made ones with known hazards and many ties, and those of the public data sets."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.survival import Coding, Outcome, make_outcome

DAYS = Coding("days", zero="keep")


def outcome_of(time: object, event: object, *, coding: Coding = DAYS) -> Outcome:
    return make_outcome(np.asarray(time), np.asarray(event), coding=coding)


def made_outcome(n: int, *, seed: int = 0, ties: bool = False, causes: int = 1) -> tuple[Outcome, NDArray[np.float64]]:
    """Return outcomes with a hazard that rises with each of three columns, and the columns."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(n, 3))
    hazard = np.exp(values @ [0.8, -0.5, 0.0])
    events = generator.exponential(50 / hazard[:, None] / [1.0, 0.5, 0.7][:causes], size=(n, causes))
    censored = generator.exponential(80, size=n)
    cause = events.argmin(axis=1) + 1
    time = np.minimum(events.min(axis=1), censored)
    time = np.ceil(time / 8) if ties else time
    names = ("event",) if causes == 1 else tuple("abc"[:causes])
    outcome = outcome_of(time, np.where(events.min(axis=1) <= censored, cause, 0), coding=Coding("days", causes=names))
    return outcome, values


def real_outcomes(folder: Path) -> dict[str, tuple[Outcome, NDArray[np.float64]]]:
    """Return the outcomes of six public data sets, and some columns that tell of them."""
    tables = folder / "tabular"
    found = {}
    for name, path, columns, time, event in (
        ("metabric", "metabric/metabric_deepsurv_9features.csv", ["age", "MKI67", "ERBB2"], "t", "e"),
        ("rotterdam", "rotterdam_gbsg/rotterdam.csv", ["age", "nodes", "grade", "pgr"], "rtime", "recur"),
        ("gbsg", "rotterdam_gbsg/gbsg.csv", ["age", "nodes", "size", "grade"], "rfstime", "status"),
        ("gse7390", "gse7390/breast_cancer.csv", ["X200726_at", "X202239_at"], "time", "event"),
        (
            "scanb",
            "scanb/scanb_samples.csv",
            ["age_at_diagnosis", "er_status"],
            "overall_survival_days",
            "overall_survival_event",
        ),
        ("genefu", "genefu/vdxs_demo.csv", ["er"], "t.dmfs", "e.dmfs"),
    ):
        table = pd.read_csv(tables / path)
        found[name] = outcome_of(table[time], table[event]), table[columns].to_numpy(dtype=np.float64)
    return found
