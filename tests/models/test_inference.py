"""A model predicts: the layers in order, any batch size, and checked input."""

import numpy as np
import pytest
from three_layers import X, small_model

from gru_c import GRU, Dense, Sequential


def test_predict_runs_the_layers_in_order():
    model = small_model()
    h = X
    for layer in model.layers:
        h = layer(h)
    np.testing.assert_array_equal(model.predict(X, verbose=0), h)
    np.testing.assert_array_equal(model.predict_on_batch(X), h)
    np.testing.assert_array_equal(model(X), h)


def test_predict_does_not_depend_on_the_batch_size():
    model = small_model()
    whole = model.predict(X, batch_size=20, verbose=0)
    for batch_size in (1, 7, 64):
        parts = model.predict(X, batch_size=batch_size, verbose=0)
        np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-6)


def test_predict_of_nothing():
    assert small_model().predict(X[:0], verbose=0).shape == (0, 1)


@pytest.mark.parametrize("call", ["predict", "predict_on_batch"])
def test_predict_builds_the_model(call):
    model, built = (Sequential([GRU(5), Dense(1)], seed=3) for _ in range(2))
    built.build(X.shape)
    outputs = getattr(model, call)(X)
    assert model.built
    np.testing.assert_array_equal(outputs, built.predict(X, verbose=0))
    with pytest.raises(ValueError, match="the model has no layers: add some first"):
        getattr(Sequential(), call)(X)


def test_predict_builds_the_model_for_lists_and_sources():
    sequences = [X[0], X[1, :3]]
    for data in (sequences, iter([X[:4], X[4:6]]), (X, [2] * len(X))):
        model = Sequential([GRU(5), Dense(1)])
        assert np.shape(model.predict(data, verbose=0))[1:] == (1,)
        assert model.input_shape == (None, None, X.shape[2])


def test_input_that_is_refused_does_not_build():
    model = Sequential([GRU(5), Dense(1)])
    with pytest.raises(ValueError, match="lengths"):
        model.predict(X, lengths=[99] * len(X))
    assert not model.built


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X[0], r"x must have shape \(samples, 6, 4\), got \(6, 4\)"),
        (X[:, :5], r"x must have shape \(samples, 6, 4\), got \(20, 5, 4\)"),
        (X[:, :, :3], r"x must have shape \(samples, 6, 4\), got \(20, 6, 3\)"),
        (X.astype(complex), "x must hold real numbers .* got dtype complex128"),
        (X.astype(str), "x must hold real numbers .* got dtype <U"),
        (X.astype(object), "x must hold real numbers .* got dtype object"),
        ([[1, 2], [3]], "x is not an array of numbers"),
        (None, "x must be an array of real numbers, got None"),
    ],
)
def test_predict_checks_x(x, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small_model().predict(x)


def test_a_series_without_a_feature_axis_gets_a_hint():
    model = Sequential([GRU(5, input_shape=(6, 1))])
    with pytest.raises(ValueError, match=r"got \(20, 6\): x\[..., None\] has it"):
        model.predict(X[:, :, 0])
    assert model.predict(X[:, :, :1], verbose=0).shape == (20, 5)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "32"])
def test_batch_size_is_checked(batch_size):
    with pytest.raises(
        (ValueError, TypeError), match="batch_size must be an integer of at least 1"
    ):
        small_model().predict(X, batch_size=batch_size)
