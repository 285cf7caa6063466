"""Hypothesis's settings, and fixtures for several files."""

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

import gru_c
from gru_c import _core

# A test draws the same values in every run; `--hypothesis-profile=explore` draws others. A fixture
# holds for all examples of a test.
common = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("repeatable", derandomize=True, **common)
settings.register_profile("explore", **common)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def _numpy_on_one_thread():
    """NumPy's BLAS, which computes what is expected, on one thread.

    With more, the specification takes 30 times as long on a machine that is busy otherwise.
    """
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(autouse=True)
def _keras_draws_the_same():
    """Give Keras's layers the same first weights in every run, where a test file uses Keras.

    About one set of weights in 400 has a gradient near zero that Adam scales to a full step, in the
    direction that rounding gives it.
    """
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "utils"):
        keras.utils.set_random_seed(0)


@pytest.fixture
def keep_num_threads():
    """Restore the number of threads after each test."""
    before = gru_c.get_num_threads()
    yield
    gru_c.set_num_threads(before)


@pytest.fixture(params=_core.isa_names())
def isa(request):
    """Run the test once on each instruction set of this CPU, then restore the one in use."""
    before = _core.active_isa()
    _core.select_isa(request.param)
    yield request.param
    _core.select_isa(before)


@pytest.fixture(params=["packed", "blas"])
def engine(request, monkeypatch):
    """Run the test once on each engine: what "auto" stands for, wherever it is called."""
    resolve, codes = _core.resolve_engine, _core.ENGINES

    def resolve_auto(x, recurrent_kernel, cell, code, weights_format=0):
        if code == codes["auto"] and not weights_format:
            code = codes[request.param]
        return resolve(x, recurrent_kernel, cell, code, weights_format)

    monkeypatch.setattr(_core, "resolve_engine", resolve_auto)
    if request.param == "blas":  # only the packed engine has the fast path of short calls
        monkeypatch.setattr(_core, "forward_plain", lambda *_: None)
        monkeypatch.setattr(_core, "auto_engine", lambda: codes["blas"])
    return request.param


@pytest.fixture
def run_python():
    """A function that runs code in a new interpreter, with changes to the environment.

    A variable that is None is taken away.
    """

    def run(code, timeout=120, **changes):
        environment = {**os.environ, **changes}
        environment = {name: value for name, value in environment.items() if value is not None}
        return subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def dask_cluster():
    """A function that returns the client of a cluster of two workers, or of one of two threads."""
    distributed = pytest.importorskip("distributed")
    clusters = {}

    def client(processes):
        if processes not in clusters:
            workers = {True: (2, 1), False: (1, 2)}[processes]
            cluster = distributed.LocalCluster(
                *workers, processes=processes, dashboard_address=":0", silence_logs=50
            )
            clusters[processes] = cluster, distributed.Client(cluster, set_as_default=False)
        return clusters[processes][1]

    yield client
    for cluster, one in clusters.values():
        one.close(timeout=20)
        cluster.close(timeout=20)
