"""The front door: what prediction imports needs NumPy alone, and all public names are there."""

import subprocess
import sys

from cancernet import metrics


def test_importing_and_deciding_loads_neither_scipy_nor_scikit_learn():
    program = (
        "import sys\n"
        "from cancernet.metrics import Scored, predictive_values, prediction_sets, reweight\n"
        "prediction_sets([[0.4, 0.6]], 0.5, [1])\n"
        "reweight([[0.4, 0.6]], [0.5, 0.5], [0.9, 0.1])\n"
        "predictive_values(0.9, 0.9, 0.1)\n"
        "sys.exit(', '.join({'scipy', 'sklearn', 'pandas', 'matplotlib'} & set(sys.modules)) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_public_names_are_sorted_and_there():
    assert metrics.__all__ == sorted(metrics.__all__, key=lambda name: (not name.isupper(), name.islower(), name))
    assert all(hasattr(metrics, name) for name in metrics.__all__)
