"""Convolution, pooling and layers that resize the time axis beside Keras's own."""

import numpy as np
import pytest
from keras_peer import keras, torch

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(103)
X = RNG.standard_normal((3, 9, 4)).astype(np.float32)
MASK = np.array([[True] * 9, [False, True, True] + [False] * 6, [True] * 5 + [False] * 4])
FORMATS = ("channels_last", "channels_first")
WINDOWS = [
    {"strides": s, "padding": p, "dilation_rate": d, "groups": g, "data_format": f}
    for p in ("valid", "same", "causal")
    for s, d in ((1, 1), (2, 1), (4, 1), (1, 3))
    for g in (1, 2)
    for f in FORMATS
]
POOLS = [
    {"pool_size": k, "strides": s, "padding": p, "data_format": f}
    for p in ("valid", "same")
    for k, s in ((1, None), (2, None), (2, 1), (3, 2), (5, 1))
    for f in FORMATS
]
GLOBAL = [{"keepdims": k, "data_format": f} for k in (False, True) for f in FORMATS]
CASES = [
    *(("Conv1D", {"filters": 6, "kernel_size": 3, "activation": "tanh", **o}) for o in WINDOWS),
    ("Conv1D", {"filters": 1, "kernel_size": (5,), "use_bias": False}),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "groups": 4, "activation": "softmax"}),
    *((name, o) for name in ("MaxPooling1D", "AveragePooling1D") for o in POOLS),
    *((name, o) for name in ("GlobalMaxPooling1D", "GlobalAveragePooling1D") for o in GLOBAL),
    ("ZeroPadding1D", {}),
    ("ZeroPadding1D", {"padding": (2, 0), "data_format": "channels_first"}),
    ("Cropping1D", {}),
    ("Cropping1D", {"cropping": (0, 3)}),
    ("UpSampling1D", {"size": 3}),
]


def twins(name, options, x):
    """The layer of both libraries, of the same weights."""
    theirs, ours = (getattr(library, name)(**options) for library in (keras.layers, gru_c))
    theirs.build(x.shape)
    ours.build((None, *x.shape[1:]))
    weights = [RNG.standard_normal(w.shape).astype(np.float32) for w in theirs.get_weights()]
    if weights:
        theirs.set_weights(weights)
        ours.set_weights(weights)
    return theirs, ours


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_layer_and_its_gradients(name, options):
    x = X.swapaxes(1, 2).copy() if options.get("data_format") == FORMATS[1] else X
    theirs, ours = twins(name, options, x)
    tensor = torch.tensor(x, requires_grad=True)
    expected = theirs(tensor)
    y = ours(x, training=True)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-5, atol=1e-5)
    assert ours.compute_output_shape((None, *x.shape[1:])) == (None, *expected.shape[1:])
    d = RNG.standard_normal(y.shape).astype(np.float32)
    expected.backward(torch.tensor(d))
    np.testing.assert_allclose(ours.backward(d), tensor.grad.numpy(), rtol=1e-4, atol=1e-5)
    for item, variable in zip(ours.parameters, theirs.trainable_variables, strict=True):
        gradient = variable.value.grad.numpy()
        np.testing.assert_allclose(item.gradient, gradient, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_a_mask_ends_where_it_does_in_keras(name):
    made_with = {"Conv1D": {"filters": 2, "kernel_size": 2}, "AveragePooling1D": {"pool_size": 2}}
    options = made_with.get(name, {})
    theirs, ours = twins(name, options, X)
    masked = keras.layers.Masking()(np.where(MASK[:, :, None], X, np.float32(0)))
    expected = theirs(masked)
    assert getattr(expected, "_keras_mask", None) is None
    assert ours.compute_mask(X, MASK) is None
    mask = {"mask": MASK} if ours.takes_mask else {}
    y = ours(masked.numpy(), **mask)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-5, atol=1e-5)


def network(library, words=False):
    layers = library.layers
    first = [layers.Embedding(9, 4, mask_zero=True)] if words else [layers.Conv1D(6, 3)]
    chain = [
        layers.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="relu"),
        layers.MaxPooling1D(2),
        layers.GRU(4, return_sequences=True),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1),
    ]
    shape = (9,) if words else (9, 4)
    model = library.Sequential([layers.Input(shape), *first, *chain])
    model.compile(optimizer=library.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("words", [False, True])
def test_training(words):
    x = RNG.integers(0, 9, (24, 9)) if words else RNG.standard_normal((24, 9, 4))
    y = RNG.standard_normal(24)
    models = [network(library, words) for library in (keras, gru_c)]
    models[1].set_weights(models[0].get_weights())
    theirs, ours = (
        model.fit(x, y, epochs=5, batch_size=10, shuffle=False, verbose=0).history
        for model in models
    )
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-3, err_msg=name)
    for weight, expected in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-3)
