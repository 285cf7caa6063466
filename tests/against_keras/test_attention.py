"""Attention layers beside Keras's: weights, outputs, scores, masks and gradients."""

import numpy as np
import pytest
from keras_peer import keras, torch

from gru_c import layers

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(3)
QUERY, VALUE, KEY = (RNG.normal(size=(2, n, 4)).astype("f") for n in (3, 5, 5))
QUERY_MASK = np.array([[True, True, False], [True, True, True]])
VALUE_MASK = np.array([[True, True, True, False, False], [True, False, True, True, True]])
CASES = [
    ("Attention", {}),
    ("Attention", {"use_scale": True}),
    ("Attention", {"score_mode": "concat"}),
    ("Attention", {"score_mode": "concat", "use_scale": True}),
    ("AdditiveAttention", {}),
    ("AdditiveAttention", {"use_scale": False}),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}),
    ("MultiHeadAttention", {"num_heads": 3, "key_dim": 2, "value_dim": 5, "output_shape": 6}),
    ("MultiHeadAttention", {"num_heads": 1, "key_dim": 2, "use_bias": False}),
]


def pair(name, arguments, inputs):
    """Return a layer and Keras's with the same weights, which are not those of the beginning."""
    theirs = getattr(keras.layers, name)(**arguments)
    theirs(*inputs) if name == "MultiHeadAttention" else theirs(list(inputs))
    weights = [RNG.normal(size=w.shape).astype("f") for w in theirs.get_weights()]
    theirs.set_weights(weights)
    layer = getattr(layers, name)(**arguments)
    layer.build([x.shape for x in inputs])
    layer.set_weights(weights)
    paths = [w.path.split("/", 1)[-1].replace("/", "_") for w in theirs.weights]
    assert [w.name for w in layer.weights] == paths
    return layer, theirs


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=str)
@pytest.mark.parametrize("with_key", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_outputs_scores_and_gradients(name, arguments, with_key, masked, causal):
    inputs = [QUERY, VALUE, KEY][: 2 + with_key]
    layer, theirs = pair(name, arguments, inputs)
    several = name == "MultiHeadAttention"
    # Keras's MultiHeadAttention takes the mask of the query from the tensor alone.
    masks = [None if several else QUERY_MASK, VALUE_MASK] if masked else None
    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    options = {"use_causal_mask": causal, "return_attention_scores": True}
    if several:
        call = {"value_mask": torch.tensor(VALUE_MASK)} if masked else {}
        wanted, wanted_scores = theirs(*tensors, **call, **options)
    else:
        call = {"mask": [torch.tensor(m) for m in masks]} if masked else {}
        wanted, wanted_scores = theirs(tensors, **call, **options)
    y, scores = layer.forward(inputs, training=True, mask=masks, **options)
    np.testing.assert_allclose(y, wanted.detach().numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scores, wanted_scores.detach().numpy(), rtol=1e-4, atol=1e-5)
    d = np.cos(np.arange(y.size, dtype="f")).reshape(y.shape)
    gradients = layer.backward(d)
    wanted.backward(torch.tensor(d))
    for gradient, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-3, atol=2e-5)
    for weight, variable in zip(layer.weights, theirs.weights, strict=True):
        expected = variable.value.grad.numpy()
        np.testing.assert_allclose(weight.gradient, expected, rtol=1e-3, atol=5e-5)


@pytest.mark.parametrize("scores", [False, True])
def test_a_mask_of_pairs(scores):
    layer, theirs = pair("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, [QUERY, VALUE])
    mask = RNG.uniform(size=(2, 3, 5)) > 0.4
    mask[..., 0] = True
    for m in (mask, mask[:1]):
        options = {"attention_mask": m, "return_attention_scores": scores}
        got, wanted = layer(QUERY, VALUE, **options), theirs(QUERY, VALUE, **options)
        got, wanted = (got[0], wanted[0]) if scores else (got, wanted)
        np.testing.assert_allclose(got, wanted.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=str)
def test_configurations_are_those_of_keras(name, arguments):
    theirs = getattr(keras.layers, name)(**arguments).get_config()
    ours = getattr(layers, name)(**arguments).get_config()
    for key in ours.keys() & theirs.keys() - {"dtype", "name", "trainable", "output_shape"}:
        if not key.endswith("initializer"):
            assert ours[key] == theirs[key], key


def test_names_of_output_shapes():
    theirs = keras.layers.MultiHeadAttention(2, 3, output_shape=7)
    ours = layers.MultiHeadAttention(2, 3, output_shape=7)
    shapes = (None, 3, 4), (None, 5, 4)
    assert tuple(theirs.compute_output_shape(*shapes)) == ours.compute_output_shape(list(shapes))
