"""Sequential: training of added and shared layers, seeds and dtypes."""

import numpy as np
import pytest
from three_layers import X, Y, small_model

import gru_c
from gru_c import GRU, Dense, Sequential


def test_fit_builds_what_is_not_built():
    model = Sequential([GRU(5), Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    assert model.input_shape == (None, None, 4)
    assert model.predict(X[:, :3], verbose=0).shape == (20, 1)


def test_a_layer_can_be_added_after_training():
    model = small_model()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    before = model.get_weights()
    model.add(Dense(2))
    for weight, old in zip(model.get_weights(), before, strict=False):
        np.testing.assert_array_equal(weight, old)
    with pytest.raises(ValueError, match="state of another model"):
        model.fit(X, np.zeros((20, 2)), verbose=0)
    model.compile("adam", "mse")
    model.fit(X, np.zeros((20, 2)), verbose=0)


def test_dtype_goes_through_the_model():
    model = small_model(dtype="float64")
    assert {weight.dtype for weight in model.get_weights()} == {np.dtype(np.float64)}
    assert model.predict(X, verbose=0).dtype == np.float64
    first = Sequential([GRU(2, dtype="float64", input_shape=(6, 4)), Dense(1)])
    assert first.dtype == "float64"
    assert small_model().predict(X, verbose=0).dtype == np.float32


def test_models_share_layers():
    model = small_model()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    features = Sequential(model.layers[:-1])
    head = model.layers[-1]
    predicted = head(features.predict(X, verbose=0))
    np.testing.assert_array_equal(predicted, model.predict(X, verbose=0))
    features.compile("adam", "mse")
    features.fit(X, np.zeros((20, 3)), verbose=0)
    predicted = head(features.predict(X, verbose=0))
    np.testing.assert_array_equal(predicted, model.predict(X, verbose=0))
    model.fit(X, Y, verbose=0)


def test_the_seed_makes_the_weights():
    first, same, other = (small_model(seed=seed).get_weights() for seed in (4, 4, 5))
    for a, b in zip(first, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_models_without_a_seed_differ():
    first, second = (small_model(seed=None).get_weights()[0] for _ in range(2))
    assert not np.array_equal(first, second)


def test_names_stand_at_the_top():
    for name in gru_c.__all__:
        assert hasattr(gru_c, name)


@pytest.mark.parametrize("value", ["no", "False", None, 2, []])
def test_stop_training_is_true_or_false(value):
    model = small_model()
    with pytest.raises(TypeError, match="stop_training must be True or False, got "):
        model.stop_training = value
    assert model.stop_training is False
    model.stop_training = np.bool_(True)
    assert model.stop_training is True
