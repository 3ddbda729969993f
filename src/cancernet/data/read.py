"""A file of rows as a Table: which column is what, and everything that can be wrong with it said in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.data.source import Source, open_source
from cancernet.data.stream import parts
from cancernet.data.table import Feature, Table, match_columns
from cancernet.errors import InvalidInput

__all__ = ["read_table"]

_NO_LABEL = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NAN")
_SUFFIXES = (".gz", ".csv", ".tsv", ".txt", ".data", ".tab", ".parquet", ".pq")


@dataclass(frozen=True)
class _Roles:
    """Which column is what: positions in the file, None where there is none.

    Parameters
    ----------
    index, target, group
        The columns of ids, labels and groups.
    each_row
        Every row is a group of its own.
    features
        The columns of numbers.
    """

    index: int | None
    target: int | None
    group: int | None
    each_row: bool
    features: tuple[int, ...]

    @property
    def labels(self) -> tuple[int, ...]:
        """The columns that are read as text, each once."""
        named = (self.index, self.target, self.group)
        return tuple(dict.fromkeys(position for position in named if position is not None))


def read_table(
    path: str | Path,
    *,
    target: str | None = None,
    group: str | None = None,
    id: str | None = None,
    columns: Sequence[str] | None = None,
    drop: Collection[str] = (),
    keep: Collection[str] = (),
) -> Table:
    r"""Return a CSV, TSV (also .gz) or Parquet file as a table.

    The files wdbc.data, wpbc.data and breast-cancer-wisconsin.data of UCI, which have no header, are recognised by
    their first row and get names, ids, groups (the id) and target. Of wpbc.data the features are the 30 of the nuclei,
    `tumor_size` and `lymph_node_status`; `time` belongs to the outcome and is left out unless `columns` or `keep` names
    it.

    Parameters
    ----------
    path
        The file. '', '?', 'NA', 'NaN' and the like are missing.
    target
        Column of labels; they stay text, as in the file.
    group
        Column of patients, or "row": every row is another patient.
    id
        Column that names the rows; None: one that is called 'id', or a first one without a name, where there is one.
    columns
        The features; None: all columns that are nothing else.
    drop
        Columns to leave out.
    keep
        Columns that are left out of such a file otherwise.

    Raises
    ------
    InvalidInput
        When a named column is not there (the nearest is offered), a cell holds text or infinity (with row and
        column), a label, a group or an id is missing, ids repeat, a row has too many or too few cells, the text is
        not UTF-8, two columns have the same name, or there is no row.
    StorageFailure, CorruptFile
        When the file cannot be read, or is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "cases.csv")
    ...     _ = path.write_text("case,patient,area,grade\n1,p1,2.5,low\n2,p2,?,high\n")
    ...     table = read_table(path, target="grade", group="patient", id="case")
    >>> table.feature_names, table.classes, table.groups.tolist()
    (('area',), ('high', 'low'), ['p1', 'p2'])
    """
    source = open_source(path)
    if source.form is not None:
        target, group = target or source.form.target, group or source.form.id
    out = {_position(source, name) for name in drop}
    roles = _assign(source, out, target=target, group=group, id=id)
    left = () if source.form is None else set(source.form.left_out) - set(keep)
    out |= {_position(source, name) for name in left if columns is None}
    roles = replace(roles, features=_features(source, roles, columns, out))
    values, texts = _read(source, roles)
    return _table(source, roles, values, texts)


def _assign(source: Source, out: Collection[int], *, target: str | None, group: str | None, id: str | None) -> _Roles:
    """Return the roles, without features; the columns at `out` are not looked at unless they are named."""
    each_row = group == "row"
    unnamed = None if source.index in out else source.index
    return _Roles(
        index=unnamed if id is None else _position(source, id),
        target=None if target is None else _position(source, target),
        group=None if group is None or each_row else _position(source, group),
        each_row=each_row,
        features=(),
    )


def _position(source: Source, name: str) -> int:
    """Return where a column stands."""
    return match_columns(source.names, [name], where=f"'{source.path}'")[0]


def _features(source: Source, roles: _Roles, columns: Sequence[str] | None, out: Collection[int]) -> tuple[int, ...]:
    """Return the columns of numbers: those named, or all that are nothing else; without those at `out`."""
    if columns is None:
        taken = {*out, *roles.labels}
        features = tuple(position for position in range(len(source.names)) if position not in taken)
        _refuse_unnamed(source, features)
    else:
        named = match_columns(source.names, columns, where=f"'{source.path}'")
        features = tuple(position for position in named if position not in out)
        _refuse_double_role(source, roles, features)
    if not features:
        raise InvalidInput(
            f"'{source.path}' has no feature column left",
            "Expected at least one column of numbers",
            "Check columns and drop",
        )
    return features


def _refuse_unnamed(source: Source, features: Sequence[int]) -> None:
    """Raise when a feature has no name."""
    unnamed = [str(position + 1) for position in features if not source.names[position]]
    if unnamed:
        raise InvalidInput(
            f"Column number {', '.join(unnamed[:10])} of '{source.path}' has no name",
            "Expected a name for each column",
            "Name it in the header; look for a comma at the end of the lines",
        )


def _refuse_double_role(source: Source, roles: _Roles, features: Sequence[int]) -> None:
    """Raise when a feature is the id, the target or the group as well: it would tell the answer."""
    both = [source.names[position] for position in features if position in roles.labels]
    if both:
        raise InvalidInput(
            f"These columns of '{source.path}' are features and id, target or group at once: {listed(both)}",
            "Each column has one role",
            "Take them out of columns",
        )


def _read(source: Source, roles: _Roles) -> tuple[NDArray[np.float64], dict[int, NDArray[np.object_]]]:
    """Return the features, shape (n, features), and the text columns by position."""
    read = list(parts(source, roles.features, labels=roles.labels))
    values = np.concatenate([part.values for part in read])
    texts = {
        position: np.concatenate([part.labels[place] for part in read]) for place, position in enumerate(roles.labels)
    }
    return values, texts


def _table(source: Source, roles: _Roles, values: NDArray[np.float64], texts: dict[int, NDArray[np.object_]]) -> Table:
    """Return the table."""
    for position, text in texts.items():
        _refuse_holes(source, source.names[position], text)
    ids = _ids(source, roles, texts, len(values))
    form = source.form
    names = [source.names[position] for position in roles.features]
    return Table(
        name=_stem(source.path) if form is None else form.name,
        features=tuple(Feature(name, source.units.get(name, "")) for name in names),
        values=values,
        ids=ids,
        groups=ids if roles.group is None else texts[roles.group].astype(np.str_),
        target=None if roles.target is None else texts[roles.target].astype(np.str_),
        target_column=None if roles.target is None else source.names[roles.target],
        group_column="row" if roles.each_row else None if roles.group is None else source.names[roles.group],
        source=str(source.path) if form is None else form.source,
        licence="" if form is None else form.licence,
    )


def _refuse_holes(source: Source, name: str, text: NDArray[np.object_]) -> None:
    """Raise when an id, a label or a group is missing."""
    for row, value in enumerate(text):
        if value is None or value in _NO_LABEL:
            raise InvalidInput(
                f"Nothing in {source.cell(row + 1, name)}",
                "Expected an id, a label or a group in each row",
                "Fill the cell, or take the row out of the file",
            )


def _ids(source: Source, roles: _Roles, texts: dict[int, NDArray[np.object_]], rows: int) -> NDArray[np.str_]:
    """Return one id per row: from the file, or "row-1", "row-2" ...; repeats are counted in groups."""
    if roles.index is None:
        return np.array([f"row-{row + 1}" for row in range(rows)])
    ids = [str(name) for name in texts[roles.index]]
    repeated = [name for name, count in Counter(ids).items() if count > 1]
    if repeated and roles.index != roles.group:
        raise InvalidInput(
            f"Ids repeat in column '{source.names[roles.index]}' of '{source.path}': {listed(repeated, 5)}",
            "Expected an id of its own for each row",
            f'Correct them; when they name patients, say group = "{source.names[roles.index]}"',
        )
    return np.array(_counted(ids) if repeated else ids)


def _counted(ids: Sequence[str]) -> list[str]:
    """Return the ids with '#2', '#3' ... at each repetition."""
    seen: Counter[str] = Counter()
    counted = []
    for name in ids:
        seen[name] += 1
        counted.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return counted


def _stem(path: Path) -> str:
    """Return the name of a file without its endings."""
    name = path.name
    while Path(name).suffix.lower() in _SUFFIXES:
        name = Path(name).stem
    return name
