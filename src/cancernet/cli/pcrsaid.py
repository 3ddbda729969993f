"""What `cancernet pcr` prints and writes, for each of its three jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cancernet.cli.show import fitted, paragraph, rows_table
from cancernet.files import refuse_existing

if TYPE_CHECKING:
    from cancernet.omics import Comparison, Copies, Plate, Relative, Scores
    from cancernet.report.style import Drawing

__all__ = ["Said", "SaidCopies", "SaidRelative", "SaidScores"]

_SHOWN = 30
_END = "  Research use only, not a medical device."


class Said(Protocol):
    """A result that can be said, written and given to machines."""

    def write(self, out: Path, *, force: bool) -> tuple[Path, ...]:
        """Write the table and the figure; return their paths."""

    def to_dict(self, plate: Path, files: tuple[Path, ...]) -> dict[str, Any]:
        """Return the result for machines."""

    def in_words(self, files: tuple[Path, ...]) -> str:
        """Return the result for people."""


@dataclass(frozen=True)
class SaidRelative:
    """Relative expression."""

    found: Relative

    def write(self, out: Path, *, force: bool) -> tuple[Path, ...]:
        """Write delta Ct, the comparisons when there are some, and the figure."""
        from cancernet.omics import comparison_rows, delta_rows, draw_relative

        tables = {out: delta_rows(self.found)}
        if self.found.comparisons:
            tables[out.with_name(f"{out.stem}-fold{out.suffix or '.csv'}")] = comparison_rows(self.found)
        return _write(out, tables, draw_relative(self.found), force=force)

    def to_dict(self, plate: Path, files: tuple[Path, ...]) -> dict[str, Any]:
        """Return everything as rows."""
        from cancernet.omics import comparison_rows, delta_rows

        references, ranked = self.found.references, self.found.references.genorm
        steady = (
            None
            if ranked is None
            else {
                "ranking": list(ranked.ranking),
                "m": list(ranked.m),
                "variation": list(ranked.variation),
                "normfinder": list(references.normfinder),
                "samples": ranked.samples,
            }
        )
        return {
            **_head(self.found.plate, plate, files),
            "references": {
                "genes": list(references.genes),
                "how": references.how,
                "stability": steady,
                "warnings": list(references.warnings),
            },
            "delta_ct": delta_rows(self.found),
            "comparisons": comparison_rows(self.found),
        }

    def in_words(self, files: tuple[Path, ...]) -> str:
        """Return plate, references, and fold changes or how many values there are."""
        references = self.found.references
        lines = [_plate_in_words(self.found.plate), ""]
        lines += [paragraph(f"Reference genes: {', '.join(references.genes)}, {references.how}.")]
        lines += self._stability()
        lines += [paragraph(text) for text in references.warnings]
        lines += ["", self._folds() if self.found.comparisons else self._counts()]
        return "\n".join([*lines, *_files_in_words(files), "", _END])

    def _stability(self) -> list[str]:
        """Return M, V and NormFinder's value of each gene."""
        ranked, values = self.found.references.genorm, self.found.references.normfinder
        if ranked is None:
            return []
        head = ["gene", "geNorm M", "V by adding it"] + (["NormFinder"] if values else [])
        body = []
        for place, gene in enumerate(ranked.ranking):
            change = f"{ranked.variation[place - 2]:.3f}" if place >= 2 else ""
            body.append([gene, f"{ranked.m[place]:.3f}", change] + ([f"{values[place]:.3f}"] if values else []))
        return [rows_table([head, *body])]

    def _counts(self) -> str:
        """Return how many delta Ct there are, and why others are missing."""
        import numpy as np

        delta = self.found.delta
        given = int(np.isfinite(delta.values).sum())
        reasons = Counter(str(reason) for reason in delta.reasons.ravel() if reason)
        said = f"delta Ct of {given} of {delta.values.size} pairs of sample and gene."
        why = "; ".join(f"{reason}: {count}" for reason, count in reasons.most_common(5))
        return paragraph(f"{said} None for the others: {why}." if why else said)

    def _folds(self) -> str:
        """Return the fold changes."""
        shown = self.found.comparisons[:_SHOWN]
        lines = [["gene", "group", "samples", f"fold change against {self.found.control}", ""]]
        lines += [self._fold(one) for one in shown]
        more = len(self.found.comparisons) - len(shown)
        return fitted(rows_table(lines)) + (f"\n  ... and {more} more" if more else "")

    @staticmethod
    def _fold(one: Comparison) -> list[str]:
        """Return one fold change as cells."""
        note = one.fold.reason or one.note
        return [one.gene, one.group, f"{one.detected} of {one.samples}", one.fold.format(2), note]


@dataclass(frozen=True)
class SaidScores:
    """The published score."""

    found: Scores
    name: str

    def write(self, out: Path, *, force: bool) -> tuple[Path, ...]:
        """Write the table and the figure."""
        from cancernet.omics import draw_scores, score_rows

        return _write(out, {out: score_rows(self.found)}, draw_scores(self.found), force=force)

    def to_dict(self, plate: Path, files: tuple[Path, ...]) -> dict[str, Any]:
        """Return the scores as rows."""
        from cancernet.omics import NOT_THE_TEST, score_rows

        head = _head(self.found.plate, plate, files)
        return {**head, "score": self.name, "note": NOT_THE_TEST, "samples": score_rows(self.found)}

    def in_words(self, files: tuple[Path, ...]) -> str:
        """Return one line for each sample, and what it is not."""
        from cancernet.omics import NOT_THE_TEST

        lines = [["sample", "score", "unscaled", "Paik 2004", "TAILORx 2018", ""]]
        for one in self.found.scores[:_SHOWN]:
            unscaled = "" if one.unscaled is None else f"{one.unscaled:.2f}"
            groups = [one.categories.get(name, "") for name in ("paik2004", "tailorx2018")]
            said = "; ".join(one.flags) or (one.score.reason if one.score.low is None and one.score.value else "") or ""
            lines.append([one.sample, one.score.format(2), unscaled, *groups, said])
        table = fitted(rows_table(lines))
        cuts = "Cut-offs: Paik 2004 low below 18, high from 31; TAILORx 2018 low up to 10, high from 26."
        words = [_plate_in_words(self.found.plate), "", table, "", paragraph(cuts), paragraph(NOT_THE_TEST)]
        return "\n".join([*words, *_files_in_words(files), "", _END])


@dataclass(frozen=True)
class SaidCopies:
    """Copies of a target."""

    found: Copies

    def write(self, out: Path, *, force: bool) -> tuple[Path, ...]:
        """Write the table and the figure."""
        from cancernet.omics import copies_rows, draw_copies

        return _write(out, {out: copies_rows(self.found)}, draw_copies(self.found), force=force)

    def to_dict(self, plate: Path, files: tuple[Path, ...]) -> dict[str, Any]:
        """Return assay and calls."""
        from cancernet.omics import copies_rows

        assay = self.found.assay
        curve = {"slope": assay.curve.slope, "intercept": assay.curve.intercept, "r2": assay.curve.r2}
        return {
            **_head(self.found.plate, plate, files),
            "gene": assay.gene,
            "curve": {**curve, "efficiency": assay.curve.efficiency.to_dict(), "noise": assay.curve.noise},
            "limit_of_blank": {
                "copies": assay.blank.limit,
                "wells": assay.blank.wells,
                "crossed": assay.blank.crossed,
                "false_hits": assay.blank.false_hits.to_dict(),
                "false_hits_at_most": assay.blank.upper,
            },
            "limit_of_detection": {**assay.detection.limit.to_dict(), "note": assay.detection.note},
            "limit_of_detection_single_hit": assay.detection.single_hit.to_dict(),
            "samples": copies_rows(self.found),
        }

    def in_words(self, files: tuple[Path, ...]) -> str:
        """Return the assay, then one line for each sample."""
        lines = [["sample", "call", "wells", "copies in a well", ""]]
        for one in self.found.calls[:_SHOWN]:
            flags = "; ".join(one.flags)
            lines.append([one.sample, one.call, f"{one.hits} of {one.wells}", one.copies.format(2), flags])
        table = fitted(rows_table(lines))
        words = [_plate_in_words(self.found.plate), "", self._assay(), "", table, "", paragraph(self._rule())]
        return "\n".join([*words, *_files_in_words(files), "", _END])

    def _assay(self) -> str:
        """Return curve and limits."""
        assay = self.found.assay
        blank, curve, method = assay.blank, assay.curve, assay.detection.limit.method
        line = f"slope {curve.slope:.3f}, R2 {curve.r2:.4f}, noise {curve.noise:.2f} cycles, {curve.levels} levels"
        return rows_table(
            [
                ["target", assay.gene],
                ["standard curve", f"{line}, {curve.wells} wells"],
                ["efficiency", curve.efficiency.format(3)],
                ["limit of blank", f"{blank.limit:.3g} copies; {blank.crossed} of {blank.wells} blanks crossed"],
                ["false hits", f"{blank.false_hits.format(3)} of blank wells"],
                ["limit of detection", f"{assay.detection.limit.format(2)} copies, 95 % of wells; {method}"],
                ["  by single hits", assay.detection.single_hit.format(2)],
            ]
        )

    def _rule(self) -> str:
        """Return the rule of the most frequent number of wells."""
        (rule, _), *_ = Counter(one.rule for one in self.found.calls).most_common(1)
        wells = f"Of {rule.wells} wells"
        absent = f"none for absent (missed at the limit of detection: {rule.wrong_absent:.2g})"
        if rule.present is None:
            return f"{wells} no number counts as present: too few blanks were measured; {absent}; else undecided."
        present = f"{rule.present} count for present (wrong without target: at most {rule.wrong_present:.2g})"
        return f"{wells} {present}, {absent}; else undecided."


def _write(out: Path, tables: dict[Path, Any], drawing: Drawing, *, force: bool) -> tuple[Path, ...]:
    """Write tables and figure, all or, where one of them exists, none."""
    from cancernet.omics import save_drawing, write_rows

    picture = out.with_suffix(".png")
    for path in (*tables, picture):
        refuse_existing(path, force=force)
    for path, rows in tables.items():
        write_rows(path, rows, force=force)
    save_drawing(picture, drawing, force=force)
    return (*tables, picture)


def _head(plate: Plate, path: Path, files: tuple[Path, ...]) -> dict[str, Any]:
    """Return what is the same for all jobs."""
    notes = list(plate.notes)
    return {"schema": 1, "plate": str(path), "form": plate.form, "notes": notes, "files": [str(file) for file in files]}


def _plate_in_words(plate: Plate) -> str:
    """Return what the plate is."""
    head = (
        f"{plate.name}: {plate.form}; {len(plate)} wells, {len(plate.sample_names)} samples, "
        f"{len(plate.gene_names)} genes."
    )
    return paragraph(" ".join([head, *plate.notes]), first="")


def _files_in_words(files: tuple[Path, ...]) -> list[str]:
    """Return where the files are."""
    return ["", *(f"  {'figure' if path.suffix == '.png' else 'table ':6}  {path}" for path in files)] if files else []
