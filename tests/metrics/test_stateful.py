"""Users' metrics with weights and update_state, as for Keras."""

import numpy as np
import pytest

from gru_c import Dense, Input, Sequential, metrics, ops

RNG = np.random.default_rng(53)
X, Y = RNG.standard_normal((12, 3)), RNG.standard_normal((12, 1))


class MeanError(metrics.Metric):
    def __init__(self, factor=1.0, name="mean_error", **options):
        super().__init__(name=name, **options)
        self.factor = factor
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight("count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        error = self.factor * ops.abs(y_true - y_pred)
        if sample_weight is not None:
            error = error * ops.reshape(sample_weight, (-1, 1))
        self.total.assign_add(ops.sum(error))
        self.count.assign_add(len(y_true))

    def result(self):
        return self.total / self.count


class Largest(metrics.Metric):
    def __init__(self):
        super().__init__(name="largest")
        self.values = self.add_weight(shape=(2,), initializer="ones", name="values")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.values.assign(np.maximum(self.values, np.max(np.abs(y_true - y_pred))))

    def result(self):
        return float(self.values.numpy()[0])

    def reset_state(self):
        self.values.assign([0.0, 0.0])


def trained(metric, **options):
    model = Sequential([Input((3,)), Dense(1)], seed=1)
    model.compile("sgd", "mse", metrics=[metric])
    return model, model.fit(X, Y, epochs=3, batch_size=5, verbose=0, seed=2, **options).history


def test_the_history_is_that_of_the_metric_of_the_library():
    _, ours = trained(MeanError(2.0), validation_split=0.25)
    _, theirs = trained("mae", validation_split=0.25)
    np.testing.assert_allclose(ours["mean_error"], 2 * np.array(theirs["mae"]))
    np.testing.assert_allclose(ours["val_mean_error"], 2 * np.array(theirs["val_mae"]))


def test_a_reset_of_its_own_and_arrays():
    model, history = trained(Largest())
    error = np.abs(model.predict(X, verbose=0) - Y).max()
    assert model.evaluate(X, Y, verbose=0)[1] == pytest.approx(error)
    assert len(history["largest"]) == 3


def test_alone_with_weights_and_state():
    metric = MeanError()
    weights = np.arange(12.0)
    metric.update_state(Y, np.zeros((12, 1)), weights)
    assert float(metric.result()) == pytest.approx(np.mean(np.abs(Y[:, 0]) * weights))
    other = MeanError()
    other.set_state(metric.get_state())
    assert float(other.result()) == float(metric.result())
    metric.reset()
    assert [variable.numpy() for variable in metric.variables] == [0, 0]
    assert isinstance(metric, metrics.Metric)
    assert metric.get_config()["factor"] == 1.0


def test_a_value_of_another_shape_is_refused():
    variable = Largest().values
    with pytest.raises(ValueError, match=r"'values' of a metric has shape \(2,\), got \(3,\)"):
        variable.assign(np.zeros(3))
    assert variable.shape == (2,)
    np.testing.assert_array_equal(2 * variable - 1, np.ones(2))
