"""The answer of the FNA model in plain words, as rows of a file, and as values that JSON has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cancernet.cells.fna.answer import CAVEAT, FnaAnswer
from cancernet.cells.fna.counts import Draws
from cancernet.cells.fna.features import FNA_NAMES
from cancernet.cells.fna.units import OFF_BY, PUBLISHED_UM2, UM_PER_UNIT
from cancernet.files import write_text

__all__ = ["describe_answer", "say_answer", "write_answer"]

_CALLED = {"M": "malignant", "B": "benign"}


def say_answer(answer: FnaAnswer) -> str:
    """Return one or two sentences: abstention with its reason, or what the features resemble. Never a bare class."""
    case, name = answer.case, _name(answer.positive)
    count = f"{len(answer.nuclei)} whole nuclei"
    if case.ood[0] and answer.distance is not None:
        return (
            f"The FNA model abstains: these {count} are unlike the Wisconsin aspirates (distance "
            f"{answer.distance:.1f}, limit {answer.limit:.1f}; {case.ood_reason[0]}). {CAVEAT}"
        )
    if case.abstained[0]:
        return (
            f"The FNA model abstains: it cannot tell whether these {count} are more like benign or malignant aspirates "
            f"(calibrated probability of {name} {answer.chance:.3f}). {CAVEAT}"
        )
    return (
        f"By their 30 features these {count} resemble the {_name(str(case.labels[0]))} aspirates of the Wisconsin "
        f"table (calibrated probability of {name} {answer.chance:.3f}, distance {_digits(answer.distance)}). This is "
        f"no diagnosis. {CAVEAT}"
    )


def describe_answer(answer: FnaAnswer) -> dict[str, Any]:
    """Return the answer for `summary.json`."""
    case = answer.case
    return {
        "says": say_answer(answer),
        "abstained": bool(case.abstained[0]),
        "unlike_training_rows": bool(case.ood[0]),
        "reason": str(case.ood_reason[0]) or None,
        "distance": answer.distance,
        "distance_limit": answer.limit,
        f"p_{answer.positive}": answer.chance,
        "nuclei": len(answer.nuclei),
        "left_out": answer.nuclei.left_out,
        "features": dict(zip(FNA_NAMES, answer.features.tolist(), strict=True)),
        "um_per_unit": UM_PER_UNIT,
        "um_per_unit_from": f"nuclear areas of aspirates, Kaushik et al. 1991: {PUBLISHED_UM2} square microns",
        "off_by": _off_by(answer),
        "fewer_nuclei": [_fewer(answer, draws) for draws in answer.fewer],
        "drove_the_answer": _listed(answer, answer.drivers(), "log_odds"),
        "cause_the_distance": _listed(answer, answer.strangers(), "farther"),
        "caveat": CAVEAT,
    }


def write_answer(folder: Path, answer: FnaAnswer, *, name: str) -> None:
    """Write `fna.csv`, a row that `cancernet predict fna` takes, and `fna_nuclei.csv`, what each nucleus did."""
    values = ",".join(f"{value:.9g}" for value in answer.features)
    quoted = '"' + name.replace('"', '""') + '"'
    write_text(folder / "fna.csv", f"id,{','.join(FNA_NAMES)}\n{quoted},{values}\n")
    if len(answer.log_odds):
        lines = [
            f"{nucleus},{change:.6g},{farther:.6g}"
            for nucleus, change, farther in zip(answer.nuclei.nucleus, answer.log_odds, answer.farther, strict=True)
        ]
        head = f"nucleus,log_odds_of_{answer.positive},distance"
        write_text(folder / "fna_nuclei.csv", "\n".join([head, *lines]) + "\n")


def _off_by(answer: FnaAnswer) -> list[dict[str, Any]]:
    """Return the answers when the constant is off."""
    found, place = answer.off_by, answer.off_by.classes.index(answer.positive)
    distances = [None] * len(found) if found.ood_distance is None else found.ood_distance.tolist()
    return [
        {
            "um_per_unit": UM_PER_UNIT * factor,
            "factor": factor,
            f"p_{answer.positive}": float(found.probabilities[row, place]),
            "resembles": _name(str(found.labels[row])),
            "abstained": bool(found.abstained[row]),
            "distance": distances[row],
        }
        for row, factor in enumerate(OFF_BY)
    ]


def _fewer(answer: FnaAnswer, draws: Draws) -> dict[str, Any]:
    """Return the answers for some number of the nuclei."""
    return {
        "nuclei": draws.count,
        f"median_p_{answer.positive}": draws.chance,
        "share_abstained": draws.abstained,
        "median_distance": draws.distance,
    }


def _listed(answer: FnaAnswer, places: Any, what: str) -> list[dict[str, Any]]:
    """Return some nuclei with what they did."""
    values = getattr(answer, what)
    return [{"nucleus": int(answer.nuclei.nucleus[place]), what: float(values[place])} for place in np.asarray(places)]


def _name(label: str) -> str:
    """Return a class in words."""
    return _CALLED.get(label, label)


def _digits(number: float | None) -> str:
    """Return a distance, or that there is none."""
    return "unknown" if number is None else f"{number:.1f}"
