"""Reshape and Permute: shapes, values, gradients, masks, models."""

import numpy as np
import pytest
from tools import assert_gradients, assert_same_bits

import gru_c
from gru_c import GRU, Conv1D, Dense, Flatten, Input, Permute, Reshape, Sequential

RNG = np.random.default_rng(108)
X = RNG.standard_normal((3, 6, 4))


@pytest.mark.parametrize(
    ("target", "expected"),
    [((24,), (24,)), ((-1, 3), (8, 3)), ([2, 3, 4], (2, 3, 4)), ((4, -1, 2), (4, 3, 2))],
)
def test_samples_are_reshaped(target, expected):
    layer = Reshape(target, dtype="float64")
    np.testing.assert_array_equal(layer(X), X.reshape(3, *expected))
    assert layer.compute_output_shape((None, 6, 4)) == (None, *expected)
    assert layer(X[:0]).shape == (0, *expected)
    assert_gradients(layer, X.copy())
    assert layer.mixes_time
    assert not layer.stepwise


def test_open_sizes_stay_open():
    assert Reshape((-1, 2)).compute_output_shape((None, None, 4)) == (None, None, 2)
    assert Reshape((3, 8)).compute_output_shape((None, None, 4)) == (None, 3, 8)
    assert Reshape((-1,))(X[:, 0, 0]).shape == (3, 1)


@pytest.mark.parametrize("dims", [(1, 2), (2, 1)])
def test_axes_are_permuted(dims):
    layer = Permute(dims, dtype="float64")
    np.testing.assert_array_equal(layer(X), X.transpose(0, *dims))
    shape = (None, 6, 4) if dims == (1, 2) else (None, 4, 6)
    assert layer.compute_output_shape((None, 6, 4)) == shape
    assert_gradients(layer, X.copy())
    four = Permute((3, 1, 2), dtype="float64")
    x = X.reshape(3, 2, 3, 4)
    np.testing.assert_array_equal(four(x), x.transpose(0, 3, 1, 2))
    assert_gradients(four, x.copy())


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Reshape(24), TypeError, "target_shape must be a tuple"),
        (lambda: Reshape((-1, -1)), ValueError, "one of which may be -1"),
        (lambda: Reshape((0, 24)), ValueError, "must have positive sizes"),
        (lambda: Reshape((-2, 12)), ValueError, "every size of target_shape"),
        (lambda: Reshape((2.5, 2)), TypeError, "every size of target_shape"),
        (lambda: Reshape((5, 5))(X), ValueError, r"\(6, 4\) cannot have the shape \(5, 5\)"),
        (lambda: Reshape((5, -1))(X), ValueError, r"cannot have the shape \(5, -1\)"),
        (lambda: Permute(2), TypeError, "dims must be a tuple"),
        (lambda: Permute((1, 3)), ValueError, "each number from 1 to 2 once"),
        (lambda: Permute((0, 1)), ValueError, "every number of dims"),
        (lambda: Permute((2, 1))(X[0]), ValueError, "with 3 axes"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_mask_ends_with_a_warning():
    mask = np.arange(6) < [[6], [2], [3]]
    for layer in (Reshape((-1, 2)), Permute((2, 1))):
        with pytest.warns(UserWarning, match="drops the mask, as in Keras"):
            assert layer.compute_mask(X, mask) is None


def test_a_model_with_both_trains_and_is_saved(tmp_path):
    chain = [Reshape((6, 4)), Permute((2, 1)), Conv1D(3, 2), Permute((2, 1)), GRU(3), Dense(1)]
    model = Sequential([Input((24,)), *chain], seed=10)
    model.compile(gru_c.optimizers.Adam(0.05), "mse")
    rows = X.reshape(3, 24)
    losses = model.fit(rows, X[:, 0, 0], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert_same_bits(again.predict(rows, verbose=0), model.predict(rows, verbose=0))


def test_a_model_built_from_data_has_the_sizes_that_it_needs():
    model = Sequential([Permute((2, 1)), GRU(3), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0, 0], verbose=0)
    assert model.input_shape == (None, 6, 4)
    model = Sequential([Reshape((-1, 2)), Flatten(), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0, 0], verbose=0)
    assert model.input_shape == (None, 6, 4)
