"""The resolution policy: what is used, what is refused, and what is recorded."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from cancernet.errors import CancerNetError, InvalidInput, MissingResolution, StorageFailure
from cancernet.slides import MppPolicy, Pitch, resolve_pitch
from cancernet.slides.reading.tiff import TiffSlide
from slides.made import picture, write_tiff

SAID = Pitch(0.2527, 0.2527, "aperio.MPP")


@dataclass
class Asked:
    """What the policy looks at of a slide."""

    pitch: Pitch | None
    path: Path = Path("slides/a.svs")


def test_error_takes_what_the_file_says():
    assert resolve_pitch(Asked(SAID)) is SAID
    assert resolve_pitch(Asked(SAID), "error") is SAID


def test_error_refuses_a_slide_that_says_nothing_and_says_how_to_give_it():
    with pytest.raises(MissingResolution) as caught:
        resolve_pitch(Asked(None))
    for hint in ("slides/a.svs", "--mpp 0.25", "slide,mpp", "--mpp assume:0.25"):
        assert hint in str(caught.value)


@pytest.mark.parametrize("policy", ["0.25", 0.25, " 0.25 ", MppPolicy(stated=0.25)])
def test_a_number(policy):
    assert resolve_pitch(Asked(None), policy) == Pitch(0.25, 0.25, "--mpp")
    assert resolve_pitch(Asked(SAID), policy) == Pitch(0.25, 0.25, "--mpp (the file says 0.2527)")
    assert resolve_pitch(Asked(Pitch(0.25, 0.25, "x")), policy) == Pitch(0.25, 0.25, "--mpp")


@pytest.mark.parametrize("said", [(0.5, 0.5), (0.28, 0.28), (0.22, 0.22), (0.25, 0.5), (0.2, 0.3125)])
def test_a_number_that_contradicts_the_file(said):
    with pytest.raises(InvalidInput, match=r"--mpp 0\.25 contradicts 'slides/a\.svs', which says 0\.\d+") as caught:
        resolve_pitch(Asked(Pitch(*said, "TIFF resolution")), "0.25")
    assert "a line slide,mpp" in str(caught.value)


def test_a_guess_is_recorded_and_never_replaces_what_the_file_says():
    guess = resolve_pitch(Asked(None), "assume:0.5")
    assert guess.assumed
    assert (guess.um_x, guess.um_y) == (0.5, 0.5)
    assert "assume" in guess.source
    assert resolve_pitch(Asked(SAID), "assume:0.5") is SAID


@pytest.fixture
def table(tmp_path):
    def write(text: str, name: str = "mpp.csv") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("key", ["a.svs", "slides/a.svs"])
def test_a_table_by_name_or_path(table, key):
    source = table(f"\ufeffslide, mpp\n{key},0.5\nb.svs,0.25\n".lstrip("\ufeff"))
    assert resolve_pitch(Asked(None), source) == Pitch(0.5, 0.5, f"table '{source}'")
    # Who names one slide has looked at it: the line wins, and what the file says is recorded.
    assert resolve_pitch(Asked(SAID), source).source == f"table '{source}' (the file says 0.2527)"
    assert resolve_pitch(Asked(SAID, Path("c.svs")), source) is SAID
    with pytest.raises(MissingResolution, match="nor does"):
        resolve_pitch(Asked(None, Path("c.svs")), source)


def test_a_table_of_paths_beside_it(table, tmp_path):
    policy = MppPolicy.parse(table("slide\tmpp\nsub/a.svs\t0.5\n", "mpp.tsv"))
    assert resolve_pitch(Asked(None, tmp_path / "sub" / "a.svs"), policy).mpp == 0.5
    with pytest.raises(MissingResolution):
        resolve_pitch(Asked(None, tmp_path / "other" / "b.svs"), policy)


def test_a_path_goes_before_a_name(table):
    source = table("slide,mpp\na.svs,0.5\nslides/a.svs,0.25\n")
    assert resolve_pitch(Asked(None), source).mpp == 0.25


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("slide,mpp\na.svs,half\n", "Line 2"),
        ("slide,mpp\na.svs,\n", "Line 2"),
        ("slide,mpp\na.svs,0.5\na.svs,0.25\n", "contradicts an earlier line of 'a.svs'"),
        ("name,mpp\na.svs,0.5\n", "has the columns 'name', 'mpp'"),
        ("", "has the columns"),
        ("slide,mpp\na.svs\n", "Line 2"),
    ],
)
def test_tables_that_cannot_be_understood(table, text, says):
    with pytest.raises(InvalidInput, match=says):
        MppPolicy.parse(table(text))


def test_a_table_that_is_not_text(tmp_path):
    path = tmp_path / "mpp.csv"
    path.write_bytes(b"slide,mpp\n\xff\xfe,0.5\n")
    with pytest.raises(CancerNetError, match=r"mpp\.csv"):
        MppPolicy.parse(str(path))


@pytest.mark.parametrize("text", ["", "nan", "inf", "0", "-0.25", "40x", "assume:", "assume:x", "1000", "guess"])
def test_what_is_no_policy(text):
    with pytest.raises(InvalidInput, match="Expected 'error', a number of microns per pixel"):
        MppPolicy.parse(text)


def test_a_table_that_is_not_there():
    with pytest.raises(StorageFailure, match="no such file"):
        MppPolicy.parse("nothing.csv")


def test_a_real_file(tmp_path):
    path = write_tiff(tmp_path / "a.tif", [picture()], resolution=(40_000, 40_000), resolutionunit="CENTIMETER")
    with TiffSlide(path) as slide:
        assert resolve_pitch(slide).mpp == pytest.approx(0.25)
        with pytest.raises(InvalidInput):
            resolve_pitch(slide, "0.5")
