"""The CTC loss beside PyTorch's and Keras's: values, gradients, decoding."""

import numpy as np
import pytest
from keras_peer import keras, torch

from gru_c import losses, ops
from gru_c.ops.tape import Tape

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("blank", [0, 4])
def test_losses_and_gradients_are_those_of_pytorch(dtype, blank):
    B, T, C, L = 16, 30, 7, 9
    logits = (RNG.normal(size=(B, T, C)) * 3).astype(dtype)
    classes = np.array([c for c in range(C) if c != blank])
    target = classes[RNG.integers(0, C - 1, size=(B, L))]
    target[::3, 1] = target[::3, 0]  # repeated labels
    counts, steps = RNG.integers(0, L + 1, size=B), RNG.integers(20, T + 1, size=B)
    tape = Tape()
    tensor = tape.tensor(logits)
    y = ops.ctc_loss(target, tensor, counts, steps, mask_index=blank)
    d = np.cos(np.arange(B)).astype(dtype)
    (gradient,) = tape.gradients(y, d, [tensor])
    x = torch.tensor(logits, requires_grad=True)
    wanted = torch.nn.functional.ctc_loss(
        torch.log_softmax(x, -1).transpose(0, 1),
        *(torch.tensor(a) for a in (target, steps, counts)),
        blank=blank,
        reduction="none",
    )
    wanted.backward(torch.tensor(d))
    np.testing.assert_allclose(y.value, wanted.detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(gradient, x.grad.numpy(), rtol=1e-4, atol=1e-5)


def test_impossible_labels_and_empty_targets_are_as_in_pytorch():
    logits = RNG.normal(size=(3, 2, 3)).astype("f")
    arguments = [[1, 1], [1, 2], [0, 0]], [2, 2, 0], [2, 2, 2]
    target, counts, steps = map(np.array, arguments)
    wanted = keras.ops.ctc_loss(target, logits, counts, steps).numpy()
    np.testing.assert_allclose(ops.ctc_loss(target, logits, counts, steps), wanted, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
def test_the_loss_is_that_of_keras(reduction):
    logits = RNG.normal(size=(4, 8, 5)).astype("f")
    y = np.array([[1, 2, 0], [3, 3, 4], [1, 0, 0], [4, 2, 2]])
    weight = np.array([1.0, 0.5, 0.0, 2.0])
    ours, theirs = losses.CTC(reduction=reduction), keras.losses.CTC(reduction=reduction)
    for w in (None, weight):
        np.testing.assert_allclose(ours(y, logits, w), float(theirs(y, logits, w)), rtol=1e-5)
    assert ours.name == theirs.name == "ctc"
    np.testing.assert_allclose(losses.ctc(y, logits), keras.losses.ctc(y, logits), rtol=1e-5)


def test_greedy_decoding_is_that_of_keras():
    logits, steps = RNG.normal(size=(5, 12, 4)).astype("f"), np.array([12, 7, 3, 12, 9])
    for merge in (True, False):
        for blank in (0, 3):
            options = {"merge_repeated": merge, "mask_index": blank}
            wanted = keras.ops.ctc_decode(logits, steps, **options)
            got = ops.ctc_decode(logits, steps, **options)
            for a, b in zip(got, wanted, strict=True):
                np.testing.assert_allclose(a, b.numpy(), rtol=1e-5)


def test_beam_search_finds_the_labels_that_keras_finds():
    logits, steps = RNG.normal(size=(4, 8, 4)).astype("f") * 2, np.array([8, 5, 8, 6])
    options = {"strategy": "beam_search", "beam_width": 50, "top_paths": 2}
    wanted, wanted_scores = (x.numpy() for x in keras.ops.ctc_decode(logits, steps, **options))
    got, scores = ops.ctc_decode(logits, steps, **options)
    for k in range(2):
        for row in range(4):
            best = wanted[k, row][wanted[k, row] >= 0]
            assert got[k, row][got[k, row] >= 0].tolist() == best.tolist()
    np.testing.assert_allclose(scores, wanted_scores, rtol=1e-3)
