"""The shipped network that outlines nuclei beside the path without a network, on images that neither was fitted to.

CANCERNET_BENCH_NUCLEI names another bundle. CoNSeP's instances are approximate, so only its Dice is quoted. The
defaults of the path without a network were set on 6 of the 30 patients of MoNuSeg; no weight of the network was.
"""

import os
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.cells import RADIUS_UM, Case, consep, monuseg
from benchmarks.page import table
from cancernet.cells import measure_nuclei, open_segmenter
from cancernet.estimate import Estimate
from cancernet.metrics import InstanceScores, instance_scores, measure_instances, paired_instances

BUNDLE = os.environ.get("CANCERNET_BENCH_NUCLEI", "nuclei")
NAMES = {"classical": "without a network", BUNDLE: "network"}
SHOWN = ("dice", "aji", "pq", "detection_f1")
HEAD = ["images", "outlined by", "Dice", "AJI", "PQ", "detection F1 (3 microns)"]


def measure() -> str:
    """Return the tables of outlines and of time."""
    sets = {"MoNuSeg, 30 patients": list(monuseg()), "CoNSeP, 27 images": list(consep())}
    rows, times = [], []
    for words, cases in sets.items():
        found = {name: _scores(name, cases) for name in NAMES}
        groups = [case.group for case in cases]
        for name, (scores, seconds) in found.items():
            rows.append([words, NAMES[name], *_cells(words, measure_instances(scores, groups))])
            times.append([words, NAMES[name], *(f"{rate:.2f}" for rate in seconds)])
        first, second = found[BUNDLE][0], found["classical"][0]
        rows.append([words, "difference, paired", *_cells(words, paired_instances(first, second, groups=groups))])
    head = ["images at 0.25 microns", "outlined by", "outlines, Mpx/s of a core", "with measurements"]
    return "\n\n".join([table(HEAD, rows), table(head, times)])


def _scores(name: str, cases: Sequence[Case]) -> tuple[list[InstanceScores], tuple[float, float]]:
    """Return the scores of all images, and megapixels per second of one core without and with measurements."""
    scores, spent, area = list[InstanceScores](), np.zeros(2), 0.0
    with open_segmenter(name, threads=1) as segmenter:
        for case in cases:
            began = time.process_time()
            labels = segmenter.labels(case.image, mpp=case.mpp)
            between = time.process_time()
            measure_nuclei(case.image, labels, mpp=case.mpp)
            spent += [between - began, time.process_time() - between]
            area += labels.size / 1e6
            scores.append(instance_scores(case.labels, labels, radius=RADIUS_UM / case.mpp))
    return scores, (area / float(spent[0]), area / float(spent.sum()))


def _cells(words: str, numbers: dict[str, Estimate]) -> list[str]:
    """Return the columns of numbers; of approximate instances only Dice."""
    shown = ("dice",) if words.startswith("CoNSeP") else SHOWN
    return [numbers[key].format() if key in shown else "-" for key in SHOWN]
