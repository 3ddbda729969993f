"""Predicting: every form of the output says the same, and the numbers are those of the formulas."""

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from cancernet import engine
from cli.made import cancernet, contents, read_rows, succeeded, write_labelled, write_rows

COLUMNS = ["id", "p_B", "p_M", "logit_B", "logit_M", "predicted", "set", "abstained", "ood", "ood_reason"]


@pytest.fixture
def rows(here: Path) -> Path:
    """Rows of which some are unlike the training rows."""
    path = write_rows(here / "rows.csv", rows=200)
    path.write_text(path.read_text() + "far,900,19,600\n")
    return path


def test_the_columns_of_the_contract(rows: Path, bundle: Path) -> None:
    succeeded("predict", bundle, rows, "--out", "out.csv", "--quiet")
    found = read_rows(Path("out.csv"))
    assert list(found[0]) == COLUMNS
    assert found[-1]["id"] == "far"
    assert found[-1]["ood"] == "true"
    assert "radius is" in found[-1]["ood_reason"]


def test_json_counts_what_the_file_holds(rows: Path, bundle: Path) -> None:
    found = succeeded("predict", bundle, rows, "--out", "out.csv", "--json").json
    written = read_rows(Path("out.csv"))
    assert found["rows"] == len(written) == 201
    for name in ("B", "M"):
        assert found["predicted"][name] == sum(row["predicted"] == name for row in written)
    for name in ("abstained", "ood"):
        assert found[name] == sum(row[name] == "true" for row in written) > 0
    assert found["out"] == "out.csv"


def test_stdout_and_every_file_say_the_same(rows: Path, bundle: Path) -> None:
    for name in ("out.csv", "out.csv.gz", "out.tsv", "out.parquet"):
        succeeded("predict", bundle, rows, "--out", name, "--quiet")
    text = Path("out.csv").read_text()
    assert succeeded("predict", bundle, rows, "--out", "-").out == text
    assert gzip.decompress(Path("out.csv.gz").read_bytes()).decode() == text
    assert Path("out.tsv").read_text().replace("\t", ",") == text
    for row, written in zip(pq.read_table("out.parquet").to_pylist(), read_rows(Path("out.csv")), strict=True):
        assert list(row) == COLUMNS
        for name in COLUMNS:
            value = row[name]
            if isinstance(value, float):
                assert np.float32(written[name]) == np.float32(value)
            else:
                assert written[name] == {True: "true", False: "false"}.get(value, value)


def test_other_order_of_columns_and_no_ids(rows: Path, bundle: Path) -> None:
    shuffled = [{"area": row["area"], "radius": row["radius"], "texture": row["texture"]} for row in read_rows(rows)]
    Path("shuffled.csv").write_text("\n".join([",".join(shuffled[0]), *(",".join(row.values()) for row in shuffled)]))
    for name in ("rows", "shuffled"):
        succeeded("predict", bundle, f"{name}.csv", "--out", f"{name}-out.csv", "--quiet")
    first, second = (read_rows(Path(f"{name}-out.csv")) for name in ("rows", "shuffled"))
    assert [row["p_M"] for row in first] == [row["p_M"] for row in second]


def test_the_file_is_that_of_the_library(rows: Path, bundle: Path) -> None:
    from cancernet import predict

    succeeded("predict", bundle, rows, "--out", "out.csv", "--quiet")
    with engine.open(bundle) as model:
        values = np.array([[float(row[name]) for name in model.card.input.names] for row in read_rows(rows)])
        found = predict.cases(model, values)
    written = read_rows(Path("out.csv"))
    assert np.allclose([float(row["p_M"]) for row in written], found.probabilities[:, 1], rtol=1e-6)
    assert [row["predicted"] for row in written] == found.labels.tolist()


@pytest.mark.parametrize("prevalence", [0.01, 0.4, 0.9])
def test_a_prevalence_multiplies_the_odds(rows: Path, bundle: Path, prevalence: float) -> None:
    succeeded("predict", bundle, rows, "--out", "plain.csv", "--quiet")
    succeeded("predict", bundle, rows, "--out", "moved.csv", "--quiet", "--prevalence", prevalence)
    plain, moved = (
        np.array([float(row["logit_M"]) - float(row["logit_B"]) for row in read_rows(Path(f"{name}.csv"))])
        for name in ("plain", "moved")
    )
    assert np.array_equal(plain, moved)  # the logits stay
    ratio = prevalence / (1 - prevalence) / (0.4 / 0.6)  # new odds of the classes over those of the training rows
    odds = np.exp(plain / 2) * ratio  # the temperature of the bundle is 2
    found = np.array([float(row["p_M"]) for row in read_rows(Path("moved.csv"))])
    assert np.allclose(found, odds / (1 + odds), rtol=1e-4, atol=1e-30)


def test_quiet_prints_nothing_and_words_say_where(rows: Path, bundle: Path) -> None:
    quiet = succeeded("predict", bundle, rows, "--out", "out.csv", "--quiet")
    assert quiet.out == quiet.err == ""
    loud = succeeded("predict", bundle, rows)
    assert "To keep all of them, add: --out predictions.csv" in loud.out
    assert "201 rows" in loud.out
    assert "... and 191 more" in loud.out
    assert "not a medical device" in loud.out
    assert max(map(len, loud.out.splitlines())) <= 100
    assert sorted(contents(Path())) == ["out.csv", "rows.csv"]


def test_both_runtimes_agree(rows: Path, bundle: Path) -> None:
    for runtime in ("openvino", "onnxruntime"):
        succeeded("predict", bundle, rows, "--out", f"{runtime}.csv", "--quiet", "--runtime", runtime)
    first, second = (read_rows(Path(f"{runtime}.csv")) for runtime in ("openvino", "onnxruntime"))
    assert np.allclose([float(row["p_M"]) for row in first], [float(row["p_M"]) for row in second], atol=1e-5)


def test_exports_run_elsewhere(rows: Path, bundle: Path) -> None:
    import onnxruntime
    import openvino

    told = succeeded("export", bundle).out
    assert "made.onnx" in told
    assert "softmax(logits / 2)" in told
    assert "made.bin" in succeeded("export", bundle, "--format", "openvino").out
    values = np.array([[14.0, 19.0, 600.0]], dtype=np.float32)
    (logits,) = onnxruntime.InferenceSession("made.onnx").run(["logits"], {"input": values})
    compiled = openvino.Core().compile_model("made.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert np.allclose(compiled({"input": values})["logits"], logits, atol=1e-4)
    succeeded("export", bundle, "--format", "keras")
    assert Path("made.keras").read_bytes() == (bundle / "model.keras").read_bytes()


def test_explaining_leaves_a_folder(here: Path, bundle: Path) -> None:
    write_labelled(here / "rows.csv")
    plain = succeeded("explain", bundle, "rows.csv", "--out", "plain")
    assert "--target COLUMN" in plain.out
    assert {path.name for path in (here / "plain").iterdir()} == {
        "attribution.csv",
        "attribution.png",
        "explanation.json",
    }
    told = succeeded("explain", bundle, "rows.csv", "--target", "label", "--group", "patient")
    assert "loss of AUROC" in told.out
    found = read_rows(here / "why" / "rows" / "importance.csv")
    assert {row["column"] for row in found} == {"radius", "texture", "area"}
    values = [float(row["value"]) for row in found]
    assert values == sorted(values, reverse=True)


ZOO = Path(engine.__file__).parents[1] / "zoo" / "fna"
needs_fna = pytest.mark.skipif(not ZOO.is_dir(), reason="the bundle 'fna' is not shipped yet")


@needs_fna
@pytest.mark.realdata
def test_the_shipped_bundle_on_the_files_of_wisconsin(here: Path, realdata: Path) -> None:
    folder = realdata / "tabular" / "wisconsin"
    found = succeeded("predict", "fna", folder / "wpbc.data", "--json").json
    assert found["rows"] == 198
    assert found["predicted"]["M"] > 180  # all of them are malignant
    for name, seen in (("wdbc", "569 of 569"), ("wpbc", "156 of 198")):
        refusal = cancernet("evaluate", "fna", folder / f"{name}.data", "--quiet")
        assert refusal.code == 2
        assert seen in refusal.err
    refusal = cancernet("evaluate", "fna", folder / "breast-cancer-wisconsin.data", "--quiet")
    assert refusal.code == 2
    assert "'mean_radius'" in refusal.err
    with contextlib.suppress(StopIteration):
        assert not next(here.iterdir())
