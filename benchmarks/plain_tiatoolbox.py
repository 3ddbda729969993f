"""TIAToolbox's PatchPredictor with CancerNet in PyTorch, in an interpreter of its own that has both.

`python plain_tiatoolbox.py SLIDE TILE` prints tiles per second: all tiles of the base level, no overlap, no mask,
bfloat16 by autocast, channels last, the faster of one and two processes that read.
"""

import sys
import tempfile
import time
from pathlib import Path

import torch
import zarr
from tiatoolbox.models.engine.io_config import IOPatchPredictorConfig
from tiatoolbox.models.engine.patch_predictor import PatchPredictor
from tiatoolbox.models.models_abc import ModelABC

sys.path.insert(0, str(Path(__file__).parent))
from plain_torch import network


class Network(ModelABC):
    """The layers of `cancernet19`, as the engine asks for them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = network("cancernet19").to(memory_format=torch.channels_last).eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.layers(images)

    @staticmethod
    def infer_batch(model: torch.nn.Module, batch_data: torch.Tensor, *, device: str = "cpu"):
        """Return probabilities of a batch (n, h, w, 3)."""
        images = batch_data.to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            return torch.softmax(model(images).float(), dim=1).numpy()


def rate(slide: str, *, size: int, workers: int) -> float:
    """Return tiles per second of one run."""
    config = IOPatchPredictorConfig(
        input_resolutions=[{"units": "baseline", "resolution": 1.0}],
        patch_input_shape=(size, size),
        stride_shape=(size, size),
    )
    with tempfile.TemporaryDirectory() as folder:
        predictor = PatchPredictor(model=Network(), batch_size=64, num_workers=workers, device="cpu", verbose=False)
        started = time.perf_counter()
        found = predictor.run(
            images=[slide],
            patch_mode=False,
            ioconfig=config,
            auto_get_mask=False,
            output_type="zarr",
            save_dir=Path(folder) / "out",
            return_probabilities=True,
        )
        seconds = time.perf_counter() - started
        count = zarr.open(str(next(iter(found.values()))), mode="r")["probabilities"].shape[0]
    return count / seconds


def main() -> None:
    """Print the better of two rates."""
    slide, size = sys.argv[1], int(sys.argv[2])
    print(max(rate(slide, size=size, workers=workers) for workers in (1, 2)))


if __name__ == "__main__":
    main()
