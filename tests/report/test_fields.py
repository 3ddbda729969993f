"""The report of a study that outlines: the edges in its pictures, its page, its numbers for machines."""

import json

import numpy as np

from cancernet.estimate import Estimate
from cancernet.report import FieldRecord, Outlined, draw_outlines, write_field_metrics, write_field_page
from cancernet.report.fields import BOTH, FOUND, TRUE


def shown(name="best"):
    true, found = np.zeros((2, 20, 30), np.int32)
    true[5:10, 5:10], found[5:10, 5:15] = 1, 2
    return Outlined(name, "<b>AJI</b> 0.5", np.full((20, 30, 3), 128, np.uint8), true, found)


def record():
    known = Estimate(0.5, 0.4, 0.6, 30, 10, "bootstrap")
    unknown = Estimate.undefined("It is defined in no image")
    return FieldRecord(
        name="made",
        title="Made & drawn",
        metrics={"aji": known, "dice_cytoplasm": unknown},
        baselines={"classical": {"aji": known}},
        differences={"classical": {"aji": known}},
        facts=(("Data", "made"),),
        statements=("In AJI the network is better.",),
        limits=("Drawn.",),
        images=({"id": "1", "aji": None},),
        shown=(shown(),),
    )


def test_edges_are_coloured_by_who_has_them():
    picture = draw_outlines(shown())
    assert tuple(picture[4, 7]) == BOTH  # the upper edge of both
    assert tuple(picture[7, 9]) == TRUE  # where only the truth ends
    assert tuple(picture[7, 14]) == FOUND
    assert tuple(picture[7, 7]) == (128, 128, 128)


def test_the_page_says_all_and_escapes_what_users_wrote(tmp_path):
    write_field_page(tmp_path / "report.html", record())
    page = (tmp_path / "report.html").read_text()
    assert "Made &amp; drawn" in page
    assert "&lt;b&gt;AJI" in page
    assert "Classical path" in page
    assert "Dice of cytoplasm" in page
    assert page.count("data:image/jpeg") == 1
    assert "http" not in page.replace("http-equiv", "")


def test_numbers_for_machines(tmp_path):
    write_field_metrics(tmp_path / "metrics.json", record())
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content["test"]["aji"]["value"] == 0.5
    assert content["test"]["dice_cytoplasm"]["reason"] == "It is defined in no image"
    assert content["differences"]["classical"]["aji"]["low"] == 0.4
    assert content["images"] == [{"id": "1", "aji": None}]
