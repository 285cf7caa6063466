"""Metrics: formulas, streaming over uneven batches, names, what accuracy means."""

import math

import numpy as np
import pytest

from gru_c import losses, metrics

RNG = np.random.default_rng(0)
Y, P = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 3))
ONE_HOT = np.eye(3)[RNG.integers(0, 3, 20)]
LABELS = ONE_HOT.argmax(axis=1)
BITS = (Y > 0).astype(int)


def stream(metric, y, p, cuts=(1, 8, 8)):
    for rows in zip(np.split(y, cuts), np.split(p, cuts), strict=True):
        metric.update(*rows)
    return metric.result()


CASES = [
    ("mse", Y, ((Y - P) ** 2).mean()),
    ("mean_squared_error", Y, ((Y - P) ** 2).mean()),
    ("mae", Y, abs(Y - P).mean()),
    ("rmse", Y, math.sqrt(((Y - P) ** 2).mean())),
    ("root_mean_squared_error", Y, math.sqrt(((Y - P) ** 2).mean())),
    ("huber", Y, losses.Huber()(Y, P)),
    ("binary_accuracy", BITS, ((P > 0.5) == BITS).mean()),
    ("categorical_accuracy", ONE_HOT, (P.argmax(1) == LABELS).mean()),
    ("sparse_categorical_accuracy", LABELS, (P.argmax(1) == LABELS).mean()),
    ("sparse_categorical_accuracy", LABELS[:, None], (P.argmax(1) == LABELS).mean()),
]


@pytest.mark.parametrize(("name", "y", "expected"), CASES)
def test_streaming(name, y, expected):
    metric = metrics.get(name)
    assert metric.name == name
    assert math.isnan(metric.result())
    assert stream(metric, y, P) == pytest.approx(expected, rel=1e-12)
    metric.reset()
    assert math.isnan(metric.result())
    metric.update(y[:5], P[:5])
    again = metrics.get(name)
    again.update(y[:5], P[:5])
    assert metric.result() == again.result()


def test_expected_values_are_told_apart():
    # Else the cases above could pass with one metric in the place of another.
    accuracies = [expected for name, _, expected in CASES if "accuracy" in name][:2]
    assert len({*accuracies, 0.0, 1.0}) == 4


def test_sums_in_float64():
    metric = metrics.get("mae")
    for _ in range(3):
        metric.update(np.zeros(2**18, np.float32), np.full((2**18, 1), 0.1, np.float32))
    assert metric.result() == pytest.approx(float(np.float32(0.1)), rel=1e-12)


@pytest.mark.parametrize("name", ["accuracy", "acc", "ACC"])
@pytest.mark.parametrize(
    ("loss", "y", "p", "expected"),
    [
        ("bce", BITS[:, 0], P[:, :1], ((P[:, 0] > 0.5) == BITS[:, 0]).mean()),
        ("bce", BITS, P, ((P > 0.5) == BITS).mean()),  # several labels a sample
        (losses.BinaryCrossentropy(from_logits=True), BITS, P, ((P > 0) == BITS).mean()),
        ("categorical_crossentropy", ONE_HOT, P, (P.argmax(1) == LABELS).mean()),
        ("sparse_categorical_crossentropy", LABELS, P, (P.argmax(1) == LABELS).mean()),
        ("mse", BITS[:, 0], P[:, :1], ((P[:, 0] > 0.5) == BITS[:, 0]).mean()),
        ("mse", ONE_HOT, P, (P.argmax(1) == LABELS).mean()),
        (None, LABELS, P, (P.argmax(1) == LABELS).mean()),
        (None, LABELS[:, None], P, (P.argmax(1) == LABELS).mean()),
    ],
)
def test_accuracy_follows_loss_and_shape(name, loss, y, p, expected):
    metric = metrics.get(name, None if loss is None else losses.get(loss))
    assert stream(metric, y, p) == pytest.approx(expected, rel=1e-12)
    assert metric.name == name


def test_sequences_count_every_step():
    metric = metrics.get("sparse_categorical_accuracy")
    metric.update([[0, 1, 1], [1, 1, 0]], np.tile([0.2, 0.8], (2, 3, 1)))
    assert metric.result() == 4 / 6


@pytest.mark.parametrize("name", [*losses.LOSSES, "BCE", "MSE"])
def test_every_loss_is_a_metric(name):
    loss = losses.get(name)
    y = {"binary": BITS, "bce": BITS, "categorical": ONE_HOT, "sparse": LABELS}.get(
        name.lower().split("_")[0], Y
    )
    p = np.abs(P) / np.abs(P).sum(axis=1, keepdims=True)
    metric = metrics.get(name)
    assert metric.name == name
    assert stream(metric, y, p) == pytest.approx(loss(y, p), rel=1e-12)


def test_a_metric_named_as_the_loss_takes_its_settings():
    loss = losses.BinaryCrossentropy(from_logits=True)
    metric = metrics.get("binary_crossentropy", loss)
    assert stream(metric, BITS, P) == pytest.approx(loss(BITS, P), rel=1e-12)
    other = metrics.get("huber", loss)
    assert stream(other, Y, P) == pytest.approx(losses.Huber()(Y, P), rel=1e-12)


def test_function_is_averaged_by_rows():
    def worst(y, p):
        return abs(p - y).max()

    metric = metrics.get(worst)
    batches = np.split(abs(Y - P), [1, 8])
    expected = sum(len(b) * b.max() for b in batches) / 20
    assert stream(metric, Y, P) == pytest.approx(expected, rel=1e-12)
    assert metric.name == "worst"
    with pytest.raises(TypeError, match="metric 'worst' is a function"):
        metrics.serialize(metric)


def test_diverged_predictions_show_without_warnings():
    metric = metrics.get("rmse")
    metric.update([0.0, 0.0], [[np.inf], [1.0]])
    assert metric.result() == math.inf
    metric.update([0.0], [[np.nan]])
    assert math.isnan(metric.result())


def test_get():
    metric = metrics.BinaryAccuracy(threshold=0.2)
    assert metrics.get(metric) is metric
    spec = {"class_name": "BinaryAccuracy", "config": {"threshold": 0.2, "name": "hit"}}
    assert metrics.get(spec).get_config() == spec["config"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.get("acuracy"), ValueError, "unknown metric 'acuracy'.*mean 'accuracy'"),
        (lambda: metrics.get("mean_of_loss"), ValueError, "unknown metric 'mean_of_loss'"),
        (lambda: metrics.get(3), TypeError, "metric must be a name"),
        (lambda: metrics.BinaryAccuracy(np.nan), ValueError, "threshold must be finite"),
        (
            lambda: metrics.get("mae").update([[1, 2]], [[1.0]]),
            ValueError,
            r"metric 'mae' expects y of shape \(1, 1\) or \(1,\), got \(1, 2\)",
        ),
        (
            lambda: metrics.get("acc").update([1, 2], [[1.0]]),
            ValueError,
            r"metric 'acc' expects y of shape \(1, 1\) or \(1,\), got \(2,\)",
        ),
        (lambda: metrics.get("acc").update(["a"], [[1.0]]), TypeError, "metric 'acc' expects y of"),
        (lambda: metrics.get("acc").update([1], [1.0]), ValueError, r"outputs\), got \(1,\)"),
    ],
)
def test_says_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()
