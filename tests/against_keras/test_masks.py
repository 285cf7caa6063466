"""Masks beside Keras's own: layers, models that train, losses, metrics, padding."""

import numpy as np
import pytest
from keras_peer import keras

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(93)
B, T, I = 24, 7, 4
X = RNG.standard_normal((B, T, I)).astype(np.float32)
MASK = RNG.random((B, T)) < 0.6
MASK[0], MASK[1], MASK[2] = False, True, np.arange(T) < 3
STATE = RNG.standard_normal((B, 5)).astype(np.float32)
MASKED = np.where(MASK[..., None], X, np.float32(-1))  # for Masking(-1)
WORDS = np.where(MASK, RNG.integers(1, 9, (B, T)), 0)


def both(value, atol=1e-6):
    """Assert that Keras and gru_c give the same numbers."""
    theirs, ours = value
    for expected, actual in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(actual, expected.detach().numpy(), rtol=1e-5, atol=atol)


@pytest.mark.parametrize("zero_output_for_mask", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("state", [None, STATE], ids=["no-state", "state"])
def test_a_layer(state, return_sequences, go_backwards, zero_output_for_mask):
    options = {
        "return_sequences": return_sequences,
        "return_state": True,
        "go_backwards": go_backwards,
        "zero_output_for_mask": zero_output_for_mask,
    }
    theirs, ours = keras.layers.GRU(5, **options), gru_c.GRU(5, **options)
    expected = theirs(X, initial_state=state, mask=MASK)
    ours.build((None, T, I))
    ours.set_weights(theirs.get_weights())
    both((expected, ours(X, initial_state=state, mask=MASK)))


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("merge_mode", ["concat", "mul"])
def test_both_directions(return_sequences, merge_mode):
    pair = []
    for library in (keras.layers, gru_c):
        gru = library.GRU(5, return_sequences=return_sequences)
        pair.append(library.Bidirectional(gru, merge_mode=merge_mode))
    theirs, ours = pair
    expected = theirs(X, mask=MASK)
    ours.build((None, T, I))
    ours.set_weights(theirs.get_weights())
    both(([expected], [ours(X, mask=MASK)]))


def model_of(library, first, per_step, loss, head, metrics=(), zero_output_for_mask=False):
    layers = library.layers
    name, *arguments = first
    model = library.Sequential(
        [
            getattr(layers, name)(*arguments[:-1], **arguments[-1]),
            layers.GRU(5, return_sequences=True, zero_output_for_mask=zero_output_for_mask),
            layers.Bidirectional(layers.GRU(3, return_sequences=per_step)),
            layers.Dense(*head),
        ]
    )
    model.compile(optimizer=library.optimizers.Adam(0.01), loss=loss, metrics=list(metrics))
    return model


def twins(x, *arguments, **options):
    theirs = model_of(keras, *arguments, **options)
    theirs(x[:1])
    ours = model_of(gru_c, *arguments, **options)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    return theirs, ours


FIRST = {
    "Masking": (("Masking", {"mask_value": -1.0}), MASKED),
    "Embedding": (("Embedding", 9, 4, {"mask_zero": True}), WORDS),
}
LOSSES = {
    "mse": (1, X[:, :, :1]),
    "binary_crossentropy": ((1, "sigmoid"), (X[:, :, :1] > 0).astype(np.float32)),
    "sparse_categorical_crossentropy": ((3, "softmax"), WORDS % 3),
}


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_training_with_a_loss_of_every_step(first, loss, weighted):
    (layer, x), (head, y) = FIRST[first], LOSSES[loss]
    head = head if isinstance(head, tuple) else (head,)
    metrics = ["accuracy"] if "crossentropy" in loss else ["mae", "mse"]
    weight = RNG.uniform(0, 2, (B, T)).astype(np.float32) if weighted else None
    models = twins(x, layer, True, loss, head, metrics)
    np.testing.assert_allclose(models[1].predict(x), models[0].predict(x, verbose=0), atol=1e-5)
    for options in ({"batch_size": 24}, {"batch_size": 10}):
        theirs, ours = (
            model.fit(
                x, y, epochs=2, shuffle=False, verbose=0, sample_weight=weight, **options
            ).history
            for model in models
        )
        assert set(theirs) == set(ours)
        for name, values in theirs.items():
            np.testing.assert_allclose(ours[name], values, rtol=1e-3, atol=1e-5, err_msg=name)
    for expected, weights in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(weights, expected, rtol=1e-3, atol=1e-4)
    expected, values = (model.evaluate(x, y, verbose=0) for model in models)
    np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("zero", [False, True])
def test_training_with_a_loss_of_the_last_step(first, zero):
    layer, x = FIRST[first]
    models = twins(x, layer, False, "mse", (1,), ["mae"], zero_output_for_mask=zero)
    theirs, ours = (
        model.fit(x, X[:, 0, 0], epochs=3, batch_size=10, shuffle=False, verbose=0).history
        for model in models
    )
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-3, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(models[1].predict(x), models[0].predict(x, verbose=0), atol=1e-4)


@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "Huber"])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses(name, weighted):
    y, p = X[:, :, :2], X[:, :, 2:]
    weight = RNG.uniform(0, 2, (B, T)).astype(np.float32) if weighted else None
    tensor = keras.ops.convert_to_tensor(p)
    tensor._keras_mask = keras.ops.convert_to_tensor(MASK)
    expected = float(getattr(keras.losses, name)()(y, tensor, sample_weight=weight))
    ours = getattr(gru_c.losses, name)()
    assert ours(y, p, weight, MASK) == pytest.approx(expected, rel=1e-5)
    value, gradient = ours.value_and_gradient(y, p, weight, mask=MASK)
    assert value == pytest.approx(expected, rel=1e-5)
    assert not gradient[~MASK].any()


SEQUENCES = [
    [[1], [2, 3], [4, 5, 6]],
    [[[1, 2]], [[3, 4], [5, 6]], []],
    [np.arange(4), np.arange(2)],
    [[], []],
]


@pytest.mark.parametrize("sequences", SEQUENCES, ids=str)
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("options", [{}, {"maxlen": 2}, {"maxlen": 5, "value": -1.5}], ids=str)
def test_pad_sequences(sequences, padding, truncating, options):
    options = {"padding": padding, "truncating": truncating, "dtype": "float32", **options}
    expected = keras.utils.pad_sequences(sequences, **options)
    actual = gru_c.pad_sequences(sequences, **options)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("sequences", "options"),
    [
        (3, {}),
        ([1, 2], {}),
        ([[1], [2]], {"padding": "both"}),
        ([[1], [2]], {"truncating": "both"}),
        ([[1], [2]], {"value": "?"}),
        ([[[1, 2]], [[1]]], {}),
    ],
    ids=str,
)
def test_pad_sequences_refuses_what_keras_does_in_its_words(sequences, options):
    messages = []
    for pad_sequences in (keras.utils.pad_sequences, gru_c.pad_sequences):
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            pad_sequences(sequences, **options)
        messages.append(str(caught.value))
    assert messages[1] == messages[0]
