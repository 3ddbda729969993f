"""The order of the rooms, their front doors, and their twin in the documentation."""

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from house.tree import ROOT, SOURCE, exported, layers, modules, rooms

PROGRAM = str(Path(sys.executable).parent / "lint-imports")
LINT_IMPORTS = [PROGRAM, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
NO_CODE = {"__main__", "zoo"}


def _lint(folder: Path, source: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(source)}
    return subprocess.run(LINT_IMPORTS, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _made_house(folder: Path) -> Path:
    """Return the source of an empty house with all the rooms that must exist."""
    package = folder / "src" / "cancernet"
    package.mkdir(parents=True)
    for name in ("__init__", *layers()):
        (package / f"{name}.py").write_text("")
    return package


def test_the_order_holds() -> None:
    done = _lint(ROOT, ROOT / "src")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_an_import_upwards_is_found(tmp_path: Path) -> None:
    package = _made_house(tmp_path)
    (package / "errors.py").write_text("import cancernet.tasks\n")
    done = _lint(tmp_path, package.parent)
    assert done.returncode != 0
    assert "cancernet.errors is not allowed to import cancernet.tasks" in done.stdout


def test_a_circle_inside_a_room_is_found(tmp_path: Path) -> None:
    package = _made_house(tmp_path)
    (package / "data.py").unlink()
    (package / "data").mkdir()
    (package / "data" / "__init__.py").write_text("")
    (package / "data" / "one.py").write_text("from cancernet.data import two\n")
    (package / "data" / "two.py").write_text("from cancernet.data import one\n")
    done = _lint(tmp_path, package.parent)
    assert done.returncode != 0
    assert "No import circle, inside a room either BROKEN" in done.stdout


def test_a_room_without_a_place_is_found(tmp_path: Path) -> None:
    package = _made_house(tmp_path)
    (package / "attic.py").write_text("")
    assert _lint(tmp_path, package.parent).returncode != 0


@pytest.mark.parametrize("module", modules())
def test_all_is_sorted_and_true(module: str) -> None:
    loaded = import_module(module)
    names = getattr(loaded, "__all__", None)
    if module.count(".") == 1 and module.split(".")[1] not in NO_CODE:
        assert names is not None, f"the room {module} must say in __all__ what it exports"
    if names is not None:
        assert list(names) == sorted(set(names), key=_order), f"{module}.__all__"
        assert [name for name in names if not hasattr(loaded, name)] == []


def _order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Sort as ruff does: CONSTANTS, Classes, functions; numbers inside a name by their value."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def test_front_doors_are_read_as_they_are() -> None:
    for room in set(rooms()) - NO_CODE:
        path = SOURCE / room / "__init__.py" if (SOURCE / room).is_dir() else SOURCE / f"{room}.py"
        assert exported(path) == list(import_module(f"cancernet.{room}").__all__)


def test_architecture_page_is_the_twin_of_the_layers() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| (built|planned) \|$", page, flags=re.MULTILINE)
    assert [room for room, _ in rows] == [layer for layer in layers() if layer != "__main__"]
    existing = {room for room in layers() if (SOURCE / room).is_dir() or (SOURCE / f"{room}.py").is_file()}
    assert {room for room, state in rows if state == "built"} == existing - {"__main__"}


def test_reference_lists_every_room() -> None:
    page = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^ +cancernet\.(\w+)$", page, flags=re.MULTILINE)
    assert listed == [room for room in layers() if room in rooms() and room not in NO_CODE | {"cli"}]
