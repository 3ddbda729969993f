"""Memory that is freed goes back to the system: measured in a process of its own, as its allocator starts."""

import subprocess
import sys

import pytest

FREED = """
import sys
from pathlib import Path
import numpy as np
from cancernet.files import give_back_freed, give_back_large

def megabytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024

if "large" in sys.argv:
    give_back_large()
del (before := [np.ones(31 << 20, np.uint8)])[:]  # from now on glibc keeps arrays of up to 31 MB
array = np.ones(20 << 20, np.uint8)
held = [np.ones(60_000, np.uint8) for _ in range(20)]  # above it in the heap
full = megabytes()
del array
if "freed" in sys.argv:
    give_back_freed()
print(full - megabytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", ["large", "freed"])
def test_what_the_allocator_would_keep_goes_back(how):
    done = subprocess.run([sys.executable, "-c", FREED, how], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(20, abs=2)
