"""Measurements whose results the documentation quotes; `python -m benchmarks` runs them."""
