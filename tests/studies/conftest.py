import pytest

from cancernet import studies
from cancernet.studies.train import make_plan
from studies.made import held_out_study, made_study, made_table


@pytest.fixture(scope="session")
def table():
    """Forty-eight patients with one row each."""
    return made_table()


@pytest.fixture(scope="session")
def gaps():
    """Thirty patients with two rows each, a tenth of the values missing."""
    return made_table(30, rows_each=2, missing=0.1)


@pytest.fixture(scope="session")
def folds_run(gaps):
    """A finished study with folds, patients of several rows, and medians."""
    return studies.run(made_study(data={"missing": "median"}), gaps)


@pytest.fixture(scope="session")
def held_run(table):
    """A finished study with test and validation rows."""
    return studies.run(held_out_study(), table)


@pytest.fixture(scope="session")
def classes_run():
    """A finished study with three classes."""
    study = held_out_study(
        task={"kind": "multiclass", "positive": None}, training={"epochs": 20, "learning_rate": 0.05}
    )
    return studies.run(study, made_table(75, classes=("alpha", "beta", "gamma")))


@pytest.fixture(scope="session")
def folds_plan(gaps):
    """The plan of `folds_run`."""
    return make_plan(made_study(data={"missing": "median"}), gaps)


@pytest.fixture(scope="session")
def held_plan(table):
    """The plan of `held_run`."""
    return make_plan(held_out_study(), table)


@pytest.fixture(scope="session")
def bundle(held_run, tmp_path_factory):
    """The bundle of `held_run`, whose groups are named and whose features are continuous."""
    folder = tmp_path_factory.mktemp("bundles") / "held"
    held_run.save_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    """Keep packs out of the user's cache."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CANCERNET_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()
