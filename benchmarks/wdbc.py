"""The Wisconsin table: 5 x 5-fold cross-validation of the built-in study, three weight seeds, beside the baseline."""

from benchmarks.page import table
from cancernet import studies
from cancernet.studies import Run

SEEDS = (0, 1, 2)
METRICS = (
    "auroc",
    "accuracy",
    "sensitivity",
    "specificity",
    "brier",
    "ece",
    "calibration_slope",
    "coverage",
    "set_size",
    "abstained",
    "selective_accuracy",
)


def measure() -> str:
    """Return two tables: metrics by seed beside logistic regression, and the paired differences."""
    runs = [_run(seed) for seed in SEEDS]
    head = ["metric", *(f"conv1d, seed {seed}" for seed in SEEDS), "logistic regression"]
    columns = [*(run.record.metrics for run in runs), runs[0].record.baselines["logistic"]]
    rows = [[name, *(column[name].format(4) for column in columns)] for name in METRICS]
    perfect = runs[0].record.metrics["ece_of_perfect"]
    note = (
        f"A perfectly calibrated model would show an ECE of {perfect.value:.4f} (95th percentile {perfect.high:.4f})."
    )
    return "\n\n".join([table(head, rows), note, _differences(runs)])


def _run(seed: int) -> Run:
    """Return the study with one weight seed; split seed 7."""
    run = studies.run(studies.find_study("wdbc", settings=["split.repeats=5", f"training.seed={seed}"]))
    print(f"seed {seed}: AUROC {run.record.metrics['auroc'].format(4)}", flush=True)
    return run


def _differences(runs: list[Run]) -> str:
    """Return network minus logistic regression on the same rows."""
    head = ["network minus logistic regression", *(f"seed {seed}" for seed in SEEDS)]
    names = ("auroc", "accuracy", "brier", "nll")
    rows = [[name, *(run.record.differences["logistic"][name].format(4) for run in runs)] for name in names]
    return table(head, rows)
