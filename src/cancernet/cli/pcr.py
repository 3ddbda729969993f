"""`cancernet pcr`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cancernet.cli import complete
from cancernet.cli.options import FLAG, Force, Json, Quiet
from cancernet.cli.show import print_json, say
from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    from cancernet.cli.pcrsaid import Said
    from cancernet.omics import Plate

__all__ = ["pcr"]


def pcr(
    plate: Annotated[
        Path,
        typer.Argument(
            metavar="PLATE",
            help="CSV, TSV or Parquet file, also .gz: a row per well (Sample, Gene, Ct), or a row per sample and a "
            "column per gene.",
            show_default=False,
        ),
    ],
    reference: Annotated[
        str,
        typer.Option(
            metavar="A,B,C",
            help="The reference genes, or 'stable': the steadiest on the plate by geNorm.",
            show_default="those of the usual names",
        ),
    ] = "",
    control: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP", help="Group or sample that the others are compared with: fold changes.", show_default=False
        ),
    ] = None,
    efficiency: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GENE=FACTOR",
            help="Amplification of a gene in one cycle, for example MYC=1.93; may be repeated.",
            show_default="2 for all",
        ),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="rs21: the published 21-gene recurrence score, for research; not the commercial test.",
            show_default=False,
            autocompletion=complete.scores,
        ),
    ] = None,
    copies: Annotated[
        bool,
        typer.Option(
            "--copies", metavar=FLAG, help="Count a target by the standards and blanks on the plate: is it there?"
        ),
    ] = False,
    target: Annotated[
        str | None,
        typer.Option(metavar="GENE", help="Of --copies: the target.", show_default="the gene that has standards"),
    ] = None,
    max_cycle: Annotated[
        float, typer.Option(metavar="CYCLE", help="A well that crosses later counts as undetermined.")
    ] = 40.0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write a table, and beside it a figure.", show_default="print only"
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make sense of a plate of RT-PCR: relative expression, a published score, or copies of a target."""
    from cancernet.omics import read_plate

    _refuse_together(score, copies=copies, control=control, reference=reference, target=target)
    wells = read_plate(plate, max_cycle=max_cycle)
    if score is not None or copies:
        found = _counted(wells, target) if copies else _scored(wells, score or "")
    else:
        found = _relative(wells, reference, control=control, efficiency=efficiency or [])
    files = found.write(out, force=force) if out is not None else ()
    if json:
        print_json(found.to_dict(plate, files))
    else:
        say(found.in_words(files), quiet=quiet)


def _refuse_together(
    score: str | None, *, copies: bool, control: str | None, reference: str, target: str | None
) -> None:
    """Raise when options of different jobs are given, or the score is unknown."""
    from cancernet.checks import one_of

    if score is not None:
        one_of(score, complete.SCORES, "score")
    job = f"--score {score}" if score is not None else "--copies" if copies else ""
    others = {"--copies": copies and score is not None, "--control": control is not None, "--reference": reference}
    wrong = [name for name, given in others.items() if given and job]
    if wrong or (target is not None and not copies):
        raise InvalidInput(
            f"{wrong[0] if wrong else '--target'} does not go with {job or 'relative expression'}",
            "Relative expression, --score and --copies are three jobs; the score has its own reference genes",
            "Leave one of them out",
        )


def _relative(plate: Plate, reference: str, *, control: str | None, efficiency: list[str]) -> Said:
    """Return relative expression."""
    from cancernet.cli.pcrsaid import SaidRelative
    from cancernet.omics import PcrOptions, relative_expression

    names = tuple(name.strip() for name in reference.split(",") if name.strip())
    factors = dict(_factor(text) for text in efficiency)
    return SaidRelative(relative_expression(plate, PcrOptions(names, control, factors)))


def _factor(text: str) -> tuple[str, float]:
    """Return gene and amplification of GENE=FACTOR."""
    gene, _, number = text.partition("=")
    try:
        return gene.strip(), float(number)
    except ValueError as error:
        raise InvalidInput(f"--efficiency {text}", "Expected GENE=FACTOR, for example MYC=1.93") from error


def _scored(plate: Plate, score: str) -> Said:
    """Return the published score; `rs21` is the only one there is."""
    from cancernet.cli.pcrsaid import SaidScores
    from cancernet.omics import score_plate

    return SaidScores(score_plate(plate), score)


def _counted(plate: Plate, target: str | None) -> Said:
    """Return copies of a target."""
    from cancernet.cli.pcrsaid import SaidCopies
    from cancernet.omics import count_target

    return SaidCopies(count_target(plate, target))
