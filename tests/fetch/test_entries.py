"""The catalogue: every entry is whole, and says where it was read."""

from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from cancernet.cli.sets import size_in_words
from cancernet.data import catalogue
from cancernet.errors import InvalidInput
from cancernet.fetch import RemoteFile, RemoteSet, find_set, remote_sets
from cancernet.patches.options import LAYOUTS
from fetch.made import remote, remote_set
from house.tree import ROOT

SETS = remote_sets()
FILES = [file for each in SETS for file in each.files]


def test_the_sets_of_the_plan_are_there() -> None:
    wanted = {"idc", "pcam", "breakhis", "kather-2016", "nct-crc-he-100k", "lc25000", "wisconsin"}
    assert wanted <= {each.name for each in SETS}


def test_names_are_distinct_also_from_the_built_in_tables() -> None:
    names = [*(each.name for each in SETS), *(builtin.name for builtin in catalogue())]
    assert len(set(names)) == len(names)


def test_checksums_and_addresses_are_distinct() -> None:
    checksums = [file.checksum for file in FILES if file.checksum]
    assert len(set(checksums)) == len(checksums)
    assert len({file.address for file in FILES}) == len(FILES)


@pytest.mark.parametrize("each", SETS, ids=lambda each: each.name)
def test_every_set_can_be_had(each: RemoteSet) -> None:
    assert each.licence
    assert each.source.startswith("http")
    assert each.size > 0
    assert each.layout is None or each.layout in LAYOUTS
    if each.files:
        assert each.how == ("fetch" if all(file.checksum for file in each.files) else "fetch, first use trusted")
    else:
        assert each.steps
        assert each.read_in
        assert each.how == "by hand, see steps"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_says_where_it_was_read(file) -> None:
    assert any("/" in words or "public scripts" in words for words in file.read_in)
    assert file.name == urlsplit(file.address).path.rpartition("/")[2]
    if file.checksum and file.size is None:
        assert "no size is published" in " ".join(file.read_in)
    # Without a checksum the connection is all that can be trusted; where it is open, the set says so.
    if file.address.startswith("http:") and not file.checksum:
        (owner,) = (each for each in SETS if file in each.files)
        assert any("not encrypted" in note for note in owner.notes)


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'kather-2016'"):
        find_set("kather2016")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../escape"},
        {"name": ".hidden"},
        {"address": "ftp://host/file"},
        {"address": "https://host"},
        {"checksum": "sha256:abc"},
        {"checksum": "sha1:" + "0" * 40},
        {"size": 0},
        {"read_in": ()},
        {"mirror": "https://host/file"},
    ],
    ids=str,
)
def test_a_bad_file_is_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        RemoteFile(**{"name": "a.zip", "address": "https://host/a.zip", "read_in": ("a page",), **wrong})


def test_a_set_without_any_way_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs steps"):
        remote_set()
    with pytest.raises(ValidationError, match="needs steps"):
        remote_set(steps=("log in",))
    assert remote_set(steps=("log in",), read_in=("a page",)).how == "by hand, see steps"


def test_two_files_of_one_name_are_refused() -> None:
    twice = remote("https://one/a.zip"), remote("https://two/a.zip")
    with pytest.raises(ValidationError, match="two files of one name"):
        remote_set(*twice)


def test_sizes_are_added_and_marked() -> None:
    exact, rough = remote("https://host/a", b"abc"), remote("https://host/b", about=10)
    assert (remote_set(exact).size, remote_set(exact).exact) == (3, True)
    assert (remote_set(exact, rough).size, remote_set(exact, rough).exact) == (13, False)


@pytest.mark.parametrize("each", SETS, ids=lambda each: each.name)
def test_the_page_for_users_says_the_same(each: RemoteSet) -> None:
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith(f"| `{each.name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2].partition(",")[0] == size_in_words(each)
    assert ("first use trusted" in cells[2]) == (each.how == "fetch, first use trusted")
    assert ("by hand" in cells[2]) == (not each.files)
    assert each.licence.startswith(cells[3].rstrip(")"))
    assert each.layout is None or cells[5] == f"`--layout {each.layout}`"
