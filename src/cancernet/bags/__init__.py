"""Bags of features: what an encoder made of the tiles of each slide, as we, TRIDENT, STAMP and CLAM store it."""

from cancernet.bags.bag import Bag
from cancernet.bags.bagset import BagOptions, BagSet, read_bags
from cancernet.bags.openset import OpenBags, open_bags, said_of
from cancernet.bags.padding import pad_bags, sample_bag
from cancernet.bags.read import BAG_SUFFIXES, read_bag
from cancernet.bags.stored import write_bag
from cancernet.bags.summary import summarise, summary_names

__all__ = [
    "BAG_SUFFIXES",
    "Bag",
    "BagOptions",
    "BagSet",
    "OpenBags",
    "open_bags",
    "pad_bags",
    "read_bag",
    "read_bags",
    "said_of",
    "sample_bag",
    "summarise",
    "summary_names",
    "write_bag",
]
