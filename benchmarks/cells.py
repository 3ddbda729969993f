"""Nuclei without a network, on three public sets: how well they are outlined, how fast, and what the FNA model says.

Every image is one that nothing was fitted to, but the defaults of the classical path were set on every fifth patient of
MoNuSeg (6 of 30): the table shows the other 24 apart. CoNSeP's instances are approximate, so only its Dice is quoted.
dsb2018 does not say how large a pixel is; 0.25 microns is assumed: its nuclei are then as large as those of MoNuSeg.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from benchmarks.page import table
from cancernet import engine
from cancernet.cells import WISCONSIN, Classical, ask_fna, measure_nuclei
from cancernet.data import load
from cancernet.errors import InvalidInput
from cancernet.metrics import InstanceScores, instance_scores, measure_instances

DATA = Path(os.environ.get("CANCERNET_DATA") or Path(__file__).parents[1].parent / "shared" / "data") / "nuclei"
FRAGMENT = 20  # pixels: smaller pieces of MoNuSeg's colour masks are left over from overlaps
RADIUS_UM = 3.0  # of detection: 12 pixels at 0.25, 6 at 0.5
SAMPLE = 16  # nuclei: as many as a row of the Wisconsin table rests on


@dataclass(frozen=True)
class Case:
    """An image with its nuclei."""

    group: str
    image: NDArray[np.uint8]
    labels: NDArray[np.int32]
    mpp: float


def measure() -> str:
    """Return the tables: outlines, speed, ranges of the features, answers of the FNA model."""
    sets = {"MoNuSeg": list(monuseg()), "CoNSeP": list(consep()), "dsb2018": list(dsb2018())}
    found, seconds, area = _outlined(sets)
    tables = {name: [_measured(case) for case in cases] for name, cases in sets.items()}
    parts = [_outlines(sets, found), _speed(seconds, area), _ranges(tables["MoNuSeg"]), _answers(tables)]
    return "\n\n".join(parts)


def monuseg() -> Iterator[Case]:
    """Yield the 30 patients, without fragments."""
    for row in pd.read_csv(DATA / "monuseg" / "manifest.csv").itertuples():
        labels = _labels(DATA / "monuseg" / row.labels)
        small = np.bincount(labels.ravel()) < FRAGMENT
        yield Case(row.patient, _image(DATA / "monuseg" / row.path), np.where(small[labels], 0, labels), 0.25)


def consep() -> Iterator[Case]:
    """Yield the 27 images, each a group: the patients are unknown."""
    for row in pd.read_csv(DATA / "consep" / "manifest.csv").itertuples():
        folder = DATA / "consep"
        yield Case(row.image, _image(folder / row.path), _labels(folder / row.labels_approx), 0.25)


def dsb2018() -> Iterator[Case]:
    """Yield the 107 crops, each a group; some share a slide."""
    for row in pd.read_csv(DATA / "dsb2018" / "manifest.csv").itertuples():
        folder = DATA / "dsb2018"
        yield Case(row.kaggle_image_id, _image(folder / row.path), _labels(folder / row.labels), 0.25)


def _measured(case: Case) -> pd.DataFrame:
    """Return the nuclei of the masks that came with an image, measured."""
    return measure_nuclei(case.image, case.labels, mpp=case.mpp).table


def _outlined(sets: dict[str, list[Case]]) -> tuple[dict[str, list[NDArray[np.int32]]], NDArray[np.float64], float]:
    """Return the nuclei found, seconds of a processor for outlines and measurements, and megapixels."""
    found: dict[str, list[NDArray[np.int32]]] = {}
    seconds, area = np.zeros(2), 0.0
    for name, cases in sets.items():
        found[name] = []
        for case in cases:
            began = time.process_time()
            found[name].append(Classical().labels(case.image, mpp=case.mpp))
            between = time.process_time()
            measure_nuclei(case.image, found[name][-1], mpp=case.mpp)
            if name == "MoNuSeg":
                seconds += [between - began, time.process_time() - between]
                area += case.labels.size / 1e6
    return found, seconds, area


def _outlines(sets: dict[str, list[Case]], found: dict[str, list[NDArray[np.int32]]]) -> str:
    """Return the table of outlines."""
    rows = []
    for name, cases in sets.items():
        scores = [
            instance_scores(case.labels, labels, radius=RADIUS_UM / case.mpp)
            for case, labels in zip(cases, found[name], strict=True)
        ]
        groups = [case.group for case in cases]
        rows.append(_row(name, scores, groups))
        if name == "MoNuSeg":
            kept = [place for place in range(len(cases)) if place % 5]
            one, other = [scores[place] for place in kept], [groups[place] for place in kept]
            rows.append(_row("MoNuSeg, the 24 patients that no default was set on", one, other))
    return table(["classical path", "groups", "Dice", "AJI", "PQ", "detection F1 (3 microns)"], rows)


def _row(name: str, scores: list[InstanceScores], groups: list[str]) -> list[str]:
    """Return one row of the table of outlines."""
    numbers = measure_instances(scores, groups)
    shown = ("dice",) if name == "CoNSeP" else ("dice", "aji", "pq", "detection_f1")
    cells = [numbers[key].format() if key in shown else "-" for key in ("dice", "aji", "pq", "detection_f1")]
    return [name, str(len(set(groups))), *cells]


def _speed(seconds: NDArray[np.float64], area: float) -> str:
    """Return the table of speed, by the time of the processor, so that other work on the machine counts little."""
    rates = [f"{area / value:.2f} Mpx/s" for value in (*seconds, seconds.sum())]
    return table(["MoNuSeg at 0.25 microns, on one core", "outlines", "measurements", "both"], [["", *rates]])


def _ranges(tables: list[pd.DataFrame]) -> str:
    """Return the features of real nuclei beside the Wisconsin table: means over the nuclei of each field."""
    wdbc, means = load("wdbc").values, []
    for nuclei in tables:
        means.append(nuclei.loc[~nuclei["cut"], list(WISCONSIN.values())].mean().to_numpy(np.float64))
    fields, rows = np.array(means), []
    for place, name in enumerate(WISCONSIN):
        column = wdbc[:, place]
        inside = (fields[:, place] >= column.min()) & (fields[:, place] <= column.max())
        sized = name in ("radius", "perimeter", "area")
        ranges = [_range(fields[:, place]), _range(column)]
        rows.append([name, *ranges, "other units" if sized else f"{inside.sum()} of {len(fields)}"])
    head = [
        "mean over the nuclei of a field",
        "MoNuSeg (lowest, median, highest)",
        "Wisconsin, the same",
        "fields inside",
    ]
    return table(head, rows)


def _range(values: NDArray[np.float64]) -> str:
    """Return the lowest, the median and the highest value."""
    return ", ".join(f"{value:.3g}" for value in (values.min(), np.median(values), values.max()))


def _answers(tables: dict[str, list[pd.DataFrame]]) -> str:
    """Return how often the FNA model abstained, on the nuclei of the masks: of whole fields, and of 16 of each."""
    rows = []
    with engine.open("fna") as model:
        for name, fields in tables.items():
            rows += [_asked(model, name, fields, most) for most in (None, SAMPLE)]
    head = [
        "set (given masks)",
        "nuclei",
        "fields",
        "abstained",
        "unlike Wisconsin",
        "distance (limit 14.6)",
        "p_M 0.5 or more",
    ]
    return table(head, rows)


def _asked(model: engine.Model, name: str, fields: list[pd.DataFrame], most: int | None) -> list[str]:
    """Return one row of the table of answers."""
    answers, rng = [], np.random.default_rng(0)
    for nuclei in fields:
        whole = nuclei[~nuclei["cut"] & nuclei["radius_um"].notna()]
        if most is not None and len(whole) > most:
            whole = whole.iloc[np.sort(rng.permutation(len(whole))[:most])]
        try:
            answers.append(ask_fna(model, whole))
        except InvalidInput:
            continue
    distances = np.array([answer.distance for answer in answers], np.float64)
    return [
        name,
        "all" if most is None else f"{most} at random",
        f"{len(answers)} of {len(fields)}",
        f"{np.mean([answer.case.abstained[0] for answer in answers]):.0%}",
        f"{np.mean([answer.case.ood[0] for answer in answers]):.0%}",
        f"{np.median(distances):.1f} ({distances.min():.1f} to {distances.max():.1f})",
        f"{np.mean([answer.chance >= 0.5 for answer in answers]):.0%}",
    ]


def _image(path: Path) -> NDArray[np.uint8]:
    """Return an image as RGB."""
    return np.array(Image.open(path).convert("RGB"))


def _labels(path: Path) -> NDArray[np.int32]:
    """Return labels."""
    return np.array(Image.open(path)).astype(np.int32)
