"""Whatever the user hands in: an answer, or one of our errors; never a traceback."""

import contextlib
import json
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cancernet.errors import CancerNetError
from cancernet.studies import Study, find_study, parse_study, study_from, to_toml
from cancernet.studies.train import make_plan
from cli.made import STUDY, cancernet, contents, linear_bundle, write_study

few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
more = settings(max_examples=100)

SECTIONS = {
    name: field.annotation
    for name, field in Study.model_fields.items()
    if name in ("data", "split", "task", "model", "training", "report")
}
KEYS = sorted({key for section in SECTIONS.values() for key in section.model_fields})
words = st.sampled_from(["M", "B", "label", "patient", "case", "radius", "row", "cases.csv", "wdbc", "median", "table"])
scalars = st.one_of(
    words,
    st.text(max_size=8),
    st.integers(-3, 70),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)


def study_fields() -> st.SearchStrategy:
    """Return nested dictionaries that look like a study, with keys and values that may be wrong."""
    sections = {
        name: st.dictionaries(st.sampled_from(sorted(model.model_fields)), values, max_size=4) | values
        for name, model in SECTIONS.items()
    }
    return st.fixed_dictionaries({}, optional={"name": values, "title": values, "limits": values, **sections})


@more
@given(st.text(max_size=80))
@example(STUDY)
@example("[" * 5000)
@example('name = "' + "\\u0000" + '"')
def test_random_text_is_a_study_or_refused(text: str) -> None:
    with contextlib.suppress(CancerNetError):
        assert isinstance(parse_study(text), Study)


@more
@given(study_fields())
def test_random_dictionaries_are_a_study_or_refused(fields) -> None:
    with contextlib.suppress(CancerNetError):
        study = study_from(fields)
        assert study_from(tomllib.loads(to_toml(study))) == study


@more
@given(
    st.lists(
        st.text(max_size=20)
        | st.builds("{}.{}={}".format, st.sampled_from(sorted(SECTIONS)), st.sampled_from(KEYS), scalars),
        max_size=3,
    )
)
@example(["data.source=\0"])
@example(["data.source=~nobody-at-all"])
@example(["data=3", "data.source=wdbc"])
def test_random_settings_are_taken_or_refused(settings: list[str]) -> None:
    with contextlib.suppress(CancerNetError):
        assert isinstance(find_study("wdbc", settings=settings), Study)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory):
    """A folder with a study, its table and a bundle, in which the program runs."""
    folder = tmp_path_factory.mktemp("furnished")
    write_study(folder / "tiny.toml")
    linear_bundle(folder / "made")
    with contextlib.chdir(folder):
        yield folder


@few
@given(study_fields())
def test_random_studies_of_a_good_table_are_planned_or_refused(furnished: Path, fields) -> None:
    base = tomllib.loads(STUDY)
    for name, section in fields.items():
        base[name] = {**base.get(name, {}), **section} if name in SECTIONS and isinstance(section, dict) else section
    if isinstance(base.get("split"), dict) and isinstance(base["split"].get("repeats"), int):
        base["split"]["repeats"] = min(base["split"]["repeats"], 3)  # more of them only take longer
    with contextlib.suppress(CancerNetError):
        plan = make_plan(study_from(base))
        for fold in plan.split.folds:
            assert not set(plan.table.groups[fold.train]) & set(plan.table.groups[fold.test])


cells = st.one_of(
    st.floats(width=32).map(str),
    st.integers(-5, 5).map(str),
    st.sampled_from(["", "?", "NA", "M", "B", "a", '"', "inf", "1e400", "0x10", "1,5", "é", "\0", "row"]),
)
headers = st.sampled_from(["id", "case", "patient", "radius", "texture", "area", "label", "", "radius ", "Radius"])


@st.composite
def tables(draw) -> bytes:
    """Return a small table as CSV, mostly of the right shape."""
    names = draw(
        st.lists(headers, min_size=1, max_size=6) | st.just(["case", "patient", "radius", "texture", "area", "label"])
    )
    width = st.integers(len(names), len(names)) | st.integers(0, 7)
    rows = [draw(st.lists(cells, min_size=n, max_size=n)) for n in draw(st.lists(width, max_size=6))]
    separator = draw(st.sampled_from([",", ",", "\t", ";"]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join(separator.join(row) for row in [names, *rows]).encode()


noise = st.binary(max_size=60) | st.sampled_from([b"PAR1", b"\x1f\x8b", b"\xef\xbb\xbf", b"\xff\xfe"]).flatmap(
    lambda start: st.binary(max_size=40).map(lambda rest: start + rest)
)


def _ends_well(code: int, err: str) -> None:
    assert code in (0, 2), err
    assert (code == 2) == ("Error: " in err)
    assert "Traceback" not in err


@few
@given(tables() | noise)
@example(b"id,radius,texture,area\na,1,2,3\n")
def test_random_tables_are_predicted_or_refused(furnished: Path, content: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=furnished) as folder:
        rows, out = Path(folder, "rows.csv"), Path(folder, "out.csv")
        rows.write_bytes(content)
        found = cancernet("predict", "made", rows, "--out", out, "--json")
        _ends_well(found.code, found.err)
        assert sorted(contents(Path(folder))) == (["out.csv", "rows.csv"] if found.code == 0 else ["rows.csv"])
        if found.code == 0:
            assert sum(found.json["predicted"].values()) == found.json["rows"]


@few
@given(tables() | noise, st.sampled_from([[], ["--target", "label"], ["--group", "row"], ["--id", "case"]]))
def test_random_tables_are_audited_or_refused(furnished: Path, content: bytes, more: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=furnished) as folder:
        rows = Path(folder, "rows.csv")
        rows.write_bytes(content)
        found = cancernet("data", "audit", rows, "--target", "label", "--group", "row", *more, "--json")
        _ends_well(found.code, found.err)
        assert found.code == 2 or json.loads(found.out)["rows"] > 0


@few
@given(tables())
def test_random_tables_are_planned_or_refused(furnished: Path, content: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=furnished) as folder:
        Path(folder, "rows.csv").write_bytes(content)
        study = find_study("tiny.toml", settings=[f"data.source={folder}/rows.csv"])
        with contextlib.suppress(CancerNetError):
            make_plan(study)


@few
@given(st.integers(0, 2**32 - 1), st.integers(4, 12), st.integers(1, 4), st.integers(1, 3))
def test_small_tables_are_planned_or_refused(furnished: Path, seed: int, rows: int, columns: int, groups: int) -> None:
    generator = np.random.default_rng(seed)
    numbers = generator.integers(0, generator.choice([2, 4, 1000]), size=(rows, columns)).astype(str)
    numbers[generator.random(numbers.shape) < generator.choice([0, 0.2])] = ""
    labels = generator.choice(["M", "B", "C"][: generator.integers(1, 4)], size=rows)
    patients = np.arange(rows) // groups
    lines = [",".join(["case", "patient", "label", *(f"f{place}" for place in range(columns))])]
    lines += [",".join([str(row), str(patients[row]), labels[row], *numbers[row]]) for row in range(rows)]
    changes = ["data.id=case", f"data.missing={generator.choice(['error', 'median'])}"]
    with tempfile.TemporaryDirectory(dir=furnished) as folder:
        Path(folder, "rows.csv").write_text("\n".join(lines))
        with contextlib.suppress(CancerNetError):
            make_plan(find_study("tiny.toml", settings=[f"data.source={folder}/rows.csv", *changes]))
