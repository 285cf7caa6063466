"""Accuracies: those of losses and shapes, and the share of equal numbers."""

import numpy as np
import pytest
from metric_samples import BITS, LABELS, ONE_HOT, P, stream

from gru_c import losses, metrics


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
