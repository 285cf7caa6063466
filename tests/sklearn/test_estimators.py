"""The estimators with scikit-learn's own checks and tools, joblib's workers, pickles, threads."""

import pickle
import threading

import numpy as np
import pytest

pytest.importorskip("sklearn")
import joblib
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from tools import assert_same_bits

import gru_c
from gru_c import _core
from gru_c.network import training_runs
from gru_c.sklearn import GRUClassifier, GRURegressor

only_with_threads = pytest.mark.skipif(not _core.HAS_THREADS, reason="built without threads")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 6, 2))
Y = 100 + 10 * X[:, -1, 0]
CLASSES = np.where(X[:, -1, 0] > 0, "up", "down")
SMALL = {"hidden_units": (6, 4), "epochs": 3, "random_state": 0}
BOTH = [(GRURegressor, Y), (GRUClassifier, CLASSES)]
both = pytest.mark.parametrize(("kind", "y"), BOTH, ids=["regressor", "classifier"])


def answers(estimator, X=X):
    """Return all predictions of an estimator as numbers."""
    if isinstance(estimator, GRURegressor):
        return estimator.predict(X)
    return np.column_stack([estimator.predict_proba(X), estimator.decision_function(X)])


# ---- scikit-learn's checks ----------------------------------------------------------------------


@pytest.mark.skipif(
    _core.auto_engine() != _core.ENGINES["packed"],
    reason="without fused multiply-adds a row's last bits depend on its batch",
)
@pytest.mark.filterwarnings("default")  # some checks test for warnings
@pytest.mark.parametrize(
    ("estimator", "least"),  # smaller and faster to train than by default
    [
        (GRURegressor(16, epochs=60, learning_rate=0.01), 60),
        (GRUClassifier(16, epochs=30), 66),
    ],
    ids=["regressor", "classifier"],
)
def test_every_check_of_scikit_learn_runs_and_passes(estimator, least, monkeypatch):
    pytest.importorskip("pandas")  # a check needs pandas, another the variable
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    tags = estimator.__sklearn_tags__().input_tags
    assert tags.two_d_array
    assert tags.three_d_array
    checks = check_estimator(estimator, on_skip=None, on_fail="raise")
    assert {check["status"] for check in checks} == {"passed"}
    assert not any(check["expected_to_fail"] for check in checks)
    assert len(checks) >= least


# ---- tools of scikit-learn -----------------------------------------------------------------------


def test_a_pipeline_scales_and_learns():
    series = 1000 + 50 * X[:, :, 0]
    pipeline = make_pipeline(
        StandardScaler(), GRURegressor(12, learning_rate=0.02, epochs=60, random_state=0)
    )
    assert pipeline.fit(series, Y).score(series, Y) > 0.95


@only_with_threads
def test_grid_search_in_two_processes_which_share_the_cpus(monkeypatch):
    """The results are those of one process; no worker uses more threads than its share."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # which would set the number of threads

    def threads(*_):
        return gru_c.get_num_threads()

    grid = {"hidden_units": [(3,), (4, 3)], "learning_rate": [0.003, 0.03]}
    regressor = GRURegressor(epochs=4, random_state=0)
    scoring = {"r2": "r2", "threads": threads}
    alone, shared = (
        GridSearchCV(regressor, grid, cv=2, scoring=scoring, refit="r2", n_jobs=jobs).fit(X, Y)
        for jobs in (None, 2)
    )
    assert_same_bits(shared.cv_results_["mean_test_r2"], alone.cv_results_["mean_test_r2"])
    assert shared.best_params_ == alone.best_params_
    assert_same_bits(shared.predict(X), alone.predict(X))
    assert (shared.cv_results_["mean_test_threads"] <= max(1, joblib.cpu_count() // 2)).all()


@both
def test_cross_validation_takes_3d_arrays_and_lists(kind, y):
    estimator = kind(**SMALL)
    scores = cross_val_score(estimator, X, y, cv=3)
    assert_same_bits(cross_val_score(estimator, list(X), y, cv=3), scores)
    ragged = [x[: 2 + i % 5] for i, x in enumerate(X)]
    assert np.isfinite(cross_val_score(estimator, ragged, y, cv=3)).all()


@both
def test_clones_and_random_states(kind, y):
    estimator = kind(**SMALL, dropout=0.2, bidirectional=True)
    expected = answers(estimator.fit(X, y))
    assert_same_bits(answers(clone(estimator).fit(X, y)), expected)
    assert_same_bits(answers(estimator.fit(X, y)), expected)
    instance = np.random.RandomState(0)
    estimator.set_params(random_state=instance)
    assert_same_bits(answers(estimator.fit(X, y)), expected)
    assert not np.array_equal(answers(estimator.fit(X, y)), expected)
    estimator.set_params(random_state=None)
    assert not np.array_equal(answers(estimator.fit(X, y)), answers(estimator.fit(X, y)))


@both
def test_pickles_predict_and_continue(kind, y, tmp_path):
    estimator = kind(**SMALL, warm_start=True).fit(X, y)
    joblib.dump(estimator, tmp_path / "estimator")
    others = [
        pickle.loads(pickle.dumps(estimator)),
        joblib.load(tmp_path / "estimator"),
        joblib.load(tmp_path / "estimator", mmap_mode="r"),
    ]
    expected = answers(estimator)
    for other in others:
        assert_same_bits(answers(other), expected)
    expected = answers(estimator.fit(X, y))
    for other in others:
        assert_same_bits(answers(other.fit(X, y)), expected)


def test_repr_shows_arguments_that_differ_from_the_defaults():
    assert repr(GRURegressor()) == "GRURegressor()"
    assert repr(GRUClassifier(8, epochs=2)) == "GRUClassifier(epochs=2, hidden_units=8)"


def test_without_scikit_learn_the_error_names_the_extra(run_python):
    code = """
import sys
sys.modules["sklearn"] = None
try:
    import gru_c.sklearn
except ImportError as error:
    print(error)
"""
    done = run_python(code)
    assert 'sklearn, which is not installed: pip install "gru_c[sklearn]"' in done.stdout


# ---- threads ------------------------------------------------------------------------------------


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
@pytest.mark.parametrize("options", [{}, {"num_threads": 2}])
def test_an_estimator_uses_its_num_threads(options, monkeypatch):
    taken = []
    threads = training_runs.team_threads

    def spy():
        taken.append(threads())
        return taken[-1]

    monkeypatch.setattr(training_runs, "team_threads", spy)
    gru_c.set_num_threads(3)
    GRURegressor(**SMALL, **options).fit(X, Y)
    assert set(taken) == {options.get("num_threads", 3)}
    assert gru_c.get_num_threads() == 3


def test_estimators_in_python_threads_give_the_same_bits():
    expected = answers(GRURegressor(**SMALL).fit(X, Y))
    by_threads = {}

    def run(threads):
        by_threads[threads] = answers(GRURegressor(**SMALL, num_threads=threads).fit(X, Y))

    workers = [threading.Thread(target=run, args=(count,)) for count in (1, 2, 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert by_threads.keys() == {1, 2, 3}
    for answer in by_threads.values():
        assert_same_bits(answer, expected)


def test_a_slip_in_the_name_of_a_parameter_is_refused():
    estimator = GRURegressor()
    estimator.epochs = 3
    estimator.set_params(dropout=0.5)
    estimator.my_note = "mine"
    assert (estimator.get_params()["epochs"], estimator.dropout) == (3, 0.5)
    with pytest.raises(AttributeError, match="did you mean 'learning_rate'"):
        estimator.learningrate = 0.1
    assert set(vars(estimator)) == {*estimator.get_params(), "my_note"}
