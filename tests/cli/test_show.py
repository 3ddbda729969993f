from cancernet.cli.show import estimates_table, label_of
from cancernet.cli.train import HEADLINE
from cancernet.metrics import measure
from metrics.made import ordered, several


def test_metrics_of_grades_have_labels_and_stand_first():
    assert label_of("quadratic_kappa") == "quadratic kappa"
    assert label_of("mean_absolute_error") == "mean absolute error"
    lines = estimates_table({"network": measure(ordered(80), draws=20)}, HEADLINE).splitlines()
    assert [line.split("  ")[1] for line in lines[1:3]] == ["quadratic kappa", "mean absolute error"]


def test_other_tasks_do_not_show_them():
    table = estimates_table({"network": measure(several(80), draws=20)}, HEADLINE)
    assert "quadratic" not in table
    assert table.splitlines()[1].split("  ")[1] == "macro AUROC"
