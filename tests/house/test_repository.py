"""The repository: pinned versions, words of the Makefile, nothing of one machine, and what a built package holds."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from house.tree import ROOT, SOURCE, kept_files, pyproject

WORDS = ["demo", "test", "lint", "type", "docs", "bench", "zoo", "web", "clean", "help"]
FIRST_CODE_LINE = re.compile(r"^[^#\s]", flags=re.MULTILINE)


def _requirements() -> list[Requirement]:
    project = pyproject()["project"]
    extras = project["optional-dependencies"].values()
    texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
    found = [Requirement(text) for text in texts]
    return [requirement for requirement in found if requirement.name != "cancernet"]


def _pins() -> dict[str, list[Requirement]]:
    pins: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if FIRST_CODE_LINE.match(line):
            pin = Requirement(line)
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


@pytest.mark.parametrize("requirement", _requirements(), ids=str)
def test_every_dependency_is_pinned_to_a_version_that_fits(requirement: Requirement) -> None:
    pins = _pins().get(canonicalize_name(requirement.name), [])
    assert pins, f"{requirement.name} has no line in constraints.txt"
    for pin in pins:
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        assert requirement.specifier.contains(specifier.version), f"{pin} is outside {requirement}"


def test_every_extra_is_explained() -> None:
    page = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    project = pyproject()["project"]
    assert re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE) == list(project["optional-dependencies"])
    for text in project["dependencies"]:
        name = Requirement(text).name
        assert re.search(rf"^\| {name} \|", page, flags=re.MULTILINE), f"docs/decisions.md does not say why {name}"


def test_the_makefile_has_its_ten_words() -> None:
    # `make test` hands its own flags on to every make below it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    said = [
        subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        for command in (["make", "help"], ["make"])
    ]
    assert [line.split()[1] for line in said[0].splitlines()] == WORDS
    assert said[0] == said[1]


def test_ci_calls_the_words() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "for word in test lint type docs;" in script
    assert 'make "$word"' in script


# Joined from pieces, so that this file does not find itself.
FOREIGN = [
    "/".join(["", "work", ""]),
    "/".join(["", "root", ""]),
    "pypi" + ".org",
    "python" + "hosted",
    "--index" + "-url",
    "--extra-index" + "-url",
    "find" + "-links",
    "--trusted" + "-host",
]


def test_no_file_names_hosts_or_paths_of_one_machine() -> None:
    found = []
    for path in kept_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {word}" for word in FOREIGN if word in text]
    assert not found, "\n".join(found)


def test_no_kept_file_is_large_but_the_zoo() -> None:
    large = [path for path in kept_files() if path.stat().st_size > 1_000_000 and SOURCE / "zoo" not in path.parents]
    assert large == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build sdist and wheel from a copy of what git keeps, without the network."""
    folder = tmp_path_factory.mktemp("build")
    for path in kept_files():
        copy = folder / "copy" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(folder / "copy")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder / "dist"


def test_the_wheel_holds_every_file_of_the_package(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("cancernet/")}
    expected = {str(path.relative_to(SOURCE.parent)) for path in kept_files() if SOURCE in path.parents}
    assert packed == expected
    assert "cancernet/py.typed" in packed


def test_the_wheel_holds_bundles_and_templates(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    files = [path for path in SOURCE.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
    assert {str(path.relative_to(SOURCE.parent)) for path in files} <= packed


def test_the_sdist_holds_all_that_its_makefile_needs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", ".ci/install", "constraints.txt", "pyproject.toml", "LICENSE", "docs/conf.py"} <= names
