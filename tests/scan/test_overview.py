import csv

import pytest
from PIL import Image

from cancernet.scan.overview import COLUMNS, Scanned, find_outliers, write_overview


def scanned(folder, **changes):
    """A slide of a batch, with a picture."""
    folder.mkdir()
    Image.new("RGB", (80, 60), "pink").save(folder / "heatmap.png")
    summary = {
        **{"slide": f"{folder.name}.svs", "vendor": "Aperio", "bundle": {"name": "made"}, "seconds": 1.5},
        **{"tissue_mm2": 10.0, "unknown_mm2": 0.0, "positive_mm2": 2.0, "positive_fraction": 0.2, "foci": 1},
        **{
            "largest_focus_mm2": 2.0,
            "slide_score": {"maximum": 0.9, "quantile_0.99": 0.8, "quantile_0.9": 0.1},
            "abstained": 0.1,
            "ood": 0.0,
        },
        **{"tiles": {"scored": 100}, "quality": {"flags": []}},
        "resolution": {"um_x": 0.5, "um_y": 0.5, "source": "aperio.MPP", "assumed": False},
        "target": {"class": "1", "what": "probability of class 1", "threshold": 0.3},
    }
    return Scanned(folder, summary | changes)


@pytest.fixture
def batch(tmp_path):
    """Ten slides whose tissue differs a little, and one with far more."""
    return [
        *(scanned(tmp_path / f"slide{number}", tissue_mm2=10 + number / 10) for number in range(10)),
        scanned(tmp_path / "large", tissue_mm2=60.0, positive_fraction=0.01),
    ]


def test_a_slide_stands_apart_by_the_rule_of_iglewicz_and_hoaglin(batch):
    """Median 10.5, median distance 0.3: the modified z-score of 60 is 0.6745 * 49.5 / 0.3 = 111."""
    assert find_outliers(batch) == {"large": ("tissue 60, the median is 10.5",)}


def test_of_few_slides_and_of_slides_alike_none_stands_apart(batch, tmp_path):
    assert find_outliers(batch[4:]) == {}
    assert find_outliers([scanned(tmp_path / f"same{number}") for number in range(9)]) == {}


def test_slides_without_a_number_are_no_outliers(tmp_path):
    empty = {"positive_fraction": None, "abstained": None, "ood": None, "tissue_mm2": 0.0}
    assert find_outliers([scanned(tmp_path / f"glass{number}", **empty) for number in range(9)]) == {}


def test_the_page_shows_first_what_stands_apart_and_runs_nothing_of_a_name(batch, tmp_path):
    wild = scanned(tmp_path / "a&b", slide="<script>x</script>", quality={"flags": ["Pen marks", "Blur"]})
    write_overview(tmp_path, [*batch, wild], failures={"<b>bad": "a & b"})
    page = (tmp_path / "report.html").read_text()
    assert page.index("large.svs") < page.index("slide0.svs")
    assert "<script>" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert 'href="a%26b/heatmap.png"' in page
    assert "<strong>&lt;b&gt;bad</strong>: a &amp; b" in page
    assert "Pen marks; Blur." in page


def test_the_table_has_a_line_for_each_slide_and_empty_fields_for_what_is_not_known(batch, tmp_path):
    write_overview(tmp_path, [*batch, scanned(tmp_path / "glass", positive_fraction=None)], failures={})
    with (tmp_path / "summary.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [row["folder"] for row in rows] == [*(slide.folder.name for slide in batch), "glass"]
    assert rows[-1]["positive_fraction"] == ""
    assert float(rows[-2]["tissue_mm2"]) == 60
    assert [rows[0][name] for name in ("maximum", "quantile_0.99", "quantile_0.9")] == ["0.9", "0.8", "0.1"]


def test_a_batch_that_failed_as_a_whole_has_a_page_too(tmp_path):
    write_overview(tmp_path, [], failures={"a.svs": "It is damaged."})
    assert "1 slide failed" in (tmp_path / "report.html").read_text()
    assert len((tmp_path / "summary.csv").read_text().splitlines()) == 1
