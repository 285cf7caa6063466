"""The package without SciPy, tqdm and threadpoolctl, which a slim install leaves out."""

import pytest

SLIM = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("scipy", "tqdm", "threadpoolctl"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
import importlib.util
find = importlib.util.find_spec
def find_spec(name, package=None):
    return None if name in ("scipy", "tqdm", "threadpoolctl") else find(name, package)
importlib.util.find_spec = find_spec
sys.meta_path.insert(0, Missing())
import numpy as np
import gru_c
from gru_c import GRU, LSTM, Dense, Sequential, _core
"""


@pytest.fixture(params=["best", "baseline"])
def run_slim(run_python, request):
    """A function that runs code in a slim install, on the best instruction set and on the least."""
    isa = None if request.param == "best" else request.param

    def run(code):
        done = run_python(SLIM + code, GRU_C_ISA=isa)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_model_trains_predicts_and_is_saved(run_slim, tmp_path):
    code = f"""
rng = np.random.default_rng(0)
x, y = rng.normal(size=(70, 9, 4)).astype("f"), rng.normal(size=(70, 1)).astype("f")
model = Sequential([GRU(9, return_sequences=True), LSTM(7), Dense(5, activation="gelu"), Dense(1)])
model.compile("adam", "mse")
first = model.fit(x, y, epochs=8, verbose=1).history["loss"]
assert first[-1] < first[0]
model.save(r"{tmp_path}/model.safetensors")
loaded = gru_c.load_model(r"{tmp_path}/model.safetensors")
assert (loaded.predict(x, verbose=0) == model.predict(x, verbose=0)).all()
assert not {{"scipy", "tqdm", "threadpoolctl"}} & set(sys.modules)
"""
    run_slim(code)


def test_the_configuration_says_what_is_missing(run_slim):
    shown = run_slim("gru_c.show_config()")
    assert "scipy and threadpoolctl not installed: engine='blas' cannot be used" in shown
    assert "auto: packed" in shown


def test_the_blas_engine_says_what_to_install(run_slim):
    code = """
arrays = [[[1.0]]], [[0.1] * 3], [[0.1] * 3]
auto = gru_c.gru_forward(*arrays)
try:
    gru_c.gru_forward(*arrays, engine="blas")
except ImportError as error:
    print(error)
assert (gru_c.gru_forward(*arrays).output == auto.output).all()
"""
    assert "pip install scipy threadpoolctl" in run_slim(code)


def test_gelu_is_the_same_to_the_last_bits(run_slim):
    code = """
from gru_c.activations import gelu
x = np.linspace(-9, 9, 101).reshape(1, 101)
print(gelu(x).tobytes().hex(), gelu(x.astype("f")).dtype)
"""
    import numpy as np

    from gru_c.activations import gelu

    values, dtype = run_slim(code).split()
    x = np.linspace(-9, 9, 101)
    np.testing.assert_allclose(np.frombuffer(bytes.fromhex(values)), gelu(x), rtol=1e-13)
    assert dtype == "float32"


def test_a_routine_of_another_type_is_refused():
    from scipy.linalg import cython_blas

    from gru_c import _core

    routines = dict(cython_blas.__pyx_capi__)
    routines["sgemm"] = routines["sgemv"]
    with pytest.raises(ImportError, match="SciPy's BLAS routine sgemm is void"):
        _core.set_blas(routines)
