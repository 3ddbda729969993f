import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.made import COLUMNS, made_bundle, made_card, made_keras, made_onnx, made_outputs
from cancernet import bundle, engine
from cancernet.errors import BundleMismatch, CorruptFile, InvalidInput, MissingExtra


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return made_bundle(tmp_path_factory.mktemp("bundles") / "made")


@pytest.fixture(params=engine.RUNTIMES)
def model(folder, request):
    with engine.open(folder, runtime=request.param) as opened:
        yield opened


def values_of(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).normal(size=(rows, len(COLUMNS)))


def rewritten(folder: Path, target: Path, network: onnx.ModelProto) -> Path:
    """Return a bundle with right checksums whose network was exchanged after its checks."""
    shutil.copytree(folder, target)
    (target / "model.onnx").write_bytes(network.SerializeToString())
    sums = {name: bundle.store.sha256(target / name) for name in bundle.store._SUMMED}
    bundle.store.write_json(target / "checksums.json", {"schema_version": 1, "sha256": sums})
    return target


# The contract of an engine: the same for both.


@pytest.mark.parametrize("rows", [1, 7, 4095, 4096, 4097, 8193])
def test_outputs_are_those_of_the_network(model, rows):
    values = values_of(rows)
    outputs, (logits, features) = model.run(values), made_outputs(values)
    assert outputs.logits.dtype == outputs.features.dtype == np.float32
    assert len(outputs) == rows
    np.testing.assert_allclose(outputs.logits, logits, atol=1e-5)
    np.testing.assert_allclose(outputs.features, features, atol=1e-5)


def test_no_rows_give_no_outputs_of_the_right_width(model):
    outputs = model.run(np.empty((0, len(COLUMNS))))
    assert outputs.logits.shape == (0, 2)
    assert outputs.features.shape == (0, 3)


def test_an_earlier_answer_is_not_overwritten(model):
    first = model.run(values_of(5))
    before = first.logits.copy()
    model.run(values_of(6))
    np.testing.assert_array_equal(first.logits, before)


def test_the_same_values_give_the_same_answer(model):
    np.testing.assert_array_equal(model.run(values_of(300)).logits, model.run(values_of(300)).logits)


def test_a_row_is_answered_alone_as_among_others(model):
    values = values_of(50)
    alone = np.concatenate([model.run(row[None]).logits for row in values])
    np.testing.assert_allclose(alone, model.run(values).logits, atol=1e-6)


@pytest.mark.parametrize(
    "make", [np.asfortranarray, lambda v: v[::-1][::-1], lambda v: v.astype(">f8"), np.ndarray.tolist]
)
def test_any_layout_of_the_values_will_do(model, make):
    values = values_of(9)
    np.testing.assert_allclose(model.run(make(values)).logits, made_outputs(values)[0], atol=1e-5)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 5), (2, 4, 1), (0, 3), ()])
def test_another_shape_is_refused(model, shape):
    with pytest.raises(InvalidInput, match=r"expected|shape.*\(n, 4\).*'radius'"):
        model.run(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_not_finite_is_refused_and_named(model, value):
    values = values_of(5)
    values[3, 2] = value
    with pytest.raises(InvalidInput, match=r"1 values are missing.*row 3, column 'perimeter'"):
        model.run(values)


def test_closing_twice_does_no_harm_and_running_afterwards_is_refused(model):
    model.close()
    model.close()
    assert model.runtime == "closed"
    with pytest.raises(InvalidInput, match="'made' is closed"):
        model.run(values_of(1))


def test_threads_share_a_model(model):
    values, answers = values_of(2000), [None] * 6

    def work(place: int) -> None:
        answers[place] = model.run(values[place:]).logits

    workers = [threading.Thread(target=work, args=(place,)) for place in range(len(answers))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for place, answer in enumerate(answers):
        np.testing.assert_allclose(answer, made_outputs(values[place:])[0], atol=1e-5)


def test_closing_waits_for_the_run_under_way(model):
    values, outcomes = values_of(50_000), []
    started = threading.Event()

    def work() -> None:
        while True:
            started.set()
            try:
                outcomes.append(len(model.run(values)))
            except InvalidInput as error:
                outcomes.append(str(error))
                return

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    started.wait()
    model.close()
    for worker in workers:
        worker.join(30)
    assert not any(worker.is_alive() for worker in workers)
    assert set(outcomes) <= {50_000} | {text for text in map(str, outcomes) if "closed" in text}
    assert sum("closed" in str(outcome) for outcome in outcomes) == 3


def test_the_handle_knows_its_bundle(model, folder):
    assert (model.card, model.folder) == (made_card(), folder)
    assert model.runtime in engine.RUNTIMES


@pytest.fixture(scope="module")
def both(folder):
    with engine.open(folder) as first, engine.open(folder, runtime="onnxruntime") as second:
        yield first, second


@given(rows=st.integers(1, 40), scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e3]))
def test_both_engines_agree_on_any_values(rows, scale, both):
    left, right = (opened.run(values_of(rows) * scale) for opened in both)
    np.testing.assert_allclose(left.logits, right.logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(left.features, right.features, rtol=1e-4, atol=1e-5)


# Opening.


@pytest.mark.parametrize("runtime", engine.RUNTIMES)
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_may_be_limited(folder, runtime, threads):
    with engine.open(folder, runtime=runtime, threads=threads) as opened:
        assert len(opened.run(values_of(3))) == 3


def test_threads_below_one_are_refused(folder):
    with pytest.raises(InvalidInput, match="threads is 0"):
        engine.open(folder, threads=0)


def test_an_unknown_runtime_offers_the_nearest(folder):
    with pytest.raises(InvalidInput, match=r"Unknown runtime 'onnxruntim'.*Did you mean 'onnxruntime'"):
        engine.open(folder, runtime="onnxruntim")


def test_a_runtime_that_is_not_installed_says_how_to_get_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"pip install 'cancernet\[onnxruntime\]'"):
        engine.open(folder, runtime="onnxruntime")


def test_a_damaged_bundle_is_not_opened(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    with (tmp_path / "copy" / "model.onnx").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(CorruptFile, match=r"model\.onnx' differs from its checksum"):
        engine.open(tmp_path / "copy")


def test_an_unsafe_network_is_refused_though_its_checksum_is_right(folder, tmp_path):
    network = made_onnx()
    network.graph.initializer[0].external_data.add(key="location", value="elsewhere.bin")
    with pytest.raises(CorruptFile, match="in another file"):
        engine.open(rewritten(folder, tmp_path / "copy", network))


@pytest.mark.parametrize("runtime", engine.RUNTIMES)
def test_an_unknown_operator_is_refused_in_words(folder, tmp_path, runtime, capfd):
    network = made_onnx()
    network.graph.node[1].op_type = "Nonsense"
    with pytest.raises(CorruptFile, match=r"cannot load the network.*Nonsense"):
        engine.open(rewritten(folder, tmp_path / "copy", network), runtime=runtime)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("runtime", engine.RUNTIMES)
@pytest.mark.parametrize(("columns", "classes", "message"), [(5, 2, "input of shape"), (4, 3, "logits of shape")])
def test_a_network_that_does_not_fit_its_card_is_refused(folder, tmp_path, runtime, columns, classes, message):
    copy = rewritten(folder, tmp_path / "copy", made_onnx(columns, classes))
    with pytest.raises(BundleMismatch, match=message):
        engine.open(copy, runtime=runtime)


@pytest.mark.parametrize("runtime", engine.RUNTIMES)
def test_a_network_of_ordered_grades_has_one_logit_less_than_grades(tmp_path, runtime):
    grades = ("none", "mild", "severe")
    card = made_card(classes=grades, task=bundle.Task(kind="ordinal", classes=grades))
    folder = made_bundle(tmp_path / "made", card)
    with engine.open(folder, runtime=runtime) as opened:
        assert opened.run(values_of(3)).logits.shape == (3, 2)
        assert opened.run(np.empty((0, len(COLUMNS)))).logits.shape == (0, 2)
    with pytest.raises(BundleMismatch, match=r"logits of shape \(n, 3\).*\(n, 2\) by its card"):
        engine.open(rewritten(folder, tmp_path / "copy", made_onnx(classes=3)), runtime=runtime)


@pytest.mark.parametrize("runtime", engine.RUNTIMES)
def test_a_network_without_features_is_refused(folder, tmp_path, runtime):
    network = made_onnx()
    del network.graph.output[1]
    with pytest.raises(BundleMismatch, match=r"inputs and outputs are \['input', 'logits'\]"):
        engine.open(rewritten(folder, tmp_path / "copy", network), runtime=runtime)


def test_onnx_runtime_does_not_pretend_to_keep_bf16(tmp_path):
    card = made_card(engine=bundle.Execution(precision="bf16", tolerance=1e-2))
    with pytest.raises(BundleMismatch, match="precision bf16"):
        engine.open(made_bundle(tmp_path / "made", card), runtime="onnxruntime")


def test_a_bare_name_opens_a_shipped_bundle(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle.store, "_ZOO", tmp_path)
    made_bundle(tmp_path / "fna")
    with engine.open("fna") as opened:
        assert opened.folder == tmp_path / "fna"


# What the process does besides.


def in_a_new_process(code: str, *arguments, **environment) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})


RUN = """
import os, sys, time
forks = []
os.register_at_fork(before=lambda: forks.append(1))
import numpy as np
from cancernet import engine
with engine.open(sys.argv[1], runtime=sys.argv[2]) as model:
    model.run(np.zeros((3, 4)))
time.sleep(0.3)
print(len(forks), *(name for name, module in sys.modules.items() if module is not None))
"""


@pytest.mark.parametrize("runtime", engine.RUNTIMES)
def test_running_reports_to_nobody_and_needs_no_keras(folder, runtime, tmp_path):
    """Both report from native code or a forked process and swallow errors: blocked sockets would not show it."""
    done = in_a_new_process(RUN, folder, runtime, HOME=str(tmp_path))
    forks, *modules = done.stdout.split()
    assert (forks, done.stderr, list(tmp_path.iterdir())) == ("0", "", [])
    assert not {"keras", "tensorflow", "openvino_telemetry"} & set(modules)


def test_importing_the_room_loads_no_engine():
    modules = in_a_new_process("import sys, cancernet.engine; print(*sys.modules)").stdout.split()
    assert not {"keras", "tensorflow", "onnx", "openvino", "onnxruntime", "pandas", "scipy"} & set(modules)


def test_the_check_of_the_keras_file_holds_the_bundle(tmp_path):
    made_keras(tmp_path / "model.keras")
    with pytest.raises(CorruptFile, match="cannot open"):
        engine.load_keras(tmp_path / "model.keras")


def test_a_stream_is_answered_in_order(model):
    """More batches than can be under way at once, of different lengths."""
    values = values_of(400)
    parts = np.split(values, np.cumsum(np.random.default_rng(0).integers(1, 25, 30)))
    parts = [part for part in parts if len(part)]
    found = list(model.stream(iter(parts)))
    assert [len(outputs) for outputs in found] == [len(part) for part in parts]
    np.testing.assert_allclose(np.concatenate([one.logits for one in found]), made_outputs(values)[0], atol=1e-5)


def test_a_stream_that_is_left_or_fails_gives_the_model_back(model):
    values = values_of(30)
    stream = model.stream(values for _ in range(100))
    next(stream)
    stream.close()

    def broken():
        yield values
        yield values
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(model.stream(broken()))
    np.testing.assert_allclose(model.run(values).logits, made_outputs(values)[0], atol=1e-5)


def test_a_closed_model_streams_nothing(model):
    model.close()
    with pytest.raises(InvalidInput, match="is closed"):
        next(model.stream([values_of(2)]))
