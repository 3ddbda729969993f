"""What the out-of-distribution flag of patches sees: false alarms, made changes of held-out patches, other data sets.

Per set: 5-fold cross-validation by group, fold seed 7. In each fold the training patches are described (statistics,
Mahalanobis distance), the limit is a quantile of distances of rows held out inside them, as a study does it, and the
held-out patches are flagged as they are and after each change.
"""

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.page import table
from cancernet.data import rows_by_fold
from cancernet.estimate import Estimate
from cancernet.metrics import auroc, baseline_logits
from cancernet.metrics.intervals import draw_counts, percentile
from cancernet.patches import JPEG_DRAWS, as_any_jpeg, as_jpeg
from cancernet.patches.images import fit_image
from cancernet.patches.statistics import COLOURS, DARKNESS, STATISTICS, image_statistics
from cancernet.predict import fit_novelty, novelty_distance
from cancernet.stain import HE_VECTORS, combine, from_optical_density, optical_density, separate

DATA = Path(os.environ.get("CANCERNET_DATA") or Path(__file__).parents[2] / "shared" / "data")
SIZES = {"idc": 50, "crchisto": 27, "lung": 96, "herlev": 64, "gleason": 96}  # pixels, as the studies have them
COLUMNS = {  # manifest: class, group
    "crchisto": ("label", "patient"),
    "lung": ("label", "group"),
    "herlev": ("grade", "group"),
    "gleason": ("label", "slide"),
}
QUANTILES = (0.99, 0.98)
FOLDS, INNER_FOLDS, SPLIT_SEED = 5, 4, 7
SAMPLE = 300  # patches of a set that are changed, and that stand for it in another set
PREVALENCE = 0.1  # of patches that should be flagged
DRAWS = 1000
BRIGHT, ENOUGH = 230, 20  # mean grey level above which a patch of the set itself is blank; how many make a share
NOTE = (
    f"Each share rests on up to {SAMPLE} patches, each flagged in the fold that holds it out: 50 % means 44 to 56 % "
    "(95 % interval, were patches independent). Patches of other sets are flagged in all folds."
)

Images = NDArray[np.uint8]
_DAB = np.array([0.27, 0.57, 0.78])  # Ruifrok and Johnston 2001
_INKS = {"green": (40, 130, 90), "blue": (50, 70, 160), "black": (45, 45, 50)}


@dataclass(frozen=True, eq=False)
class Patches:
    """One set: patches of the study's size (n, s, s, 3), the images as they lie on disk, classes and groups."""

    images: Images
    full: list[Images]
    codes: NDArray[np.str_]
    groups: NDArray[np.str_]

    @property
    def size(self) -> int:
        """Pixels of a side."""
        return int(self.images.shape[1])


@dataclass(frozen=True, eq=False)
class Flagged:
    """Held-out patches as they are: flagged or not, per quantile; and the flagged share of each change and set."""

    alarms: dict[float, NDArray[np.bool_]]
    groups: NDArray[np.str_]
    shares: dict[float, dict[str, float]]


def measure() -> str:
    """Return a table of the flagged shares, and one of false alarms and precision."""
    sets = {name: _read(name) for name in SIZES}
    found = {name: _flagged(name, sets) for name in sets}
    return "\n\n".join([_shares(found), NOTE, _precisions(found), _baselines(sets["idc"])])


def _shares(found: dict[str, Flagged]) -> str:
    """Return what is flagged at the first quantile, one row for each change."""
    kinds = list(dict.fromkeys(kind for one in found.values() for kind in one.shares[QUANTILES[0]]))
    head = [
        f"% flagged, limit at the {100 * QUANTILES[0]:g} % quantile",
        *(f"{name}, {SIZES[name]} px" for name in found),
    ]
    alarms = ["nothing (false alarms)", *(f"{100 * one.alarms[QUANTILES[0]].mean():.1f}" for one in found.values())]
    rows = [[kind, *(_percent(one.shares[QUANTILES[0]].get(kind)) for one in found.values())] for kind in kinds]
    return table(head, [alarms, *rows])


def _precisions(found: dict[str, Flagged]) -> str:
    """Return false alarms, detection and precision of each set at each quantile."""
    head = ["quantile of the limit", "set", "% false alarms (interval over groups)", "mean % of the changes flagged"]
    head.append(f"precision when {100 * PREVALENCE:g} % of the patches are changed")
    rows = []
    for quantile in QUANTILES:
        for name, one in found.items():
            alarms = _share_of_groups(one.alarms[quantile], one.groups)
            changed = [
                share
                for kind, share in one.shares[quantile].items()
                if not kind.startswith(("set ", "own ", "JPEG as"))
            ]
            hits, misses = PREVALENCE * float(np.mean(changed)), (1 - PREVALENCE) * (alarms.value or 0.0)
            cells = [alarms.format(1), f"{np.mean(changed):.1f}", f"{hits / (hits + misses):.2f}"]
            rows.append([f"{100 * quantile:g} %", name, *cells])
    return table(head, rows)


def _percent(share: float | None) -> str:
    """Return a cell."""
    return "-" if share is None else f"{share:.1f}"


def _share_of_groups(alarms: NDArray[np.bool_], groups: NDArray[np.str_]) -> Estimate:
    """Return the flagged share in %, with its interval over resampled groups."""
    _, codes = np.unique(groups, return_inverse=True)
    flagged, sizes = np.bincount(codes, weights=alarms), np.bincount(codes)
    parts = draw_counts(len(sizes), DRAWS, 0, rows=len(alarms))
    draws = np.concatenate([100 * (part @ flagged) / (part @ sizes) for part in parts])
    low, high = percentile(draws, len(sizes)) or (None, None)
    return Estimate(100 * float(alarms.mean()), low, high, len(alarms), len(sizes), "bootstrap over groups")


def _flagged(name: str, sets: dict[str, Patches]) -> Flagged:
    """Return what is flagged in one set, each patch by the folds that it is held out of."""
    own, rng = sets[name], np.random.default_rng(0)
    sample = np.sort(rng.choice(len(own.images), min(SAMPLE, len(own.images)), replace=False))
    values, filed = image_statistics(own.images), image_statistics(_filed(own.images, rng))
    changed = {kind: image_statistics(images) for kind, images in _changes(own, sample, rng).items()}
    others = {f"set {other}": _foreign(sets[other], own.size, rng) for other in sets if other != name}
    distances = np.empty((len(QUANTILES), len(values)))  # in limits: above 1 is flagged
    hits: dict[str, list[NDArray[np.float64]]] = {kind: [] for kind in (*changed, *others)}
    for test in rows_by_fold(own.codes, own.groups, folds=FOLDS, seed=SPLIT_SEED):
        measured = _limits(values, filed, own, train=np.delete(np.arange(len(values)), test))
        distances[:, test] = measured(values[test])
        held_out = np.isin(sample, test)
        for kind, rows in changed.items():
            hits[kind].append(measured(rows[held_out]))
        for kind, rows in others.items():
            hits[kind].append(measured(rows))
    print(f"{name}: {len(values)} patches, {len(sample)} changed", flush=True)
    far = {kind: np.concatenate(parts, axis=1) > 1 for kind, parts in hits.items()}
    bright = own.images.mean(axis=(1, 2, 3)) > BRIGHT
    if bright.sum() >= ENOUGH:
        far["own patches that are blank"] = distances[:, bright] > 1
    return Flagged(
        alarms={quantile: distances[place] > 1 for place, quantile in enumerate(QUANTILES)},
        groups=own.groups,
        shares={
            quantile: {kind: 100 * float(rows[place].mean()) for kind, rows in far.items()}
            for place, quantile in enumerate(QUANTILES)
        },
    )


def _limits(
    values: NDArray[np.float64], filed: NDArray[np.float64], own: Patches, *, train: NDArray[np.int64]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return a function that gives distances of rows in limits, (quantiles, rows)."""

    def guises(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the rows as they are and as JPEG, as a study describes them."""
        return np.concatenate([values[rows], filed[rows]])

    parts = rows_by_fold(own.codes[train], own.groups[train], folds=INNER_FOLDS, seed=SPLIT_SEED)
    inner = [
        novelty_distance(fit_novelty(guises(np.delete(train, part)), rows=""), guises(train[part])) for part in parts
    ]
    limits = np.quantile(np.concatenate(inner), QUANTILES, method="higher")
    novelty = fit_novelty(guises(train), rows="")
    return lambda rows: novelty_distance(novelty, rows) / limits[:, None]


def _foreign(other: Patches, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the statistics of patches of another set at this size."""
    rows = rng.choice(len(other.full), min(SAMPLE, len(other.full)), replace=False)
    return image_statistics(np.stack([_sized(other.full[row], size) for row in rows]))


def _changes(own: Patches, sample: NDArray[np.int64], rng: np.random.Generator) -> dict[str, Images]:
    """Return the sample after each change."""
    images, shape = own.images[sample], (len(sample), own.size, own.size, 3)
    glass = rng.uniform(228, 250, (len(sample), 1, 1, 1)) + rng.normal(0, 2, (len(sample), 1, 1, 3))
    made = {
        "blank glass": _rounded(glass + rng.normal(0, 1.5, shape)),
        "black": _rounded(rng.uniform(0, 10, (len(sample), 1, 1, 1)) + rng.normal(0, 1.5, shape)),
        **{f"blur, sigma {sigma} px": _blurred(images, sigma) for sigma in (1, 2, 4)},
        **{f"{ink} ink over 20 to 50 %": _inked(images, colour, rng) for ink, colour in _INKS.items()},
        "DAB instead of eosin": combine(separate(images), vectors=np.stack([HE_VECTORS[0], _DAB, HE_VECTORS[2]])),
        "red and blue exchanged": np.ascontiguousarray(images[..., ::-1]),
        "grey": np.repeat(_rounded(images.mean(axis=3, keepdims=True)), 3, axis=3),
        "inverted": 255 - images,
        "stain 0.4 times as dense": from_optical_density(optical_density(images) * 0.4),
        "stain 2 times as dense": from_optical_density(optical_density(images) * 2),
        "JPEG as scanners write it": _filed(images, rng),
        "JPEG, quality 10": np.stack([as_jpeg(image, quality=10) for image in images]),
        "noise, 10 grey levels": _rounded(images + rng.normal(0, 10, shape)),
        "half the mpp, enlarged": np.stack([_sized(_middle(image), own.size) for image in images]),
        "twice the mpp, mirrored to size": np.stack([_coarser(image) for image in images]),
    }
    full = [own.full[row] for row in sample]
    if full[0].shape[0] >= 1.5 * own.size:
        made["half the mpp, from the original"] = np.stack([_sized(_middle(image), own.size) for image in full])
    return made


def _blurred(images: Images, sigma: float) -> Images:
    """Return the images out of focus."""
    return _rounded(ndimage.gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0)))


def _inked(images: Images, colour: tuple[int, int, int], rng: np.random.Generator) -> Images:
    """Return the images under blobs of ink with soft rims; half of what lies below shines through."""
    size = images.shape[1]
    height = ndimage.gaussian_filter(rng.normal(size=images.shape[:3]), (0, size / 8, size / 8))
    levels = [
        np.quantile(one, 1 - share) for one, share in zip(height, rng.uniform(0.2, 0.5, len(height)), strict=True)
    ]
    blobs = (height > np.array(levels)[:, None, None]).astype(np.float32)
    cover = ndimage.gaussian_filter(blobs, (0, 0.5, 0.5))[..., None]
    density, ink = optical_density(images), optical_density(np.array(colour, dtype=np.uint8))
    return from_optical_density(density * (1 - cover / 2) + ink * cover)


def _filed(images: Images, rng: np.random.Generator) -> Images:
    """Return the images as scanners write them."""
    draws = rng.random((len(images), JPEG_DRAWS)).tolist()
    return np.stack([as_any_jpeg(image, draw) for image, draw in zip(images, draws, strict=True)])


def _middle(image: Images) -> Images:
    """Return the middle half of an image, half as high and wide."""
    height, width = image.shape[:2]
    return image[height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2]


def _coarser(image: Images) -> Images:
    """Return an image at half its height and width, mirrored at its edges to the old size."""
    half = _sized(image, (len(image) + 1) // 2)
    wide = np.concatenate([half, half[:, ::-1]], axis=1)
    return np.concatenate([wide, wide[::-1]])[: len(image), : len(image)]


def _sized(image: Images, size: int) -> Images:
    """Return the image resized as a study does it."""
    return fit_image(np.ascontiguousarray(image), size, fit="resize")


def _rounded(values: NDArray[np.floating]) -> Images:
    """Return grey levels."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _baselines(idc: Patches) -> str:
    """Return the AUROC of logistic regression on the statistics, for `idc`."""
    values = image_statistics(idc.images)
    rows = []
    for what, names in (("all statistics", STATISTICS), ("colours", COLOURS), ("darkness", (DARKNESS,))):
        columns = [STATISTICS.index(name) for name in names]
        rows.append([what, str(len(names)), f"{_auroc(values[:, columns], idc):.4f}"])
    return table(["logistic regression on", "numbers", "AUROC on idc, 5-fold by patient, pooled"], rows)


def _auroc(values: NDArray[np.float64], idc: Patches) -> float:
    """Return the AUROC of pooled held-out rows."""
    codes = (idc.codes == "1").astype(np.int64)
    scores = np.empty(len(codes))
    for test in rows_by_fold(codes, idc.groups, folds=FOLDS, seed=SPLIT_SEED):
        train = np.delete(np.arange(len(codes)), test)
        logits = baseline_logits("logistic", values[train], codes[train], values[test], classes=("0", "1"))
        scores[test] = logits[:, 1] - logits[:, 0]
    return auroc(codes == 1, scores) or 0.0


def _read(name: str) -> Patches:
    """Return a set, decoded."""
    rows = list(_idc_rows() if name == "idc" else _manifest_rows(name))
    full = [np.asarray(Image.open(path).convert("RGB")) for path, _, _ in rows]
    if name == "idc":  # 88 pieces from the edge of a slide are smaller
        rows = [row for row, image in zip(rows, full, strict=True) if image.shape == (50, 50, 3)]
        full = [image for image in full if image.shape == (50, 50, 3)]
    images = np.stack([_sized(image, SIZES[name]) for image in full])
    return Patches(images, full, np.array([row[1] for row in rows]), np.array([row[2] for row in rows]))


def _idc_rows() -> list[tuple[Path, str, str]]:
    """Return path, class and patient."""
    return [(path, path.stem[-1], path.parts[-3]) for path in sorted((DATA / "idc").glob("*/*/*.png"))]


def _manifest_rows(name: str) -> list[tuple[Path, str, str]]:
    """Return path, class and group."""
    label, group = COLUMNS[name]
    with (DATA / name / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return [(DATA / name / row["path"], row[label], row[group]) for row in csv.DictReader(stream)]
