"""The documentation runs: marked blocks of pages are executed, and the page of the command line is up to date."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cancernet.metrics import Scored, measure
from house.pages import blocks, run
from house.tree import ROOT, SOURCE

DOCS = ROOT / "docs"
needs_cli = pytest.mark.skipif(not (SOURCE / "cli" / "main.py").is_file(), reason="the command line is not built yet")
needs_fna = pytest.mark.skipif(not (SOURCE / "zoo" / "fna").is_dir(), reason="the bundle 'fna' is not shipped yet")

PAGE = """text

<!-- run -->
```bash
echo one > one.txt
```

```bash
exit 1
```

<!-- run with two three -->
```bash
echo
```

<!-- run -->
```python
print(open("one.txt").read())
```
"""


def test_marked_blocks_run_in_order(tmp_path: Path) -> None:
    found = blocks(PAGE)
    assert [block.line for block in found] == [3, 12, 17]
    assert [run(block, tmp_path).strip() for block in found] == ["", "two three", "one"]


def test_a_block_that_fails_is_named(tmp_path: Path) -> None:
    (block,) = blocks("<!-- run -->\n```bash\nfalse\ntrue\n```\n")
    with pytest.raises(AssertionError, match="the block in line 1 fails"):
        run(block, tmp_path)


@needs_cli
@needs_fna
def test_start_in_five_minutes(tmp_path: Path) -> None:
    found = blocks((DOCS / "start.md").read_text(encoding="utf-8"))
    assert len(found) >= 4
    for block in found:
        run(block, tmp_path)


@needs_cli
@pytest.mark.parametrize(("page", "count"), [("slides.md", 5), ("resolution.md", 1)])
def test_pages_about_slides(tmp_path: Path, page: str, count: int) -> None:
    found = blocks((DOCS / page).read_text(encoding="utf-8"))
    assert len(found) == count
    for block in found:
        run(block, tmp_path)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_cluster_scripts_are_scripts() -> None:
    page = (DOCS / "batches.md").read_text(encoding="utf-8")
    scripts = re.findall(r"^```bash\n(#!/bin/bash\n.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@needs_cli
def test_generated_pages_are_up_to_date() -> None:
    command = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("classes", [("B", "M"), ("a", "b", "c")], ids=["binary", "multiclass"])
def test_every_metric_is_explained(classes: tuple[str, ...]) -> None:
    page = (DOCS / "numbers.md").read_text(encoding="utf-8")
    generator = np.random.default_rng(0)
    truth = np.arange(60) % len(classes)
    probabilities = generator.dirichlet(np.ones(len(classes)), size=60)
    scored = Scored(
        truth=truth,
        probabilities=probabilities,
        predicted=probabilities.argmax(axis=1),
        groups=np.array([f"p{row // 2}" for row in range(60)]),
        classes=classes,
        positive="M" if "M" in classes else None,
        sets=probabilities > 0.2,
        abstained=(probabilities > 0.2).sum(axis=1) > 1,
    )
    names = {name.removeprefix("group_") for name in measure(scored, draws=50)}
    kinds = {"coverage_": "coverage_<class>", "auroc_": "auroc_<a>_vs_<b>"}
    names = {next((kind for start, kind in kinds.items() if name.startswith(start)), name) for name in names}
    assert {name for name in names if f"`{name}`" not in page} == set()


@pytest.mark.parametrize(
    "page",
    [
        *("start.md", "questions.md", "bags.md", "numbers.md", "architecture.md", "decisions.md", "benchmarks.md"),
        *("slides.md", "batches.md", "resolution.md", "pcr.md", "molecular.md"),
    ],
)
def test_relative_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (DOCS / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (DOCS / link).exists()] == []
