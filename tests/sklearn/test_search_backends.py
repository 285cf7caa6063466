"""Searches over hyperparameters on joblib's backends: the same scores, shares of the CPUs."""

import pickle
import sys

import numpy as np
import pytest

import gru_c
from gru_c import _core
from gru_c.runtime import threads
from gru_c.runtime.threads import use_threads

joblib = pytest.importorskip("joblib")
model_selection = pytest.importorskip("sklearn.model_selection")

from joblib.externals.loky import get_reusable_executor  # noqa: E402

from gru_c.sklearn import GRUClassifier, GRURegressor  # noqa: E402

only_with_threads = pytest.mark.skipif(not _core.HAS_THREADS, reason="built without threads")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 8)).astype(np.float32)
TARGETS = {GRURegressor: X[:, -1] * 2, GRUClassifier: np.where(X[:, -1] > 0, "up", "down")}
RATES = [0.003, 0.03]


class ScoresThreads(GRURegressor):
    """An estimator whose score is the number of threads that its calls use."""

    def score(self, X, y, sample_weight=None):
        with self._use_threads():
            return float(gru_c.get_num_threads())


def search_rates(estimator, n_jobs=2):
    y = TARGETS[next(kind for kind in TARGETS if isinstance(estimator, kind))]
    search = model_selection.GridSearchCV(
        estimator, {"learning_rate": RATES}, cv=2, n_jobs=n_jobs, error_score="raise"
    )
    return search.fit(X, y)


def scores(search):
    results = search.cv_results_
    return [results[f"split{number}_test_score"].tolist() for number in range(2)]


def small(kind):
    return kind(hidden_units=4, epochs=2, random_state=0)


@pytest.fixture(scope="module")
def alone():
    return {kind: search_rates(small(kind), n_jobs=1) for kind in TARGETS}


@pytest.fixture(scope="module")
def loky():
    """joblib's configuration for its own processes, which end with the tests."""
    yield {"backend": "loky", "n_jobs": 2}
    get_reusable_executor().shutdown(wait=True)


@pytest.fixture
def backend(request):
    """joblib's configuration for a backend, with two workers."""
    if request.param == "loky":
        yield request.getfixturevalue("loky")
        return
    cloudpickle = pytest.importorskip("cloudpickle")
    make_client = request.getfixturevalue("dask_cluster")
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import it
    yield {"backend": "dask", "client": make_client(processes=request.param == "dask, processes")}
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


BACKENDS = ["loky", "dask, processes", "dask, threads"]


@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
def test_scores_have_the_bits_of_one_process(backend, alone):
    for kind in TARGETS:
        with joblib.parallel_config(**backend):
            search = search_rates(small(kind))
        assert scores(search) == scores(alone[kind])
        assert len({score for split in scores(search) for score in split}) > 1
        assert search.best_params_ == alone[kind].best_params_
        weights = search.best_estimator_.model_.get_weights()
        for a, b in zip(weights, alone[kind].best_estimator_.model_.get_weights(), strict=True):
            assert a.tobytes() == b.tobytes()


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
def test_two_fits_at_once_share_the_threads(backend, request):
    gru_c.set_num_threads(4)
    name = request.node.callspec.params["backend"]
    share = {"loky": max(1, joblib.cpu_count() // 2), "dask, processes": 1, "dask, threads": 2}
    with joblib.parallel_config(**backend):
        shared = search_rates(ScoresThreads(hidden_units=2, epochs=1, random_state=0))
        explicit = search_rates(
            ScoresThreads(hidden_units=2, epochs=1, random_state=0, num_threads=3)
        )
    assert scores(shared) == [[share[name]] * 2] * 2
    assert scores(explicit) == [[3.0] * 2] * 2  # an explicit number is used as it was given


@only_with_threads
@pytest.mark.usefixtures("keep_num_threads")
def test_outside_of_a_worker_nothing_changes():
    gru_c.set_num_threads(4)
    assert ScoresThreads().score(X, None) == 4
    with use_threads(2):
        assert ScoresThreads().score(X, None) == 2
    assert not threads._of_python_threads


@pytest.mark.parametrize("kind", TARGETS)
def test_estimators_pickle_fitted_or_not(kind):
    fresh = pickle.loads(pickle.dumps(small(kind)))
    assert fresh.get_params() == small(kind).get_params()
    fitted = fresh.fit(X, TARGETS[kind])
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.predict(X).tolist() == fitted.predict(X).tolist()
    assert copy.get_params() == fitted.get_params()
