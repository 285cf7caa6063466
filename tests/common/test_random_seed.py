"""The default seed of objects that are made without a seed."""

import random

import numpy as np
import pytest
from tools import assert_same_bits

import gru_c
from gru_c import GRU, Dense, Dropout, Sequential
from gru_c.common import random_seed
from gru_c.common.random_seed import set_random_seed
from gru_c.initializers import GlorotUniform


@pytest.fixture(autouse=True)
def _no_seed_afterwards(monkeypatch):
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    monkeypatch.setattr(random_seed, "_root", None)
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002


def trained_model(seed=None):
    x = np.linspace(0, 1, 40).reshape(10, 4, 1)
    model = Sequential([GRU(3), Dropout(0.5), Dense(1)], seed=seed)
    model.compile("adam", "mse")
    model.fit(x, x[:, 0], batch_size=2, epochs=2, verbose=0)
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def test_models_without_a_seed_are_repeated():
    set_random_seed(42)
    first, second = trained_model(), trained_model()
    assert (first != second).any()
    set_random_seed(42)
    assert_same_bits(trained_model(), first)
    assert_same_bits(trained_model(), second)
    set_random_seed(43)
    assert (trained_model() != first).any()


def test_a_seed_of_a_model_counts_more():
    expected = trained_model(seed=5)
    set_random_seed(42)
    assert_same_bits(trained_model(seed=5), expected)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: GlorotUniform()((3, 4)),
        lambda: _built(GRU(3)),
        lambda: Dropout(0.5)(np.ones((3, 30)), training=True),
        lambda: gru_c.timeseries_dataset(np.arange(50), None, 3, shuffle=True)[0],
        lambda: np.array([random.random()]),
        lambda: np.random.standard_normal(5),  # noqa: NPY002
    ],
    ids=["initializer", "layer", "dropout", "data set", "random", "numpy"],
)
def test_whatever_draws_without_a_seed_is_repeated(draw):
    set_random_seed(7)
    first = [draw(), draw()]
    assert (first[0] != first[1]).any()
    set_random_seed(np.int64(7))
    for expected in first:
        assert_same_bits(draw(), expected)


def _built(layer):
    layer.build((None, 5, 2))
    return layer.get_weights()[0]


def test_without_a_seed_nothing_is_repeated():
    assert (trained_model() != trained_model()).any()


@pytest.mark.parametrize("seed", [None, 1.5, True, "1", -1, 2**32])
def test_a_seed_that_is_none_is_refused_and_changes_nothing(seed):
    state = random.getstate()
    with pytest.raises(ValueError, match="seed must be an integer from 0 to 4294967295"):
        set_random_seed(seed)
    assert random.getstate() == state
    assert random_seed._root is None
