"""Rectifiers, Softmax, Reshape, Permute and random layers beside Keras's own."""

import numpy as np
import pytest
from keras_peer import keras, torch

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(109)
X = (RNG.standard_normal((4, 6, 3)) * 3).astype(np.float32)
X[0, 0] = 0
MASK = np.arange(6) < np.array([[6], [2], [3], [1]])
CASES = [
    ("ReLU", {}),
    ("ReLU", {"max_value": 2, "negative_slope": 0.5, "threshold": 1.0}),
    ("ReLU", {"max_value": 0.5, "threshold": 1.0}),
    ("ReLU", {"negative_slope": 0.2}),
    ("LeakyReLU", {}),
    ("LeakyReLU", {"negative_slope": 1.5}),
    ("ELU", {}),
    ("ELU", {"alpha": 0.4}),
    ("PReLU", {}),
    ("PReLU", {"shared_axes": [1]}),
    ("PReLU", {"shared_axes": [1, 2]}),
    ("Softmax", {}),
    ("Softmax", {"axis": 1}),
    ("Softmax", {"axis": (1, 2)}),
    ("Reshape", {"target_shape": (-1, 9)}),
    ("Reshape", {"target_shape": (3, 2, 3)}),
    ("Permute", {"dims": (2, 1)}),
    ("SpatialDropout1D", {"rate": 0.5}),
    ("GaussianNoise", {"stddev": 0.5}),
    ("GaussianDropout", {"rate": 0.5}),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_layer_and_its_gradients(name, options):
    theirs, ours = (getattr(library, name)(**options) for library in (keras.layers, gru_c))
    x = torch.tensor(X, requires_grad=True)
    theirs(x)
    ours.build((None, 6, 3))
    weights = [RNG.standard_normal(w.shape).astype(np.float32) for w in theirs.get_weights()]
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in weights]
    if weights:
        theirs.set_weights(weights)
        ours.set_weights(weights)
    expected = theirs(x)
    np.testing.assert_allclose(ours(X), expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    assert ours.compute_output_shape((None, 6, 3)) == (None, *expected.shape[1:])
    if "seed" in ours.get_config():  # random in training
        return
    d = RNG.standard_normal(expected.shape).astype(np.float32)
    expected.backward(torch.tensor(d))
    ours.forward(X, training=True)
    gradient = x.grad.numpy()
    if name != "ReLU":  # at 0 the reference differs from one combination of arguments to another
        np.testing.assert_allclose(ours.backward(d), gradient, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.backward(d)[1:], gradient[1:], rtol=1e-4, atol=1e-5)
    for item, variable in zip(ours.parameters, theirs.trainable_variables, strict=True):
        np.testing.assert_allclose(item.gradient, variable.value.grad.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_mask_passes_where_it_does_in_keras(name, options):
    theirs, ours = (getattr(library, name)(**options) for library in (keras.layers, gru_c))
    masked = keras.layers.Masking()(np.where(MASK[:, :, None], X, np.float32(0)))
    try:
        expected = getattr(theirs(masked), "_keras_mask", None)
    except ValueError:  # a Softmax
        with pytest.raises(ValueError, match="mask"):
            ours(X, mask=MASK)
        return
    mask = ours.compute_mask(X, MASK)
    assert (mask is None) == (expected is None)
    if mask is not None:
        np.testing.assert_array_equal(mask, MASK)


@pytest.mark.parametrize("shape", [(4, 6, 3), (1, 6, 3), (3,), (6, 1)])
def test_a_softmax_of_some_entries(shape):
    mask = RNG.random(shape) < 0.5
    expected = keras.layers.Softmax()(X, mask=keras.ops.convert_to_tensor(mask))
    if len(shape) == 2:
        return
    np.testing.assert_allclose(gru_c.Softmax()(X, mask=mask), expected.numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", ["SpatialDropout1D", "GaussianNoise", "GaussianDropout"])
def test_random_numbers_are_distributed_as_in_keras(name):
    ones = np.ones((200, 30, 40), np.float32)
    theirs, ours = (
        np.asarray(getattr(library, name)(0.3, seed=1)(ones, training=True))
        for library in (keras.layers, gru_c)
    )
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.02)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    assert ours.std(axis=1).mean() == pytest.approx(theirs.std(axis=1).mean(), rel=0.02)
