"""Tables of cases, how they are read, split by patient, and audited for leaks."""

from cancernet.data.audit import LeakAudit, audit_split, audit_tables
from cancernet.data.catalogue import Builtin, catalogue, load
from cancernet.data.chunks import Chunk, read_chunks
from cancernet.data.missing import Medians
from cancernet.data.numbers import MISSING
from cancernet.data.read import read_table
from cancernet.data.source import Source, open_source
from cancernet.data.split import Fold, Split, digest_of_ids
from cancernet.data.split_file import read_split, write_split
from cancernet.data.split_like import draws_of, read_answers, split_like
from cancernet.data.splits import folds_by_group, part_by_group, rows_by_fold, split_by_group
from cancernet.data.table import Feature, Table, match_columns
from cancernet.data.texts import Texts, read_column, read_texts
from cancernet.data.trainable import (
    check_positive,
    check_trainable,
    refuse_few_groups,
    refuse_missing,
    require_groups,
)
from cancernet.data.wisconsin import FNA_FEATURES, MEASURES, STATISTICS

__all__ = [
    "FNA_FEATURES",
    "MEASURES",
    "MISSING",
    "STATISTICS",
    "Builtin",
    "Chunk",
    "Feature",
    "Fold",
    "LeakAudit",
    "Medians",
    "Source",
    "Split",
    "Table",
    "Texts",
    "audit_split",
    "audit_tables",
    "catalogue",
    "check_positive",
    "check_trainable",
    "digest_of_ids",
    "draws_of",
    "folds_by_group",
    "load",
    "match_columns",
    "open_source",
    "part_by_group",
    "read_answers",
    "read_chunks",
    "read_column",
    "read_split",
    "read_table",
    "read_texts",
    "refuse_few_groups",
    "refuse_missing",
    "require_groups",
    "rows_by_fold",
    "split_by_group",
    "split_like",
    "write_split",
]
