import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cancernet.data import Split, folds_by_group, read_split, split_by_group, write_split
from cancernet.errors import CancerNetError, CorruptFile, InvalidInput, StorageFailure
from data.made import patients

TABLE = patients(12, positive_share=0.5)


@pytest.mark.parametrize("split", [folds_by_group(TABLE, folds=3, repeats=2), split_by_group(TABLE)])
def test_a_split_survives_the_file(tmp_path, split):
    write_split(tmp_path / "split.json", split)
    back = read_split(tmp_path / "split.json", table=TABLE)
    assert back.to_dict() == split.to_dict()
    assert not list(tmp_path.glob(".*"))


def test_another_table_is_refused(tmp_path):
    write_split(tmp_path / "split.json", split_by_group(TABLE))
    with pytest.raises(InvalidInput, match="other ids than table 'made'"):
        read_split(tmp_path / "split.json", table=TABLE.take(range(35, -1, -1)))


def test_a_schema_from_the_future_is_refused():
    content = {**split_by_group(TABLE).to_dict(), "schema": 2}
    with pytest.raises(InvalidInput, match=r"schema 2.*pip install --upgrade"):
        Split.from_dict(content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.pop("seed"), "seed: Field required"),
        (lambda content: content.pop("schema"), "schema: Field required"),
        (lambda content: content.update(colour="red"), "colour: Extra inputs"),
        (lambda content: content.update(kind="random"), "kind: Input should be"),
        (lambda content: content["folds"][0].update(test=[0.5]), "folds.0.test.0"),
        (lambda content: content["folds"][0]["test"].append(10**30), "not a valid split"),
        (lambda content: content["folds"][0]["test"].append(99), "rows out of range"),
        (lambda content: content["folds"][0]["test"].append(content["folds"][0]["train"][0]), "a row twice"),
        (lambda content: content["folds"].pop(), "tests 24 of 36 rows"),
    ],
)
def test_a_wrong_value_is_named(change, message):
    content = json.loads(json.dumps(folds_by_group(TABLE, folds=3).to_dict()))
    change(content)
    with pytest.raises(CorruptFile, match=message):
        Split.from_dict(content, where="split.json")


@pytest.mark.parametrize("content", ["", "[1, 2]", "null", "{", "3"])
def test_what_is_no_split_is_refused(tmp_path, content):
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(CorruptFile, match=r"split\.json"):
        read_split(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(StorageFailure, match="no such file"):
        read_split(tmp_path / "none.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(["schema", "kind", "seed", "group_column", "rows", "ids_digest", "folds"]), value=JSON)
def test_any_value_is_read_or_refused(key, value):
    content = {**folds_by_group(TABLE, folds=2).to_dict(), key: value}
    try:
        Split.from_dict(content)
    except CancerNetError as error:
        assert error.wrong  # noqa: PT017  (either outcome is fine)
