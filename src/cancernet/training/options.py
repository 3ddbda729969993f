"""The options of training: frozen, each with its unit and the reason for its default."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from cancernet.training.augment import Augmentation

__all__ = ["BagTraining", "FitOptions", "PatchTraining", "SegmenterTraining", "TrainingOptions", "class_weights"]


class FitOptions(BaseModel):
    """What every fit needs; see the classes below for the defaults of each kind of data.

    Parameters
    ----------
    epochs
        Passes over the training rows, at most.
    batch_size
        Rows per step; when there are fewer rows, all of them.
    learning_rate
        Of Adam, at the first epoch after the warm-up.
    warmup
        Epochs over which the rate rises to `learning_rate`; 0 for tables.
    schedule
        "cosine": the rate falls to zero along half a cosine over `epochs`, which made the last weights, and so the
        out-of-fold AUROC, steadier than a constant rate; "constant": it stays.
    weight_decay
        Of AdamW, per step and rate (Loshchilov and Hutter 2019, arXiv:1711.05101); 0 for tables, which have an L2
        penalty instead.
    inner_folds
        Cross-fitting: folds inside the training rows that give out-of-fold outputs for calibration.
    class_weights
        "none", or "balanced": rows count by n / (classes * rows of the class). The default is none because weights
        shift the probabilities, which one temperature cannot mend; the threshold takes care of the balance.
    label_smoothing
        Share of each label that is spread over all classes; not for ordered grades.
    focal
        Exponent of the focal loss (Lin et al. 2017, arXiv:1708.02002); 0 is cross-entropy. Not for ordered grades.
    seed
        Of initial weights, order of rows, augmentation and dropout.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(default=20, ge=1, le=100_000)
    batch_size: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=5e-3, gt=0)
    warmup: int = Field(default=0, ge=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    weight_decay: float = Field(default=0.0, ge=0, lt=1)
    inner_folds: int = Field(default=4, ge=2)
    class_weights: Literal["none", "balanced"] = "none"
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    focal: float = Field(default=0.0, ge=0, le=10)
    seed: int = Field(default=0, ge=0, lt=2**32)

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        if epoch < self.warmup:
            return self.learning_rate * (epoch + 1) / (self.warmup + 1)
        if self.schedule == "constant":
            return self.learning_rate
        done = (epoch - self.warmup) / max(self.epochs - self.warmup, 1)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))


class TrainingOptions(FitOptions):
    """How a network for tables is fitted.

    On the Wisconsin table the held-out loss is lowest between epoch 12 and 20; cross-validation or early stopping
    decides how many epochs are used.

    Parameters
    ----------
    patience
        Early stopping (splits with validation rows): stop after so many epochs without a lower loss on the rows set
        aside for it, and take the weights of the best epoch.
    """

    patience: int = Field(default=8, ge=1)


class PatchTraining(FitOptions):
    """How a network for patches is fitted: for all `epochs`, without early stopping.

    Parameters
    ----------
    auxiliary_weight
        Of the squared error of the standardised auxiliary numbers, where the study has some. On Herlev (five grades,
        604 training cells, one fold) the share of the nucleus as such a number raised quadratic kappa from 0.74 to
        0.80.
    augmentation
        How patches are changed, anew in every epoch.
    test_time
        "dihedral" averages answers over the 8 rotations and flips of a patch, "none" does not, "auto" does where the
        out-of-fold gain's paired interval excludes zero.
    ensemble
        Number of networks. The mean of their logits is used where the out-of-fold gain's paired interval excludes
        zero; prediction then takes that many times longer.
    ensemble_rows
        What the networks of an ensemble are trained on. "parts": the rows are cut into so many parts by group, and one
        network is trained without each, beside the one on all rows. "all": each has all rows and a seed of its own,
        which leaves more to learn from in small sets, and takes one fit less.
    precision
        Of the engine: "bf16" where the processor has it, or "f32". Calibration is fitted on
        outputs of this precision.
    mixed_bfloat16
        Compute in bfloat16 while training; the bundle is float32 either way. On two cores it trains 0.9 times as many
        patches/s as float32, because batch normalisation computes in float32; other processors may differ.
    """

    epochs: int = Field(default=30, ge=1, le=100_000)
    learning_rate: float = Field(default=2e-3, gt=0)
    warmup: int = Field(default=1, ge=0)
    weight_decay: float = Field(default=1e-4, ge=0, lt=1)
    auxiliary_weight: float = Field(default=1.0, gt=0)
    augmentation: Augmentation = Augmentation()
    test_time: Literal["auto", "none", "dihedral"] = "auto"
    ensemble: int = Field(default=1, ge=1, le=20)
    ensemble_rows: Literal["parts", "all"] = "parts"
    precision: Literal["bf16", "f32"] = "bf16"
    mixed_bfloat16: bool = False


class BagTraining(FitOptions):
    """How a network for bags is fitted: for all `epochs`, without early stopping.

    Parameters
    ----------
    tiles
        Of each slide in an epoch, drawn anew in every one; shorter bags are padded. Answers look at all tiles.
    batch_size
        Slides per step.
    """

    epochs: int = Field(default=40, ge=1, le=100_000)
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    warmup: int = Field(default=1, ge=0)
    weight_decay: float = Field(default=1e-3, ge=0, lt=1)
    tiles: int = Field(default=512, ge=1, le=65_536)


class SegmenterTraining(FitOptions):
    """How a segmenter is fitted: on crops of the images, drawn anew in every epoch, for all `epochs`.

    Parameters
    ----------
    epochs
        An epoch is `crops` crops, however large the images are.
    crops
        In an epoch.
    crop
        Pixels of a side of a crop, at the microns per pixel of the network.
    zoom
        Images are also shown up to 1 + zoom times larger and smaller: tissues and scanners differ so much.
    start
        A bundle, or the name of a shipped one, whose weights the fit begins from; None: random weights.
    augmentation
        How crops are changed besides, turns and mirrors included; zoom and shift are those of above and of the crops.
    clutter
        Most natural optical density of made structures that are laid over crops: for images that show nuclei on an even
        ground, where those to come show tissue. 0: none.
    pale
        Most of the density that the middle of nuclei loses, as a share: for images whose nuclei are all dense. 0: none.
    tile, margin
        Pixels of a side of the tiles that the bundle takes, and of their margins. The network of the default widths
        sees 56 pixels around a pixel at most, so that this margin leaves no seam.
    views
        The bundle averages its answers over so many of the eight turns and mirror images: better outlines for as many
        times the work.
    precision
        Of the engine.
    """

    epochs: int = Field(default=20, ge=1, le=100_000)
    batch_size: int = Field(default=4, ge=1)
    learning_rate: float = Field(default=4e-3, gt=0)
    warmup: int = Field(default=1, ge=0)
    weight_decay: float = Field(default=1e-4, ge=0, lt=1)
    crops: int = Field(default=200, ge=1)
    crop: int = Field(default=128, ge=32, le=1024)
    zoom: float = Field(default=0.25, ge=0, le=2)
    start: str | None = None
    augmentation: Augmentation = Augmentation(stain_scale=0.2, stain_shift=0.1, blur=0.7, resampled=0.3)
    clutter: float = Field(default=0.0, ge=0, le=2)
    pale: float = Field(default=0.0, ge=0, le=1)
    tile: int = Field(default=512, ge=64, le=2048)
    margin: int = Field(default=56, ge=0, le=256)
    views: Literal[1, 2, 4, 8] = 1
    precision: Literal["bf16", "f32"] = "f32"


def class_weights(codes: NDArray[np.int64], classes: int) -> dict[int, float]:
    """Return n / (classes * rows of the class) by class code; the weights of all rows sum to n."""
    counts = np.bincount(codes, minlength=classes)
    return {code: len(codes) / (classes * count) for code, count in enumerate(counts.tolist()) if count}
