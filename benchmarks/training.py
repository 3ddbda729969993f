"""Training and prediction of patches: images per second against the usual ways, turn by turn in the same run.

A way is a function that works for one turn and returns its images/s. Each is called once before the turns that count,
so that tracing, caches and first epochs are not in the numbers. CANCERNET_BENCH_IMAGES says how many patches there are
(2,048), CANCERNET_BENCH_TORCH which interpreter has torch (this one).
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
from time import perf_counter
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
DECODED = IMAGES // 4  # patches of an epoch of a generator that decodes: the slow ones
SHAPES = (("cancernet8", 48, 2048), ("cancernet19", 64, 1024))  # network, pixels, patches to predict

Way = Callable[[], float]
Precision = Literal["f32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("f32", "bf16")
WORDS = {"f32": "float32", "bf16": "bfloat16"}


@dataclass(frozen=True, eq=False)
class Rates:
    """Images/s of each turn."""

    turns: NDArray[np.float64]

    def words(self) -> str:
        """Return median, lowest and highest."""
        return f"{np.median(self.turns):,.0f} ({self.turns.min():,.0f} to {self.turns.max():,.0f})"

    def over(self, other: "Rates") -> float:
        """Return the median ratio of turns."""
        return float(np.median(self.turns / other.turns))

    def ratio(self, other: "Rates") -> str:
        """Return it as a cell."""
        return f"{self.over(other):.2f}"


def measure() -> str:
    """Return the tables."""
    keras_library()
    with tempfile.TemporaryDirectory() as name:
        folder = _class_folders(Path(name), IMAGES)
        pack = _pack(folder, Path(name))
        parts = [_trainings(folder, pack), _decoding(Path(name), pack), _feeding(pack), _engines(), _torch()]
    return "\n\n".join(parts)


def in_turns(ways: Mapping[str, Way], turns: int = TURNS) -> dict[str, Rates]:
    """Return the images/s of each way, one turn of each after the other."""
    for way in ways.values():
        way()
    found = [{name: way() for name, way in ways.items()} for _ in range(turns)]
    rates = {name: Rates(np.array([turn[name] for turn in found])) for name in ways}
    for name, rate in rates.items():
        print(f"{name}: {rate.words()}", flush=True)
    return rates


def _trainings(folder: Path, pack: Pack) -> str:
    """Return whole epochs against the cached dataset."""
    ways: dict[str, Way] = {f"cancernet, {WORDS[kind]}": _ours(pack, kind, len(pack)) for kind in PRECISIONS}
    for words, inside in (("augmentation mapped over the data", False), ("augmentation inside the network", True)):
        ways[f"usual way, {words}"] = _usual(usual.cached_dataset(folder, _model(), inside=inside), len(pack))
    return _against(f"training, {len(pack):,} patches an epoch", in_turns(ways))


def _decoding(place: Path, pack: Pack) -> str:
    """Return whole epochs against generators that decode each image in every epoch."""
    folder = _class_folders(place / "few", DECODED)
    ways: dict[str, Way] = {f"cancernet, {WORDS[kind]}": _ours(pack, kind, DECODED) for kind in PRECISIONS}
    generators = {
        "`PyDataset`, stock layers on batches": usual.decoding_batches,
        "`ImageDataGenerator`": usual.image_data_generator,
        "generator, stock layers on each image": usual.decoding_images,
    }
    for words, make in generators.items():
        ways[words] = _usual(make(folder, _model()), DECODED // BATCH * BATCH)
    return _against("training, decoding in every epoch", in_turns(ways))


def _against(what: str, rates: dict[str, Rates]) -> str:
    """Return a table: every way, and how many times its images/s are ours."""
    ours = [rates[f"cancernet, {WORDS[kind]}"] for kind in PRECISIONS]
    head = [what, "images/s", *(f"ours in {WORDS[kind]} / this" for kind in PRECISIONS)]
    rows = [[name, rate.words(), *(own.ratio(rate) for own in ours)] for name, rate in rates.items()]
    return table(head, rows)


def _ours(pack: Pack, precision: Precision, images: int) -> Way:
    """Return our training as `cancernet train` runs it; of two epochs the second is timed."""
    ends: list[float] = []
    learner = PatchLearner(
        pack.images,
        Known(_codes(pack)),
        kind="binary",
        classes=2,
        model=CancerNet(name="cancernet8"),
        options=_options(precision, epochs=2),
        advance=lambda: ends.append(perf_counter()),
    )

    def way() -> float:
        learner.fit(np.arange(images), seed=0)
        return images / (ends[-1] - ends[-2])

    return way


def _usual(epoch: usual.Epoch, images: int) -> Way:
    """Return a usual way as images/s."""
    return lambda: images / epoch()


def _feeding(pack: Pack) -> str:
    """Return what our feed gives alone against what the network takes on one batch."""
    feed = PatchFeed(pack.images, np.arange(len(pack)), augmentation=PatchTraining().augmentation, seed=0)
    batches = np.array_split(np.random.default_rng(0).permutation(len(pack)), len(pack) // BATCH)

    def fed() -> float:
        started = perf_counter()
        count = sum(len(images) for images in feed.batches(batches, epoch=0))
        return count / (perf_counter() - started)

    ways: dict[str, Way] = {"feed": fed, **{kind: _steps("cancernet8", SIZE, kind) for kind in PRECISIONS}}
    rates = in_turns(ways)
    rows = [["feeding alone: pack, augmentation", rates["feed"].words(), "-"]]
    for kind in PRECISIONS:
        name = f"`train_on_batch`, the same batch again, {WORDS[kind]}"
        rows.append([name, rates[kind].words(), rates["feed"].ratio(rates[kind])])
    return table(["cancernet8, 48 px", "images/s", "feeding / this"], rows)


def _engines() -> str:
    """Return the engine at both precisions against `model.predict`, for both networks."""
    rows = []
    for name, size, count in SHAPES:
        with ExitStack() as opened:
            rates = in_turns(_predictions(name, size, count, opened))
        usual_ways = [key for key in rates if key.startswith("predict")]
        best = max(usual_ways, key=lambda key: float(np.median(rates[key].turns)))
        for key, rate in rates.items():
            rows.append([f"{name}, {size} px: {key}", rate.words(), rate.ratio(rates[best])])
    return table(["prediction", "images/s", "this / the faster `predict`"], rows)


def _predictions(name: str, size: int, count: int, opened: ExitStack) -> dict[str, Way]:
    """Return the ways to predict patches that lie in memory; engines are open as long as `opened` is."""
    model = build_cancernet(size, 2, options=CancerNet.model_validate({"name": name}))
    patches = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)

    def engine(precision: Precision) -> Way:
        loaded = opened.enter_context(load_network(model, execution_of(PatchTraining(precision=precision))))
        return lambda: count / _seconds(lambda: run_in_batches(loaded, patches))

    def keras_at(batch: int) -> Way:
        return lambda: count / _seconds(lambda: model.predict(patches, batch_size=batch, verbose=0))

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
                rows.append([f"{name}, {size} px: {what}", rate.words(), *(rates[k].ratio(rate) for k in PRECISIONS)])
    return table(head, rows)


def _torch_ways(ask: Callable[[str], float], name: str, size: int) -> dict[str, Way]:
    """Return both ways of torch."""
    words = {"f32": "torch, float32", "bf16": "torch, bfloat16 autocast, channels last"}
    return {words[kind]: lambda kind=kind: ask(f"{name} {size} {BATCH} {kind} {STEPS}") for kind in PRECISIONS}


@contextmanager
def _torch_process() -> Iterator[Callable[[str], float] | None]:
    """Yield what sends a line to the torch process and returns its answer, or None without torch."""
    if subprocess.run([TORCH, "-c", "import torch"], capture_output=True, check=False).returncode:
        yield None
        return
    script = str(Path(__file__).with_name("plain_torch.py"))
    with subprocess.Popen([TORCH, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        to, back = process.stdin, process.stdout
        if to is None or back is None:
            raise RuntimeError("the torch process has no pipes")

        def ask(line: str) -> float:
            print(line, file=to, flush=True)
            return float(back.readline())

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

    def way() -> float:
        seconds = _seconds(
            lambda: [network.model.train_on_batch(images, codes, return_dict=True) for _ in range(STEPS)]
        )
        return STEPS * BATCH / seconds

    return way


def _seconds(work: Callable[[], Any]) -> float:
    """Return how long something takes."""
    started = perf_counter()
    work()
    return perf_counter() - started


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
