"""Study files: from TOML to a `Study` and back, with errors that name the key."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cancernet.bundle import zoo_names
from cancernet.checks import listed, nearest, one_of
from cancernet.errors import CancerNetError, InvalidInput
from cancernet.files import storage_errors
from cancernet.metrics import parse_rule
from cancernet.models import Backbone, CancerNet
from cancernet.studies.fused import FusedFiles
from cancernet.studies.options import STUDIES, BagStudy, ExpressionStudy, FusionStudy, PatchStudy, ReportOptions, Study

__all__ = ["builtin_studies", "find_study", "parse_study", "read_study", "study_from", "template", "to_toml"]

# Where pydantic's own words speak of types and patterns.
_SAID = {
    "model_type": "it is the name of a section, with its keys below",
    "string_pattern_mismatch": "letters, digits, '.', '_' and '-' only, the first a letter or digit, at most 64",
}
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_BARE = re.compile("[A-Za-z0-9_-]+")
_BUILTIN = resources.files("cancernet.studies") / "builtin"
_TEMPLATES = resources.files("cancernet.studies") / "templates"


def builtin_studies() -> tuple[str, ...]:
    """Return the names of the studies that come with the package, sorted."""
    names = (Path(entry.name) for entry in _BUILTIN.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(name.stem for name in names))


def template(kind: str = "table") -> str:
    """Return a commented study file to start from, for a kind of data: "table", "expression", "survival" and so on."""
    name = f"{one_of(kind, tuple(STUDIES), 'kind of data')}.toml"
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def find_study(name_or_path: str, *, settings: Iterable[str] = ()) -> Study:
    """Return a built-in study by its name, or one from a file.

    Parameters
    ----------
    name_or_path
        For example "wdbc" or "my-study.toml"; a file of that name comes first.
    settings
        Changes as `section.key=value`.

    Raises
    ------
    InvalidInput
        When there is no such study, or a key or value cannot be.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.is_file():
        return read_study(path, settings=settings)
    if name_or_path not in builtin_studies():
        raise _absent(name_or_path)
    text = (_BUILTIN / f"{name_or_path}.toml").read_text(encoding="utf-8")
    return parse_study(text, settings=settings, where=f"built-in study '{name_or_path}'")


def _absent(name: str) -> InvalidInput:
    """Return the error for a study that is not there, with the nearest one."""
    known = builtin_studies()
    close = nearest(name, (*known, *(path.name for path in Path().glob("*.toml"))))
    todo = (
        f"Did you mean '{close}'?" if close else "Check the path, or write a study with: cancernet init my-study.toml"
    )
    return InvalidInput(
        f"There is no study '{name}'", f"A study file (.toml), or a built-in one: {listed(known)}", todo
    )


def read_study(path: Path, *, settings: Iterable[str] = ()) -> Study:
    """Return the study of a TOML file; a relative source starts at the folder of the file.

    Raises
    ------
    InvalidInput
        When it is not TOML, or a key or value cannot be; the message names it and the nearest known key.
    StorageFailure
        When the file cannot be read.
    """
    with storage_errors(path):
        raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"'{path}' is not text in UTF-8 ({error})", "A study file in TOML") from error
    return parse_study(text, settings=settings, where=f"'{path}'", folder=path.parent)


def parse_study(
    text: str, *, settings: Iterable[str] = (), where: str = "the study", folder: Path | None = None
) -> Study:
    """Return the study that a TOML text describes.

    Parameters
    ----------
    text
        TOML.
    settings
        Changes as `section.key=value`, applied in order.
    where
        What to call the text in messages.
    folder
        Where relative paths start; the current directory when None.
    """
    try:
        fields = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is no TOMLDecodeError
        todo = "Compare it with a template: cancernet init my-study.toml"
        raise InvalidInput(
            f"{where} is not valid TOML ({error})", "key = value lines under [section] heads", todo
        ) from error
    for setting in settings:
        _set(fields, setting)
    return _located(study_from(fields, where=where), folder)


def study_from(fields: Mapping[str, Any], *, where: str = "the study") -> Study:
    """Return the study of nested dictionaries.

    Raises
    ------
    InvalidInput
        When a key is unknown (the nearest is offered), missing, or its value cannot be.
    """
    form = _form(fields, where)
    try:
        study = form.model_validate(fields)
    except ValidationError as error:
        raise _explained(error, where, form) from error
    if not isinstance(study.report, ReportOptions):
        return study
    try:
        parse_rule(study.report.threshold)
    except CancerNetError as error:
        raise InvalidInput(f"In {where}, report.threshold: {error.wrong}", error.expected, error.todo) from error
    return study


def _form(fields: Mapping[str, Any], where: str) -> type[Study]:
    """Return the kind of study that the data section asks for."""
    section = fields.get("data")
    kind = section.get("kind", "table") if isinstance(section, Mapping) else "table"
    try:
        return STUDIES[one_of(str(kind), tuple(STUDIES), "data.kind")]
    except InvalidInput as error:
        raise InvalidInput(f"In {where}: {error.wrong}", error.expected, error.todo) from error


def to_toml(study: Study) -> str:
    """Return the study as TOML with every key, so that a run can be repeated whatever the defaults become."""
    fields = study.to_dict()
    plain = {key: value for key, value in fields.items() if not isinstance(value, dict)}
    sections = {key: value for key, value in fields.items() if isinstance(value, dict)}
    blocks = [_lines(plain), *(f"[{name}]\n{_lines(section)}" for name, section in sections.items())]
    return "\n\n".join(blocks) + "\n"


def _lines(section: Mapping[str, Any]) -> str:
    """Return key = value lines."""
    return "\n".join(f"{_key(key)} = {_text(value)}" for key, value in section.items())


def _text(value: Any) -> str:
    """Return a value as TOML: JSON's strings, numbers, booleans and lists are TOML's too, dictionaries are not."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_text(part)}" for key, part in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    """Return a key, in quotes when it is not a bare one."""
    return name if _BARE.fullmatch(name) else _text(name)


def _set(fields: dict[str, Any], setting: str) -> None:
    """Apply one `section.key=value`."""
    key, equals, value = setting.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts) or len(parts) > 3:
        raise InvalidInput(
            f"Cannot understand --set '{setting}'", "section.key=value", "For example training.epochs=20"
        )
    target = fields
    for part in parts[:-1]:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise InvalidInput(f"Cannot set '{key}': '{part}' is not a section", "section.key=value")
    target[parts[-1]] = _value(value.strip())


def _value(text: str) -> Any:
    """Return a TOML value, or the text itself when it is none."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _located(study: Study, folder: Path | None) -> Study:
    """Return the study with its paths expanded and made independent of the current directory."""
    paths: dict[str, Any] = {"source": _path(study.data.source, folder)} if study.data.source else {}
    file = study.split.file and _path(study.split.file, folder)
    if isinstance(study, BagStudy) and study.data.features is not None:
        paths["features"] = _path(study.data.features, folder, what="features")
    if isinstance(study, ExpressionStudy) and study.data.samples is not None:
        paths["samples"] = _path(study.data.samples, folder, what="table of samples")
    if isinstance(study, FusionStudy):
        paths["sources"] = {name: _run(source, folder) for name, source in study.data.sources.items()}
    parts: dict[str, BaseModel] = {
        "data": study.data.model_copy(update=paths),
        "split": study.split.model_copy(update={"file": file}),
    }
    if isinstance(study, PatchStudy) and isinstance(study.model, Backbone):
        backbone = _path(study.model.backbone, folder, what="backbone")
        parts["model"] = study.model.model_copy(update={"backbone": backbone})
    return study.model_copy(update=parts)


def _run(source: str | FusedFiles, folder: Path | None) -> str | FusedFiles:
    """Return a source of a fusion with its paths expanded."""
    if isinstance(source, str):
        return _path(source, folder, what="runs")
    bundle = source.bundle if source.bundle in zoo_names() else _path(source.bundle, folder, what="runs")
    return FusedFiles(bundle=bundle, predictions=_path(source.predictions, folder, what="runs"))


def _path(text: str, folder: Path | None, *, what: str = "data") -> str:
    """Return the path with variables expanded, absolute when it names a file."""
    if "\0" in text:
        raise InvalidInput(f"The path {text!r} holds a null character", "The path of a file, or a built-in name")
    expanded = os.path.expandvars(text)
    unset = _VARIABLE.search(expanded)
    if unset is not None and not os.path.exists(expanded):
        name = unset.group(1) or unset.group(2)
        raise InvalidInput(
            f"The path '{text}' names the variable {name}, which is not set",
            f"The folder of the {what}",
            f"Set it: export {name}=/path/to/the/{what}",
        )
    path = Path(os.path.expanduser(expanded))  # that of Path raises for an unknown user
    if folder is not None and not path.is_absolute() and os.path.exists(folder / path):
        return str((folder / path).resolve())
    return str(path.resolve()) if os.path.exists(path) else str(path)


def _explained(error: ValidationError, where: str, form: type[Study]) -> InvalidInput:
    """Return our error for the first fault that pydantic found; a misspelt key counts before one that is missing."""
    faults = error.errors(include_url=False)
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    location, section = _place([str(part) for part in first["loc"]], form)
    key = ".".join(location) or "the study"
    if first["type"] == "extra_forbidden":
        more = ("backbone",) if section is CancerNet else ()  # with it, the section has another form
        return _unknown(location, where, (*section.model_fields, *more))
    if first["type"] == "missing":
        return InvalidInput(f"{where} lacks '{key}'", "It is required", "See a template: cancernet init my-study.toml")
    said = _SAID.get(first["type"], first["msg"].removeprefix("Value error, "))
    given = first["input"]
    shown = f" = {_short(given)}" if isinstance(given, str | int | float | bool) else ""
    return InvalidInput(f"In {where}, '{key}'{shown} cannot be used: {said}", todo="Change it and run again")


def _short(given: str | int | float | bool) -> str:
    """Return the value as it was written, its middle left out when it is long."""
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:60]}...{text[-10:]}"


def _place(location: list[str], form: type[Study]) -> tuple[list[str], type[BaseModel]]:
    """Return the keys that lead to a fault, and the form of the section it lies in.

    Where a section has one form or another, pydantic counts the name of the form as a key.
    """
    keys: list[str] = []
    section: type[BaseModel] = form
    parts = iter(location)
    for part in parts:
        keys.append(part)
        field = section.model_fields.get(part)
        if field is not None:
            section = _form_of(field.annotation, parts) or section
    return keys, section


def _form_of(annotation: Any, parts: Iterator[str]) -> type[BaseModel] | None:
    """Return the form of a section, after taking its name from the parts where there are several; else None."""
    kinds = [get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in get_args(annotation)]
    forms = [kind for kind in (kinds or [annotation]) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    if len(forms) > 1:
        name = next(parts, "")
        return next((form for form in forms if form.__name__ == name), None)
    return forms[0] if forms else None


def _unknown(location: list[str], where: str, known: tuple[str, ...]) -> InvalidInput:
    """Return the error for a key that is not known, with the nearest one."""
    close = nearest(location[-1], known)
    prefix = ".".join(location[:-1])
    todo = f"Did you mean '{prefix + '.' if prefix else ''}{close}'?" if close else ""
    place = f"[{prefix}]" if prefix else "the top level"
    return InvalidInput(
        f"{where} has an unknown key '{'.'.join(location)}'", f"Known in {place}: {listed(known, 20)}", todo
    )
