"""Where things stand in the checkout, for the tests of the house."""

import ast
import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "cancernet"


def sources() -> list[Path]:
    """Return every Python file of the package."""
    return sorted(SOURCE.rglob("*.py"))


def pyproject() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def layers() -> list[str]:
    """Return the rooms from the roof to the ground, as import-linter holds them."""
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    (order,) = (contract for contract in contracts if contract["id"] == "order")
    return [layer.strip("()") for layer in order["layers"]]


def rooms() -> list[str]:
    """Return the rooms that exist: modules and packages directly below the package."""
    folders = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    return sorted(folders | {path.stem for path in SOURCE.glob("*.py") if path.stem != "__init__"})


def modules() -> list[str]:
    """Return the dotted names of every module of the package but `__main__`."""
    parts = [path.relative_to(SOURCE.parent).with_suffix("").parts for path in sources()]
    names = {".".join(part for part in each if part != "__init__") for each in parts}
    return sorted(name for name in names if not name.endswith("__main__"))


def exported(path: Path) -> list[str]:
    """Return the `__all__` of the room that the source belongs to, read without running it."""
    door = path if path.parent == SOURCE else SOURCE / path.relative_to(SOURCE).parts[0] / "__init__.py"
    text = door.read_text(encoding="utf-8") if door.is_file() else ""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return []


def kept_files() -> list[Path]:
    """Return the files that git tracks or would track; those below the known folders where there is no git."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, capture_output=True, check=False)
    if done.returncode == 0:
        names = [ROOT / name for name in done.stdout.decode().split("\0") if name]
        return sorted(path for path in names if path.is_file())
    return sorted(path for folder in ("src", "tests", "docs") for path in (ROOT / folder).rglob("*") if path.is_file())
