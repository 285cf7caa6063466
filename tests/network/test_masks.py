"""Masks and lengths in layers, losses and metrics."""

import numpy as np
import pytest
import specification
from tools import assert_close, assert_same_bits

from gru_c import GRU, Bidirectional, losses, metrics
from gru_c.recurrence.checkpointing import CheckpointTape
from gru_c.recurrence.step_order import Steps

RNG = np.random.default_rng(17)
B, T, I = 6, 9, 3
X = RNG.normal(size=(B, T, I))
LENGTHS = np.array([9, 0, 4, 9, 1, 7])
MASK = np.arange(T) < LENGTHS[:, None]
HOLES = MASK & (RNG.random((B, T)) < 0.7)


def gru(**options):
    layer = GRU(5, dtype="float64", seed=1, **options)
    layer.build((None, None, I), rng=0)
    return layer


# ---- layers --------------------------------------------------------------------------------------


def test_lengths_are_a_mask():
    layer = gru(return_sequences=True)
    expected, _ = specification.gru(X, *layer.get_weights(), mask=MASK)
    assert_close(layer(X, lengths=LENGTHS), expected, 1e-13)
    assert_same_bits(layer(X, mask=MASK), layer(X, lengths=LENGTHS))


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_gradients_of_a_layer_against_differences(zero, return_sequences):
    layer = gru(return_sequences=return_sequences, zero_output_for_mask=zero)
    shape = (B, T, 5) if return_sequences else (B, 5)
    d_output, state = RNG.normal(size=shape), RNG.normal(size=(B, 5))
    layer.forward(X, initial_state=state, mask=HOLES, training=True)
    d_x, d_state = layer.backward(d_output)
    gradients = [parameter.gradient.copy() for parameter in layer.parameters]

    def loss(x, state):
        return (layer(x, initial_state=state, mask=HOLES) * d_output).sum()

    for array, gradient in (
        (X, d_x),
        (state, d_state),
        *((p.value, g) for p, g in zip(layer.parameters, gradients, strict=True)),
    ):
        direction = RNG.normal(size=array.shape)
        before, ends = array.copy(), []
        for step in (1e-6, -1e-6):
            array[...] = before + step * direction
            ends.append(loss(X, state))
        array[...] = before
        expected = (ends[0] - ends[1]) / 2e-6
        assert (gradient * direction).sum() == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("go_backwards", [False, True])
def test_checkpoints_change_no_bit(go_backwards):
    results = []
    for every in (None, 2):
        layer = gru(return_sequences=True, checkpoint_every=every, go_backwards=go_backwards)
        output = layer.forward(X, mask=HOLES, training=True)
        kinds = {type(tape) for tape in layer.tape[0].tapes}
        assert (kinds == {CheckpointTape}) == (every is not None)
        d_x = layer.backward(np.ones_like(output))
        results.append([output, d_x, *(p.gradient for p in layer.parameters)])
    for actual, expected in zip(*results, strict=True):
        assert_same_bits(actual, expected)


@pytest.mark.parametrize("rates", [{"dropout": 0.3}, {"recurrent_dropout": 0.4}, {"zoneout": 0.2}])
def test_a_row_of_full_length_draws_what_it_does_without_a_mask(rates):
    x = RNG.normal(size=(4, 60, I))
    full = 0 if "zoneout" in rates else 3  # zoneout draws for rows sorted by length
    lengths = np.where(np.arange(4) == full, 60, 5)
    assert len(Steps.checked((4, 60), lengths=lengths).intervals) == 2
    outputs = [
        gru(return_sequences=True, **rates).forward(x, lengths=each, training=True)
        for each in (None, lengths)
    ]
    assert_same_bits(outputs[1][full], outputs[0][full])
    assert np.abs(outputs[1][1] - outputs[0][1]).max() > 1e-3


def test_zoneout_draws_for_the_steps_that_count():
    layer = gru(return_sequences=True, zoneout=0.5)
    output = layer.forward(X, lengths=LENGTHS, training=True)
    steps = np.diff(output, axis=1, prepend=0.0)[MASK]
    assert 0.3 < (steps == 0).mean() < 0.7


def test_the_states_of_a_stateful_layer_are_those_after_the_last_steps_that_count():
    layer, plain = gru(stateful=True), gru()
    layer(X, lengths=LENGTHS)
    layer(X, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        twice = np.concatenate([X[row : row + 1, :length]] * 2, axis=1)
        expected = plain(twice) if length else np.zeros((1, 5))
        assert_close(layer.state[row : row + 1], expected, 1e-13)


def test_time_major_layers_agree_with_batch_major_ones():
    plain, turned = gru(return_sequences=True), gru(return_sequences=True, time_major=True)
    d_output = RNG.normal(size=(B, T, 5))
    expected = plain.forward(X, mask=HOLES, training=True), plain.backward(d_output)
    x, d = (array.swapaxes(0, 1) for array in (X, d_output))
    actual = turned.forward(x, mask=HOLES, training=True), turned.backward(d)
    for a, b in zip(actual, expected, strict=True):
        assert_same_bits(a.swapaxes(0, 1), b)


def test_weights_that_are_held():
    layer = gru(return_sequences=True)
    expected = layer(X, mask=HOLES)
    layer.hold_weights(True)
    assert_same_bits(layer(X, mask=HOLES), expected)


def test_weights_of_fewer_bits():
    layer = GRU(40, inference_weights="int8", return_sequences=True)
    full = layer(X)
    masked = layer(X, lengths=LENGTHS)
    assert_same_bits(masked[MASK], full[MASK])


@pytest.mark.parametrize("merge_mode", ["concat", "sum"])
def test_both_directions(merge_mode):
    layer = Bidirectional(GRU(4, return_sequences=True, dtype="float64"), merge_mode=merge_mode)
    output = layer(X, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        if length:
            assert_close(output[row, :length], layer(X[row : row + 1, :length])[0], 1e-13)
        assert not output[row, length:].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mask": MASK[:, :-1]}, r"mask must have shape \(B, T\) = \(6, 9\), got \(6, 8\)"),
        ({"lengths": LENGTHS + 1}, r"lengths\[0\] is 10"),
        ({"lengths": LENGTHS, "mask": MASK}, "give one of them"),
    ],
    ids=["mask", "lengths", "both"],
)
def test_bad_masks_leave_a_layer_unchanged(arguments, message):
    layer = gru(stateful=True)
    layer.reset_states(np.ones((B, 5)))
    with pytest.raises(ValueError, match=message):
        layer.forward(X, training=True, **arguments)
    assert layer.tape is None
    assert (layer.state == 1).all()


# ---- losses and metrics --------------------------------------------------------------------------

TARGETS = {
    "mse": RNG.normal(size=(B, T, 2)),
    "mae": RNG.normal(size=(B, T, 2)),
    "huber": 3 * RNG.normal(size=(B, T, 2)),
    "binary_crossentropy": RNG.integers(0, 2, (B, T, 2)),
    "categorical_crossentropy": np.eye(2)[RNG.integers(0, 2, (B, T))],
    "sparse_categorical_crossentropy": RNG.integers(0, 2, (B, T)),
}
P = RNG.uniform(0.1, 0.9, (B, T, 2))
WEIGHTS = {"none": None, "sample": RNG.uniform(0, 2, B), "step": RNG.uniform(0, 2, (B, T))}


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("logits", [False, True])
def test_a_loss_is_that_of_the_steps_that_count(name, weights, logits):
    loss, y, weight = losses.get(name), TARGETS[name], WEIGHTS[weights]
    if logits and loss.paired_activation is None:
        return
    some = None if weight is None else np.broadcast_to(weight.reshape(B, -1), (B, T))[HOLES]
    expected, gradient = loss.value_and_gradient(y[HOLES], P[HOLES], some, logits=logits)
    spoiled = np.where(HOLES[..., None], P, np.nan)
    value, actual = loss.value_and_gradient(y, spoiled, weight, logits=logits, mask=HOLES)
    assert value == expected == loss(y, spoiled, weight, HOLES)
    assert_same_bits(actual[HOLES], gradient)
    assert not actual[~HOLES].any()


def test_a_loss_without_a_step_that_counts():
    none = np.zeros((B, T), bool)
    value, gradient = losses.get("mse").value_and_gradient(TARGETS["mse"], P, mask=none)
    assert value == 0.0
    assert not gradient.any()


def test_check_ignores_steps_that_do_not_count():
    y = np.where(HOLES, TARGETS["sparse_categorical_crossentropy"], -1)
    loss = losses.get("sparse_categorical_crossentropy")
    checked, _ = loss.check(y, P.shape, mask=HOLES)
    np.testing.assert_array_equal(checked, y)
    with pytest.raises(ValueError, match="label -1"):
        loss.check(y, P.shape)
    y[HOLES] = 7
    with pytest.raises(ValueError, match="label 7"):
        loss.check(y, P.shape, mask=HOLES)


def test_a_function_gets_the_steps_that_count():
    def squares(y, p):
        assert y.shape == p.shape == (HOLES.sum(), 2)
        return float(((p - y) ** 2).sum()), 2 * (p - y)

    y = TARGETS["mse"]
    value, gradient = losses.get(squares).value_and_gradient(y, P, mask=HOLES)
    assert value == pytest.approx(((P - y) ** 2)[HOLES].sum())
    np.testing.assert_allclose(gradient, 2 * (P - y) * HOLES[..., None])
    metric = metrics.get(lambda y, p: np.abs(y - p).max())
    metric.update(y, P, HOLES)
    assert metric.result() == pytest.approx(np.abs(y - P)[HOLES].max())


@pytest.mark.parametrize("name", ["mae", "rmse", "accuracy", "huber"])
def test_a_metric_is_that_of_the_steps_that_count(name):
    y = TARGETS["categorical_crossentropy"]
    metric, expected = metrics.get(name), metrics.get(name)
    for rows in (slice(0, 3), slice(3, None)):
        metric.update(y[rows], P[rows], HOLES[rows])
    expected.update(y[HOLES], P[HOLES])
    assert metric.result() == pytest.approx(expected.result(), rel=1e-14)


@pytest.mark.parametrize("mask", [HOLES[:, :-1], HOLES[:-1], np.ones((B, T, 2, 1), bool)])
def test_masks_that_do_not_fit_predictions(mask):
    for call in (
        lambda: losses.get("mse")(P, P, None, mask),
        lambda: losses.get("mse").value_and_gradient(P, P, mask=mask),
        lambda: metrics.get("mae").update(P, P, mask),
    ):
        with pytest.raises(ValueError, match="a mask of shape"):
            call()
