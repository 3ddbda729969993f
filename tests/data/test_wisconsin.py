import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from cancernet.data import FNA_FEATURES, MEASURES, STATISTICS, catalogue, load, read_chunks, read_column, read_table
from cancernet.data.wisconsin import familiar, recognise
from cancernet.errors import InvalidInput

NAMES = [feature.name for feature in FNA_FEATURES]
KAGGLE = [
    f"{measure.replace('_', ' ') if 'concave' in measure else measure}_{statistic}"
    for statistic in ("mean", "se", "worst")
    for measure in MEASURES
]


def test_the_built_in_table_is_scikit_learns():
    table, twin = load("wdbc"), load_breast_cancer()
    np.testing.assert_array_equal(table.values, twin.data)
    assert [name.replace("_", " ") for name in table.feature_names] == list(twin.feature_names)
    assert (table.target == np.where(twin.target == 0, "M", "B")).all()
    assert table.classes == ("B", "M")
    assert table.group_column == "row"
    assert len(set(table.ids)) == 569
    assert table.ids[0] == "wdbc-000"


def test_features_are_ten_measures_by_three_statistics():
    assert len(MEASURES) * len(STATISTICS) == len(FNA_FEATURES) == 30
    assert NAMES[0] == "mean_radius"
    assert NAMES[17] == "concave_points_error"
    assert NAMES[29] == "worst_fractal_dimension"


def test_units_claim_no_more_than_is_documented():
    units = {feature.name: feature.unit for feature in FNA_FEATURES}
    assert units["mean_texture"] == "grey levels"
    assert units["worst_area"] == "area, scale unknown"
    assert units["mean_symmetry"] == ""


def test_the_catalogue_tells_the_truth():
    for builtin in catalogue():
        table = load(builtin.name)
        assert (len(table), len(table.features)) == (builtin.rows, builtin.features)
        assert {label: int((table.target == label).sum()) for label in table.classes} == builtin.classes
        assert builtin.licence in table.licence


def test_an_unknown_built_in_offers_the_nearest():
    with pytest.raises(InvalidInput, match=r"'wbdc'.*Did you mean 'wdbc'\?"):
        load("wbdc")


def test_recognition_needs_the_whole_pattern():
    numbers = ["1.5"] * 30
    assert recognise(["842302", "M", *numbers]).name == "wdbc"
    assert recognise(["8423", "N", "61", *numbers, "3", "?"]).name == "wpbc"
    assert recognise(["1000025", *"511123", "10", "?", "1", "2"]).name == "breast-cancer-wisconsin"
    assert recognise(["842302", "X", *numbers]) is None
    assert recognise(["842302", "M", *numbers[1:]]) is None
    assert recognise(["1000025", *"511123", "11", "?", "1", "2"]) is None
    assert recognise([]) is None


@pytest.mark.parametrize("names", [KAGGLE, [name.replace("_", " ") for name in NAMES], NAMES])
def test_the_names_of_other_copies_are_ours(names):
    assert familiar(["id", *names]) == ("id", *NAMES)


def test_a_few_similar_names_are_left_alone():
    assert familiar(["radius_mean", "area_mean"]) == ("radius_mean", "area_mean")


def test_the_kaggle_copy_with_its_comma_too_many(tmp_path):
    path = tmp_path / "data.csv"
    row = ",".join(str(number) for number in range(30))
    header = ",".join(f'"{name}"' for name in ["id", "diagnosis", *KAGGLE])
    path.write_text(f"{header},\n842302,M,{row}\n842517,B,{row}\n")
    table = read_table(path, target="diagnosis", group="id")
    assert table.feature_names == tuple(NAMES)
    assert table.features == FNA_FEATURES
    assert [chunk.values.shape for chunk in read_chunks(path, NAMES)] == [(2, 30)]


@pytest.mark.realdata
def test_wdbc_data_is_the_built_in_table(realdata):
    table, twin = read_table(realdata / "tabular/wisconsin/wdbc.data"), load("wdbc")
    np.testing.assert_array_equal(table.values, twin.values)
    assert (table.target == twin.target).all()
    assert table.features == twin.features
    assert (table.group_column, table.target_column) == ("id", "diagnosis")
    assert table.ids[0] == "842302"


@pytest.mark.realdata
def test_wpbc_data_leaves_the_time_out(realdata):
    path = realdata / "tabular/wisconsin/wpbc.data"
    table = read_table(path)
    assert table.feature_names == (*NAMES, "tumor_size", "lymph_node_status")
    assert table.features[-2].unit == "cm"
    assert [int((table.target == label).sum()) for label in ("N", "R")] == [151, 47]
    assert int(np.isnan(table.values).sum()) == 4
    assert read_table(path, columns=["time"]).features[0].unit == "months"


@pytest.mark.realdata
def test_the_scored_file_is_grouped_by_id(realdata):
    table = read_table(realdata / "tabular/wisconsin/breast-cancer-wisconsin.data")
    assert (len(table), len(set(table.groups)), len(set(table.ids))) == (699, 645, 699)
    assert [int((table.target == label).sum()) for label in ("2", "4")] == [458, 241]
    assert int(np.isnan(table.values).sum()) == 16
    assert {feature.unit for feature in table.features} == {"score 1-10"}
    repeated = [name for name in table.ids if name.startswith("1182404")]
    assert repeated[:3] == ["1182404", "1182404#2", "1182404#3"]


@pytest.mark.realdata
def test_a_file_without_header_can_be_predicted(realdata):
    chunks = list(read_chunks(realdata / "tabular/wisconsin/wdbc.data", NAMES))
    assert chunks[0].ids[0] == "842302"
    assert chunks[0].extra == ("diagnosis",)
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks]), load("wdbc").values)


@pytest.mark.realdata
def test_wpbc_data_keeps_the_time_when_asked(realdata):
    path = realdata / "tabular/wisconsin/wpbc.data"
    table = read_table(path, keep=("time",))
    assert table.feature_names == ("time", *read_table(path).feature_names)
    assert read_column(path, "outcome").tolist() == table.target.tolist()
