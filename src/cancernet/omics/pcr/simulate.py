"""Simulated plates with known truth, to prove the arithmetic of few copies; whatever comes of them is simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.omics.pcr.cells import UNDETERMINED
from cancernet.omics.pcr.plate import BLANK, SAMPLE, STANDARD, Plate

__all__ = ["SimulatedPlate", "simulate_plate"]


@dataclass(frozen=True, kw_only=True)
class SimulatedPlate:
    """How a plate is made.

    Parameters
    ----------
    levels
        Copies of the standards, on average in a well.
    replicates
        Wells of each level.
    blanks
        Wells without template.
    samples
        Copies of the samples, on average in a well.
    sample_wells
        Wells of each sample.
    intercept, efficiency
        Of the curve: the cycle of one copy, and the amplification in a cycle minus 1.
    noise
        Standard deviation of a cycle, of wells that hold the same number of copies.
    contamination
        Copies that get into every well by mistake, on average.
    last_cycle
        Wells that would cross later do not cross.
    """

    levels: Sequence[float] = (1, 2, 5, 10, 100, 1_000, 10_000)
    replicates: int = 12
    blanks: int = 24
    samples: Sequence[float] = ()
    sample_wells: int = 3
    intercept: float = 37.5
    efficiency: float = 0.95
    noise: float = 0.15
    contamination: float = 0.0
    last_cycle: float = 45.0


def simulate_plate(how: SimulatedPlate, *, seed: int) -> Plate:
    """Return a plate whose wells hold Poisson numbers of copies. Its name says that it is simulated."""
    generator = np.random.default_rng(seed)
    plan = [
        *(("standard", STANDARD, level, how.replicates) for level in how.levels),
        ("NTC", BLANK, 0.0, how.blanks),
        *((f"sample-{number + 1}", SAMPLE, copies, how.sample_wells) for number, copies in enumerate(how.samples)),
    ]
    times = [wells for *_, wells in plan]
    mean = np.repeat([copies for _, _, copies, _ in plan], times).astype(np.float64)
    tasks = np.repeat([task for _, task, _, _ in plan], times)
    ct = _cycles(how, generator.poisson(mean + how.contamination), generator)
    return Plate(
        name="simulated",
        form="simulated",
        samples=np.repeat([name for name, *_ in plan], times),
        genes=np.full(len(ct), "TARGET"),
        ct=ct,
        reasons=np.where(np.isnan(ct), UNDETERMINED, ""),
        tasks=tasks,
        quantities=np.where(tasks == STANDARD, mean, np.nan),
        notes=("This plate is simulated.",),
    )


def _cycles(how: SimulatedPlate, held: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Return the cycle of wells that hold so many copies; NaN for none, or too late a cycle."""
    noise = generator.normal(0, how.noise, len(held))
    ct = how.intercept - np.log(np.maximum(held, 1)) / np.log1p(how.efficiency) + noise
    return np.where((held > 0) & (ct <= how.last_cycle), ct, np.nan)
