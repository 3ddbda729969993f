"""`cancernet doctor`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cancernet.cli.options import Json
from cancernet.cli.show import print_json, rows_table, say
from cancernet.errors import CancerNetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cancernet.bundle import Card

__all__ = ["doctor"]

_NEEDED = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "pydantic", "matplotlib", "openvino", "onnx")
_EXTRAS = {
    "train": (("keras", "keras"), ("tensorflow", "tensorflow"), ("tf2onnx", "tf2onnx")),
    "onnxruntime": (("onnxruntime", "onnxruntime"),),
    "jax": (("jax", "jax"),),
}


def doctor(json: Json = False) -> None:
    """Say what is installed, what works, what is missing and how to get it."""
    from cancernet import __version__

    machine = {
        "cancernet": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "where": str(Path(sys.prefix)),
        "keras_backend": os.environ.get("KERAS_BACKEND", "tensorflow (default)"),
    }
    packages = {name: _version(name) for name in _NEEDED}
    extras = {extra: {name: _installed(name, module) for name, module in parts} for extra, parts in _EXTRAS.items()}
    jobs = {name: _tried(check) for name, check in _checks(extras).items()}
    if json:
        print_json({"machine": machine, "packages": packages, "extras": extras, "jobs": jobs})
    else:
        say(_in_words(machine, packages, extras, jobs))
    if any(answer.startswith("FAILS") for answer in jobs.values()):
        raise typer.Exit(1)


def _version(name: str) -> str:
    """Return the version of a package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def _installed(name: str, module: str) -> str:
    """Return the version of an optional package, whichever of its distributions is installed."""
    if find_spec(module) is None:
        return "missing"
    found = [_version(candidate) for candidate in (name, f"{name}-cpu")]
    return next((version for version in found if version != "missing"), "installed")


def _checks(extras: dict[str, dict[str, str]]) -> dict[str, Callable[[], str]]:
    """Return what is tried, by its name."""
    checks = {"predict with openvino": lambda: _predict("openvino")}
    if "missing" not in extras["onnxruntime"].values():
        checks["predict with onnxruntime"] = lambda: _predict("onnxruntime")
    checks["write here"] = _write
    return checks


def _predict(runtime: str) -> str:
    """Run each shipped bundle that an engine can run on one case; ONNX Runtime computes in float32 only."""
    import numpy as np

    from cancernet import engine
    from cancernet.bundle import find, load_card, zoo_names

    names = zoo_names()
    if not names:
        return "FAILS: no bundle came with this installation; install the package anew"
    able = runtime == "openvino"
    names = tuple(name for name in names if able or load_card(find(name)).engine.precision == "f32")
    for name in names:
        with engine.open(name, runtime=runtime) as model:
            outputs = model.run(_case(model.card))
        if not np.isfinite(outputs.logits).all():
            return f"FAILS: what {name} answers is not finite"
    return f"works ({len(names)} shipped: {', '.join(names)})"


def _case(card: Card) -> NDArray[Any]:
    """Return what the training rows of a bundle were on average, or a grey image."""
    import numpy as np

    from cancernet.bundle import FieldInput, PatchInput

    if isinstance(card.input, PatchInput | FieldInput):
        return np.full((1, *card.input.shape), 128, dtype=np.uint8)
    novelty = card.decision.novelty
    return np.zeros((1, len(card.input.names))) if novelty is None else np.array(novelty.mean)[None]


def _write() -> str:
    """Write and remove a file in the current folder."""
    from cancernet.files import write_text

    probe = Path(f".cancernet-doctor-{os.getpid()}")
    write_text(probe, "probe")
    probe.unlink()
    return f"works ({Path.cwd()})"


def _tried(check: Callable[[], str]) -> str:
    """Return what a check says, or how it fails."""
    try:
        return check()
    except CancerNetError as error:
        return f"FAILS: {error}"


def _in_words(
    machine: dict[str, str], packages: dict[str, str], extras: dict[str, dict[str, str]], jobs: dict[str, str]
) -> str:
    """Return all that was found as lines."""
    blocks = [rows_table([[name, value] for name, value in machine.items()])]
    blocks.append("Packages\n" + rows_table([[name, version] for name, version in packages.items()]))
    lines = [[extra, _extra_words(extra, parts)] for extra, parts in extras.items()]
    blocks.append("Extras\n" + rows_table(lines))
    blocks.append("Jobs\n" + rows_table([[name, answer] for name, answer in jobs.items()]))
    return "\n\n".join(blocks)


def _extra_words(extra: str, parts: dict[str, str]) -> str:
    """Return the versions of an extra, or how to get it."""
    if "missing" in parts.values():
        missing = ", ".join(name for name, version in parts.items() if version == "missing")
        return f"missing {missing}; run: pip install 'cancernet[{extra}]'"
    return ", ".join(f"{name} {version}" for name, version in parts.items())
