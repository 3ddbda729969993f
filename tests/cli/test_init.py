"""The template: a study that is read, with every option and its true default."""

import re
import tomllib
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cancernet.studies import Study, parse_study, read_study, template
from cli.made import succeeded, write_cases

OPTION = re.compile(r"^# (?P<line>(?P<key>[a-z_0-9]+) = .*)$")
# Nothing is the default, so the template shows an example.
EXAMPLES = {"data.id", "data.columns", "task.classes", "data.drop", "data.group", "data.target", "data.source", "name"}


def _uncommented() -> str:
    return "\n".join(OPTION.sub(lambda found: found["line"], line) for line in template().splitlines())


def _fields(model: type[BaseModel], prefix: str = ""):
    """Yield every option with its default; sections are walked into."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, f"{name}.")
        else:
            yield f"{prefix}{name}", field.get_default(call_default_factory=True)


def test_the_template_is_a_study(here: Path) -> None:
    told = succeeded("init", "my-study.toml").out
    assert "cancernet train my-study.toml" in told
    assert read_study(Path("my-study.toml")).name == "my-study"


def test_it_lists_every_option_with_its_default() -> None:
    listed = tomllib.loads(_uncommented())
    flat = {name: value for name, value in listed.items() if not isinstance(value, dict)}
    for section, options in listed.items():
        if isinstance(options, dict):
            flat |= {f"{section}.{name}": value for name, value in options.items()}
    comments = template()
    for name, default in _fields(Study):
        key = name.rpartition(".")[2]
        assert name in flat or f"{key} = " in comments, f"the template does not show {name}"
        if name not in flat or name in EXAMPLES or default in (None, PydanticUndefined):
            continue
        given = tuple(flat[name]) if isinstance(default, tuple) else flat[name]
        assert given == default, f"the template shows {name} = {given}, but its default is {default}"


def test_what_the_comments_show_can_be_used() -> None:
    study = parse_study(_uncommented())
    assert study.data.columns == ("a", "b")


def test_a_newcomer_gets_from_the_template_to_a_plan(here: Path) -> None:
    from cancernet.studies.plan import make_plan

    succeeded("init", "my-study.toml")
    write_cases(here / "my-data.csv")
    text = Path("my-study.toml").read_text()
    for old, new in (('"diagnosis"', '"label"'), ('# id = "sample"', 'id = "case"'), ('"malignant"', '"M"')):
        text = text.replace(old, new, 1)
    Path("my-study.toml").write_text(text)
    plan = make_plan(read_study(Path("my-study.toml")))
    assert plan.task.classes == ("B", "M")
    assert len(plan.split.folds) == 5
