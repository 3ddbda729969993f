import os
import subprocess
import sys

import pytest

from cancernet.errors import CancerNetError, MissingExtra
from cancernet.jobs import BatchOptions, run_batch
from jobs import works
from jobs.made import ROOT, contents, ended, entries, inputs, litter, start, wait_until


def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'cancernet\[cluster\]'"):
        run_batch(inputs(tmp_path / "in", 1), works.never, out=tmp_path / "out", options=BatchOptions(ray="local"))


@pytest.mark.slow
def test_ray_makes_what_the_local_pool_makes(tmp_path):
    """Real processes; a worker dies in the middle."""
    items = inputs(tmp_path / "in", 12, said={3: "kill", 5: "raise"})

    code, said = ended(start(tmp_path / "in", tmp_path / "out", work="moody", ray="local", workers=2), 120)

    assert (code, said.splitlines()[-1]) == (0, "10 2 0"), said
    run_batch(items, works.moody, out=tmp_path / "pool", options=BatchOptions(workers=2))
    assert contents(tmp_path / "out") == contents(tmp_path / "pool")
    found = entries(tmp_path / "out")
    assert found["text003"].error.startswith("text003.txt: its worker on the cluster died (Worker unexpectedly exits")
    assert found["text005"].error == "text005.txt: RuntimeError: this one is not readable"
    assert len({entry.pid for entry in found.values()}) >= 2
    assert litter(tmp_path / "out") == []


@pytest.mark.slow
def test_ctrl_c_lets_go_of_what_ray_works_on(tmp_path):
    inputs(tmp_path / "in", 3)
    out = tmp_path / "out"
    process = start(tmp_path / "in", out, work="slow_copy", pause=60, ray="local", workers=2)
    wait_until(lambda: len(list(out.glob(".*.partial-*/text.txt"))) == 2, 60)

    process.send_signal(2)

    code, said = ended(process)
    assert code == -2, said
    assert {entry.status for entry in entries(out).values()} == {"waiting"}
    assert litter(out) == []


@pytest.mark.slow
def test_a_cluster_that_is_not_there(tmp_path):
    code = f"""
from pathlib import Path
from cancernet.jobs import BatchOptions, Item, run_batch
from jobs import works
run_batch([Item(Path(__file__))], works.never, out=Path({str(tmp_path / "out")!r}), options=BatchOptions(ray="auto"))
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120)
    assert CancerNetError.__name__ in done.stderr
    assert "No Ray cluster answers at 'auto'" in done.stderr


@pytest.mark.slow
def test_ray_reports_nothing_to_its_makers():
    code = (
        "from cancernet.jobs.cluster import _ray; _ray(); "
        "from ray._common.usage import usage_lib; print(usage_lib.usage_stats_enabled())"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "RAY_USAGE_STATS_ENABLED": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False"], done.stderr
