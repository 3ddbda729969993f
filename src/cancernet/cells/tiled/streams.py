"""The files of a slide that grow tile by tile: one row and one outline for each nucleus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cancernet.cells.outputs import regions_of
from cancernet.cells.tiled.look import LookedAt
from cancernet.cells.tiled.plan import Plane
from cancernet.files import whole_file
from cancernet.slides import Region, growing_geojson

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Streams", "growing_cells"]

_ROWS = 20_000  # of a group of Parquet: smaller ones are slow to read, and larger ones fill the memory


@dataclass(eq=False)
class Streams:
    """What the nuclei of tiles are appended to.

    Parameters
    ----------
    plane
        Of the slide.
    write, draw
        Append rows to the table, and outlines to the GeoJSON file.
    waiting
        Tables that are not written yet: fewer rows than make a group.
    count
        Nuclei so far.
    """

    plane: Plane
    write: Callable[[pd.DataFrame], None]
    draw: Callable[[Iterable[Region]], None]
    waiting: list[pd.DataFrame] = field(default_factory=list)
    count: int = 0

    def append(self, one: LookedAt) -> None:
        """Append the nuclei of a tile, numbered on."""
        measured = one.measured
        table = measured.table.assign(nucleus=np.arange(self.count + 1, self.count + 1 + len(measured)))
        self.count += len(measured)
        self.draw(regions_of(measured, l0_per_px=self.plane.l0_per_px, corner=one.tile.seen[:2]))
        self.waiting.append(table)
        if sum(map(len, self.waiting)) >= _ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait as one group."""
        import pandas as pd

        if self.waiting:
            self.write(pd.concat(self.waiting, ignore_index=True))
            self.waiting.clear()


@contextmanager
def growing_cells(folder: Path, plane: Plane, *, like: pd.DataFrame) -> Iterator[Streams]:
    """Yield what `cells.parquet` and `cells.geojson` grow by; they appear, whole, when the block ends well.

    Parameters
    ----------
    folder
        Is there.
    plane
        Of the slide.
    like
        A table of the same columns; it may be empty.
    """
    import pyarrow.parquet as pq

    schema = _schema(like)
    parquet, geojson = folder / "cells.parquet", folder / "cells.geojson"
    with whole_file(parquet) as partial, growing_geojson(geojson) as draw, pq.ParquetWriter(partial, schema) as writer:
        streams = Streams(plane, lambda table: writer.write_table(_as_arrow(table, schema)), draw)
        yield streams
        streams.flush()


def _schema(table: pd.DataFrame) -> pa.Schema:
    """Return the columns of all tiles: text, truth, whole numbers and others, as the table of a field has them."""
    import pyarrow as pa

    kinds: dict[str, Any] = {"nucleus": pa.int64(), "cut": pa.bool_(), "abstained": pa.bool_()}
    kinds |= dict.fromkeys(("reason", "type"), pa.string())
    return pa.schema([(name, kinds.get(name, pa.float64())) for name in table.columns])


def _as_arrow(table: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """Return a table as Parquet takes it; NaN stays NaN, as in the table of a field."""
    import pyarrow as pa

    return pa.Table.from_pandas(table, schema=schema, preserve_index=False)
