import base64
import csv
import io
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from cancernet import bundle, engine
from cancernet.errors import BundleMismatch, InvalidInput, MissingExtra
from cancernet.explain import explain_patches, grad_cam, patch, patchpage
from cancernet.geometry import dihedral
from cancernet.models import CancerNet, build_cancernet, keras_library
from cancernet.predict import decide_parts
from predict.made import make_card, make_decision

SIZE = 32
TASKS = {
    "binary": bundle.Task(kind="binary", classes=("benign", "malignant"), positive="malignant"),
    "ordinal": bundle.Task(kind="ordinal", classes=("normal", "mild", "severe")),
}


class Closed:
    """An engine that is never asked: the answers are given."""

    name, shapes = "none", {}

    def run(self, batch):
        raise AssertionError("the engine was asked")

    def close(self):
        pass


def make_model(folder, kind="binary", **changes):
    """An open bundle for patches with random weights; of its files only that of Keras is there."""
    task = TASKS[kind]
    fields = {
        "name": "made-patches",
        "task": task,
        "input": bundle.PatchInput(size=SIZE, statistics=("grey",)),
        "decision": make_decision(threshold=None, novelty=None, temperature=1.0),
        "prior": dict.fromkeys(task.classes, 1 / len(task.classes)),
        "intended_use": "Tests <b>only</b>.",
        "limits": ("No tissue & no patient.", "Weights are random."),
    }
    folder.mkdir(exist_ok=True)
    keras_library().utils.set_random_seed(1)
    network = build_cancernet(SIZE, len(task.classes), kind=kind, options=CancerNet(name="cancernet8", width=0.25))
    rectify(network, sign=1)
    network.save(folder / "model.keras")
    return engine.Model(make_card(**(fields | changes)), folder=folder, engine=Closed())


def rectify(network, sign):
    """Let every channel push every logit up (or down)."""
    for name, to in (("features", 1), ("logits", sign), ("ease", -sign)):
        if name in [layer.name for layer in network.layers]:
            kernel, *bias = network.get_layer(name).get_weights()
            network.get_layer(name).set_weights([to * np.abs(kernel), *bias])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("made") / "bundle")


def patches(n=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8)


def answers(model, logits, ids=None):
    """The cases of logits."""
    logits = np.asarray(logits, dtype=float)
    found = decide_parts(model.card.decision, model.card.task, logits=logits, values=np.zeros((len(logits), 1)))
    return replace(found, ids=None if ids is None else np.array(ids))


LOGITS = [[2.0, -2.0], [0.0, 0.1], [-3.0, 3.0]]  # sure, undecided, sure


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def rows(folder):
    with (folder / "why.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


class Page(HTMLParser):
    """What a page shows: its text, and the images with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.text, self.images, self.tags = "", [], []
        self.feed(text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attributes))

    def handle_data(self, data):
        self.text += data


def page_of(folder):
    return Page((folder / "index.html").read_text(encoding="utf-8"))


# --- the folder


def test_folder(model, tmp_path):
    done = []
    cases = answers(model, LOGITS, ids=["p1/a.png", "p1/b.png", "p2/a.png"])
    found = explain_patches(model, patches(), cases=cases, out=tmp_path / "why", progress=done.append)
    assert names(tmp_path / "why") == ["a-2.png", "a.png", "b.png", "index.html", "why.csv"]
    assert found.pictures.tolist() == ["a.png", "b.png", "a-2.png"]
    assert (len(found), done) == (3, [1, 2, 3])
    for name in found.pictures:
        with Image.open(tmp_path / "why" / name) as image:
            assert (image.format, min(image.size) >= 320) == ("PNG", True)


def test_table(model, tmp_path):
    cases = answers(model, LOGITS, ids=["one", "two", "three"])
    found = explain_patches(model, patches(), cases=cases, out=tmp_path / "why")
    network = keras_library().models.load_model(model.folder / "model.keras")
    cam = grad_cam(network, patches(), classes=[0, 1, 1])
    lines = rows(tmp_path / "why")
    assert [line["id"] for line in lines] == ["one", "two", "three"]
    assert [line["predicted"] for line in lines] == ["benign", "malignant", "malignant"]
    assert [line["explained"] for line in lines] == ["benign", "malignant", "malignant"]
    assert [line["set"] for line in lines] == ["benign", "benign|malignant", "malignant"]
    assert [line["abstained"] for line in lines] == ["false", "true", "false"]
    assert [line["reason"] for line in lines] == ["", "the set holds 2 classes", ""]
    assert [line["png"] for line in lines] == ["one.png", "two.png", "three.png"]
    assert [float(line["p"]) for line in lines] == pytest.approx(1 / (1 + np.exp([-4, -0.1, -6])))
    for line, one, peak in zip(lines, cam.maps, cam.peaks, strict=True):
        assert one[int(line["px_y"]), int(line["px_x"])] == 1
        assert float(line["peak"]) == pytest.approx(peak, rel=1e-4)
        assert float(line["centre_share"]) == pytest.approx(one[8:24, 8:24].sum() / one.sum(), rel=1e-4)
    assert (found.block, found.layer, found.cell, found.field) == (cam.block, cam.layer, cam.cell, cam.field)


def test_pictures_show_their_own_patch(model, tmp_path):
    found = explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "why")
    assert found.ids.tolist() == ["patch 1", "patch 2", "patch 3"]
    for name, original in zip(found.pictures, patches(), strict=True):
        with Image.open(tmp_path / "why" / name) as image:
            assert np.array_equal(np.asarray(image)[42 : 42 + 320 : 10, 16 : 16 + 320 : 10], original)


def test_a_named_block(model, tmp_path):
    found = explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "why", block=1)
    assert (found.block, found.layer, found.cell) == (1, "relu1_1", (1, 1))
    with pytest.raises(InvalidInput, match="no block 4"):
        explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "other", block=4)
    assert names(tmp_path) == ["why"]


def test_chunks_change_nothing(model, tmp_path, monkeypatch):
    cases = answers(model, LOGITS)
    explain_patches(model, patches(), cases=cases, out=tmp_path / "whole")
    monkeypatch.setattr(patch, "_PIXELS", 2 * SIZE**2)
    done = []
    explain_patches(model, patches(), cases=cases, out=tmp_path / "parts", progress=done.append)
    assert done == [1, 2, 3]
    for name in names(tmp_path / "whole"):
        if name.endswith(".png"):
            whole, parts = (Image.open(tmp_path / folder / name) for folder in ("whole", "parts"))
            with whole, parts:
                assert np.abs(np.asarray(parts, dtype=int) - np.asarray(whole, dtype=int)).max() <= 2
    assert [line["png"] for line in rows(tmp_path / "parts")] == [line["png"] for line in rows(tmp_path / "whole")]


def test_an_even_map_has_a_quarter_in_the_middle_half():
    for size in (27, 32, 50):
        share = patch._middle_half(size)
        assert np.outer(share, share).sum() / size**2 == pytest.approx(0.25)


def test_ordered_grades_explain_the_severity(tmp_path):
    model = make_model(tmp_path / "bundle", "ordinal")
    cases = answers(model, [[2.0, 4.0], [-4.0, -2.0], [-0.5, 0.5]])
    found = explain_patches(model, patches(), cases=cases, out=tmp_path / "why")
    network = keras_library().models.load_model(model.folder / "model.keras")
    assert found.peaks == pytest.approx(grad_cam(network, patches(), ordinal=True).peaks, rel=1e-4)
    assert {line["explained"] for line in rows(tmp_path / "why")} == {"severity"}
    text = page_of(tmp_path / "why").text
    assert "push the severity up, whatever the grade" in text
    assert "expected grade 1.0 (the first is 0)" in text


def test_views_are_averaged_as_the_answer_is(tmp_path):
    turned = make_model(tmp_path / "bundle", engine=bundle.Execution(test_time="dihedral"))
    images = np.concatenate([dihedral(patches(1), view) for view in (0, 1, 6)])
    cases = answers(turned, [LOGITS[0]] * 3)
    found = explain_patches(turned, images, cases=cases, out=tmp_path / "why")
    plain = replace_engine(turned)
    other = explain_patches(plain, images, cases=cases, out=tmp_path / "plain")
    assert found.centre == pytest.approx(np.full(3, found.centre[0]), rel=1e-4)
    assert found.peaks == pytest.approx(np.full(3, found.peaks[0]), rel=1e-4)
    assert np.ptp(other.centre) > 1e-3
    mark = np.zeros((1, SIZE, SIZE))
    mark[0, *found.places[0]] = 1
    places = [np.unravel_index(dihedral(mark, view).argmax(), (SIZE, SIZE)) for view in (0, 1, 6)]
    assert found.places.tolist() == [list(map(int, place)) for place in places]
    assert "means over the eight rotations and flips" in page_of(tmp_path / "why").text
    assert "eight rotations" not in page_of(tmp_path / "plain").text


def replace_engine(model):
    card = model.card.model_copy(update={"engine": bundle.Execution()})
    return engine.Model(card, folder=model.folder, engine=Closed())


def test_an_empty_map_has_no_place(tmp_path):
    model = make_model(tmp_path / "bundle")
    network = keras_library().models.load_model(model.folder / "model.keras")
    rectify(network, sign=-1)
    network.save(model.folder / "model.keras")
    explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "why")
    for line in rows(tmp_path / "why"):
        assert (line["peak"], line["px_x"], line["px_y"], line["centre_share"]) == ("0", "", "", "")
    page = page_of(tmp_path / "why")
    assert "The map is empty: nothing pushes “benign” up" in page.text
    assert all("empty" in image["alt"] for image in page.images)


# --- the page


def test_the_page_has_the_words_of_the_card(model, tmp_path):
    explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "why")
    page = page_of(tmp_path / "why")
    for words in (
        "Tests <b>only</b>.",
        "No tissue & no patient.",
        "Weights are random.",
        "Research use only, not a medical device",
        "Trained on synthetic data",
        "No proof that the answer is right",
        "one cell of the map stands for 2 × 2 of the 32 × 32 pixels",
        "A cell has seen 12 × 12 pixels around its middle.",
        "Abstained: the set holds 2 classes.",
        "3 patches",
    ):
        assert words in page.text
    assert "b" not in page.tags
    assert "µm" not in page.text


def test_the_page_needs_nothing_else(model, tmp_path):
    found = explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "why")
    text = (tmp_path / "why" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert "url(" not in text
    images = page_of(tmp_path / "why").images
    assert len(images) == 3
    for image, original, place in zip(images, patches(), found.places, strict=True):
        png = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
        with Image.open(io.BytesIO(png)) as opened:
            assert np.array_equal(np.asarray(opened)[16 : 16 + 320 : 10, 16 : 16 + 320 : 10], original)
        assert f"strongest {place[1]} pixels from the left and {place[0]} from the top" in image["alt"]


def test_microns_and_threshold_and_a_cell_that_sees_all(tmp_path):
    pixel_size = bundle.PixelSize(status="estimated", mpp=0.5, how="made")
    model = make_model(
        tmp_path / "bundle",
        input=bundle.PatchInput(size=SIZE, statistics=("grey",), pixel_size=pixel_size),
        decision=make_decision(
            novelty=None, conformal=None, threshold=bundle.Threshold(value=0.125, rule="balanced", rows="made")
        ),
    )
    cases = answers(model, LOGITS)
    explain_patches(model, patches(), cases=cases, out=tmp_path / "why", block=3)
    text = page_of(tmp_path / "why").text
    assert "4 × 4 of the 32 × 32 pixels of a patch (2 × 2 µm, estimated)" in text
    assert "A cell has seen 38 × 38 pixels: the whole patch, so that its place tells little." in text
    assert "called “malignant” when the probability of that is at least 0.125 (rule “balanced”)" in text
    assert "No set: this bundle has no conformal quantile. Not abstained." in text


def test_many_patches_are_not_all_on_the_page(model, tmp_path, monkeypatch):
    monkeypatch.setattr(patch, "ON_PAGE", 2)
    monkeypatch.setattr(patch, "_PIXELS", SIZE**2)
    explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "why")
    page = page_of(tmp_path / "why")
    assert len(page.images) == 2
    assert "The first 2 are shown." in page.text
    assert len(names(tmp_path / "why")) == 5


def test_reasons():
    cases = answers(made_only_card(), [[0.0, 0.1]] * 4)
    ood = np.array([False, True, True, False])
    cases = replace(cases, ood=ood, ood_reason=np.where(ood, "blurred", "").astype(object))
    assert patchpage.reason(cases, 0) == "the set holds 2 classes"
    assert patchpage.reason(cases, 1) == "the set holds 2 classes; blurred"
    without = replace(cases, sets=None, abstained=ood)
    assert [patchpage.reason(without, row) for row in range(4)] == ["", "blurred", "blurred", ""]


def made_only_card():
    card = make_card(decision=make_decision(threshold=None, novelty=None, temperature=1.0))
    return engine.Model(card, folder=None, engine=Closed())


# --- names


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["a/x.png", "b/x.png", "c/X.jpeg"], ["x.png", "x-2.png", "X-3.png"]),
        (["x", "x-2", "x"], ["x.png", "x-2.png", "x-3.png"]),
        (["../../etc/passwd", "C:\\slides\\one.tif", "/"], ["passwd.png", "one.png", "patch.png"]),
        (["a b:c?.png", "<i>", "...", ".hidden"], ["a_b_c.png", "i.png", "patch.png", "hidden.png"]),
        (["con.png", "LPT1.tif", "nul.a.png"], ["patch_con.png", "patch_LPT1.png", "patch_nul.a.png"]),
        (["ткань.png", "e\u0301.png", "\u00e9.png"], ["ткань.png", "\u00e9.png", "\u00e9-2.png"]),
        (["w" * 400, "w" * 401], ["w" * 50 + ".png", "w" * 50 + "-2.png"]),
        (["癌" * 300], ["癌" * 50 + ".png"]),
        (["a\x00b\nc", "\udcff.png"], ["a_b_c.png", "patch.png"]),
    ],
)
def test_file_names(ids, expected):
    found = patch._file_names(np.array(ids)).tolist()
    assert found == expected
    assert len({name.casefold() for name in found}) == len(found)
    assert all(len(name.encode()) <= 255 for name in found)


def test_odd_names_reach_the_folder_the_table_and_the_page(model, tmp_path):
    ids = ['a,b"c\n<script>.png', "\udcffx.png", "=1+1.png"]
    explain_patches(model, patches(), cases=answers(model, LOGITS, ids=ids), out=tmp_path / "why")
    lines = rows(tmp_path / "why")
    assert [line["id"] for line in lines] == [ids[0], "?x.png", ids[2]]
    assert all((tmp_path / "why" / line["png"]).is_file() for line in lines)
    assert "script" not in page_of(tmp_path / "why").tags


# --- bad input


def test_existing_folder_is_kept(model, tmp_path):
    (tmp_path / "why").mkdir()
    (tmp_path / "why" / "mine").write_text("")
    with pytest.raises(InvalidInput, match="exists already"):
        explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "why")
    assert names(tmp_path / "why") == ["mine"]
    explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "why", force=True)
    assert "mine" not in names(tmp_path / "why")


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (patches()[:2], "3 answers for 2 patches"),
        (patches()[:0], "at least one"),
        (patches()[:, :31], r"\(n, 32, 32, 3\), uint8"),
        (patches().astype(np.float32), "float32"),
        (patches()[0], r"\(32, 32, 3\)"),
        (np.uint8(3), r"shape \(\)"),
    ],
)
def test_patches_that_do_not_fit_leave_nothing(model, tmp_path, images, words):
    with pytest.raises(InvalidInput, match=words):
        explain_patches(model, images, cases=answers(model, LOGITS), out=tmp_path / "why")
    assert names(tmp_path) == []


def test_a_bundle_for_tables(tmp_path):
    with pytest.raises(BundleMismatch, match=r"takes rows of a table.*explain_table"):
        explain_patches(made_only_card(), patches(), cases=answers(made_only_card(), LOGITS), out=tmp_path / "why")
    assert names(tmp_path) == []


def test_without_keras_the_message_installs_it(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.delitem(sys.modules, "keras")
    with pytest.raises(MissingExtra, match=r"pip install 'cancernet\[train\]'"):
        explain_patches(model, patches(), cases=answers(model, LOGITS), out=tmp_path / "why")
    assert names(tmp_path) == []
