"""Each instruction set of this CPU gives the same results; the choice of one."""

import os
from pathlib import Path

import numpy as np
import pytest
import specification
from tools import assert_close, assert_same_bits, random_arguments, random_gradients

from gru_c import _core, gru_backward, gru_forward

DTYPES = [np.float32, np.float64]
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.mark.usefixtures("engine", "isa")
@pytest.mark.parametrize("H", [1, 7, 8, 15, 16, 17, 33])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])
def test_forward_and_backward(H, dtype, reset_after):
    tolerance = {np.float32: 5e-6, np.float64: 1e-13}[dtype]
    arguments = random_arguments(3, 5, 4, H, reset_after=reset_after)
    arguments = {name: array.astype(dtype) for name, array in arguments.items()}
    d_output, d_state = random_gradients(3, 5, H, dtype=dtype)
    result = gru_forward(**arguments, reset_after=reset_after, training=True)
    output, state = specification.gru(*arguments.values(), reset_after=reset_after)
    assert_close(result.output, output, tolerance)
    assert_close(result.state, state, tolerance)
    inference = gru_forward(**arguments, reset_after=reset_after)
    assert_same_bits(inference.output, result.output)
    gradients = gru_backward(result.tape, d_output, d_state)
    rng = np.random.default_rng(2)
    for name in arguments:
        gradient = getattr(gradients, name)
        direction = rng.normal(size=gradient.shape)
        expected = specification.derivative(
            arguments, {name: direction}, d_output, d_state, reset_after=reset_after
        )
        terms = gradient * direction
        assert abs(terms.sum() - expected) <= tolerance * max(np.abs(terms).sum(), 1), name


def test_select(isa):
    assert _core.active_isa() == isa


def test_the_names():
    names = _core.isa_names()
    assert names[-1] == "baseline"
    assert set(names) <= {"baseline", "avx2", "avx512", "neon"}
    assert len(set(names)) == len(names)


def test_an_unknown_name_changes_nothing():
    before = _core.active_isa()
    with pytest.raises(ValueError, match="an instruction set that is unknown"):
        _core.select_isa("nonsense")
    assert _core.active_isa() == before


FORCED = """
import numpy as np, specification
from tools import assert_close, random_arguments, random_gradients
from gru_c import _core, gru_backward, gru_forward, gru_step

for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-13)):
    arguments = random_arguments(9, 20, 5, 37, dtype=dtype)
    expected, last = specification.gru(*arguments.values())
    pair = random_gradients(9, 20, 37, dtype=dtype)
    gradients = []
    for engine in ("auto", "packed", "blas"):
        result = gru_forward(**arguments, training=True, engine=engine)
        assert_close(result.output, expected, tolerance)
        gradients.append(gru_backward(result.tape, *pair))
        for one, other in zip(gradients[-1], gradients[0], strict=True):
            assert_close(one, other, tolerance)
    x, kernel, recurrent_kernel, bias, state = arguments.values()
    step = gru_step(x[:, 0], state, kernel, recurrent_kernel, bias)
    assert_close(step, expected[:, 0], tolerance)
print(_core.active_isa())
"""


@pytest.mark.parametrize("name", _core.isa_names())
def test_both_engines_where_the_environment_forces(run_python, name):
    path = os.pathsep.join(p for p in (os.environ.get("PYTHONPATH"), str(SUPPORT)) if p)
    done = run_python(FORCED, GRU_C_ISA=name, PYTHONPATH=path)
    assert (done.returncode, done.stdout) == (0, name + "\n"), done.stderr


@pytest.mark.parametrize("name", _core.isa_names())
def test_the_environment_chooses(run_python, name):
    done = run_python("import gru_c; print(gru_c._core.active_isa())", GRU_C_ISA=name)
    assert (done.returncode, done.stdout) == (0, name + "\n"), done.stderr


@pytest.mark.parametrize("value", [None, ""])
def test_the_best_one_without_a_choice(run_python, value):
    done = run_python("import gru_c; print(gru_c._core.active_isa())", GRU_C_ISA=value)
    assert done.stdout.strip() == _core.isa_names()[0], done.stderr


def test_the_environment_names_nonsense(run_python):
    done = run_python("import gru_c", GRU_C_ISA="nonsense")
    assert done.returncode != 0
    last_line = done.stderr.strip().splitlines()[-1]
    assert last_line == (
        "ImportError: the environment variable GRU_C_ISA is 'nonsense'; this CPU can run: "
        + ", ".join(_core.isa_names())
    )


@pytest.mark.skipif(
    not {"avx2", "avx512"} <= set(_core.isa_names()), reason="this CPU does not have both"
)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", [_core.sigmoid, _core.tanh], ids=["sigmoid", "tanh"])
def test_avx2_and_avx512_give_the_same_bits(dtype, kernel):
    x = np.random.default_rng(0).normal(scale=20, size=100_003).astype(dtype)
    before = _core.active_isa()
    results = []
    for name in ("avx2", "avx512"):
        _core.select_isa(name)
        results.append(np.empty_like(x))
        kernel(x, results[-1])
    _core.select_isa(before)
    assert_same_bits(*results)
