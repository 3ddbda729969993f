"""The page: what it says equals the record, and everybody can read it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.errors import StorageFailure
from cancernet.estimate import Estimate
from cancernet.report import Picture, RunRecord, write_page
from cancernet.report.figures import drawings
from cancernet.report.style import render
from cancernet.report.words import describe, interval, number
from report.made import make_record

VOID = {"meta", "link", "img", "br", "hr", "rect"}
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script> & $\\frac{'


class Reader(HTMLParser):
    """Reads a page: tags with attributes, text by row of a table; refuses tags that do not close."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute of {tag} repeats"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def read(path: Path) -> Reader:
    """Return the page, read to its end with every tag closed."""
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def page(record: RunRecord, pictures: tuple[Picture, ...], tmp_path_factory: pytest.TempPathFactory) -> Reader:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(path, record, pictures=pictures)
    assert path.stat().st_size < 3_000_000
    return read(path)


def quick(tmp_path: Path, record: RunRecord) -> Reader:
    """Return the page of a record without its figures."""
    write_page(tmp_path / "report.html", record, pictures=())
    return read(tmp_path / "report.html")


def test_the_headline_numbers_stand_first_with_their_intervals(page: Reader, record: RunRecord) -> None:
    top = page.text[: page.text.index("Data and study")]
    for name in ("auroc", "sensitivity", "specificity", "accuracy", "ece", "abstained"):
        assert number(record.metrics[name].value) in top
        assert interval(record.metrics[name]) in top
    assert record.statements[0] in top


def test_every_metric_stands_in_the_table_beside_baseline_and_difference(page: Reader, record: RunRecord) -> None:
    for name, estimate in record.metrics.items():
        metric = describe(name)
        row = next(row for row in page.rows if row[0] == f"{metric.label}{metric.meaning}")
        columns = [estimate, record.baselines["logistic regression"].get(name)]
        for cell, found in zip(row[1:], columns, strict=False):
            assert cell.startswith(shown(found)), name
        difference = record.differences["logistic regression"].get(name)
        if difference is not None and difference.value is not None:
            assert row[3].startswith(number(difference.value, signed=True))


def shown(estimate: Estimate | None) -> str:
    """Return how a cell begins."""
    if estimate is None:
        return "–"
    if estimate.value is None:
        return f"undefined {estimate.reason}"
    limits = interval(estimate)
    return f"{number(estimate.value)} {limits}" if limits else f"{number(estimate.value)}"


def test_folds_operating_points_prevalence_audit_and_limits_are_there(page: Reader, record: RunRecord) -> None:
    first = [row[0] for row in page.rows]
    assert {"Fold 140 rows", "Fold 240 rows", "Fold 340 rows"} <= set(first)
    assert {"balancedthe study's rule", "sensitivity = 0.95", "1.0 %", "40.0 %"} <= set(first)
    ppv = record.prevalence["0.01"]["ppv"]
    assert next(row for row in page.rows if row[0] == "1.0 %")[1] == f"{number(ppv.value)} {interval(ppv)}"
    for sentence in (*record.limits, *record.leak_sentences, *record.data_notes, *record.statements):
        assert sentence in page.text
    for label, value in record.facts:
        assert label in page.text
        assert value in page.text
    assert page.text.count("Research use only, not a medical device") >= 3
    assert "Synthetic data" in page.text


def test_every_figure_has_words_and_a_size(page: Reader, pictures: tuple[Picture, ...]) -> None:
    images = page.all("img")
    assert len(images) == len(pictures) == 14
    assert {image["alt"] for image in images} == {picture.alt for picture in pictures}
    assert all(re.search(r"\d", image["alt"] or "") for image in images)
    assert all(image["width"] and image["height"] for image in images)


def test_the_page_needs_nothing_from_outside(page: Reader) -> None:
    assert page.all("script") == []
    for _, attributes in page.tags:
        for name in ("src", "href", "action", "srcset", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert "url(" not in css()
    assert "@import" not in css()


def test_the_page_has_the_landmarks_of_an_accessible_document(page: Reader) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert any(meta.get("name") == "viewport" for meta in page.all("meta"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert page.all("a")[0]["href"] == "#main"
    assert {(link["href"] or "")[1:] for link in page.all("a")} <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert all(head["scope"] in {"col", "row", "rowgroup"} for head in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert len(page.all("main")) == len(page.all("title")) == 1


def css() -> str:
    """Return the style sheet."""
    return (files("cancernet.report") / "page.css").read_text(encoding="utf-8")


def luminance(colour: str) -> float:
    """Return the relative luminance of '#rrggbb' (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_contrast_of_text_is_enough_in_both_themes(theme: int) -> None:
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", css().split(":root {")[theme + 1]))
    pairs = [(text, ground) for text in ("ink", "soft", "accent") for ground in ("page", "card", "accent-soft")]
    pairs += [(tone, f"{tone}-soft") for tone in ("good", "bad", "even")]
    for text, ground in pairs:
        low, high = sorted((luminance(colours[text]), luminance(colours[ground])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)


def test_hostile_names_are_printed_and_not_obeyed(tmp_path: Path) -> None:
    record = make_record(
        (f"a{HOSTILE}", f"b{HOSTILE}"), f"b{HOSTILE}", title=HOSTILE, statements=(HOSTILE,), facts=((HOSTILE, HOSTILE),)
    )
    path = tmp_path / "report.html"
    pictures = [render(drawing) for drawing in drawings(record) if drawing.name in {"confusion", "reliability"}]
    write_page(path, record, pictures=pictures)
    page = read(path)
    assert page.all("script") == []
    assert all("onerror" not in attributes for _, attributes in page.tags)
    assert page.text.count(HOSTILE) >= 5
    assert HOSTILE in str(next(meta for meta in page.all("meta") if meta.get("name") == "description")["content"])


@settings(max_examples=20)
@given(st.text(min_size=1), st.text(min_size=1))
def test_any_text_leaves_a_page_that_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, title: str, name: str
) -> None:
    importance = (replace(BASE.importance[0], feature=name),)
    record = replace(BASE, title=title, importance=importance, statements=(name,), leak_audit={name: [title]})
    page = quick(tmp_path_factory.mktemp("any"), record)
    printable = "".join(character for character in name if character.isprintable() and character != "\xad")
    assert page.all("script") == []
    if printable == name:
        assert name in page.text


BASE = make_record(rows=60)


def test_undefined_numbers_are_shown_with_their_reason(tmp_path: Path) -> None:
    reason = "no row is of class M"
    metrics = {
        **BASE.metrics,
        "auroc": Estimate.undefined(reason),
        "mcc": Estimate(0.5, None, None, 9, 9, "none", "one group"),
    }
    page = quick(tmp_path, replace(BASE, metrics=metrics))
    assert f"undefined {reason}" in next(row for row in page.rows if row[0].startswith("AUROC"))[1]
    assert "no interval: one group" in next(row for row in page.rows if row[0].startswith("Matthews"))[1]
    assert reason in page.text[: page.text.index("Data and study")]


def test_several_classes_have_no_positive_class_and_no_threshold(tmp_path: Path) -> None:
    record = make_record(("low", "middle", "high"), None, rows=90)
    page = quick(tmp_path, record)
    assert "positive class" not in page.text
    assert "Net benefit" not in page.text
    for name in ("macro_auroc", "accuracy", "kappa"):
        assert number(record.metrics[name].value) in page.text


def test_a_bare_record_makes_a_page(tmp_path: Path) -> None:
    bare = RunRecord(name="bare", kind="evaluate", title="Bare", scored=BASE.scored, metrics=BASE.metrics)
    page = quick(tmp_path, bare)
    assert "evaluation report" in page.text
    assert "Synthetic" not in page.text
    assert [link["href"] for link in page.all("a")][1:] == ["#results", "#data", "#metrics", "#reading", "#limits"]


def test_further_sections_and_chosen_headlines_are_shown(tmp_path: Path) -> None:
    page = quick(tmp_path, replace(BASE, sections=(("Slides", ("Two of them.",)),), headline=("brier", "no such")))
    assert "Two of them." in page.text
    assert page.text[: page.text.index("Data and study")].count("Brier score") == 1


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailure, match="Cannot use"):
        write_page(tmp_path / "file" / "report.html", BASE, pictures=())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
