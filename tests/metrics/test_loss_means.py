"""The means of losses as metrics."""

import numpy as np
import pytest
from metric_samples import BITS, LABELS, ONE_HOT, P, Y, stream

from gru_c import losses, metrics


@pytest.mark.parametrize("name", [*(name for name in losses.LOSSES if name != "ctc"), "BCE", "MSE"])
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
