"""What all metrics have in common: sums over uneven batches, names, classes of users."""

import math

import numpy as np
import pytest
from metric_samples import BITS, LABELS, ONE_HOT, P, Y, stream

from gru_c import losses, metrics

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
    assert metric.result() == 0.0
    assert stream(metric, y, P) == pytest.approx(expected, rel=1e-12)
    metric.reset()
    assert metric.result() == 0.0
    metric.update(y[:5], P[:5])
    again = metrics.get(name)
    again.update(y[:5], P[:5])
    assert metric.result() == again.result()


def test_expected_values_are_told_apart():
    # Otherwise the cases above could pass with the wrong metric.
    accuracies = [expected for name, _, expected in CASES if "accuracy" in name][:2]
    assert len({*accuracies, 0.0, 1.0}) == 4


def test_sums_in_float64():
    metric = metrics.get("mae")
    for _ in range(3):
        metric.update(np.zeros(2**18, np.float32), np.full((2**18, 1), 0.1, np.float32))
    assert metric.result() == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_sequences_count_every_step():
    metric = metrics.get("sparse_categorical_accuracy")
    metric.update([[0, 1, 1], [1, 1, 0]], np.tile([0.2, 0.8], (2, 3, 1)))
    assert metric.result() == 4 / 6


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
        (
            lambda: metrics.BinaryAccuracy(np.nan),
            ValueError,
            "threshold must be a finite number",
        ),
        (
            lambda: metrics.BinaryAccuracy("acc"),
            ValueError,
            "must be a finite number, got 'acc'",
        ),
        (lambda: metrics.Accuracy(losses.get("bce")), TypeError, "name of a metric must be a str"),
        (lambda: metrics.get("accuracy_of_loss"), ValueError, "unknown metric 'accuracy_of_loss'"),
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


class Worst(metrics.Metric):
    """A metric that returns the values of a test."""

    def __init__(self, function):
        super().__init__("worst")
        self.function = function

    def values(self, y_true, y_pred):
        return self.function(y_true, y_pred)


@pytest.mark.parametrize(
    "function", [lambda y, p: abs(p - y).max(), lambda y, p: 1.0, lambda y, p: abs(p - y)[:2]]
)
def test_a_class_that_gives_no_value_for_each_sample_is_refused(function):
    metric = Worst(function)
    with pytest.raises(ValueError, match=r"Worst\.values must return a value for each of the 3"):
        metric.update(np.zeros((3, 2)), np.ones((3, 2)))
    assert metric.result() == 0.0


def test_complex_values_of_a_class_are_refused():
    with pytest.raises(TypeError, match=r"Worst\.values must return real numbers"):
        Worst(lambda y, p: p * 1j).update(np.zeros((3, 2)), np.ones((3, 2)))


@pytest.mark.parametrize("make", [Worst, metrics.FunctionMetric])
@pytest.mark.parametrize("which", [0, 1])
def test_a_metric_of_a_user_cannot_change_targets_and_predictions(make, which):
    arrays = np.zeros((3, 1)), np.ones((3, 1))

    def in_place(*both):
        both[which][...] = 7
        return both[which]

    with pytest.raises(ValueError, match="read-only"):
        make(in_place).update(*arrays)
    assert (arrays[0] == 0).all()
    assert (arrays[1] == 1).all()


def test_a_call_adds_a_batch_and_returns_the_result():
    metric = metrics.MeanSquaredError()
    assert metric([[1.0]], [[2.0]]) == 1.0
    assert metric([[1.0]], [[1.0]]) == 0.5
