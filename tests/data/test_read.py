import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cancernet.data import read_chunks, read_table
from cancernet.errors import CancerNetError, CorruptFile, InvalidInput, StorageFailure

GOOD = "case,patient,area,width,label\n1,p1,2.5,1,M\n2,p1,?,2,B\n3,p2,4e1, 3 ,B\n"
CELLS = st.sampled_from(["1", "-2.5", "1e3", "", "?", " 7", "x", "inf", "nan", '"', '"a,b"', "é", "1,5", "\0", "1e999"])
NASTY = st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=5).map("\n".join)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text(GOOD)
    return path


def written(folder, content, name="cases.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path, **options):
    with pytest.raises(CancerNetError) as caught:
        read_table(path, **options)
    assert caught.value.wrong
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_column_has_its_role(good):
    table = read_table(good, target="label", group="patient", id="case")
    assert table.name == "cases"
    assert table.feature_names == ("area", "width")
    np.testing.assert_array_equal(table.values, [[2.5, 1], [np.nan, 2], [40, 3]])
    assert table.ids.tolist() == ["1", "2", "3"]
    assert table.groups.tolist() == ["p1", "p1", "p2"]
    assert table.target.tolist() == ["M", "B", "B"]
    assert (table.target_column, table.group_column) == ("label", "patient")


def test_without_names_nothing_is_guessed(good):
    table = read_table(good, drop=["patient", "label"])
    assert table.feature_names == ("case", "area", "width")
    assert table.ids.tolist() == ["row-1", "row-2", "row-3"]
    assert (table.target, table.target_column, table.group_column) == (None, None, None)


def test_each_row_its_own_group(good):
    table = read_table(good, group="row", id="case", columns=["width"])
    assert table.group_column == "row"
    assert table.groups.tolist() == table.ids.tolist()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", GOOD.encode()),
        ("t.tsv", GOOD.replace(",", "\t").encode()),
        ("t.txt", GOOD.replace(",", ";").encode()),
        ("t.csv.gz", gzip.compress(GOOD.encode(), mtime=0)),
        ("misnamed.csv", gzip.compress(GOOD.encode(), mtime=0)),
        ("bom.csv", b"\xef\xbb\xbf" + GOOD.encode()),
        ("windows.csv", GOOD.replace("\n", "\r\n").encode()),
        ("blank.csv", f"\n\n{GOOD}\n\n".encode()),
    ],
)
def test_all_kinds_of_text_are_the_same_table(tmp_path, good, name, content):
    twin = read_table(good, target="label", group="patient")
    table = read_table(written(tmp_path, content, name), target="label", group="patient")
    np.testing.assert_array_equal(table.values, twin.values)
    assert table.feature_names == twin.feature_names
    assert table.target.tolist() == twin.target.tolist()


def test_parquet_holds_any_type(tmp_path):
    frame = pd.DataFrame(
        {
            "whole": [1, 2],
            "flag": [True, False],
            "text": ["1.5", "?"],
            "kind": pd.Categorical(["3", "4"]),
            "hole": [None, 2.5],
            "label": [1.0, 0.0],
        },
        index=["a", "b"],
    )
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet", target="label")
    np.testing.assert_array_equal(table.values, [[1, 1, 1.5, 3, np.nan], [2, 0, np.nan, 4, 2.5]])
    assert table.target.tolist() == ["1", "0"]
    assert table.ids.tolist() == ["a", "b"]


def test_pandas_index_is_the_id(tmp_path):
    pd.DataFrame({"a": [1, 2]}, index=["x", "y"]).to_csv(tmp_path / "t.csv")
    table = read_table(tmp_path / "t.csv")
    assert (table.feature_names, table.ids.tolist()) == (("a",), ["x", "y"])


def test_labels_stay_as_they_are_written(tmp_path):
    table = read_table(written(tmp_path, "a,y\n1,01\n2,1.0\n3, yes \n"), target="y")
    assert table.target.tolist() == ["01", "1.0", "yes"]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frame=st.lists(
        st.tuples(st.floats(-1e9, 1e9), st.one_of(st.none(), st.integers(-1000, 1000))), min_size=1, max_size=20
    ),
    delimiter=st.sampled_from(",\t;"),
)
def test_agrees_with_pandas(tmp_path, frame, delimiter):
    path = tmp_path / "t.csv"
    pd.DataFrame(frame, columns=["a", "b"]).to_csv(path, index=False, sep=delimiter)
    twin = pd.read_csv(path, sep=delimiter, dtype=str).to_numpy().astype(float)
    np.testing.assert_array_equal(read_table(path).values, twin)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b", "has a header and no rows"),
        ("a,b\n\n", "has a header and no rows"),
        ("a,b\n1,2\n3,x y\n", "Text 'x y' in row 2 below the header, column 'b'"),
        ("a,b\n1,2\n3,1_000\n", "Text '1_000' in row 2 below the header, column 'b'"),
        ("a;b\n1;2,5\n", "Write decimals with a point"),
        ("a,b\n1,2\n-inf,2\n", "Infinity in row 2 below the header, column 'a'"),
        ("a,b\n1,2\n1,1e999\n", "Infinity in row 2 below the header, column 'b'"),
        ("a,b\n1,2\n3\n", "Row 2 below the header of .* has 1 cells. Expected 2 cells"),
        ("a,b\n1,2\n3,4,5\n", "Row 2 below the header of .* has 3 cells. Expected 2 cells"),
        ("a,b,a\n1,2,3\n", "the same name: 'a'"),
        ("a,b,\n1,2,3\n", "Column number 3 of .* has no name"),
        ("1,2\n3,4\n", "holds numbers, no names: '1', '2'"),
        ("id,a\nx,1\ny,2\nx,3\n", r"Ids repeat in column 'id' of .*: 'x'.* group = \"id\""),
        ("id,a\nx,1\n,2\n", "Nothing in row 2 below the header, column 'id'"),
        (b"a,b\n1,\xff\n", "is not UTF-8 text: byte 6 is 0xff"),
        ("a,b\n1,2\n".encode("utf-16"), "is not UTF-8 text"),
        (b"a,\0\n1,2\n", "is not UTF-8 text: it holds zero bytes"),
        (b"PK\x03\x04", "is an Excel or zip file"),
        ('a,b\n1,"2\n3,4\n', "Text '2 3,4' in row 1"),
        ("id,target\n1,2\n", "has no feature"),
    ],
)
def test_bad_text_is_refused_in_one_sentence(tmp_path, content, message):
    options = {"target": "target"} if "target" in str(content) else {}
    path = written(tmp_path, content)
    with pytest.raises(InvalidInput, match=message):
        read_table(path, **options)
    refusal(path, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "lable"}, r"lacks the column 'lable'.*Did you mean 'label'\?"),
        ({"group": "pateint"}, r"Did you mean 'patient'\?"),
        ({"id": "Case"}, r"Did you mean 'case'\?"),
        ({"columns": ["area", "widht"]}, r"Did you mean 'width'\?"),
        ({"drop": ["lbel"]}, r"Did you mean 'label'\?"),
        ({"target": "label", "columns": ["area", "label"]}, "features and id, target or group at once: 'label'"),
        ({"target": "area", "drop": ["patient", "label"]}, "Nothing in row 2 below the header, column 'area'"),
        ({}, "Text 'p1' in row 1 below the header, column 'patient'"),
    ],
)
def test_a_wrong_role_is_refused(good, options, message):
    with pytest.raises(InvalidInput, match=message):
        read_table(good, **options)


def test_invalid_bytes_far_into_a_file(tmp_path):
    rows = b"1,x\n" * 1_500_000
    with pytest.raises(InvalidInput, match="is not UTF-8 text"):
        read_table(written(tmp_path, b"a,y\n" + rows + b"1,\xff\n"), target="y")


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(StorageFailure, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(StorageFailure, match="it is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(("name", "cut"), [("t.csv.gz", 5), ("t.parquet", 6), ("t.parquet", 40)])
def test_a_damaged_file(tmp_path, name, cut):
    frame = pd.DataFrame({"a": np.arange(1000.0)})
    path = tmp_path / name
    frame.to_parquet(path) if "parquet" in name else frame.to_csv(path, index=False)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(CorruptFile, match=r"t\.(csv\.gz|parquet)"):
        read_table(path)


def test_a_gzip_file_damaged_far_behind(tmp_path):
    content = gzip.compress(b"a,b\n" + b"1,2\n" * 1_500_000, compresslevel=1, mtime=0)
    with pytest.raises(CorruptFile, match="is damaged"):
        read_table(written(tmp_path, content[:-9], "t.csv.gz"))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1, 2], "b": ["x", "1"]}), "Text 'x' in row 1 from the top, column 'b'"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "Infinity in row 2 from the top, column 'a'"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "Column 'a' of .* holds timestamp"),
        (pd.DataFrame({"a": [[1], [2]]}), "Column 'a' of .* holds list"),
        (pd.DataFrame({"a": []}), "has a header and no rows"),
    ],
)
def test_bad_parquet_is_refused_in_one_sentence(tmp_path, frame, message):
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    with pytest.raises(InvalidInput, match=message):
        read_table(tmp_path / "t.parquet")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=80) | NASTY.map(str.encode) | NASTY.map(lambda text: f"a,b\n{text}".encode()))
@example(content=b"\x1f\x8b")
@example(content=b"PAR1PAR1")
@example(content=b'"')
@example(content=b"\r")
@example(content=b"a\n \n")
def test_no_bytes_end_in_a_traceback(tmp_path, content):
    path = written(tmp_path, content)
    for options in ({}, {"target": "b"}, {"group": "a"}):
        try:
            table = read_table(path, **options)
        except CancerNetError as error:
            assert error.wrong  # noqa: PT017  (either outcome is fine)
        else:
            assert len(table) > 0
            assert not np.isinf(table.values).any()
    try:
        rows = sum(len(chunk.ids) for chunk in read_chunks(path, ["a"]))
    except CancerNetError:
        return
    assert rows > 0


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 2000), byte=st.integers(0, 255))
def test_no_flipped_byte_of_parquet_ends_in_a_traceback(tmp_path, position, byte):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]}).to_parquet(path)
    content = bytearray(path.read_bytes())
    content[position % len(content)] = byte
    path.write_bytes(content)
    try:
        table = read_table(path, target="b")
    except CancerNetError:
        return
    assert len(table.features) >= 1
