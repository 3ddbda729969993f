"""`data list` and `data audit`."""

from pathlib import Path

import pytest

from cancernet.data import load
from cli.made import cancernet, refused, succeeded, write_labelled


def test_the_list_is_true(here: Path) -> None:
    for described in succeeded("data", "list", "--json").json["tables"]:
        table = load(described["name"])
        assert described["rows"] == len(table)
        assert described["features"] == len(table.features)
        assert described["classes"] == {name: int((table.target == name).sum()) for name in table.classes}
        assert table.licence.startswith(described["licence"])
        assert described["name"] in succeeded("data", "list").out


def test_audit_of_a_table(here: Path) -> None:
    write_labelled(here / "rows.csv")
    found = succeeded("data", "audit", "rows.csv", "--target", "label", "--group", "patient", "--json").json
    assert (found["rows"], found["features"], found["groups"]) == (60, 3, 30)
    assert sum(found["classes"].values()) == 60
    assert found["leak_audit"]["leaks"] is False
    assert "--group COLUMN" in " ".join(succeeded("data", "audit", "rows.csv", "--target", "label").out.split())
    assert "'label'" in refused("data", "audit", "rows.csv")
    (here / "bare.csv").write_text("a,b\n1,2\n3,4\n")
    assert "--target COLUMN" in succeeded("data", "audit", "bare.csv").out


def test_audit_against_another_table(here: Path) -> None:
    write_labelled(here / "rows.csv")
    write_labelled(here / "other.csv", seed=5)
    roles = ("--target", "label", "--group", "row")
    assert "LEAK" in cancernet("data", "audit", "rows.csv", "--against", "rows.csv", *roles).out
    assert cancernet("data", "audit", "rows.csv", "--against", "rows.csv", *roles).code == 2
    refused("data", "audit", "rows.csv", "--against", "nowhere.csv")


@pytest.mark.realdata
def test_audits_of_the_files_of_wisconsin(here: Path, realdata: Path) -> None:
    folder = realdata / "tabular" / "wisconsin"
    found = cancernet("data", "audit", folder / "wpbc.data", "--against", folder / "wdbc.data", "--json")
    assert found.code == 2
    assert found.json["leak_audit"]["identical_rows"]["count"] == 156
    few = succeeded("data", "audit", folder / "breast-cancer-wisconsin.data", "--json").json
    assert (few["rows"], few["groups"], few["missing_values"]) == (699, 645, 16)
    assert few["leak_audit"]["alike"]["count"] == 278
