"""Penalties of layers' outputs in the loss and in the gradients."""

import numpy as np
import pytest

from gru_c import (
    GRU,
    ActivityRegularization,
    Bidirectional,
    Dense,
    Input,
    Sequential,
    TimeDistributed,
    load_model,
    optimizers,
    regularizers,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4, 3)), RNG.integers(0, 2, size=(6, 1)).astype(float)


def model_of(last="binary_crossentropy"):
    model = Sequential(
        [
            Input((4, 3)),
            GRU(5, activity_regularizer="l2", return_sequences=True),
            Dense(3, "tanh", activity_regularizer=regularizers.L1(0.1)),
            ActivityRegularization(0.1, 0.2),
            Bidirectional(GRU(2), activity_regularizer="l2"),
            Dense(1, "sigmoid", activity_regularizer="l2"),
        ],
        dtype="float64",
        seed=0,
    )
    model.compile(optimizers.SGD(1.0), last)
    return model


def test_the_gradients_are_those_of_finite_differences():
    model = model_of()
    weights = model.get_weights()
    model.train_on_batch(X, Y)
    gradients = [a - b for a, b in zip(weights, model.get_weights(), strict=True)]
    for number, weight in enumerate(weights):
        place = tuple(RNG.integers(0, weight.shape))
        losses = []
        for step in (1e-6, -1e-6):
            changed = [array.copy() for array in weights]
            changed[number][place] += step
            model.set_weights(changed)
            losses.append(model.evaluate(X, Y, verbose=0))
        expected = (losses[0] - losses[1]) / 2e-6
        np.testing.assert_allclose(gradients[number][place], expected, rtol=1e-5, atol=1e-8)


def test_the_loss_holds_the_penalty_of_each_batch_per_sample():
    model = Sequential([ActivityRegularization(l1=0.5, input_shape=(3,)), Dense(1)], seed=0)
    model.compile(None, "mse")
    plain = Sequential(model.layers[1:])
    plain.compile(None, "mse")
    x, y = X[:5, 0], Y[:5]
    for size in (1, 2, 5):
        loss, rest = (m.evaluate(x, y, batch_size=size, verbose=0) for m in (model, plain))
        np.testing.assert_allclose(loss - rest, 0.5 * np.abs(x).sum() / 5, rtol=1e-6)


def test_a_file_keeps_the_penalty(tmp_path):
    model = model_of()
    model.save(tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert again.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert again.layers[1].activity_regularizer.l1 == 0.1
    assert "activity_regularizer" not in Dense(3).get_config()


def test_a_penalty_that_is_set_later_counts_at_once():
    model = Sequential([Dense(1, input_shape=(3,))], seed=0)
    model.compile(None, "mse")
    before = model.evaluate(X[:, 0], Y, verbose=0)
    model.layers[0].activity_regularizer = "l2"
    assert model.evaluate(X[:, 0], Y, verbose=0) > before
    model.layers[0].activity_regularizer = None
    assert model.evaluate(X[:, 0], Y, verbose=0) == before


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Bidirectional(GRU(2, activity_regularizer="l2")), "give it to the Bidirectional"),
        (lambda: TimeDistributed(Dense(2, activity_regularizer="l2")), "give it to the TimeDist"),
        (lambda: ActivityRegularization(l1=-1.0), "l1"),
        (lambda: Dense(2, activity_regularizer="l3"), "unknown regularizer 'l3'"),
    ],
)
def test_a_penalty_without_a_place_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
