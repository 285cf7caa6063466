"""Predictions of one sequence by a model of two GRUs and a Dense, on one thread in float32.

    pytest bench/bench_serving.py --benchmark-group-by=param:shape

A frozen model is compared with the kernels alone, the other ways to predict, onnxruntime and
PyTorch. ``python -m bench.serving`` measures many threads, and the first prediction of a process.
"""

import numpy as np
import pytest

import gru_c
from bench.serving import SHAPES, make_model, onnx_session, torch_twin
from gru_c import gru_forward


@pytest.fixture(params=SHAPES, ids="T={0[0]} H={0[1]}".format)
def shape(request):
    before = gru_c.get_num_threads()
    gru_c.set_num_threads(1)
    yield request.param
    gru_c.set_num_threads(before)


@pytest.fixture
def model(shape):
    return make_model(shape[1])


@pytest.fixture
def x(shape):
    return np.random.default_rng(0).standard_normal((1, shape[0], 8)).astype(np.float32)


def time_calls(benchmark, function, *arguments, **options):
    benchmark.pedantic(function, arguments, options, rounds=100, iterations=100, warmup_rounds=2)


def test_kernels(benchmark, model, x):
    first, second = model.layers[0].get_weights(), model.layers[1].get_weights()

    def both():
        gru_forward(gru_forward(x, *first).output, *second)

    time_calls(benchmark, both)


def test_frozen(benchmark, model, x):
    time_calls(benchmark, model.freeze(), x)


def test_frozen_into_an_array(benchmark, model, x):
    time_calls(benchmark, model.freeze(), x, out=np.empty((1, 1), np.float32))


def test_model(benchmark, model, x):
    time_calls(benchmark, model, x)


def test_predict(benchmark, model, x):
    time_calls(benchmark, model.predict, x, verbose=0)


def test_predict_on_batch(benchmark, model, x):
    time_calls(benchmark, model.predict_on_batch, x)


@pytest.mark.peer
def test_onnxruntime(benchmark, model, x, tmp_path):
    pytest.importorskip("onnxruntime")
    time_calls(benchmark, onnx_session(model, tmp_path / "model.onnx"), x)


@pytest.mark.peer
def test_torch(benchmark, shape, x):
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    time_calls(benchmark, torch_twin(shape[1]), x)
    torch.set_num_threads(before)
