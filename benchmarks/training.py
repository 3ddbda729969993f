"""Training and prediction of patches: images per second against the usual ways, turn by turn in the same run.

A way is a function that works for one turn and says how many images it did in what time. Each is called once before the
turns that count, so that tracing, caches and first epochs are not in the numbers. CANCERNET_BENCH_IMAGES says how many
patches there are (2,048), CANCERNET_BENCH_TORCH which interpreter has torch (this one).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks import usual
from benchmarks.novelty import DATA
from benchmarks.page import table
from cancernet.engine import load_network, run_in_batches
from cancernet.models import CancerNet, build_cancernet, keras_library
from cancernet.patches import Pack, PatchOptions, open_pack, read_patches
from cancernet.training import Known, Network, PatchLearner, PatchTraining, execution_of
from cancernet.training.feed import PatchFeed

IMAGES = int(os.environ.get("CANCERNET_BENCH_IMAGES", "2048"))
TORCH = os.environ.get("CANCERNET_BENCH_TORCH", sys.executable)
SIZE, BATCH = usual.SIZE, usual.BATCH
TURNS = 3
STEPS = 8  # of training on one batch in a turn
GENERATORS = {  # that decode in every epoch, and what share of the patches an epoch has: one of them is slow
    "`ImageDataGenerator`": (usual.image_data_generator, 2),
    "`PyDataset`, stock layers on batches": (usual.decoding_batches, 2),
    "generator, stock layers on each image": (usual.decoding_images, 8),
}
SHAPES = (("cancernet8", 48, 2048), ("cancernet19", 64, 1024))  # network, pixels, patches to predict

Precision = Literal["f32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("f32", "bf16")
WORDS = {"f32": "float32", "bf16": "bfloat16"}
NOTE = (
    "Images/s by the clock: median (lowest to highest) of {turns} turns. Ratios are medians over the turns; in "
    "parentheses those of images per second of processor time, which other work on the machine disturbs less."
)


@dataclass(frozen=True, eq=False)
class Turn:
    """How many images a way did in one turn, and the seconds: by the clock, and of the processor."""

    images: int
    seconds: usual.Seconds


Way = Callable[[], Turn]


@dataclass(frozen=True, eq=False)
class Rates:
    """Images per second of each turn, (turns, 2): by the clock, and of processor time."""

    turns: NDArray[np.float64]

    def words(self) -> str:
        """Return median, lowest and highest by the clock."""
        clock = self.turns[:, 0]
        return f"{np.median(clock):,.0f} ({clock.min():,.0f} to {clock.max():,.0f})"

    def over(self, other: "Rates") -> str:
        """Return how many times the images/s of another these are, as a cell."""
        clock, processor = np.median(self.turns / other.turns, axis=0)
        return f"{clock:.2f} ({processor:.2f})"


def measure() -> str:
    """Return the tables."""
    keras_library()
    with tempfile.TemporaryDirectory() as name:
        folder = _class_folders(Path(name), IMAGES)
        pack = _pack(folder, Path(name))
        parts = [_trainings(folder, pack), _decoding(Path(name), pack), _feeding(pack), _engines(), _torch()]
    return "\n\n".join([NOTE.format(turns=TURNS), *parts])


def in_turns(ways: Mapping[str, Way]) -> dict[str, Rates]:
    """Return the images/s of each way, one turn of each after the other."""
    for way in ways.values():
        way()
    found = [{name: way() for name, way in ways.items()} for _ in range(TURNS)]
    rates = {name: Rates(np.array([turn[name].images / turn[name].seconds for turn in found])) for name in ways}
    for name, rate in rates.items():
        print(f"{name}: {rate.words()}, {np.median(rate.turns[:, 1]):,.0f} by processor time", flush=True)
    return rates


def _trainings(folder: Path, pack: Pack) -> str:
    """Return whole epochs against the cached dataset."""
    ways: dict[str, Way] = {f"cancernet, {WORDS[kind]}": _ours(pack, kind, len(pack)) for kind in PRECISIONS}
    for words, inside in (("augmentation mapped over the data", False), ("augmentation inside the network", True)):
        ways[f"usual way, {words}"] = _usual(usual.cached_dataset(folder, _model(), inside=inside), len(pack))
    return _against(f"training, {len(pack):,} patches an epoch", in_turns(ways))


def _decoding(place: Path, pack: Pack) -> str:
    """Return whole epochs against generators that decode each image in every epoch."""
    ways: dict[str, Way] = {f"cancernet, {WORDS[kind]}": _ours(pack, kind, len(pack) // 2) for kind in PRECISIONS}
    for words, (make, share) in GENERATORS.items():
        folder = _class_folders(place / make.__name__, IMAGES // share)
        ways[words] = _usual(make(folder, _model()), IMAGES // share // BATCH * BATCH)
    return _against("training, decoding in every epoch", in_turns(ways))


def _against(what: str, rates: dict[str, Rates]) -> str:
    """Return a table: every way, and how many times its images/s are ours."""
    ours = [rates[f"cancernet, {WORDS[kind]}"] for kind in PRECISIONS]
    head = [what, "images/s", *(f"ours in {WORDS[kind]} / this" for kind in PRECISIONS)]
    rows = [[name, rate.words(), *(own.over(rate) for own in ours)] for name, rate in rates.items()]
    return table(head, rows)


def _ours(pack: Pack, precision: Precision, images: int) -> Way:
    """Return our training as `cancernet train` runs it; of two epochs the second is timed."""
    ends: list[usual.Seconds] = []
    learner = PatchLearner(
        pack.images,
        Known(_codes(pack)),
        kind="binary",
        classes=2,
        model=CancerNet(name="cancernet8"),
        options=_options(precision, epochs=2),
        advance=lambda: ends.append(usual.now()),
    )

    def way() -> Turn:
        learner.fit(np.arange(images), seed=0)
        return Turn(images, ends[-1] - ends[-2])

    return way


def _usual(epoch: usual.Epoch, images: int) -> Way:
    """Return a usual way."""
    return lambda: Turn(images, epoch())


def _feeding(pack: Pack) -> str:
    """Return what our feed gives alone against what the network takes on one batch."""
    feed = PatchFeed(pack.images, np.arange(len(pack)), augmentation=PatchTraining().augmentation, seed=0)
    batches = np.array_split(np.random.default_rng(0).permutation(len(pack)), len(pack) // BATCH)

    def fed() -> None:
        for _ in feed.batches(batches, epoch=0):
            pass

    ways: dict[str, Way] = {
        "feed": _timed(len(pack), fed),
        **{kind: _steps("cancernet8", SIZE, kind) for kind in PRECISIONS},
    }
    rates = in_turns(ways)
    rows = [["feeding alone: pack, augmentation", rates["feed"].words(), "-"]]
    for kind in PRECISIONS:
        name = f"`train_on_batch`, the same batch again, {WORDS[kind]}"
        rows.append([name, rates[kind].words(), rates["feed"].over(rates[kind])])
    return table(["cancernet8, 48 px", "images/s", "feeding / this"], rows)


def _engines() -> str:
    """Return the engine at both precisions against `model.predict`, for both networks."""
    rows = []
    for name, size, count in SHAPES:
        with ExitStack() as opened:
            rates = in_turns(_predictions(name, size, count, opened))
        usual_ways = [key for key in rates if key.startswith("predict")]
        best = max(usual_ways, key=lambda key: float(np.median(rates[key].turns[:, 0])))
        for key, rate in rates.items():
            rows.append([f"{name}, {size} px: {key}", rate.words(), rate.over(rates[best])])
    return table(["prediction", "images/s", "this / the faster `predict`"], rows)


def _predictions(name: str, size: int, count: int, opened: ExitStack) -> dict[str, Way]:
    """Return the ways to predict patches that lie in memory; engines are open as long as `opened` is."""
    model = build_cancernet(size, 2, options=CancerNet.model_validate({"name": name}))
    patches = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)

    def engine(precision: Precision) -> Way:
        loaded = opened.enter_context(load_network(model, execution_of(PatchTraining(precision=precision))))
        return _timed(count, lambda: run_in_batches(loaded, patches))

    def keras_at(batch: int) -> Way:
        return _timed(count, lambda: model.predict(patches, batch_size=batch, verbose=0))

    ways = {f"engine, {WORDS[kind]}": engine(kind) for kind in PRECISIONS}
    return ways | {f"predict, batches of {batch}": keras_at(batch) for batch in (32, 256)}


def _torch() -> str:
    """Return training steps on one batch against plain torch, where that is installed."""
    head = ["training on one batch", "images/s", "cancernet in float32 / this", "cancernet in bfloat16 / this"]
    rows = []
    with _torch_process() as ask:
        if ask is None:
            return "Plain torch: not installed."
        for name, size, _ in SHAPES:
            rates = in_turns({**_torch_ways(ask, name, size), **{k: _steps(name, size, k) for k in PRECISIONS}})
            for key, rate in rates.items():
                what = f"cancernet, {WORDS[key]}" if key in WORDS else key
                rows.append([f"{name}, {size} px: {what}", rate.words(), *(rates[k].over(rate) for k in PRECISIONS)])
    return table(head, rows)


def _torch_ways(ask: Callable[[str], usual.Seconds], name: str, size: int) -> dict[str, Way]:
    """Return both ways of torch."""

    def way(precision: Precision) -> Way:
        return lambda: Turn(STEPS * BATCH, ask(f"{name} {size} {BATCH} {precision} {STEPS}"))

    return {f"torch, {WORDS[kind]}, channels last": way(kind) for kind in PRECISIONS}


@contextmanager
def _torch_process() -> Iterator[Callable[[str], usual.Seconds] | None]:
    """Yield what sends a line to the torch process and returns the seconds of its answer, or None without torch."""
    if subprocess.run([TORCH, "-c", "import torch"], capture_output=True, check=False).returncode:
        yield None
        return
    command = [TORCH, str(Path(__file__).with_name("plain_torch.py"))]
    # Its threads wait asleep: when they spin, any other work on the machine slows them down five times.
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        to, back = process.stdin, process.stdout
        if to is None or back is None:
            raise RuntimeError("the torch process has no pipes")

        def ask(line: str) -> usual.Seconds:
            print(line, file=to, flush=True)
            return np.array(back.readline().split(), dtype=np.float64)

        yield ask
        to.close()


def _steps(name: str, size: int, precision: Precision) -> Way:
    """Return training on one batch again and again, of the network that `Network` compiles."""
    keras, rng = keras_library(), np.random.default_rng(0)

    def build() -> Any:
        keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bf16" else "float32")
        try:
            return build_cancernet(size, 2, options=CancerNet.model_validate({"name": name}))
        finally:
            keras.config.set_dtype_policy("float32")

    network = Network(build, _options(precision, epochs=1))
    images = rng.integers(0, 256, (BATCH, size, size, 3), dtype=np.uint8)
    codes = rng.integers(0, 2, BATCH)

    def steps() -> None:
        for _ in range(STEPS):
            network.model.train_on_batch(images, codes, return_dict=True)

    return _timed(STEPS * BATCH, steps)


def _timed(images: int, work: Callable[[], Any]) -> Way:
    """Return work on so many images as a way."""

    def way() -> Turn:
        started = usual.now()
        work()
        return Turn(images, usual.now() - started)

    return way


def _options(precision: Precision, *, epochs: int) -> PatchTraining:
    """Return how our networks are trained."""
    return PatchTraining(epochs=epochs, warmup=0, batch_size=BATCH, mixed_bfloat16=precision == "bf16")


def _model() -> Any:
    """Return the layers that the usual ways train, from uint8 patches to logits."""
    return build_cancernet(SIZE, 2, options=CancerNet(name="cancernet8"))


def _codes(pack: Pack) -> NDArray[np.int64]:
    """Return class codes."""
    if pack.patches.target is None:
        raise ValueError("class folders have labels")
    return (pack.patches.target == "1").astype(np.int64)


def _pack(folder: Path, cache: Path) -> Pack:
    """Return the same files decoded once, at the same size."""
    patches = read_patches(folder, options=PatchOptions(layout="folders", group="row"))
    return open_pack(patches, size=SIZE, fit="resize", cache=cache)


def _class_folders(place: Path, count: int) -> Path:
    """Copy so many patches of `idc` into folders 0 and 1, as `image_dataset_from_directory` wants them."""
    paths: Sequence[Path] = sorted((DATA / "idc").glob("*/*/*.png"))
    folder = place / "classes"
    for code in "01":
        (folder / code).mkdir(parents=True)
    for row in np.sort(np.random.default_rng(0).permutation(len(paths))[:count]):
        shutil.copyfile(paths[row], folder / paths[row].stem[-1] / paths[row].name)
    return folder
