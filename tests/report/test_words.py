import pytest

from cancernet.report.words import describe, rival


@pytest.mark.parametrize(
    ("name", "label", "better"),
    [
        ("auroc_at_60", "AUROC at 60", "higher"),
        ("brier_at_7.5", "Brier score at 7.5", "lower"),
        ("calibration_ratio_at_60", "Observed by predicted at 60", ""),
        ("auroc_from_3", "AUROC, grade 3 or worse", "higher"),
        ("auroc_a_at_b_vs_c", "AUROC, a_at_b against c", "higher"),
    ],
)
def test_names_made_of_times_grades_and_classes_have_words(name: str, label: str, better: str) -> None:
    metric = describe(name)
    assert (metric.label, metric.better) == (label, better)


def test_baselines_of_survival_have_names() -> None:
    assert (rival("cox"), rival("kaplan-meier")) == ("Cox regression", "Kaplan-Meier")
