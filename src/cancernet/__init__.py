"""CancerNet."""

__version__ = "0.1.0"
