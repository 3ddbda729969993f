"""CancerNet in plain PyTorch, as a process of its own that needs only torch: `python plain_torch.py`.

It reads lines "NAME SIZE BATCH PRECISION STEPS" and answers each with the seconds, by the clock and of the processor,
of so many training steps on one batch. The layers are those of `cancernet.models.build_cancernet`, channels last;
precision is "f32", or "bf16" by autocast.
"""

import sys
import time

import torch
from torch import nn

DEPTHS = {
    "cancernet8": (((1, 32), (2, 64), (3, 128)), (128,)),
    "cancernet19": (((2, 32), (2, 64), (4, 128), (4, 256), (4, 256)), (256, 128)),
}


def network(name: str) -> nn.Sequential:
    """Return the layers, from (n, 3, size, size) to two logits."""
    blocks, dense = DEPTHS[name]
    layers: list[nn.Module] = []
    width = 3
    for convolutions, filters in blocks:
        for _ in range(convolutions):
            layers += [nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)]
            layers += [nn.Conv2d(width, filters, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
            width = filters
        layers += [nn.MaxPool2d(2, ceil_mode=True), nn.Dropout(0.1)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    for units in dense:
        layers += [nn.Dropout(0.3), nn.Linear(width, units), nn.ReLU()]
        width = units
    return nn.Sequential(*layers, nn.Dropout(0.3), nn.Linear(width, 2))


class Trained:
    """A network, its optimiser and one batch."""

    def __init__(self, name: str, *, size: int, batch: int, precision: str) -> None:
        order = torch.channels_last  # in float32 almost twice as fast as the default order
        self.autocast = precision == "bf16"
        self.model = network(name).to(memory_format=order)
        self.images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8).to(memory_format=order)
        self.codes = torch.randint(0, 2, (batch,))
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=2e-3, weight_decay=1e-4)

    def step(self) -> float:
        """Train on the batch once and return the loss, which Keras computes at every step too."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            logits = self.model(self.images.float() / 127.5 - 1)
        loss = nn.functional.cross_entropy(logits.float(), self.codes)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.item()


def main() -> None:
    """Answer each line."""
    made: dict[tuple[str, ...], Trained] = {}
    for line in sys.stdin:
        name, size, batch, precision, steps = line.split()
        key = (name, size, batch, precision)
        if key not in made:
            made[key] = Trained(name, size=int(size), batch=int(batch), precision=precision)
        started = time.perf_counter(), time.process_time()
        for _ in range(int(steps)):
            made[key].step()
        print(time.perf_counter() - started[0], time.process_time() - started[1], flush=True)


if __name__ == "__main__":
    main()
