"""Metrics: formulas, sums over uneven batches, names, and the meaning of accuracy."""

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
    sign = -1 if name == "cosine_similarity" else 1  # the metric grows with the similarity
    assert stream(metric, y, p) == pytest.approx(sign * loss(y, p), rel=1e-12)


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


@pytest.mark.parametrize(
    ("y", "p", "expected"),
    [
        ([[1], [2], [3], [4]], [[0], [2], [3], [4]], 0.75),
        ([1, 2, 3, 4], [[0], [2], [3], [4]], 0.75),
        ([[1, 2], [3, 4]], [[0, 2], [3, 4]], 0.75),
        ([0.1], np.array([[0.1]], np.float32), 1.0),  # in the dtype of the outputs
        ([[[1], [0]]], [[[1], [1]]], 0.5),
    ],
)
def test_the_class_accuracy_counts_equal_numbers(y, p, expected):
    metric = metrics.Accuracy()
    metric.update(y, p)
    assert (metric.name, metric.result()) == ("accuracy", expected)
    assert metrics.get(metrics.serialize(metric)).get_config() == {"name": "accuracy"}


def test_accuracy_as_it_was_written_before_is_that_of_the_loss():
    loss = losses.serialize(losses.BinaryCrossentropy(from_logits=True))
    for model_loss in (loss, None):
        config = {"loss": model_loss, "name": "acc"}
        metric = metrics.get({"class_name": "Accuracy", "config": config})
        assert type(metric) is metrics.AccuracyOfLoss
        assert metric.get_config() == config
    assert type(metrics.get({"class_name": "Accuracy"})) is metrics.Accuracy


def test_a_function_may_give_a_value_for_each_row():
    def absolute(y, p):
        return np.abs(p - y)

    for function in (absolute, lambda y, p: absolute(y, p).mean(axis=1).tolist()):
        assert stream(metrics.get(function), Y, P) == pytest.approx(abs(Y - P).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda y, p: np.ones(3), ValueError, r"a value for each of the 2 rows, .* \(3,\)"),
        (lambda y, p: None, TypeError, "must return a number, got None"),
        (lambda y, p: "1.x", TypeError, "must return a number, got '1.x'"),
        (lambda y, p: np.abs(p - y).mean(), ValueError, r"write y_true\[..., None\] or y_pred"),
        (lambda y, p: np.mean(y[:2] == p), ValueError, "each with all others"),
    ],
)
def test_what_a_function_gives_is_checked(function, error, message):
    with pytest.raises(error, match=message):
        metrics.get(function).update([1.0, 2.0], [[1.0], [3.0]])


def test_targets_without_the_last_axis_may_be_used_in_other_ways():
    y, p = np.array([1.0, 2.0, 4.0]), np.array([[1.0], [3.0], [6.0]])
    for function in (
        lambda y, p: np.abs(p[:, 0] - y).mean(),
        lambda y, p: np.abs(p - y[:, None]).mean(),
        lambda y, p: np.abs(np.subtract(y, p.ravel(), out=y.copy())).mean(),
        lambda y, p: abs(p.sum() - y.sum()) / len(y),
        lambda y, p: abs((np.ones(3) @ p - y @ np.ones(3)).item()) / 3,
    ):
        metric = metrics.get(function)
        metric.update(y, p)
        assert metric.result() == pytest.approx(1.0)


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
