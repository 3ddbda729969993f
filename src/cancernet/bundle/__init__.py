"""Bundles: the card, the two files of weights, their checksums; safe to open because everything is checked first."""

from cancernet.bundle.card import (
    SCHEMA_VERSION,
    Card,
    DataSource,
    Execution,
    Parity,
    Task,
    Training,
    card_schema,
)
from cancernet.bundle.decision import Conformal, Decision, GradeCuts, Novelty, Outlining, Threshold
from cancernet.bundle.fusion import FusedSource, Fusion
from cancernet.bundle.inputs import BagInput, Column, FieldInput, Input, PatchInput, PixelSize, TableInput
from cancernet.bundle.keras_file import check_keras_file
from cancernet.bundle.onnx_file import check_onnx_file, read_onnx_file
from cancernet.bundle.seen import hash_groups, hash_rows, hash_texts
from cancernet.bundle.store import CHECKSUMS, SOURCES, find, load_card, verify, write, zoo_names
from cancernet.bundle.survival import OutcomeColumns, Survival

__all__ = [
    "CHECKSUMS",
    "SCHEMA_VERSION",
    "SOURCES",
    "BagInput",
    "Card",
    "Column",
    "Conformal",
    "DataSource",
    "Decision",
    "Execution",
    "FieldInput",
    "FusedSource",
    "Fusion",
    "GradeCuts",
    "Input",
    "Novelty",
    "OutcomeColumns",
    "Outlining",
    "Parity",
    "PatchInput",
    "PixelSize",
    "Survival",
    "TableInput",
    "Task",
    "Threshold",
    "Training",
    "card_schema",
    "check_keras_file",
    "check_onnx_file",
    "find",
    "hash_groups",
    "hash_rows",
    "hash_texts",
    "load_card",
    "read_onnx_file",
    "verify",
    "write",
    "zoo_names",
]
