"""The training of a forecaster: the best weights, targets that are missing, its progress."""

import numpy as np
import pytest
from forecasters import NAN, NOISY, small

from gru_c.common import progress
from gru_c.forecast import training
from gru_c.forecast.samples import SeriesWindows


def test_the_best_weights_on_what_is_held_out_are_kept():
    forecaster = small(epochs=40, patience=3, learning_rate=0.05, quantiles=(0.5,)).fit(NOISY)
    losses = forecaster.history_["val_loss"]
    assert len(losses) < 40
    assert int(np.argmin(losses)) == len(losses) - 4
    item, scale = forecaster.past.series[0], forecaster.scales["y"]
    origins = np.arange(len(NOISY) - 22 - 1, len(NOISY) - 4)
    windows = SeriesWindows(forecaster.layout, [item], [scale])
    x = windows.inputs(np.zeros(len(origins), int), origins)
    targets = item.values[origins[:, None] + np.arange(1, 5)]
    y = (targets - windows.references(np.zeros(len(origins), int), origins)) / scale.step
    error = np.abs(forecaster.model_.predict(x, verbose=0) - y)
    assert error.mean() / 2 == pytest.approx(min(losses), rel=1e-5)


def test_without_a_held_out_part_training_runs_for_all_epochs():
    forecaster = small(epochs=3, validation_fraction=0).fit(NOISY)
    assert len(forecaster.history_["loss"]) == 3
    assert "val_loss" not in forecaster.history_


def test_missing_values_are_no_targets():
    holes = NOISY.copy()
    holes[np.random.default_rng(0).random(150) < 0.3] = NAN
    forecaster = small().fit(holes)
    assert forecaster.layout.marks_missing
    assert np.isfinite(forecaster.predict(9)).all()
    assert np.isfinite(forecaster.history_["loss"]).all()


def test_only_missing_values_to_validate_on():
    holes = NOISY.copy()
    holes[-40:] = NAN
    with pytest.raises(ValueError, match="the held-out part has no window with a value"):
        small().fit(holes)


@pytest.mark.parametrize(("verbose", "bar"), [(1, True), (1, False), (2, True), (2, False)])
def test_progress_of_the_training(verbose, bar, monkeypatch, capsys):
    for module in (progress, training):
        monkeypatch.setattr(module, "bars_are_shown", lambda: bar)
    small(verbose=verbose).fit(NOISY)
    printed = capsys.readouterr()
    assert ("Training: 100%" in printed.err) is (verbose == 1 and bar)
    assert ("Epoch 2/2 - loss: " in printed.err) is (verbose == 1 and not bar)
    assert ("Epoch 2/2 - loss: " in printed.out) is (verbose == 2)
