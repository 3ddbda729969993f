import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cancernet.data import read_chunks, read_table
from cancernet.errors import InvalidInput, StorageFailure


@pytest.fixture
def many(tmp_path):
    """Return a file of 5,000 rows and its values."""
    values = np.round(np.random.default_rng(0).normal(size=(5000, 3)), 6)
    path = tmp_path / "many.csv"
    lines = [f"case-{row},{a},{b},{c},x" for row, (a, b, c) in enumerate(values)]
    path.write_text("\n".join(["id,a,b,c,note", *lines]) + "\n")
    return path, values


@pytest.mark.parametrize("rows", [1, 999, 5000, 65536])
def test_chunks_are_the_whole_file(many, rows):
    path, values = many
    chunks = list(read_chunks(path, ["c", "a"], rows=rows))
    assert max(len(chunk.ids) for chunk in chunks) <= rows
    assert [chunk.first_row for chunk in chunks] == np.cumsum([0, *[len(chunk.ids) for chunk in chunks[:-1]]]).tolist()
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks]), values[:, [2, 0]])
    assert np.concatenate([chunk.ids for chunk in chunks]).tolist() == [f"case-{row}" for row in range(5000)]
    assert chunks[0].extra == ("b", "note")


def test_rows_get_numbers_where_there_are_no_ids(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n2\n3\n")
    assert [chunk.ids.tolist() for chunk in read_chunks(path, ["a"], rows=2)] == [["row-1", "row-2"], ["row-3"]]
    path.write_text("id,a\n,1\nNA,2\nx,3\n")
    assert next(read_chunks(path, ["a"])).ids.tolist() == ["row-1", "row-2", "x"]


def test_blanks_around_numbers_are_no_text_but_text_is(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{number},1" for number in range(3000)]
    path.write_text("\n".join(["a,b", *rows, " 7 , ? ", *rows]))
    values = np.concatenate([chunk.values for chunk in read_chunks(path, ["a", "b"], rows=100)])
    assert values.shape == (6001, 2)
    np.testing.assert_array_equal(values[3000], [7, np.nan])
    assert values[-1, 0] == 2999


def test_no_row_comes_twice_when_the_slow_way_takes_over(tmp_path):
    path = tmp_path / "t.csv"
    rows = 900_000  # more than one block, so that the first has been yielded when the second fails
    path.write_text("a,b\n" + "".join(f"{number},1\n" for number in range(rows)) + " ? ,1\n")
    column = np.concatenate([chunk.values[:, 0] for chunk in read_chunks(path, ["a"])])
    np.testing.assert_array_equal(column[:-1], np.arange(rows))
    assert np.isnan(column[-1])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("x,1", "Text 'x' in row 3001 below the header, column 'a'"),
        ("1,inf", "Infinity in row 3001 below the header, column 'b'"),
        ("1", "Row 3001 below the header of .* has 1 cells"),
    ],
)
def test_the_row_is_named_far_into_a_file(tmp_path, bad, message):
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,b", *["1,2"] * 3000, bad, *["1,2"] * 3000]))
    with pytest.raises(InvalidInput, match=message):
        list(read_chunks(path, ["a", "b"], rows=100))


def test_what_can_be_known_is_said_at_once(many):
    path, _ = many
    with pytest.raises(InvalidInput, match=r"lacks the column 'aa'.*Did you mean 'a'\?"):
        read_chunks(path, ["aa", "b"])
    with pytest.raises(InvalidInput, match=r"Did you mean 'note'\?"):
        read_chunks(path, ["a"], id="notes")
    with pytest.raises(StorageFailure):
        read_chunks(path.with_name("none.csv"), ["a"])


def test_parquet_in_chunks(many, tmp_path):
    path, values = many
    pd.read_csv(path).to_parquet(tmp_path / "many.parquet", index=False)
    chunks = list(read_chunks(tmp_path / "many.parquet", ["b", "a"], rows=700))
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks]), values[:, [1, 0]])
    assert chunks[-1].ids[-1] == "case-4999"


def test_the_same_cells_as_read_table(many):
    path, _ = many
    table = read_table(path, drop=["note"])
    chunks = list(read_chunks(path, table.feature_names))
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks]), table.values)
    assert np.concatenate([chunk.ids for chunk in chunks]).tolist() == table.ids.tolist()


def test_memory_does_not_grow_with_the_file(tmp_path):
    line = ",".join(["0.123456"] * 30)
    path = tmp_path / "large.csv"
    path.write_text(",".join(f"f{n}" for n in range(30)) + f"\n{line}" * 500_000)
    before, rows, peak = pa.total_allocated_bytes(), 0, 0
    for chunk in read_chunks(path, [f"f{n}" for n in range(30)]):
        rows += len(chunk.ids)
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert rows == 500_000
    assert peak < 90e6  # of 135 MB of text: Arrow reads at most 32 blocks of 2 MB ahead


def test_rows_longer_than_a_block_of_text(tmp_path):
    path, columns = tmp_path / "wide.csv", 60_000
    row = ",".join(["0.1234567890123"] * columns)
    path.write_text(",".join(f"gene{n}" for n in range(columns)) + f"\n{row}" * 8)
    (values,) = [chunk.values for chunk in read_chunks(path, ["gene7", "gene59999"])]
    assert values.shape == (8, 2)


def test_a_quote_that_is_not_closed(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,a\n" + "x,1\n" * 10 + 'y,"2\n' + "x,1\n" * 2_000_000)
    with pytest.raises(InvalidInput, match="Look for a quote that is not closed"):
        list(read_chunks(path, ["a"]))


def test_a_file_left_early_takes_no_rows_of_the_next(tmp_path):
    path, rows = tmp_path / "t.csv", 40_000
    path.write_text(",".join(f"f{n}" for n in range(30)) + ("\n" + ",".join(["0.123456"] * 30)) * rows)
    for _ in range(20):
        next(read_chunks(path, ["f0"]))
        assert sum(len(chunk.ids) for chunk in read_chunks(path, ["f1"])) == rows
