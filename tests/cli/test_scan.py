"""`scan`, as a user meets it."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cancernet import engine
from cancernet.jobs import Ledger, Place
from cli.made import Outcome, cancernet, contents, read_rows, refused, succeeded
from engine.patchbundle import patch_bundle
from scan.made import write_slide

FILES = {
    "heatmap.png",
    "heatmap.tiff",
    "job.json",
    "regions.geojson",
    "scores.parquet",
    "summary.json",
    "tissue.geojson",
}
PROGRAM = Path(sys.executable).with_name("cancernet")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of patches of 32 pixels at 0.5 microns."""
    return patch_bundle(tmp_path_factory.mktemp("bundles") / "patches")


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two slides."""
    folder = tmp_path_factory.mktemp("slides")
    for seed, name in enumerate(("one.png", "two.png")):
        write_slide(folder / name, width=200, height=150, seed=seed)
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, model: Path, batch: Path) -> tuple[Path, Outcome]:
    """Both slides scanned into an empty folder; what was left, and what was said."""
    out = tmp_path_factory.mktemp("first") / "scans"
    return out, succeeded("scan", model, batch / "one.png", batch / "two.png", "--out", out)


@pytest.fixture
def scans(first: tuple[Path, Outcome], here: Path) -> Path:
    """A copy of the scanned folder, below the folder in which the program runs."""
    return shutil.copytree(first[0], here / "scans")


@pytest.fixture
def bad(here: Path, batch: Path) -> Path:
    """A folder with a slide, a broken one, and another slide."""
    shutil.copytree(batch, here / "slides")
    (here / "slides" / "oh.svs").write_bytes(b"II*\0" + bytes(50))
    return here / "slides"


def times(folder: Path) -> dict[str, int]:
    """Return when the files of the slides were written."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.glob("[!.]*/*")}


def tiles(folder: Path) -> list[tuple[float, float]]:
    """Return the corners of the tiles of a scanned slide."""
    table = pq.read_table(folder / "scores.parquet", columns=["l0_x", "l0_y"]).to_pandas()
    return sorted(zip(table.l0_x, table.l0_y, strict=True))


def test_the_help_says_what_is_needed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = succeeded("scan", "--help").out
    for option in ("--mpp", "--region", "--mask", "--overlap", "--class", "--workers", "--max-ram", "--retry-failed"):
        assert option in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_plain_run_leaves_folders_table_page_and_ledger(first: tuple[Path, Outcome]) -> None:
    out, _ = first
    assert {path.name for path in out.iterdir()} == {
        "one",
        "two",
        "summary.csv",
        "report.html",
        "ledger.jsonl",
        ".jobs",
    }
    for name in ("one", "two"):
        assert {path.name for path in (out / name).iterdir()} == FILES
    rows = read_rows(out / "summary.csv")
    assert [row["slide"] for row in rows] == ["one.png", "two.png"]
    for row in rows:
        summary = json.loads((out / row["folder"] / "summary.json").read_text())
        assert float(row["tissue_mm2"]) == summary["tissue_mm2"] > 0
        assert int(row["tiles"]) == summary["tiles"]["scored"] > 0
        assert float(row["mpp"]) == pytest.approx(0.5, rel=1e-3)
    page = (out / "report.html").read_text()
    assert "2 scanned slides" in page
    assert 'src="data:image/jpeg;base64,' in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert [entry.status for entry in Ledger(Place(out)).entries()] == ["done", "done"]


def test_a_plain_run_says_what_became_of_each_slide_and_where_things_are(first: tuple[Path, Outcome]) -> None:
    out, told = first
    lines = told.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["1/2  one.png", "2/2  two.png"]
    assert all("mm2 positive" in line and "tiles in" in line for line in lines)
    assert told.out.startswith("2 of 2 slides done.\n")
    for place in ("report.html", "summary.csv", "SLIDE/heatmap.png"):
        assert f"{out}/{place}\n" in told.out
    assert "Research use only" in told.out


def test_run_again_does_nothing_twice(scans: Path, model: Path, batch: Path) -> None:
    before = times(scans)
    told = succeeded("scan", model, batch)  # --out scans is the default
    assert told.out.startswith("2 of 2 slides done, all of them before.\n")
    assert told.err == "2 of 2 need no work: they were done, or failed, before.\n"
    assert times(scans) == before


def test_a_new_slide_joins_the_overview(scans: Path, here: Path, model: Path) -> None:
    before = times(scans)
    write_slide(here / "three.png", width=150, height=100, seed=5)
    told = succeeded("scan", model, "three.png")
    assert told.out.startswith("1 of 1 slide done.\n")
    assert "report.html, with 2 more of earlier calls" in told.out
    assert "scans/three/heatmap.png" in told.out
    assert [row["slide"] for row in read_rows(scans / "summary.csv")] == ["three.png", "one.png", "two.png"]
    assert "3 scanned slides" in (scans / "report.html").read_text()
    assert before.items() <= times(scans).items()


def test_json_is_all_there_is(scans: Path, model: Path, batch: Path) -> None:
    found = succeeded("scan", model, batch, "--json")
    assert found.err == ""
    said = found.json
    assert list(said) == ["schema", "out", "report", "table", "slides", "kept", "failed"]
    assert (said["schema"], said["kept"], said["failed"]) == (1, ["one", "two"], {})
    assert Path(said["report"]).is_file()
    rows = read_rows(Path(said["table"]))
    assert [{name: str(slide[name]) for name in ("slide", "foci", "tissue_mm2")} for slide in said["slides"]] == [
        {name: row[name] for name in ("slide", "foci", "tissue_mm2")} for row in rows
    ]


def test_quiet_says_nothing_but_errors(here: Path, model: Path, bad: Path) -> None:
    quiet = cancernet("scan", model, bad, "--quiet")
    assert (quiet.code, quiet.out) == (2, "")
    assert quiet.err.splitlines()[0] == "Failed: 1 slide"
    calm = succeeded("scan", model, bad / "one.png", "--quiet")
    assert (calm.out, calm.err) == ("", "")


@pytest.mark.parametrize(
    "changed", [("--overlap", "0.5"), ("--region", "0,0,64,64"), ("--runtime", "onnxruntime")], ids=str
)
def test_other_options_are_refused(scans: Path, model: Path, batch: Path, changed: tuple[str, ...]) -> None:
    said = refused("scan", model, batch, *changed)
    assert "for 'one', 'two' was made with other options" in said
    assert "--force" in said


def test_force_does_again_what_other_options_made(scans: Path, model: Path, batch: Path) -> None:
    succeeded("scan", model, batch / "one.png", "--region", "0,0,64,64", "--force")
    assert tiles(scans / "one") == [(0, 0), (0, 32), (32, 0), (32, 32)]
    rows = read_rows(scans / "summary.csv")
    assert [row["slide"] for row in rows] == ["one.png"], "one overview holds slides of the same options only"


def test_a_mask_that_was_drawn_anew_is_another_option(here: Path, model: Path, batch: Path) -> None:
    ring = [[32, 32], [96, 32], [96, 64], [32, 64], [32, 32]]
    Path("mask.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    command = ("scan", model, batch / "one.png", "--mask", "mask.geojson")
    succeeded(*command)
    assert tiles(Path("scans/one")) == [(32, 32), (64, 32)]
    shutil.copy("mask.geojson", "same.geojson")
    assert "all of them before" in succeeded(*command[:-1], "same.geojson").out
    Path("mask.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [[[2 * x, y] for x, y in ring]]}))
    assert "other options" in refused(*command)


def test_overlap_class_and_smallest_area_do_what_they_say(
    here: Path, first: tuple[Path, Outcome], model, batch
) -> None:
    options = ("--overlap", "0.5", "--class", "benign", "--min-area", "100", "--smooth", "0")
    succeeded("scan", model, batch / "one.png", *options)
    found = json.loads(Path("scans/one/summary.json").read_text())
    assert (found["target"]["class"], found["target"]["threshold"], found["foci"]) == ("benign", 0.5, 0)
    assert found["options"]["min_um2"] == 100e6
    assert set(tiles(first[0] / "one")) < set(tiles(Path("scans/one")))


@pytest.mark.parametrize("mpp", ["0.5", "assume:0.5", "sizes.csv"])
def test_the_resolution_may_be_given(here: Path, model: Path, batch: Path, mpp: str) -> None:
    with Image.open(batch / "one.png") as image:
        Image.fromarray(np.asarray(image)).save("bare.png")
    Path("sizes.csv").write_text("slide,mpp\nbare.png,0.5\n")
    told = succeeded("scan", model, "bare.png", "--mpp", mpp, "--region", "0,0,40,40", "--json").json
    (row,) = told["slides"]
    assert (row["mpp"], row["mpp_assumed"]) == (0.5, mpp.startswith("assume"))
    assert mpp in row["mpp_source"] or row["mpp_source"] == "--mpp"
    assert ("was assumed" in Path("scans/report.html").read_text()) == mpp.startswith("assume")


def test_no_resolution_and_a_contradiction_fail_with_words(here: Path, model: Path, batch: Path) -> None:
    Image.new("RGB", (90, 60), "pink").save("bare.png")
    found = cancernet("scan", model, "bare.png")
    assert found.code == 2
    assert "bare.png' does not say how large its pixels are" in found.err
    assert "--mpp assume:0.25" in found.err
    found = cancernet("scan", model, batch / "one.png", "--mpp", "0.25", "--out", "other")
    assert found.code == 2
    assert "--mpp 0.25 contradicts" in found.err
    assert "0.5 microns per pixel" in found.err


def test_a_guess_joins_what_needed_none(scans: Path, here: Path, model: Path, batch: Path) -> None:
    """Slides that say their resolution are not scanned again when a guess is allowed for others; nor the other way."""
    before = times(scans)
    Image.new("RGB", (90, 60), "pink").save("bare.png")
    command = ("scan", model, batch, "bare.png")
    assert cancernet(*command).code == 2
    told = succeeded(*command, "--mpp", "assume:0.5")
    assert told.out.startswith("3 of 3 slides done, 2 of them before.\n")
    assert before.items() <= times(scans).items()
    assert "for 'bare' was made with other options" in refused(*command)
    assert "for 'bare' was made with other options" in refused(*command, "--mpp", "assume:0.25")
    assert "for 'one', 'two', 'bare' was made with other options" in refused(*command, "--mpp", "0.5")


def test_a_list_and_a_folder_mean_their_slides(here: Path, scans: Path, model: Path, batch: Path) -> None:
    with Path("list.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["label", " slide"], ["a", batch / "two.png"], ["b", f"{batch / 'one.png'} "]])
    told = succeeded("scan", model, "list.csv", "--json").json
    assert [slide["slide"] for slide in told["slides"]] == ["two.png", "one.png"]
    assert told["kept"] == ["one", "two"]


BAD = {
    "no such slide": (("gone1.svs", "gone2.svs", "gone3.svs"), "3 slides do not exist: 'gone1.svs', 'gone2.svs', "),
    "no such list": (("gone.csv",), "Cannot use 'gone.csv': there is no such file"),
    "a list of another kind": (("latin.csv",), "'latin.csv' is no list"),
    "an empty list": (("empty.csv",), "'empty.csv' is empty"),
    "an empty folder": (("empty",), "There is no slide in 'empty'"),
    "a region of words": (("one.png", "--region", "all"), "'all' is no region"),
    "an endless region": (("one.png", "--region", "0,0,inf,9"), "'0,0,inf,9' is no region"),
    "an empty region": (("one.png", "--region", "0,0,0,9"), "X,Y,W,H in pixels"),
    "overlap": (("one.png", "--overlap", "1"), "An overlap of 1\n  0 to 0.9"),
    "smallest area": (("one.png", "--min-area", "-2"), "A smallest area of -2 mm2"),
    "endless area": (("one.png", "--min-area", "inf"), "A smallest area of inf mm2"),
    "memory": (("one.png", "--max-ram", "xyz"), "--max-ram xyz\n  A size such as 500M or 2G"),
    "workers": (("one.png", "--workers", "0"), "0 workers"),
    "class": (("one.png", "--class", "worse"), "has no class 'worse'\n  One of 'benign', 'cancer'"),
    "runtime": (("one.png", "--runtime", "openvion"), "Did you mean 'openvino'?"),
    "resolution": (("one.png", "--mpp", "small"), "'small' is no resolution"),
    "a resolution of nothing": (("one.png", "--mpp", "0"), "'0' is no resolution"),
    "no such table": (("one.png", "--mpp", "gone.csv"), "Cannot use 'gone.csv'"),
    "a table without mpp": (("one.png", "--mpp", "list.csv"), "'list.csv' has the columns 'slide'"),
    "no such mask": (("one.png", "--mask", "gone.geojson"), "Cannot use 'gone.geojson'"),
    "a mask of words": (("one.png", "--mask", "list.csv"), "'list.csv' is not valid JSON"),
    "one mask for two": (("one.png", "two.png", "--mask", "one.geojson"), "One mask, 'one.geojson', for 2 slides"),
    "no polygon": (("one.png", "--mask", "point.geojson"), "'point.geojson' holds no polygon"),
    "no GeoJSON": (("one.png", "--mask", "other.json"), "'other.json' is no GeoJSON"),
    "out in a file": (("one.png", "--out", "list.csv"), "list.csv': a file stands where a folder is needed"),
}


@pytest.mark.parametrize(("options", "words"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_is_refused(here: Path, model: Path, batch: Path, options: tuple[str, ...], words: str) -> None:
    for name in ("one.png", "two.png"):
        shutil.copy(batch / name, name)
    square = [[0, 0], [64, 0], [64, 64], [0, 64], [0, 0]]
    Path("one.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [square]}))
    Path("empty").mkdir()
    Path("empty.csv").write_text("")
    Path("latin.csv").write_bytes("slide\nH\xe4nde.svs\n".encode("latin-1"))
    Path("list.csv").write_text("slide\none.png\n")
    Path("point.geojson").write_text('{"type": "Point", "coordinates": [1, 2]}')
    Path("other.json").write_text('{"type": "Topology"}')
    assert words in refused("scan", model, *options)


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        ("fna", "The bundle 'fna' takes rows of 30 columns"),
        ("lung", "its card says that microns per pixel are unknown"),
        ("gone", "gone"),
    ],
)
def test_a_bundle_that_cannot_scan_is_refused(here: Path, batch: Path, bundle: str, words: str) -> None:
    assert words in refused("scan", bundle, batch)


def test_a_line_of_a_table_concerns_its_slide_alone(here: Path, model: Path) -> None:
    for name in ("one", "two"):
        Image.new("RGB", (120, 90), "pink").save(here / f"{name}.png")  # says nothing of its resolution
    table = here / "mpp.csv"
    table.write_text("slide,mpp\none.png,0.5\n")
    succeeded("scan", model, "one.png", "--mpp", table)
    before = times(here / "scans")
    table.write_text("slide,mpp\none.png,0.5\ntwo.png,0.5\n")
    told = succeeded("scan", model, "one.png", "two.png", "--mpp", table)
    assert told.out.startswith("2 of 2 slides done, 1 of them before.\n")
    assert before.items() <= times(here / "scans").items()

    table.write_text("slide,mpp\none.png,0.25\ntwo.png,0.5\n")
    assert "for 'one' was made with other options" in refused("scan", model, "one.png", "two.png", "--mpp", table)
    told = succeeded("scan", model, "one.png", "two.png", "--mpp", table, "--force")
    assert told.out.startswith("2 of 2 slides done, 1 of them before.\n")
    summary = json.loads((here / "scans" / "one" / "summary.json").read_text())
    assert summary["resolution"]["um_x"] == 0.25


def test_a_damaged_bundle_is_refused(here: Path, model: Path, batch: Path) -> None:
    shutil.copytree(model, "damaged")
    with Path("damaged", "model.onnx").open("ab") as stream:
        stream.write(b"more")
    assert "damaged" in refused("scan", "damaged", batch)


def test_one_bad_slide_stops_no_other_and_is_tried_again_when_mended(here: Path, model: Path, bad: Path) -> None:
    found = cancernet("scan", model, bad)
    assert found.code == 2
    assert found.out.startswith("2 of 3 slides done; 1 failed.\n")
    head, line, todo = found.err.splitlines()[3:]
    assert head == "Failed: 1 slide"
    assert line.startswith("  oh.svs: ")
    assert line.count("oh.svs") == 2, "its name, and in the words its path"
    assert "--retry-failed" in todo
    assert [row["slide"] for row in read_rows(here / "scans" / "summary.csv")] == ["one.png", "two.png"]
    assert "<strong>oh.svs</strong>" in Path("scans/report.html").read_text()

    before = times(here / "scans")
    again = cancernet("scan", model, bad)
    assert again.code == 2
    assert again.out.startswith("2 of 3 slides done, all of them before; 1 failed.\n")
    assert again.err.splitlines()[1:] == [head, line, todo]

    write_slide(here / "alone.png", width=150, height=100, seed=5)
    assert succeeded("scan", model, "alone.png").err.count("oh.svs") == 0
    assert "<strong>oh.svs</strong>" in Path("scans/report.html").read_text(), "failed in an earlier call"

    write_slide(here / "mended.png", width=100, height=80)
    os.replace(here / "mended.png", bad / "oh.svs")
    mended = succeeded("scan", model, bad, "--retry-failed")
    assert mended.out.startswith("3 of 3 slides done, 2 of them before.\n")
    assert before.items() <= times(here / "scans").items()
    assert Ledger(Place(here / "scans")).read("oh").attempts == 2


def test_two_bad_slides_of_one_name_are_both_told(here: Path, model: Path) -> None:
    for folder in ("a", "b"):
        Path(folder).mkdir()
        Path(folder, "same.svs").write_bytes(b"")
    found = cancernet("scan", model, "a", "b", "--json")
    assert found.code == 2
    assert sorted(found.json["failed"]) == [str(here / folder / "same.svs") for folder in ("a", "b")]
    assert found.json["slides"] == []
    assert "2 slides failed" in Path("scans/report.html").read_text()


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["plain", "force"])
def test_outputs_never_take_the_place_of_a_slide(here: Path, model: Path, batch: Path, force: tuple[str, ...]) -> None:
    """The folder beside a MIRAX file holds its tiles, and a DICOM slide is a folder."""
    shutil.copy(batch / "one.png", "one.png")
    Path("one").mkdir()
    Path("one", "Slidedat.ini").write_text("precious")
    assert "would take the place of 'one'" in refused("scan", model, "one.png", "--out", ".", *force)
    shutil.move("one.png", "one/1.dcm")
    Path("one", "Slidedat.ini").unlink()
    assert "It may belong to the slide" in refused("scan", model, "one", "--out", here, *force)


def test_slides_and_outputs_may_share_a_folder(here: Path, model: Path, batch: Path) -> None:
    shutil.copy(batch / "one.png", "one.png")
    for words in ("1 of 1 slide done.", "1 of 1 slide done, all of them before."):
        assert succeeded("scan", model, ".", "--out", ".").out.startswith(words)


@pytest.mark.skipif(shutil.which("script") is None, reason="no script(1) here to make a terminal")
def test_on_a_terminal_there_are_bars_and_lines_that_fit(here: Path, model: Path, bad: Path) -> None:
    inner = f"stty cols 70; '{PROGRAM}' scan '{model}' slides"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = ["script", "-qec", inner, "/dev/null"]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stdout
    assert "Slides" in done.stdout
    assert "━" in done.stdout
    assert "one.png: " in done.stdout
    plain = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", done.stdout).replace("\r", "\n").splitlines()
    assert "2 of 3 slides done; 1 failed." in plain
    assert "Failed: 1 slide" in plain
    assert max(len(line) for line in plain if str(here) not in line) <= 70


@pytest.mark.usefixtures("no_sockets")
def test_no_deep_learning_library_is_loaded_and_no_connection_opened(here: Path, model: Path, batch: Path) -> None:
    code = (
        "import sys; sys.argv = ['cancernet', *sys.argv[1:]]\n"
        "from cancernet.cli.main import run\n"
        "try: run()\n"
        "finally: print(sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "scan", str(model), str(batch / "one.png"), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_the_overview_is_the_same_for_all_who_write_it(scans: Path, model: Path, batch: Path) -> None:
    before = contents(scans)
    succeeded("scan", model, batch / "one.png", batch / "two.png", "--quiet")
    assert contents(scans) == before


def test_shipped_bundles_scan(here: Path, batch: Path) -> None:
    """Patches of 50 pixels at 4 microns: the whole slide is one tile."""
    assert "idc" in {card.parent.name for card in (Path(engine.__file__).parents[1] / "zoo").glob("*/card.json")}
    (row,) = succeeded("scan", "idc", batch / "one.png", "--json").json["slides"]
    assert row["tiles"] == 1
