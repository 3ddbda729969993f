"""`cancernet data fetch`, and the public data sets in `cancernet data list`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cancernet.cli.options import Force, Json, Quiet
from cancernet.cli.show import paragraph, print_json, progress_bar, rows_table, say

if TYPE_CHECKING:
    from cancernet.fetch import Fetched, RemoteSet

__all__ = ["describe_sets", "fetch", "sets_in_words", "size_in_words"]


def _names(incomplete: str) -> list[str]:
    """Return the sets that start with what was typed, for the shell."""
    from cancernet.fetch import remote_sets

    return [each.name for each in remote_sets() if each.name.startswith(incomplete)]


def fetch(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A public data set; `cancernet data list` names them.",
            show_default=False,
            autocompletion=_names,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="The folder to make.", show_default="data/NAME"),
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Fetch a public data set, check and unpack it; go on where an interrupted fetch ended."""
    from cancernet.fetch import fetch_set, find_set

    chosen = find_set(name)
    place = out or Path("data", chosen.name)
    if not chosen.files:
        _say_steps(chosen, place, json=json)
        return
    with progress_bar(quiet=quiet or json) as progress:
        fetched = fetch_set(chosen, place, force=force, watcher=progress)
    if json:
        print_json({"name": chosen.name, "fetched": True, **_facts(chosen, fetched)})
    else:
        say(_in_words(chosen, fetched), quiet=quiet)


def describe_sets() -> list[dict[str, Any]]:
    """Return the public data sets, ready for JSON."""
    from cancernet.fetch import remote_sets

    return [_described(each) for each in remote_sets()]


def sets_in_words() -> str:
    """Return the public data sets as lines."""
    from cancernet.fetch import remote_sets

    lines = [[each.name, size_in_words(each), each.how, each.licence.partition(" (")[0]] for each in remote_sets()]
    table = rows_table([["name", "size", "how", "licence"], *lines])
    titles = rows_table([[each.name, each.title] for each in remote_sets()])
    return f"Public data sets\n\n{titles}\n\n{table}\n\nTo get one:\n  cancernet data fetch kather-2016\n"


def size_in_words(chosen: RemoteSet) -> str:
    """Return what is fetched, in a unit that suits it."""
    unit, name = next(pair for pair in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if chosen.size >= pair[0])
    return f"{'' if chosen.exact else 'about '}{chosen.size / unit:.1f} {name}"


def _described(chosen: RemoteSet) -> dict[str, Any]:
    """Return a set for JSON."""
    keys = ("name", "title", "licence", "source", "groups", "layout", "size", "exact", "how")
    files = [file.model_dump(mode="json") for file in chosen.files]
    return {**{key: getattr(chosen, key) for key in keys}, "files": files, "notes": list(chosen.notes)}


def _say_steps(chosen: RemoteSet, place: Path, *, json: bool) -> None:
    """Say what to do by hand for a set that cannot be fetched."""
    steps = [step.replace("{folder}", str(place)) for step in chosen.steps]
    if json:
        print_json({"name": chosen.name, "fetched": False, "folder": str(place), "steps": steps})
        return
    numbered = [paragraph(step, first=f"  {count}. ", indent="     ") for count, step in enumerate(steps, 1)]
    head = f"{chosen.name}: {chosen.title}\n\nIt cannot be fetched from here. By hand:"
    parts = ["\n".join([head, *numbered]), "\n".join(_notes(chosen)), _next(chosen, place)]
    say("\n\n".join(part for part in parts if part))


def _facts(chosen: RemoteSet, fetched: Fetched) -> dict[str, Any]:
    """Return what came of it, for JSON."""
    return {
        "folder": str(fetched.folder),
        "already": fetched.already,
        "first_use": fetched.first_use,
        "licence": chosen.licence,
        "next": _commands(chosen, fetched.folder),
    }


def _in_words(chosen: RemoteSet, fetched: Fetched) -> str:
    """Return what came of it, as lines."""
    from cancernet.fetch import record_file

    lines = [["folder", str(fetched.folder)], ["licence", chosen.licence], ["groups", chosen.groups]]
    head = f"{chosen.name} is already there" if fetched.already else f"{chosen.name} is here"
    trusted = [
        paragraph(
            f"Nobody has published the checksum of {name}. It is {checksum}, kept in {record_file()}: later "
            "fetches must agree.",
            first="- ",
        )
        for name, checksum in fetched.first_use.items()
    ]
    parts = [f"{head}\n{rows_table(lines)}", "\n".join([*_notes(chosen), *trusted]), _next(chosen, fetched.folder)]
    return "\n\n".join(part for part in parts if part)


def _notes(chosen: RemoteSet) -> list[str]:
    """Return what to know before using a set."""
    return [paragraph(note, first="- ") for note in chosen.notes]


def _next(chosen: RemoteSet, place: Path) -> str:
    """Return what to type next."""
    commands = _commands(chosen, place)
    return "\n".join(["Then:", *(f"  {command}" for command in commands)]) if commands else ""


def _commands(chosen: RemoteSet, place: Path) -> list[str]:
    """Return the commands that look at a set and train on it; none when nothing reads it yet."""
    source = place / chosen.folder
    if chosen.layout is None and not chosen.folder:
        return []
    layout = f" --layout {chosen.layout}" if chosen.layout else ""
    return [f"cancernet data audit {source}{layout}", "cancernet init my-study.toml", "cancernet train my-study.toml"]
