import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bundle.made import made_card
from cancernet import bundle
from cancernet.bundle import Card, Decision, FieldInput, Outlining, PixelSize, Task
from cancernet.errors import BundleMismatch, CancerNetError, CorruptFile
from cancernet.estimate import Estimate


def full_card() -> Card:
    """Return a card in which every part is set."""
    columns = tuple(bundle.Column(name=name, unit="um") for name in ("a", "b"))
    novelty = bundle.Novelty(mean=(1, 2), scale=(1, 3), precision=((1, 0), (0, 1)), limit=3.5, rows="out-of-fold rows")
    decision = bundle.Decision(
        temperature=1.3,
        temperature_rows="out-of-fold rows",
        threshold=bundle.Threshold(value=0.4, rule="balanced", rows="out-of-fold rows"),
        conformal=bundle.Conformal(quantile=0.2, coverage=0.99, rows="out-of-fold rows"),
        novelty=novelty,
    )
    return made_card(
        input=bundle.TableInput(columns=columns, medians=(0.1, 1e-300)),
        decision=decision,
        engine=bundle.Execution(parity=(bundle.Parity(runtime="openvino", batch=1, difference=1e-7),)),
        metrics={
            "auroc": Estimate(0.99, 0.98, 1.0, 569, 569, "delong"),
            "ppv": Estimate(None, None, None, 9, 9, "wilson", reason="nobody was called positive"),
        },
    )


def changed(*path, to) -> str:
    """Return the JSON of a full card with one value replaced; `to` Ellipsis removes the key."""
    fields = json.loads(full_card().to_json())
    part = fields
    for key in path[:-1]:
        part = part[key]
    if to is ...:
        del part[path[-1]]
    else:
        part[path[-1]] = to
    return json.dumps(fields)


@pytest.mark.parametrize("card", [made_card(), full_card(), made_card(classes=("a", "b", "c"))])
def test_a_card_comes_back_as_it_was(card):
    assert Card.from_json(card.to_json()) == card
    assert Card.from_json(card.to_json().encode()) == card


def test_a_card_of_grades_comes_back_with_one_logit_less_than_grades():
    grades = ("none", "mild", "severe")
    card = made_card(classes=grades, task=bundle.Task(kind="ordinal", classes=grades))
    assert Card.from_json(card.to_json()) == card
    assert (card.task.logit_width, full_card().task.logit_width, made_card(classes=grades).task.logit_width) == (
        2,
        2,
        3,
    )
    assert "logit_width" not in card.to_json()


def test_a_card_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        made_card().name = "other"


WRONG = [
    (("name",), "", "name"),
    (("name",), ..., "lacks the key 'name'"),
    (("surprise",), 1, "unknown key 'surprise'"),
    (("task", "surprise"), 1, r"unknown key 'task\.surprise'"),
    (("schema_version",), 0, "schema_version"),
    (("schema_version",), "one", "schema_version"),
    (("task", "kind"), "regression", r"task\.kind"),
    (("task", "kind"), "ordinal", "'ordinal' has no positive class"),
    (("task",), {"kind": "ordinal", "classes": ["B", "M"]}, "3 grades at least, not 2"),
    (("task",), {"kind": "multiclass", "classes": ["B", "M"], "positive": "M"}, "'multiclass' has no positive class"),
    (("task", "classes"), ["M", "M"], "repeat a name"),
    (("task", "classes"), ["a", "b", "c"], "2 classes, not 3"),
    (("task", "positive"), "X", "positive 'X'"),
    (("input", "columns"), [], r"input\.columns"),
    (("input", "columns"), [{"name": "a"}, {"name": "a"}], "same name"),
    (("input", "medians"), [1], "1 medians for 2 columns"),
    (("engine", "precision"), "int8", r"engine\.precision"),
    (("engine", "tolerance"), 0, r"engine\.tolerance"),
    (("engine", "parity", 0, "difference"), -1, "difference"),
    (("decision", "temperature"), 0, r"decision\.temperature"),
    (("decision", "threshold", "value"), 1.1, r"threshold\.value"),
    (("decision", "conformal", "coverage"), 1, r"conformal\.coverage"),
    (("decision", "novelty", "scale"), [1, 0], "above zero"),
    (("decision", "novelty", "scale"), [1], "1 scales for 2 means"),
    (("decision", "novelty", "precision"), [[1, 0]], "must be 2 x 2"),
    (("decision", "novelty"), {"mean": [], "scale": [], "precision": [], "limit": 1, "rows": ""}, "novelty|precision"),
    (("prior",), {"B": 1.0}, "prior must name"),
    (("prior",), {"B": 0.5, "M": 0.6}, "sum to 1"),
    (("prior",), {"B": -0.5, "M": 1.5}, "below zero"),
    (("training", "epochs"), -1, r"training\.epochs"),
    (("limits",), "none", "limits"),
]


@pytest.mark.parametrize(("path", "to", "message"), WRONG, ids=lambda part: str(part)[:40])
def test_what_cannot_be_is_refused_by_its_key(path, to, message):
    with pytest.raises(CorruptFile, match=message):
        Card.from_json(changed(*path, to=to))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_are_finite(number):
    text = changed("decision", "temperature", to=123456.5).replace("123456.5", number)
    with pytest.raises(CorruptFile, match=r"decision\.temperature"):
        Card.from_json(text)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '"x"', b"\xff", "[" * 100_000])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(CorruptFile, match=r"'my card'.*(not valid JSON|no JSON object)"):
        Card.from_json(text, where="my card")


def test_a_newer_schema_is_refused_before_its_keys_are_read():
    fields = {"schema_version": bundle.SCHEMA_VERSION + 1, "all": "different"}
    with pytest.raises(BundleMismatch, match="newer version"):
        Card.from_json(json.dumps(fields))


def test_a_threshold_needs_a_positive_class():
    threshold = bundle.Threshold(value=0.5, rule="0.5", rows="none")
    with pytest.raises(ValidationError, match="needs a positive class"):
        made_card(classes=("a", "b", "c"), decision=bundle.Decision(threshold=threshold))
    task = bundle.Task(kind="ordinal", classes=("a", "b", "c"))
    with pytest.raises(ValidationError, match="needs a positive class"):
        made_card(classes=task.classes, task=task, decision=bundle.Decision(threshold=threshold))


def test_cut_points_belong_to_ordered_grades():
    task = bundle.Task(kind="ordinal", classes=("a", "b", "c"))
    cuts = bundle.GradeCuts(values=(0.4, 1.2), rule="matched", rows="none")
    card = made_card(classes=task.classes, task=task, decision=bundle.Decision(grades=cuts))
    assert Card.from_json(card.to_json()).decision.grades == cuts
    with pytest.raises(ValidationError, match="only ordered grades"):
        made_card(classes=("a", "b", "c"), decision=bundle.Decision(grades=cuts))
    more = cuts.model_copy(update={"values": (0.4, 1.2, 2.0)})
    with pytest.raises(ValidationError, match="3 grades need 2 cut points"):
        made_card(classes=task.classes, task=task, decision=bundle.Decision(grades=more))
    with pytest.raises(ValidationError, match="must not fall"):
        bundle.GradeCuts(values=(1.2, 0.4), rule="matched", rows="none")


@given(text=st.text() | st.binary(), position=st.integers(0, 3000))
def test_random_text_never_makes_another_error(text, position):
    whole = full_card().to_json()
    middle = text if isinstance(text, str) else text.decode("latin-1")
    for candidate in (text, whole[:position] + middle + whole[position + len(middle) :]):
        try:
            assert Card.from_json(candidate).name
        except CancerNetError:
            continue


def test_groups_are_recognised_and_not_readable():
    hashes = bundle.hash_groups(["p2", "p1", "p1"], "salt")
    card = made_card(training=made_card().training.model_copy(update={"salt": "salt", "group_hashes": hashes}))
    assert len(hashes) == 2
    assert card.training.seen(["p3", "p2", "p2", "p1"]) == ("p1", "p2")
    assert not any(group in card.to_json() for group in ('"p1"', '"p2"'))
    assert not set(hashes) & set(bundle.hash_groups(["p1", "p2"], "another salt"))


def test_the_schema_describes_what_is_written():
    schema = bundle.card_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) - {"survival", "fusion"} == set(json.loads(made_card().to_json()))
    assert set(schema["properties"]) - {"fusion"} == set(json.loads(timed_card().to_json()))


def field_parts(**changes):
    parts = {
        "task": Task(kind="segmentation", classes=("background", "nucleus")),
        "input": FieldInput(size=64, margin=8, pixel_size=PixelSize(status="known", mpp=0.5)),
        "decision": Decision(outlining=Outlining()),
        "prior": {"background": 0.7, "nucleus": 0.3},
    }
    return {**parts, **changes}


def test_a_segmentation_is_read_again():
    card = made_card(**field_parts())
    assert Card.from_json(card.to_json()) == card
    assert card.logit_shape == (64, 64, 2)
    assert made_card().logit_shape == (2,)


@pytest.mark.parametrize("missing", ["input", "decision"])
def test_parts_of_a_segmentation_come_together(missing):
    with pytest.raises(ValidationError, match="a segmentation takes fields"):
        made_card(**field_parts(**{missing: getattr(made_card(), missing)}))
    with pytest.raises(ValidationError, match="a segmentation takes fields"):
        made_card(**{missing: field_parts()[missing]})


def test_fields_need_room_and_a_resolution():
    known = PixelSize(status="known", mpp=0.5)
    with pytest.raises(ValidationError, match="leave too little"):
        FieldInput(size=64, margin=16, pixel_size=known)
    with pytest.raises(ValidationError, match="need microns per pixel"):
        FieldInput(size=64, margin=8, pixel_size=PixelSize())


def timed_card(**changes: object) -> Card:
    """Return a card whose logits become curves."""
    part = bundle.Survival(form="cox", unit="months", times=(1.0, 2.0), hazard=(0.1, 0.3), end=3.0)
    classes = ("free", "death")
    return made_card(
        **{"classes": classes, "task": bundle.Task(kind="survival", classes=classes), "survival": part} | changes
    )


def test_a_card_of_survival_comes_back_and_holds_its_parts_together():
    card = timed_card()
    assert Card.from_json(card.to_json()) == card
    assert card.logit_width == 1
    hazards = bundle.Survival(form="hazards", unit="days", times=(1.0, 2.0, 3.0), end=3.0)
    assert timed_card(survival=hazards).logit_width == 3
    with pytest.raises(ValidationError, match="belongs to that kind of task"):
        timed_card(survival=None)
    with pytest.raises(ValidationError, match="belongs to that kind of task"):
        made_card(survival=hazards)
