"""Masks on their way through the layers of a network."""

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNormalization,
    Masking,
    RepeatVector,
    Sequential,
)

RNG = np.random.default_rng(17)
B, T, I = 6, 9, 3
X = RNG.normal(size=(B, T, I))
LENGTHS = np.array([9, 0, 4, 9, 1, 7])
MASK = np.arange(T) < LENGTHS[:, None]
HOLES = MASK & (RNG.random((B, T)) < 0.7)


def network(*layers):
    return Sequential([*layers], dtype="float64", seed=0)


def test_a_mask_reaches_every_gru_on_its_way():
    masks = []

    class Spy(GRU):
        def forward(self, x, *, mask=None, **options):
            masks.append(mask)
            return super().forward(x, mask=mask, **options)

    model = network(
        Masking(-1.0),
        Spy(4, return_sequences=True),
        Dropout(0.5),
        LayerNormalization(),
        Dense(3),
        Spy(4),
        RepeatVector(5),
        Spy(2, return_sequences=True),
    )
    x = np.where(HOLES[..., None], X, -1.0)
    output, mask = model.run(x) if model.built else (model(x), None)
    assert output.shape == (B, 5, 2)
    assert mask is None
    for mask, expected in zip(masks, [HOLES, HOLES, None], strict=True):
        assert (mask is None) == (expected is None)
        if expected is not None:
            np.testing.assert_array_equal(mask, expected)


def test_lengths_and_a_masking_layer_are_combined():
    model = network(Masking(-1.0), GRU(4, return_sequences=True), Dense(2))
    x = np.where(HOLES[..., None], X, -1.0)
    model(x)
    _, mask = model.run(x, np.arange(T) < np.full((B, 1), 5))
    np.testing.assert_array_equal(mask, HOLES & (np.arange(T) < 5))
    words = network(Embedding(9, 2), GRU(4, return_sequences=True))
    words(np.ones((B, T)))
    assert words.run(np.ones((B, T)), MASK)[1] is MASK


def test_steps_that_do_not_count_may_hold_anything():
    model = network(Dense(4), GRU(4, return_sequences=True), Dense(2))
    expected = model(X, mask=HOLES)
    x = np.where(HOLES[..., None], X, np.nan)
    assert_same_bits(model(x, mask=HOLES), expected)
    model.forward(x, mask=HOLES, training=True)
    model.backward(np.ones_like(expected))
    assert all(np.isfinite(item.gradient).all() for item in model.parameters.items)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([GRU(4, return_sequences=True), Dense(2)], True),
        ([GRU(4)], False),
        ([Embedding(9, 2, mask_zero=True), GRU(4, return_sequences=True)], True),
        ([GRU(4, return_sequences=True), Flatten()], False),
        ([Bidirectional(GRU(4, return_sequences=True)), Dropout(0.1)], True),
    ],
    ids=str,
)
def test_passes_mask_on_is_true_if_the_output_has_the_steps_of_the_input(layers, expected):
    assert network(*layers).passes_mask_on is expected


def test_a_mask_for_samples_without_time_steps_is_refused():
    with pytest.raises(ValueError, match=r"only sequences .* shape \(6,\)"):
        network(Dense(1))(np.ones(6), lengths=LENGTHS)
