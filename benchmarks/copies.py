"""Few copies on simulated plates of known truth: whether intervals hold it, and how often calls are wrong."""

from collections import Counter, defaultdict

import numpy as np

from benchmarks.page import table
from cancernet.estimate import Estimate
from cancernet.omics import SimulatedPlate, count_target, hit_rate, simulate_plate

PLATES = 1000
TRUTH = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 5000.0)
PERFECT = -np.log(0.05)  # copies that 95 % of wells hold one of


def measure() -> str:
    """Return the coverage of copies and the calls by true copies, then that of efficiency and limit of detection."""
    how = SimulatedPlate(samples=TRUTH, sample_wells=4)
    held, calls = defaultdict(list), defaultdict(Counter)
    efficient, limits = [], []
    for seed in range(PLATES):
        found = count_target(simulate_plate(how, seed=seed))
        for call, copies in zip(found.calls, TRUTH, strict=True):
            held[copies].append(call.copies.low <= copies <= call.copies.high)
            calls[copies][call.call] += 1
        efficiency, limit = found.assay.curve.efficiency, found.assay.detection
        efficient.append(efficiency.low <= how.efficiency <= efficiency.high)
        limits.append((limit.limit.value, _holds(limit.single_hit)))
    rows = [
        [
            f"{copies:g}",
            _share(held[copies]),
            *(str(calls[copies][name]) for name in ("present", "undecided", "absent")),
        ]
        for copies in TRUTH
    ]
    head = ["true copies in a well, on average", "95 % interval holds them", "present", "undecided", "absent"]
    values = np.array([value for value, _ in limits if value is not None])
    spread = f"{np.quantile(values, 0.025):.2f} to {np.quantile(values, 0.975):.2f}"
    text = (
        f"Simulated, {PLATES} plates: 12 wells each of 1, 2, 5, 10, 100, 1,000 and 10,000 copies, 24 blanks, "
        f"samples in 4 wells, efficiency 0.95, noise 0.15 cycles. The interval of the efficiency held it in "
        f"{_share(efficient)}. The "
        f"limit of detection is 3.0 copies in truth; the probit curve found {np.median(values):.2f} in the median "
        f"({spread} in 95 % of plates), and the interval of the single-hit model, where there is one, held it in "
        f"{_share([inside for _, inside in limits if inside is not None])}."
    )
    return f"{table(head, rows)}\n\n{text}"


def _holds(found: Estimate) -> bool | None:
    """Return whether an interval holds the limit of a perfect assay; None where there is none."""
    return None if found.low is None or found.high is None else bool(found.low <= PERFECT <= found.high)


def _share(inside: list[bool]) -> str:
    """Return a share with its interval."""
    return hit_rate(sum(inside), len(inside)).format(3)
