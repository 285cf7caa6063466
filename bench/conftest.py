"""Fixtures of the benchmarks: shapes, threads, and PyTorch if it is installed."""

import numpy as np
import pytest

import gru_c

THREADS = [1, 2]

# (B, T, I, H): the first layer of the demo, a single series, and two larger layers
SHAPES = [(32, 10, 8, 50), (1, 100, 8, 50), (32, 100, 64, 128), (64, 50, 256, 256)]


def pytest_configure(config):
    config.addinivalue_line("markers", "peer: measures another library, for comparison")


@pytest.fixture(params=THREADS, ids="{}thread".format)
def threads(request):
    before = gru_c.get_num_threads()
    gru_c.set_num_threads(request.param)
    yield request.param
    gru_c.set_num_threads(before)


@pytest.fixture(params=SHAPES, ids="x".join(["{0[0]}", "{0[1]}", "{0[2]}", "{0[3]}"]).format)
def problem(request):
    """Return x, kernel, recurrent_kernel and bias of a shape in float32."""
    B, T, I, H = request.param  # noqa: E741
    rng, size = np.random.default_rng(0), H**-0.5
    shapes = [(B, T, I), (I, 3 * H), (H, 3 * H), (2, 3 * H)]
    return [rng.uniform(-size, size, shape).astype(np.float32) for shape in shapes]


@pytest.fixture
def torch(threads):
    module = pytest.importorskip("torch")
    before = module.get_num_threads()
    module.set_num_threads(threads)
    yield module
    module.set_num_threads(before)


@pytest.fixture
def torch_gru(torch, problem):
    x, kernel, recurrent_kernel, _ = problem
    return torch.nn.GRU(len(kernel), len(recurrent_kernel), batch_first=True), torch.from_numpy(x)
