"""Files as text: some columns of many, and no more cells than memory holds."""

import pytest

from cancernet.data import read_texts
from cancernet.data import texts as room
from cancernet.errors import InvalidInput


@pytest.fixture
def path(tmp_path):
    """A table of 40 rows: names, a label, 23 genes."""
    genes = [f"GENE{place}" for place in range(23)]
    rows = [[f"s{row}", "high" if row % 2 else "", *(str(row * place) for place in range(23))] for row in range(40)]
    path = tmp_path / "genes.csv"
    path.write_text("\n".join(",".join(cells) for cells in [["sample", "label", *genes], *rows]))
    return path


def test_only_some_columns_are_what_all_columns_say(path):
    some, every = read_texts(path, only=["label", "GENE7", "absent"]), read_texts(path)
    assert some.positions == (0, 1, 9)
    assert some.cells.shape == (40, 3)
    assert some.names == every.names
    for position in some.positions:
        assert some.column(position).tolist() == every.column(position).tolist()
    assert (some.cell(3, 9), some.cell(3, 1), some.cell(4, 1)) == ("21", "high", "")


def test_as_many_cells_as_are_allowed_are_read_and_one_row_more_is_refused(path, monkeypatch):
    monkeypatch.setattr(room, "_AT_ONCE", 100)  # four rows
    monkeypatch.setattr(room, "_MOST_CELLS", 40 * 25)
    assert read_texts(path).cells.shape == (40, 25)
    monkeypatch.setattr(room, "_MOST_CELLS", 39 * 25)
    with pytest.raises(InvalidInput, match="more than 975 cells"):
        read_texts(path)
    assert read_texts(path, only=["label"]).cells.shape == (40, 2)
