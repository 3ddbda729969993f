import csv
import resource
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cancernet import engine
from cancernet.data import read_chunks
from cancernet.errors import CancerNetError, InvalidInput, StorageFailure
from cancernet.estimate import Estimate
from cancernet.metrics import predictive_values
from cancernet.predict import cases, predict_file, stream, tabulate, write_predictions
from predict.conftest import BIAS, WEIGHTS
from predict.made import COLUMNS, make_bundle, make_card, training_values, write_csv

ROWS = 50


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(stream, "_CHUNK", 7)


@pytest.fixture
def source(tmp_path):
    values = training_values(ROWS)
    values[3, 0] = 90.0
    return write_csv(tmp_path / "rows.csv", values, ids=[f"case {row}" for row in range(ROWS)])


def in_memory(model, source, **options):
    (chunk,) = read_chunks(source, model.card.input.names)
    return cases(model, chunk.values, ids=chunk.ids, **options)


@pytest.mark.parametrize("prevalence", [None, 0.01])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_stream_equals_memory(model, source, tmp_path, small_chunks, suffix, prevalence):
    streamed, whole = tmp_path / f"streamed{suffix}", tmp_path / f"whole{suffix}"
    predict_file(model, source, out=streamed, prevalence=prevalence)
    write_predictions(whole, in_memory(model, source, prevalence=prevalence))
    if suffix == ".csv":
        assert streamed.read_bytes() == whole.read_bytes()
    else:
        assert pq.read_table(streamed).equals(pq.read_table(whole))


def test_parquet_in_equals_csv_in(model, source, tmp_path, small_chunks):
    (chunk,) = read_chunks(source, COLUMNS)
    columns = {"id": chunk.ids, **dict(zip(COLUMNS, chunk.values.T, strict=True))}
    pq.write_table(
        pa.table({name: np.ascontiguousarray(column) for name, column in columns.items()}), tmp_path / "rows.pq"
    )
    predict_file(model, source, out=tmp_path / "from_csv.csv")
    predict_file(model, tmp_path / "rows.pq", out=tmp_path / "from_parquet.csv")
    assert (tmp_path / "from_csv.csv").read_bytes() == (tmp_path / "from_parquet.csv").read_bytes()


def test_binary_stream_gets_csv(model, source, tmp_path, small_chunks):
    target = BytesIO()
    predict_file(model, source, out=target)
    predict_file(model, source, out=tmp_path / "a.csv")
    assert target.getvalue() == (tmp_path / "a.csv").read_bytes()


def test_columns_in_another_order_with_strangers(model, source, tmp_path):
    lines = [row.split(",") for row in source.read_text().splitlines()]
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join(",".join([row[3], "x", row[0], row[1], row[2]]) for row in lines) + "\n")
    first, second = (predict_file(model, path).first for path in (source, shuffled))
    assert np.array_equal(first.logits, second.logits)
    assert first.ids.tolist() == second.ids.tolist() == [f"case {row}" for row in range(10)]


def test_summary_counts(lenient, tmp_path, small_chunks):
    values = training_values(ROWS)
    values[3, 0], values[10, 1], values[40, 2] = 90.0, np.nan, np.nan
    source = write_csv(tmp_path / "rows.csv", values)
    summary = predict_file(lenient, source)
    whole = in_memory(lenient, source)
    assert summary.rows == ROWS
    assert summary.counts == {"B": int((whole.predicted == 0).sum()), "M": int((whole.predicted == 1).sum())}
    assert (summary.abstained, summary.ood, summary.filled) == (whole.abstained.sum(), whole.ood.sum(), 2)
    assert summary.first.ids.tolist() == [f"row-{number}" for number in range(1, 11)], "of two chunks"
    assert (summary.prevalence, summary.ppv, summary.npv) == (None, None, None)


def test_progress_counts_rows(model, source, small_chunks):
    seen = []
    predict_file(model, source, progress=seen.append)
    assert seen == [7, 14, 21, 28, 35, 42, 49, 50]


def test_predictive_values_at_a_prevalence(source, tmp_path):
    rates = {
        "sensitivity": Estimate(0.95, 0.9, 0.98, 200, 200, "wilson"),
        "specificity": Estimate(0.9, 0.85, 0.94, 200, 200, "wilson"),
    }
    folder = make_bundle(tmp_path / "bundle", make_card(metrics=rates), WEIGHTS, bias=BIAS)
    with engine.open(folder) as rated:
        summary = predict_file(rated, source, prevalence=0.01)
    assert summary.ppv.value == pytest.approx(0.0095 / (0.0095 + 0.099))
    assert (summary.ppv, summary.npv) == predictive_values(*rates.values(), 0.01)


def test_no_predictive_values_without_rates(model, source):
    summary = predict_file(model, source, prevalence=0.01)
    assert (summary.prevalence, summary.ppv, summary.npv) == (0.01, None, None)


def bad_cell(path):
    lines = path.read_text().splitlines()
    lines[40] = lines[40].rsplit(",", 1)[0] + ",many"
    path.write_text("\n".join(lines) + "\n")


def missing_cell(path):
    lines = path.read_text().splitlines()
    lines[40] = lines[40].rsplit(",", 1)[0] + ","
    path.write_text("\n".join(lines) + "\n")


def missing_column(path):
    path.write_text(path.read_text().replace("area", "aera", 1))


def header_only(path):
    path.write_text(path.read_text().splitlines()[0] + "\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (bad_cell, "(?s)'many'.*row 40.*'area'"),
        (missing_cell, "Row 40 has no value in column 'area'"),
        (missing_column, "'area'.*'aera'"),
        (header_only, "no rows"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_bad_input_leaves_nothing(model, source, tmp_path, small_chunks, damage, words, suffix):
    damage(source)
    with pytest.raises(InvalidInput, match=words):
        predict_file(model, source, out=tmp_path / f"out{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_missing_source(model, tmp_path):
    with pytest.raises(StorageFailure, match="no such file"):
        predict_file(model, tmp_path / "none.csv", out=tmp_path / "out.csv")
    assert not list(tmp_path.iterdir())


def test_existing_output_is_kept_and_found_before_any_work(model, source, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    seen = []
    with pytest.raises(InvalidInput, match="exists already"):
        predict_file(model, source, out=tmp_path / "out.csv", progress=seen.append)
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert not seen
    predict_file(model, source, out=tmp_path / "out.csv", force=True)
    assert (tmp_path / "out.csv").read_text().startswith("id,p_B")


def test_input_is_never_the_output(model, source):
    before = source.read_bytes()
    with pytest.raises(InvalidInput, match="the input itself"):
        predict_file(model, source, out=source, force=True)
    assert source.read_bytes() == before


def test_failure_of_the_user_s_progress_leaves_nothing(model, source, tmp_path, small_chunks):
    def stop(rows):
        if rows > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_file(model, source, out=tmp_path / "out.csv", progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def limited(model_folder, source, out, limit):
    """Predict in a process that may not write files longer than `limit` bytes."""
    code = (
        "import signal, sys; from pathlib import Path; from cancernet import engine, predict\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with engine.open(sys.argv[1]) as model: predict.predict_file(model, sys.argv[2], out=Path(sys.argv[3]))\n"
    )
    command = [sys.executable, "-c", code, str(model_folder), str(source), str(out)]
    ceiling = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # noqa: E731
    return subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=ceiling)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_full_disk_is_said_and_leaves_nothing(model, tmp_path, suffix):
    source = write_csv(tmp_path / "rows.csv", training_values(20_000))
    done = limited(model.folder, source, tmp_path / f"out{suffix}", 100_000)
    assert "StorageFailure" in done.stderr, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def peak_megabytes(model_folder: Path, source: Path) -> float:
    code = (
        "import resource, sys; from pathlib import Path; from cancernet import engine, predict\n"
        "with engine.open(sys.argv[1]) as model: predict.predict_file(model, sys.argv[2], out=Path(sys.argv[3]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    command = [sys.executable, "-c", code, str(model_folder), str(source), str(source.with_suffix(".out.csv"))]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


def test_memory_does_not_grow_with_the_file(model, tmp_path):
    values = training_values(300_000)
    peaks = []
    for rows in (150_000, 600_000):
        table = pa.table({name: np.resize(values[:, place], rows) for place, name in enumerate(COLUMNS)})
        pq.write_table(table, tmp_path / f"{rows}.parquet", row_group_size=65536)
        peaks.append(peak_megabytes(model.folder, tmp_path / f"{rows}.parquet"))
    assert peaks[1] - peaks[0] < 80, f"{peaks} MB"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.text(max_size=200))
def test_any_text_is_answered_or_refused(model, tmp_path, text):
    source, out = tmp_path / "any.csv", tmp_path / "any_out.csv"
    source.write_text("radius,texture,area\n" + text, encoding="utf-8", errors="ignore")
    out.unlink(missing_ok=True)
    try:
        summary = predict_file(model, source, out=out)
    except CancerNetError:
        assert not out.exists()
    else:
        with out.open(newline="", encoding="utf-8") as written:
            assert len(list(csv.DictReader(written))) == summary.rows


def test_tabulate_is_what_is_written(model, source, tmp_path):
    predict_file(model, source, out=tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").equals(tabulate(in_memory(model, source)))
