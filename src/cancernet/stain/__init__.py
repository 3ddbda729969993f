"""Stains: optical density, the amounts of haematoxylin and eosin, and slides brought to the colours of another."""

from cancernet.stain.density import HE_VECTORS, combine, from_optical_density, optical_density, separate, unmixing
from cancernet.stain.fits import StainFit
from cancernet.stain.macenko import MACENKO_TARGET, MacenkoFit, fit_macenko
from cancernet.stain.reinhard import REINHARD_TARGET, ReinhardFit, fit_reinhard
from cancernet.stain.transfer import fit_stain, normalise, separate_with

__all__ = [
    "HE_VECTORS",
    "MACENKO_TARGET",
    "REINHARD_TARGET",
    "MacenkoFit",
    "ReinhardFit",
    "StainFit",
    "combine",
    "fit_macenko",
    "fit_reinhard",
    "fit_stain",
    "from_optical_density",
    "normalise",
    "optical_density",
    "separate",
    "separate_with",
    "unmixing",
]
