"""What a fragment of docs/benchmarks.md holds: a table, the machine, the versions, the date."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "_benchmarks"
PACKAGES = ("cancernet", "keras", "tensorflow-cpu", "openvino", "numpy", "scikit-learn", "pandas", "pyarrow")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_fragment(name: str, text: str) -> None:
    """Write docs/_benchmarks/NAME.md."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.md").write_text(f"{text}\n\n{machine()}\n", encoding="utf-8")


def machine() -> str:
    """Return one line: processor, memory, Python, packages, day."""
    found = ", ".join(f"{name} {_version(name)}" for name in PACKAGES if _version(name))
    return (
        f"*{_processor()}, {os.cpu_count()} cores, {_memory():.0f} GiB, {platform.system()}, Python "
        f"{platform.python_version()}; {found}; {datetime.now(UTC).date().isoformat()}.*"
    )


def _version(name: str) -> str:
    """Return the version of a package, empty when it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory() -> float:
    """Return the memory in GiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
