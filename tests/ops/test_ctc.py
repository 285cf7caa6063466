"""The CTC loss beside all alignments counted one by one, and decoding."""

import itertools

import numpy as np
import pytest
from ops_gradients import check_gradients

from gru_c import ops

RNG = np.random.default_rng(6)


def collapsed(path, blank=0):
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


def by_enumeration(logits, blank=0):
    """Return the probability of each sequence of labels: the sum over all of its paths."""
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    totals = {}
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        key = collapsed(path, blank)
        totals[key] = totals.get(key, 0) + np.prod([p[t, c] for t, c in enumerate(path)])
    return totals


@pytest.mark.parametrize("blank", [0, 2])
def test_the_loss_is_that_of_all_alignments(blank):
    logits = RNG.normal(size=(5, 3)) * 2
    labels = [c for c in range(3) if c != blank]
    totals = by_enumeration(logits, blank)
    for n in range(4):
        for target in itertools.product(labels, repeat=n):
            padded = [[*target, *[9] * (4 - n)]]
            loss = ops.ctc_loss(padded, logits[None], [n], [5], mask_index=blank)
            assert loss.dtype == np.float64
            np.testing.assert_allclose(np.exp(-loss[0]), totals.get(target, 0), rtol=1e-12)


def test_gradients():
    logits = RNG.normal(size=(4, 6, 4))
    target = np.array([[1, 2, 3], [2, 2, 0], [0, 0, 0], [3, 1, 3]])
    lengths, steps = [3, 2, 0, 3], [6, 4, 3, 3]

    def function(x):
        return ops.ctc_loss(target, x, lengths, steps)

    check_gradients(function, [logits])
    check_gradients(lambda x: function(x * 30), [logits])


def test_labels_that_do_not_fit_have_an_infinite_loss_and_no_gradient():
    from gru_c.ops.tape import Tape

    tape = Tape()
    x = tape.tensor(RNG.normal(size=(3, 2, 3)))
    y = ops.ctc_loss([[1, 1], [1, 2], [1, 0]], x, [2, 2, 1], [2, 1, 0])
    assert np.isinf(y.value).all()
    (gradient,) = tape.gradients(y, np.ones(3), [x])
    assert (gradient == 0).all()


def test_extreme_logits():
    logits = np.zeros((1, 50, 3), np.float32)
    logits[..., 0] = 1000.0
    loss = ops.ctc_loss([[1, 2]], logits, [2], [50])
    np.testing.assert_allclose(loss, 2000 - np.log(50 * 49 / 2), rtol=1e-6)
    assert np.isnan(ops.ctc_loss([[1]], np.full((1, 3, 2), np.nan), [1], [3])).all()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([[1]], np.zeros((1, 2)), [1], [2]), ValueError, r"\(B, T, C\)"),
        (([1], np.zeros((1, 2, 2)), [1], [2]), ValueError, r"\(1, L\)"),
        (([[5]], np.zeros((1, 2, 2)), [1], [2]), ValueError, r"target \[0, 0\] is 5"),
        (([[0]], np.zeros((1, 2, 2)), [1], [2]), ValueError, "other than 0"),
        (([[1]], np.zeros((1, 2, 2)), [2], [2]), ValueError, "target_length must be from 0 to 1"),
        (([[1]], np.zeros((1, 2, 2)), [1], [3]), ValueError, "output_length must be from 0 to 2"),
        (([[1]], np.zeros((1, 2, 2)), [1, 1], [2]), ValueError, r"shape \(1,\)"),
        (([[1.5]], np.zeros((1, 2, 2)), [1], [2]), TypeError, "whole numbers"),
        (([[1]], np.zeros((1, 2, 2)), [1], [2], 2), ValueError, "mask_index"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        ops.ctc_loss(*arguments)


def test_a_wide_beam_ranks_the_labels_by_their_probability():
    logits = RNG.normal(size=(2, 4, 3))
    labels, scores = ops.ctc_decode(logits, [4, 3], "beam_search", beam_width=200, top_paths=5)
    assert labels.shape == (5, 2, 4)
    for row, steps in enumerate((4, 3)):
        totals = by_enumeration(logits[row, :steps])
        ranked = sorted(totals.items(), key=lambda item: -item[1])[:5]
        for k, (target, probability) in enumerate(ranked):
            assert tuple(labels[k, row][labels[k, row] >= 0]) == target
            np.testing.assert_allclose(scores[row, k], np.log(probability), rtol=1e-10)


def test_greedy_decoding():
    best = np.array([[1, 1, 0, 1, 2, 2], [0, 2, 2, 1, 1, 1]])
    logits = np.eye(3, dtype="f")[best] * 5
    labels, scores = ops.ctc_decode(logits, [6, 3])
    assert labels.tolist() == [[[1, 1, 2, -1, -1, -1], [2, -1, -1, -1, -1, -1]]]
    assert scores.tolist() == [[-30.0], [-15.0]]
    labels, _ = ops.ctc_decode(logits, [6, 3], merge_repeated=False)
    assert labels[0, 0].tolist() == [1, 1, 1, 2, 2, -1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strategy": "best"}, "strategy"),
        ({"strategy": "beam_search", "beam_width": 2, "top_paths": 3}, "at most beam_width"),
        ({"mask_index": 7}, "mask_index"),
        ({"sequence_lengths": [9]}, "from 0 to 2"),
    ],
)
def test_bad_arguments_of_decoding_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        ops.ctc_decode(np.zeros((1, 2, 3)), **{"sequence_lengths": [2], **options})
