"""Make `src/cancernet/cells/profile/reference.json`: quantiles over public sets, with the segmenter that users have.

Run `python -m benchmarks.cellreference`. Only statistics are written.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cells import Case, consep, dsb2018, monuseg
from cancernet.cells import Classical, measure_nuclei
from cancernet.cells.profile import NUCLEAR, PROFILE, profile_of

OUT = Path(__file__).parents[1] / "src" / "cancernet" / "cells" / "profile" / "reference.json"
SHARES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
SETS = {
    "MoNuSeg": ("MoNuSeg, 7 organs", monuseg, False),
    "CoNSeP": ("CoNSeP, colon carcinoma", consep, False),
    "dsb2018": ("Data Science Bowl 2018 (µm estimated)", dsb2018, True),
}


def main() -> None:
    """Write the file."""
    sets = [_set(name, words, list(cases()), estimated) for name, (words, cases, estimated) in SETS.items()]
    OUT.write_text(json.dumps({"schema": 1, "segmenter": "classical", "sets": sets}, indent=1) + "\n", encoding="utf-8")


def _set(name: str, words: str, cases: list[Case], estimated: bool) -> dict[str, object]:
    """Return the statistics of one set."""
    profiles, nuclei = [], []
    for case in cases:
        measured = measure_nuclei(case.image, Classical().labels(case.image, mpp=case.mpp), mpp=case.mpp)
        profiles.append(profile_of(measured))
        nuclei.append(measured.table.query("not cut")[list(NUCLEAR)])
    fields, together = pd.DataFrame(profiles, dtype=float), pd.concat(nuclei)
    return {
        "name": name,
        "words": words,
        "fields": len(cases),
        "nuclei": len(together),
        "mpp": cases[0].mpp,
        "mpp_estimated": estimated,
        "shares": SHARES,
        "of_fields": {key: _quantiles(fields[key]) for key in PROFILE},
        "of_nuclei": {key: _quantiles(together[key]) for key in NUCLEAR},
    }


def _quantiles(values: pd.Series) -> list[float]:
    """Return quantiles with four digits."""
    return [float(f"{value:.4g}") for value in np.nanquantile(values.to_numpy(float), SHARES)]


if __name__ == "__main__":
    main()
