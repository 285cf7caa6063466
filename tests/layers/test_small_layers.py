"""Small layers together: shapes, masks, models of all of them, bad input."""

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
)

RNG = np.random.default_rng(61)
X = RNG.standard_normal((3, 6, 4))
MASK = np.array([[True] * 6, [True] * 2 + [False] * 4, [False] * 6])


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
