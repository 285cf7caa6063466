"""Sequential: computing, training of added and shared layers, summary, seeds."""

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Dense, Sequential

RNG = np.random.default_rng(21)
X, Y = RNG.standard_normal((20, 6, 4)), RNG.standard_normal(20)


def small_model(**arguments):
    layers = [GRU(5, return_sequences=True, input_shape=(6, 4)), GRU(3), Dense(1)]
    return Sequential(layers, **{"seed": 0, **arguments})


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


# ---- computing -----------------------------------------------------------------------------------


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
def test_predict_before_build(call):
    for model in (Sequential(), Sequential([GRU(5), Dense(1)])):
        with pytest.raises(ValueError, match=r"no weights yet, so predict.*input_shape"):
            getattr(model, call)(X)


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


def test_summary_shows_shapes_and_counts():
    lines = []
    small_model().summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "gru_1 (GRU)" in text
    assert "(None, 6, 5)" in text
    assert "165" in text
    assert lines[-3:] == [
        "Total params: 259",
        "Trainable params: 259",
        "Non-trainable params: 0",
    ]
    lines.clear()
    Sequential([GRU(5), Dense(1)]).summary(print_fn=lines.append)
    assert "not built" in "\n".join(lines)


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
