import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from cancernet.data import Feature, Table
from cancernet.errors import CancerNetError, InvalidInput
from cancernet.explain import explain_table, shapley
from predict.made import COLUMNS, training_values, write_csv

PNG = b"\x89PNG\r\n\x1a\n"
ALL = ["attribution.csv", "attribution.png", "explanation.json", "importance.csv", "importance.png"]


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("method", ["shapley", "occlusion"])
def test_folder_of_a_table_with_truth(linear, table, tmp_path, method):
    found = explain_table(linear, table, out=tmp_path / "why", method=method)
    assert names(tmp_path / "why") == ALL
    assert found.reason == ""
    rows = read(tmp_path / "why" / "attribution.csv")
    assert list(rows[0]) == ["id", "predicted", "explained", "p", "output", "reference_output", *COLUMNS]
    assert [row["id"] for row in rows] == table.ids.tolist()
    written = np.array([[float(row[name]) for name in COLUMNS] for row in rows])
    assert written == pytest.approx(found.attribution.contributions, abs=1e-6)
    for name in ("attribution.png", "importance.png"):
        assert (tmp_path / "why" / name).read_bytes().startswith(PNG)


def test_importance_file(linear, table, tmp_path):
    found = explain_table(linear, table, out=tmp_path / "why")
    rows = read(tmp_path / "why" / "importance.csv")
    assert [row["column"] for row in rows] == [name for name, _ in found.importance] == ["radius", "texture", "area"]
    assert rows[0]["loss_of"] == "auroc"
    assert float(rows[0]["low"]) == found.importance[0][1].low
    assert (rows[0]["n"], rows[0]["groups"], rows[0]["method"]) == ("60", "30", "bootstrap over groups")


def test_record(linear, table, tmp_path):
    found = explain_table(linear, table, out=tmp_path / "why", seed=3)
    record = json.loads((tmp_path / "why" / "explanation.json").read_text())
    assert (record["schema"], record["method"], record["scale"], record["seed"]) == (1, "shapley", "log-odds", 3)
    assert record["reference"] == dict(zip(COLUMNS, found.attribution.reference.tolist(), strict=True))
    assert record["importance"]["radius"]["value"] == found.importance[0][1].value


def test_same_seed_same_bytes(linear, table, tmp_path):
    for name in ("one", "two"):
        explain_table(linear, table, out=tmp_path / name)
    for name in ALL:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"target": None}, "no target"), ({"group_column": None}, "name the group column")],
)
def test_without_truth_or_groups_there_is_no_importance(linear, table, tmp_path, change, reason):
    found = explain_table(linear, replace(table, **change), out=tmp_path / "why")
    assert names(tmp_path / "why") == ALL[:3]
    assert found.importance is None
    assert reason in found.reason
    assert reason in json.loads((tmp_path / "why" / "explanation.json").read_text())["reason"]


def test_a_file_in_another_order_with_strangers(linear, tmp_path):
    values = training_values(4)
    strange = np.concatenate([values[:, ::-1], np.ones((4, 1))], axis=1)
    source = write_csv(tmp_path / "rows.csv", strange, names=(*COLUMNS[::-1], "mood"), ids="abcd")
    found = explain_table(linear, source, out=tmp_path / "why")
    assert found.attribution.contributions == pytest.approx(shapley(linear, values).contributions)
    assert found.attribution.cases.ids.tolist() == list("abcd")


def test_one_class_only_still_gets_a_figure(linear, table, tmp_path):
    rows = np.flatnonzero(table.target == "M")
    found = explain_table(linear, table.take(rows), out=tmp_path / "why")
    assert found.importance[0][1].value is None
    assert names(tmp_path / "why") == ALL
    assert read(tmp_path / "why" / "importance.csv")[0]["value"] == ""


def test_several_classes(three_classes, table, tmp_path):
    relabelled = replace(table, target=np.array(list("abc"))[np.arange(60) % 3])
    found = explain_table(three_classes, relabelled, out=tmp_path / "why")
    assert found.metric == "accuracy"
    assert {row["explained"] for row in read(tmp_path / "why" / "attribution.csv")} <= set("abc")


def test_column_called_like_one_of_ours(tmp_path, table):
    from cancernet import bundle, engine
    from predict.made import make_bundle, make_card

    columns = tuple(bundle.Column(name=name) for name in ("p", "texture", "output"))
    folder = make_bundle(tmp_path / "clash", make_card(input=bundle.TableInput(columns=columns)), np.eye(3)[:, :2])
    renamed = replace(table, features=tuple(Feature(column.name) for column in columns))
    with engine.open(folder) as model:
        explain_table(model, renamed, out=tmp_path / "why")
    rows = read(tmp_path / "why" / "attribution.csv")
    assert list(rows[0])[3:] == ["p", "output", "reference_output", "column p", "texture", "column output"]


def missing_column(table):
    return table.select(COLUMNS[:2], exact=False)


def missing_value(table):
    values = table.values.copy()
    values[7, 2] = np.nan
    return replace(table, values=values)


def unknown_label(table):
    return replace(table, target=np.where(np.arange(60) == 4, "Q", table.target))


@pytest.mark.parametrize(
    ("damage", "words"),
    [(missing_column, "'area'"), (missing_value, "Row 8 has no value in column 'area'"), (unknown_label, "'Q'")],
)
def test_bad_input_leaves_nothing(linear, table, tmp_path, damage, words):
    with pytest.raises(InvalidInput, match=words):
        explain_table(linear, damage(table), out=tmp_path / "why")
    assert not list(tmp_path.iterdir())


def test_existing_folder_is_kept(linear, table, tmp_path):
    (tmp_path / "why").mkdir()
    (tmp_path / "why" / "mine").write_text("")
    with pytest.raises(InvalidInput, match="exists already"):
        explain_table(linear, table, out=tmp_path / "why")
    assert names(tmp_path / "why") == ["mine"]
    explain_table(linear, table, out=tmp_path / "why", force=True)
    assert names(tmp_path / "why") == ALL


def test_unknown_method(linear, table, tmp_path):
    with pytest.raises(CancerNetError, match="Did you mean 'shapley'"):
        explain_table(linear, table, out=tmp_path / "why", method="shaply")
    assert isinstance(table, Table)
