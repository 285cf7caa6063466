"""LayerNormalization, Activation, RepeatVector, Flatten, Masking, and masks of all layers."""

import copy
import pickle

import numpy as np
import pytest
from tools import assert_gradients

import gru_c
from gru_c import (
    GRU,
    Activation,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNormalization,
    Masking,
    RepeatVector,
    Sequential,
    activations,
    constraints,
    regularizers,
)

RNG = np.random.default_rng(61)
X = RNG.standard_normal((3, 6, 4))
MASK = np.array([[True] * 6, [True] * 2 + [False] * 4, [False] * 6])


def with_masked_steps(value):
    """Return X with `value` in the steps that MASK excludes, and in one feature of a step."""
    x = np.where(MASK[:, :, None], X, value)
    x[0, 0, 1] = value
    return x


# ---- formulas ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layer_normalization_is_the_formula(dtype):
    layer = LayerNormalization(epsilon=0.01, dtype=dtype)
    layer.build(X.shape)
    gamma, beta = RNG.standard_normal((2, 4))
    layer.set_weights([gamma, beta])
    mean, variance = X.mean(-1, keepdims=True), X.var(-1, keepdims=True)
    output = layer(X)
    assert output.dtype == dtype
    expected = (X - mean) / np.sqrt(variance + 0.01) * gamma + beta
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


def test_layer_normalization_starts_as_the_identity_of_normal_features():
    layer = LayerNormalization(dtype="float64")
    np.testing.assert_allclose(layer(X).mean(-1), 0, atol=1e-15)
    assert [item.name for item in layer.parameters] == ["gamma", "beta"]
    assert layer.epsilon == 1e-3


def test_layer_normalization_of_large_values_keeps_its_digits():
    x = (X + 1e4).astype(np.float32)
    exact = LayerNormalization(dtype="float64")(x)
    np.testing.assert_allclose(LayerNormalization()(x), exact, atol=5e-3)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shape", [(5, 4), (3, 6, 4)])
def test_layer_normalization_gradients(center, scale, shape):
    layer = LayerNormalization(
        center=center,
        scale=scale,
        beta_initializer="random_normal",
        gamma_initializer="random_normal",
        dtype="float64",
    )
    layer.build(shape, rng=1)
    assert len(layer.parameters) == center + scale
    assert_gradients(layer, RNG.standard_normal(shape))


def test_weights_of_layer_normalization_have_penalties_and_constraints():
    layer = LayerNormalization(
        beta_regularizer="l1",
        gamma_regularizer=regularizers.L2(0.5),
        beta_constraint="non_neg",
        gamma_constraint=constraints.MaxNorm(1.0),
        dtype="float64",
    )
    model = Sequential([layer], seed=0)
    model.compile("sgd", "mse")
    x = RNG.standard_normal((6, 4))
    model.build((None, 4))
    model.set_weights([np.full(4, 0.5), np.full(4, 0.25)])
    normal = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3)
    loss = np.square(normal * 0.5 + 0.25 - 9.0).mean()
    value = model.evaluate(x, np.full((6, 4), 9.0), verbose=0)
    assert value == pytest.approx(loss + 0.5 * 4 * 0.25 + 0.01 * 4 * 0.25)
    model.fit(x, np.full((6, 4), -900.0), epochs=2, verbose=0)
    gamma, beta = model.get_weights()
    assert np.linalg.norm(gamma) <= 1.0
    np.testing.assert_array_equal(beta, 0.0)


def test_layer_normalization_accumulates():
    layer = LayerNormalization(dtype="float64")
    layer(X)
    layer.forward(X, training=True)
    layer.backward(X)
    once = [item.gradient.copy() for item in layer.parameters]
    layer.backward(X, accumulate=True)
    for item, gradient in zip(layer.parameters, once, strict=True):
        np.testing.assert_allclose(item.gradient, 2 * gradient, rtol=1e-12)


@pytest.mark.parametrize("name", ["relu", "softmax", "tanh", "linear"])
def test_activation_is_that_of_dense(name):
    layer, dense = Activation(name, dtype="float64"), Dense(4, name, dtype="float64")
    dense.build(X.shape)
    dense.set_weights([np.eye(4), np.zeros(4)])
    np.testing.assert_allclose(layer(X), dense(X), rtol=1e-12)
    assert_gradients(layer, X.copy())


def test_flatten_and_repeat_vector():
    np.testing.assert_array_equal(Flatten(dtype="float64")(X), X.reshape(3, 24))
    assert Flatten()(np.zeros(3)).shape == (3, 1)
    assert Flatten()(np.zeros((0, 2, 5))).shape == (0, 10)
    repeated = RepeatVector(5, dtype="float64")(X[:, 0])
    np.testing.assert_array_equal(repeated, np.stack([X[:, 0]] * 5, axis=1))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(Flatten(dtype="float64"), (3, 2, 4)), (RepeatVector(5, dtype="float64"), (3, 4))],
)
def test_gradients_of_other_shapes(layer, shape):
    layer.build(shape)
    assert_gradients(layer, RNG.standard_normal(shape))


@pytest.mark.parametrize("value", [0.0, -1.5, 0.1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_masking(value, dtype):
    layer, x = Masking(value, dtype=dtype), with_masked_steps(value)
    np.testing.assert_array_equal(layer.compute_mask(x), MASK)
    expected = np.where(MASK[:, :, None], x, 0).astype(dtype)
    np.testing.assert_array_equal(layer(x, training=True), expected)
    gradient = layer.backward(np.ones(X.shape))
    np.testing.assert_array_equal(gradient, np.broadcast_to(MASK[:, :, None], X.shape))


# ---- masks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [Dense(2), Dropout(0.5), LayerNormalization(), Activation("relu")],
)
def test_layers_that_keep_the_time_axis_pass_the_mask(layer):
    assert layer.compute_mask(X, MASK) is MASK
    assert layer.compute_mask(X) is None


@pytest.mark.parametrize("layer", [GRU(2), Flatten(), RepeatVector(3)])
def test_layers_after_which_no_mask_holds(layer):
    assert layer.compute_mask(np.zeros((3, 6)), MASK) is None


def test_masks_of_gru_and_of_zeros():
    assert GRU(2, return_sequences=True).compute_mask(X, MASK) is MASK
    mask = Embedding(9, 2, mask_zero=True).compute_mask([[3, 0, 1], [0, 0, 2]])
    np.testing.assert_array_equal(mask, [[True, False, True], [False, False, True]])


# ---- in models -----------------------------------------------------------------------------------


def model_of_everything(dtype=None):
    model = Sequential(
        [
            Masking(-1.0),
            LayerNormalization(epsilon=0.01, center=False),
            GRU(5, return_sequences=True),
            Flatten(),
            RepeatVector(3),
            GRU(4),
            Dense(2),
            Activation("softmax"),
        ],
        dtype=dtype,
        seed=2,
    )
    model.compile("adam", "categorical_crossentropy")
    return model


def test_a_model_learns_and_needs_no_input_shape():
    model, y = model_of_everything(), np.eye(2)[[0, 1, 1]]
    losses = model.fit(X, y, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    # Flatten fixes the length, which a GRU by itself leaves open.
    assert model.input_shape == (None, 6, 4)
    assert Sequential([GRU(2), Dense(1)])(X).shape == (3, 1)


def test_output_shapes():
    model = model_of_everything()
    model.build((None, 6, 4))
    shapes = [model.input_shape]
    for layer in model.layers:
        shapes.append(layer.compute_output_shape(shapes[-1]))
    assert shapes[4:6] == [(None, 30), (None, 3, 30)]
    assert Flatten().compute_output_shape((None, None, 4)) == (None, None)


def test_an_activation_as_the_head_is_paired_with_its_loss():
    model, y = model_of_everything("float64"), np.eye(2)[[0, 1, 1]]
    outputs = model(X, training=True)
    assert model.head_is_paired
    gradients = []
    for paired in (True, False):
        _, d = model.loss.value_and_gradient(y, outputs, logits=paired)
        model.backward(d, through_activation=not paired)
        gradients.append(model.parameters.gradients.copy())
    np.testing.assert_allclose(*gradients, rtol=1e-9, atol=1e-12)
    model.compile("adam", "mse")
    assert not model.head_is_paired


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(duplicate):
    model = model_of_everything()
    expected = model(X)
    np.testing.assert_array_equal(duplicate(model)(X), expected)


def test_files(tmp_path):
    model = model_of_everything()
    expected = model(X)
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again(X), expected)
    for layer, loaded in zip(model.layers, again.layers, strict=True):
        assert loaded.get_config() == layer.get_config()


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerNormalization(axis=1), "the last axis only: axis must be -1, got 1"),
        (lambda: LayerNormalization(epsilon=0), "epsilon must be a finite number > 0, got 0"),
        (lambda: Activation("rellu"), "did you mean 'relu'"),
        (lambda: Activation(3), "activation must be a name, an Activation or None, got 3"),
        (lambda: RepeatVector(0), "n must be an integer of at least 1, got 0"),
        (lambda: RepeatVector(2.0), "n must be an integer of at least 1, got 2.0"),
        (lambda: Masking(np.nan), "mask_value must be a finite number, got nan"),
        (lambda: Masking("x"), "mask_value must be a finite number, got 'x'"),
        (lambda: Masking()(X[0]), r"wants input of shape \(batch, time, features\), got"),
        (lambda: RepeatVector(2)(X), r"wants input of shape \(batch, features\), got"),
        (lambda: Flatten()(3.0), r"wants input of shape \(batch, ...\), got \(\)"),
        (lambda: LayerNormalization()(X[0, 0]), r"wants input of shape \(batch, ..., features\)"),
        (lambda: Sequential()(X), "the model has no layers: add some first"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_built_layers_check_what_comes():
    layer = LayerNormalization()
    layer(X)
    with pytest.raises(ValueError, match="built for 4 features on the last axis, got x of shape"):
        layer(X[:, :, :3])
    masking = Masking()
    masking(X)
    with pytest.raises(ValueError, match="wants input of shape"):
        masking(X[0])


@pytest.mark.parametrize(
    "layer", [LayerNormalization(), Activation("relu"), Flatten(), Masking(), Dropout(0.5)]
)
def test_backward_checks_the_gradient(layer):
    layer(X)
    with pytest.raises(ValueError, match=r"has no tape: call forward\(x, training=True\)"):
        copy.deepcopy(layer).backward(X)
    layer.forward(X, training=True)
    with pytest.raises(ValueError, match=r"d_output of layer .* must have the shape of its output"):
        layer.backward(X[:2])
    assert layer.backward(layer.forward(X), input_gradient=False) is None


def test_a_user_defined_activation():
    double = activations.Activation("double", lambda x: 2 * x, lambda y, dy: 2 * dy)
    np.testing.assert_array_equal(Activation(double, dtype="float64")(X), 2 * X)
