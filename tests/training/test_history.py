"""The history of a training, and its plot."""

import pickle

import numpy as np
import pytest
from callback_models import X, Y, compiled, fit
from tools import small_model

from gru_c import History
from gru_c.metrics import Metric


def test_plot():
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot

    history = fit(compiled(metrics=["mae"]), None, 3, validation_split=0.2)
    figure = history.plot()
    assert [panel.get_ylabel() for panel in figure.axes] == ["loss", "mae"]
    training, validation = figure.axes[1].lines
    np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(training.get_ydata(), history.history["mae"])
    np.testing.assert_array_equal(validation.get_ydata(), history.history["val_mae"])
    assert len(history.plot("loss").axes) == 1
    pyplot.close("all")
    with pytest.raises(ValueError, match="no 'accuracy' has been recorded; there are loss, mae"):
        history.plot(["accuracy"])
    with pytest.raises(ValueError, match="nothing to plot"):
        History().plot()


def test_metrics_give_and_take_their_state():
    metric, restored = (compiled(metrics=["mae"]).metrics[0] for _ in range(2))
    metric.update(Y, X[:, :1])
    restored.set_state(metric.get_state())
    assert isinstance(restored, Metric)
    assert restored.result() == metric.result()


def test_the_history_knows_its_run():
    model = small_model()
    model.compile("adam", "mse")
    history = model.fit(np.zeros((7, 3, 4)), np.zeros(7), batch_size=2, epochs=3, verbose=0)
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 4}
    assert history.model is model
    again = pickle.loads(pickle.dumps(history))
    assert again.model is None
    assert (again.params, again.history) == (history.params, history.history)
    assert History().model is None
