import numpy as np
import pytest
from loss_cases import differences

from gru_c import GRU, Bidirectional, Dense, Sequential, losses, ops, optimizers

RNG = np.random.default_rng(1)
P = RNG.normal(size=(3, 6, 4))
Y = np.array([[1, 2, 0], [3, 3, 1], [0, 0, 0]])


def test_gradients():
    loss, weight = losses.CTC(), np.array([1.0, 2.0, 0.5])
    value, gradient = loss.value_and_gradient(Y, P, weight)
    assert value == loss(Y, P, weight)
    expected = differences(lambda q: loss(Y, q, weight), P)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


def test_a_model_learns_labels_without_alignment():
    # Each label shows as a few steps of its own feature, with pauses between.
    rng, n, steps = np.random.default_rng(0), 64, 20
    x, y = np.zeros((n, steps, 3), "f"), rng.integers(1, 4, size=(n, 2))
    for row in range(n):
        for k, label in enumerate(y[row]):
            start = 10 * k + rng.integers(0, 5)
            x[row, start : start + rng.integers(2, 5), label - 1] = 1
    layers = [Bidirectional(GRU(16, return_sequences=True), input_shape=(steps, 3)), Dense(4)]
    model = Sequential(layers, seed=0)
    model.compile(optimizers.Adam(0.03, global_clipnorm=1.0), "ctc")
    model.fit(x, y, epochs=20, batch_size=16, verbose=0)
    labels, _ = ops.ctc_decode(model.predict(x, verbose=0), np.full(n, steps))
    pairs = zip(labels[0], y, strict=True)
    assert np.mean([row[row >= 0].tolist() == target.tolist() for row, target in pairs]) > 0.9


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([[1, 5, 0]] * 3, "from 0 to 3"),
        ([[1, 0, 2]] * 3, "may only follow"),
        ([[1, 1, 1, 1]] * 3, r"y\[0\] need 7 time steps, the predictions have 6"),
        ([1, 2, 3], r"\(3, L\)"),
    ],
)
def test_targets_are_checked(y, words):
    with pytest.raises(ValueError, match=words):
        losses.CTC().check(y, P.shape)


def test_predictions_without_steps_are_refused():
    with pytest.raises(ValueError, match="return_sequences=True"):
        losses.CTC()(Y, P[:, 0])


def test_a_mask_is_refused():
    with pytest.raises(ValueError, match="takes no mask"):
        losses.CTC()(Y, P, mask=np.ones((3, 6), bool))
