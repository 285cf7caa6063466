"""Sequential: adding and building layers, computing, weights, summary."""

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Dense, Input, Sequential

RNG = np.random.default_rng(21)
X, Y = RNG.standard_normal((20, 6, 4)), RNG.standard_normal(20)


def small_model(**arguments):
    layers = [GRU(5, return_sequences=True, input_shape=(6, 4)), GRU(3), Dense(1)]
    return Sequential(layers, **{"seed": 0, **arguments})


# ---- layers --------------------------------------------------------------------------------------


def test_layers_are_built_and_named_as_they_come():
    model = small_model()
    assert [layer.name for layer in model.layers] == ["gru", "gru_1", "dense"]
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 6, 4), (None, 1))


@pytest.mark.parametrize(
    "layers",
    [
        [GRU(5, input_shape=(6, 4))],
        [Input((6, 4)), GRU(5)],
        [Input(shape=[6, 4]), GRU(5, input_shape=(6, 4))],
    ],
)
def test_ways_to_say_the_input_shape(layers):
    model = Sequential(layers)
    assert model.input_shape == (None, 6, 4)
    assert [layer.name for layer in model.layers] == ["gru"]


def test_any_length_where_the_shape_says_none():
    model = Sequential([GRU(5, input_shape=(None, 4))])
    assert model.predict(X, verbose=0).shape == (20, 5)
    assert model.predict(X[:, :2], verbose=0).shape == (20, 5)


def test_fit_builds_what_is_not_built():
    model = Sequential([GRU(5), Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    assert model.input_shape == (None, None, 4)
    assert model.predict(X[:, :3], verbose=0).shape == (20, 1)


def test_calling_builds_too():
    model = Sequential([GRU(5), Dense(2)])
    assert model(X).shape == (20, 2)
    assert model.built


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sequential([GRU]), r"add wants a layer, got .*: write GRU\(\.\.\.\)"),
        (lambda: Sequential([50]), "add wants a layer, got 50"),
        (lambda: Sequential(GRU(5)), "layers must be a list of layers"),
        (lambda: Sequential(seed="a"), "seed must be a non-negative integer or None, got 'a'"),
        (lambda: Sequential(seed=-1), "seed must be a non-negative integer or None, got -1"),
        (lambda: Sequential([GRU(5, name="a"), Dense(1, name="a")]), "already a layer named 'a'"),
        (lambda: Sequential([GRU(5, return_state=True)]), "return_state=True gives two outputs"),
        (lambda: Sequential([GRU(5), Dense(1, dtype="float64")]), "float64, the model is float32"),
        (lambda: Sequential([GRU(5, input_shape=(8,))]), "wants input of shape"),
        (
            lambda: Sequential([GRU(5, input_shape=(6, 4)), GRU(5)]),
            r"layer 'gru_1' wants input of shape \(batch, time, features\), got \(None, 5\): "
            "give layer 'gru' return_sequences=True",
        ),
        (
            lambda: Sequential([GRU(5, input_shape=(6, 4)), Dense(1, input_shape=(4,))]),
            r"says input_shape=\(4,\), but the layer before it gives \(5,\)",
        ),
        (
            lambda: Sequential([Input((6, 4)), GRU(5, input_shape=(6, 3))]),
            r"says input_shape=\(6, 3\), the Input before it \(6, 4\)",
        ),
        (lambda: Sequential(dtype="float16"), "dtype must be"),
        (lambda: Sequential().build((None, 6, 4)), "the model has no layers"),
        (lambda: Sequential([GRU(5)]).build(), "build needs the shape of the input"),
        (lambda: Sequential([GRU(5)]).build((None, 4)), "wants input of shape"),
    ],
)
def test_an_invalid_model_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_an_invalid_model_is_refused_once_the_shape_is_known():
    model = Sequential([GRU(5), GRU(3), Dense(1)])
    model.compile("adam", "mse")
    message = "give layer 'gru' return_sequences=True"
    with pytest.raises(ValueError, match=message):
        model.fit(np.zeros((8, 6, 4)), np.zeros(8))
    with pytest.raises(ValueError, match=message):
        model.build((None, 6, 4))
    assert not model.built


def test_weights_that_do_not_fit_the_input():
    layer = GRU(5)
    layer.build((None, None, 3))
    message = r"layer 'gru' has weights for input of shape \(None, None, 3\), which do not fit"
    with pytest.raises(ValueError, match=message):
        Sequential([Input((6, 4)), layer])
    model = Sequential([layer])
    with pytest.raises(ValueError, match=message):
        model.build((None, 6, 4))
    assert model.input_shape == (None, None, 3)
    model.build((None, 6, 3))
    assert model.input_shape == (None, 6, 3)


def test_a_refused_layer_leaves_the_model_unchanged():
    model = small_model()
    with pytest.raises(ValueError, match="wants input of shape"):
        model.add(GRU(5))
    assert len(model.layers) == 3
    assert model.predict(X, verbose=0).shape == (20, 1)
    with pytest.raises(ValueError, match="already part of the model"):
        model.add(model.layers[0])


def test_an_initializer_that_raises_leaves_model_and_layer_unchanged():
    model = Sequential(dtype="float64")
    layer = GRU(5, input_shape=(6, 4), kernel_initializer=lambda *_: np.zeros(3))
    with pytest.raises(ValueError, match=r"the initializer of kernel of layer 'gru' made an array"):
        model.add(layer)
    assert (model.layers, model.input_shape) == ([], None)
    assert (layer.built, layer.dtype, layer.name) == (False, None, None)


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


# ---- weights -------------------------------------------------------------------------------------


def test_set_weights_takes_what_get_weights_gave():
    model, other = small_model(seed=1), small_model(seed=2)
    assert not np.array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))


def test_set_weights_is_all_or_nothing():
    model = small_model()
    before = model.get_weights()
    bad = [weight + 1 for weight in before]
    bad[-1] = np.zeros(2)
    with pytest.raises(ValueError, match=r"'sequential': bias has shape \(1,\), got \(2,\)"):
        model.set_weights(bad)
    with pytest.raises(ValueError, match="has 8 weights, got 7"):
        model.set_weights(bad[:7])
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)
    with pytest.raises(ValueError, match="no weights yet"):
        Sequential([GRU(5)]).set_weights([])


def test_count_params():
    assert small_model().count_params() == (4 + 5 + 2) * 15 + (5 + 3 + 2) * 9 + 4
    with pytest.raises(ValueError, match="no weights yet, so count_params"):
        Sequential([GRU(5)]).count_params()


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


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (3, r"input_shape must be a tuple such as \(10, 8\), got 3"),
        ((None, 5, 3.0), "must be an integer of at least 1, got 3.0"),
        ((None, 5, -3), "must be an integer of at least 1, got -3"),
    ],
)
def test_build_checks_the_shape(shape, message):
    model = Sequential([GRU(2)])
    with pytest.raises((TypeError, ValueError), match=message):
        model.build(shape)
    assert not model.built


@pytest.mark.parametrize("value", ["no", "False", None, 2, []])
def test_stop_training_is_true_or_false(value):
    model = small_model()
    with pytest.raises(TypeError, match="stop_training must be True or False, got "):
        model.stop_training = value
    assert model.stop_training is False
    model.stop_training = np.bool_(True)
    assert model.stop_training is True
