"""Doubts about a cross-entropy of the outputs of a model's last layer."""

import re

import numpy as np
import pytest
from doubtful_models import X, Y, compiled, warnings_of

from gru_c import (
    GRU,
    Activation,
    Bidirectional,
    Dense,
    Dropout,
    Flatten,
    RepeatVector,
    Sequential,
    losses,
)

BITS = (Y > 0).astype(float)
LABELS = np.arange(24) % 3
PAIRS = np.eye(2)[BITS.astype(int)]

BINARY, CATEGORICAL = "binary_crossentropy", "categorical_crossentropy"
SPARSE = "sparse_categorical_crossentropy"
BINARY_LOGITS = losses.BinaryCrossentropy(from_logits=True)


def fit(model, y, **options):  # here, because warnings point at this file
    return model.fit(X, y, verbose=0, **options)


def steps(head):
    return [GRU(4, return_sequences=True), *head]


def both_ways(activation, merge_mode, units=1):
    return [Bidirectional(GRU(units, activation), merge_mode=merge_mode)]


@pytest.mark.parametrize(
    ("loss", "layers", "y", "advice"),
    [
        (SPARSE, steps([Dense(3, "softmax"), Flatten()]), LABELS, "'flatten' puts the results"),
        (
            CATEGORICAL,
            steps([Dense(3), Activation("softmax"), Dropout(0.1), Flatten()]),
            np.eye(15)[LABELS],
            r"'linear' before it, and Activation\('softmax'\) after it",
        ),
        (BINARY, [GRU(4), Dense(1, "sigmoid"), Activation("sigmoid")], BITS, "sigmoid of what 'si"),
        (BINARY, [GRU(1), Activation("hard_sigmoid"), Activation("sigmoid")], BITS, "hard_"),
        (BINARY, [GRU(4), Dense(1, "relu"), Activation("sigmoid")], BITS, "of what 'relu' gives"),
        (CATEGORICAL, [GRU(4), Dense(2, "softmax"), Activation("softmax")], PAIRS, "one activat"),
        (SPARSE, [GRU(4), Dense(3, "sigmoid"), Activation("softmax")], LABELS, "one activation"),
        (BINARY, both_ways("tanh", "sum"), BITS, "the sum of two results .* 'tanh': write act"),
        (BINARY, both_ways("sigmoid", "sum"), BITS, "up to 2: write merge_mode='ave'"),
        (BINARY_LOGITS, both_ways("sigmoid", "sum"), BITS, "leave from_logits out"),
    ],
)
def test_a_head_that_is_almost_right_warns(loss, layers, y, advice):
    model = Sequential(layers, seed=0)
    model.compile("sgd", loss)
    (warning,) = warnings_of(lambda: fit(model, y))
    assert re.search(advice, str(warning.message))


@pytest.mark.parametrize(
    ("loss", "layers", "y"),
    [
        (SPARSE, [GRU(4), Dense(3, "softmax"), Flatten()], LABELS),
        (SPARSE, steps([Dense(3), Flatten(), Activation("softmax")]), LABELS),
        (BINARY, steps([Dense(1, "sigmoid"), Flatten()]), PAIRS[:, :1].repeat(5, axis=1)),
        (SPARSE, [GRU(4), Dense(3, "softmax"), RepeatVector(2)], LABELS[:, None].repeat(2, axis=1)),
        (CATEGORICAL, both_ways("softplus", "sum", 2), PAIRS),
        (BINARY_LOGITS, both_ways("linear", "sum"), BITS),
        (BINARY, [GRU(4), Dense(1, "linear"), Activation("sigmoid"), Activation("linear")], BITS),
        (SPARSE, [GRU(4), Dense(3, "relu"), Activation("softmax")], LABELS),
    ],
)
def test_a_head_that_only_looks_alike_is_silent(loss, layers, y):
    model = Sequential(layers, seed=0)
    model.compile("sgd", loss)
    assert not warnings_of(lambda: fit(model, y))


@pytest.mark.parametrize("merge_mode", ["concat", "ave", "mul"])
def test_both_directions_may_end_in_a_sigmoid(merge_mode):
    y = PAIRS if merge_mode == "concat" else PAIRS[:, :1]
    for activation, count in (("sigmoid", 0), ("tanh", 1)):
        both = Bidirectional(GRU(1, activation), merge_mode=merge_mode)
        model = compiled([], BINARY, first=both)
        assert len(warnings_of(lambda: fit(model, y))) == count  # noqa: B023


@pytest.mark.parametrize("loss", [CATEGORICAL, SPARSE])
def test_a_categorical_loss_of_one_output_is_refused(loss):
    model = compiled([Dense(1, "sigmoid")], loss)
    with pytest.raises(
        ValueError, match=r"one output knows one class; two .*Dense\(1, activation='s"
    ):
        fit(model, 0 * LABELS)
    assert not model.built
