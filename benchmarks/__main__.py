"""Run benchmarks by name (all without one) and write one page fragment each into docs/_benchmarks."""

import sys

from benchmarks import (
    ablation,
    aggregation,
    cells,
    celltypes,
    copies,
    cytology,
    expression,
    finding,
    fusion,
    grades,
    ledger,
    lesson,
    memory,
    novelty,
    orders,
    outlines,
    patches,
    pools,
    prognosis,
    ratio,
    scanning,
    speed,
    stain,
    survival,
    training,
    transfer,
    wdbc,
    wholecells,
)
from benchmarks.page import write_fragment

PARTS = {
    "speed": speed.measure,
    "wdbc": wdbc.measure,
    "orders": orders.measure,
    "novelty": novelty.measure,
    "training": training.measure,
    "stain": stain.measure,
    "ledger": ledger.measure,
    "survival": survival.measure,
    "copies": copies.measure,
}
LONG = {  # hours: only when they are asked for
    "patches": patches.measure,
    "ablation": ablation.measure,
    "lesson": lesson.measure,
    "scanning": scanning.measure,
    "pools": pools.measure,
    "finding": finding.measure,
    "aggregation": aggregation.measure,
    "expression": expression.measure,
    "memory": memory.measure,
    "cells": cells.measure,
    "outlines": outlines.measure,
    "wholecells": wholecells.measure,
    "cytology": cytology.measure,
    "grades": grades.measure,
    "ratio": ratio.measure,
    "types": celltypes.measure,
    "transfer": transfer.measure,
    "prognosis": prognosis.measure,
    "fusion": fusion.measure,
}


def main() -> int:
    """Run what was asked for; return the exit code."""
    names = sys.argv[1:] or list(PARTS)
    known = PARTS | LONG
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"Unknown benchmark {unknown[0]}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    for name in names:
        print(f"== {name}", flush=True)
        text = known[name]()
        print(text, flush=True)
        write_fragment(name, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
