"""The template: a study that is read, with every option and its true default."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cancernet.studies import (
    BagStudy,
    ExpressionStudy,
    PatchStudy,
    Study,
    SurvivalStudy,
    TableStudy,
    parse_study,
    read_study,
    template,
)
from cli.made import succeeded, write_cases

OPTION = re.compile(r"^# (?P<line>(?P<key>[a-z_0-9]+) = .*)$")
# Nothing is the default, so the template shows an example.
EXAMPLES = {
    *("data.id", "data.columns", "data.drop", "data.group", "data.target", "data.source", "data.mpp_how"),
    *("task.classes", "name", "data.causes", "report.times"),
}
SHORTENED = {"training.augmentation"}  # its defaults are in the reference
KINDS = {
    "table": TableStudy,
    "expression": ExpressionStudy,
    "patches": PatchStudy,
    "bags": BagStudy,
    "survival": SurvivalStudy,
}


def _uncommented(kind: str) -> str:
    return "\n".join(OPTION.sub(lambda found: found["line"], line) for line in template(kind).splitlines())


def _fields(model: type[BaseModel], prefix: str = ""):
    """Yield every option with its default; sections are walked into."""
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        kind = type(default) if isinstance(default, BaseModel) else field.annotation  # of a union the default's
        if isinstance(kind, type) and issubclass(kind, BaseModel) and f"{prefix}{name}" not in SHORTENED:
            yield from _fields(kind, f"{name}.")
        else:
            yield f"{prefix}{name}", default


@pytest.mark.parametrize("kind", KINDS)
def test_the_template_is_a_study(here: Path, kind: str) -> None:
    told = succeeded("init", "my-study.toml", "--kind", kind).out
    assert "cancernet train my-study.toml" in told
    assert type(read_study(Path("my-study.toml"))) is KINDS[kind]


@pytest.mark.parametrize(("kind", "form"), KINDS.items())
def test_it_lists_every_option_with_its_default(kind: str, form: type[Study]) -> None:
    listed = tomllib.loads(_uncommented(kind))
    flat = {name: value for name, value in listed.items() if not isinstance(value, dict)}
    for section, options in listed.items():
        if isinstance(options, dict):
            flat |= {f"{section}.{name}": value for name, value in options.items()}
    comments = template(kind)
    for name, default in _fields(form):
        key = name.rpartition(".")[2]
        assert name in flat or f"{key} = " in comments, f"the template does not show {name}"
        if name not in flat or name in EXAMPLES | SHORTENED or default in (None, PydanticUndefined):
            continue
        given = tuple(flat[name]) if isinstance(default, tuple) else flat[name]
        assert given == default, f"the template shows {name} = {given}, but its default is {default}"


def test_what_the_comments_show_can_be_used() -> None:
    assert parse_study(_uncommented("table")).data.columns == ("a", "b")
    assert parse_study(_uncommented("patches")).data.size == 96
    assert parse_study(_uncommented("bags")).data.features == "features"


def test_a_newcomer_gets_from_the_template_to_a_plan(here: Path) -> None:
    from cancernet.studies.train import make_plan

    succeeded("init", "my-study.toml")
    write_cases(here / "my-data.csv")
    text = Path("my-study.toml").read_text()
    for old, new in (('"diagnosis"', '"label"'), ('# id = "sample"', 'id = "case"'), ('"malignant"', '"M"')):
        text = text.replace(old, new, 1)
    Path("my-study.toml").write_text(text)
    plan = make_plan(read_study(Path("my-study.toml")))
    assert plan.task.classes == ("B", "M")
    assert len(plan.split.folds) == 5
