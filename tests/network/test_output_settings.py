"""Losses and metrics of several outputs."""

import numpy as np
import pytest

from gru_c import metrics
from gru_c.network.output_settings import OutputLossMean, checked_targets, losses_of, metrics_of
from gru_c.network.structure import Structure

PAIR = Structure("output", "list", ["a", "b"], ["a", "b"])


def test_one_loss_stands_for_all_outputs_and_none_leaves_one_out():
    assert [loss.name for loss in losses_of(PAIR, "mse", None).losses] == ["mse", "mse"]
    loss = losses_of(PAIR, ["mse", None], {"a": 2.0})
    assert loss.losses[1] is None
    assert loss.weights == [2.0, 1.0]
    with pytest.raises(ValueError, match="no output has a loss"):
        losses_of(PAIR, [None, None], None)


def test_names_of_metrics_begin_with_the_output():
    loss = losses_of(PAIR, "mse", None)
    every = metrics_of(PAIR, loss, [["mae", "mse"], None], {"b": ["mae"]})
    names = ["a_loss", "b_loss", "a_mae", "a_mse", "b_mae"]
    assert [metric.name for metric in every.all] == names
    assert isinstance(every.all[2], metrics.Metric)
    only = metrics_of(PAIR, losses_of(PAIR, ["mse", None], None), None, None)
    assert only.all == []


def test_the_mean_of_a_loss_weighs_batches_by_their_samples():
    mean = OutputLossMean("a_loss")
    mean.add(1.0, 3)
    mean.add(5.0, 1)
    assert mean.result() == 2.0


def test_targets_are_checked_for_each_output():
    loss = losses_of(PAIR, ["mse", None], None)
    y, weight = checked_targets(PAIR, loss, {"a": [1, 2]}, None, [(2, 1), (2, 3)], 2)
    assert y.arrays[1] is None
    assert weight is None
    with pytest.raises(ValueError, match=r"x has 2 samples, y of output 'a' shape \(3,\)"):
        checked_targets(PAIR, loss, [np.ones(3), None], None, [(2, 1), (2, 3)], 2)
    with pytest.raises(ValueError, match="y has None for output 'a'"):
        checked_targets(PAIR, loss, [None, None], None, [(2, 1), (2, 3)], 2)
