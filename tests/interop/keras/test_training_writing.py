"""The arguments of `compile` in Keras's files, and a warning for what Keras lacks."""

import numpy as np
import pytest

from gru_c import Dense, Input, Sequential, load_model, losses, metrics, optimizers
from gru_c.interop import keras


def test_a_model_with_a_loss_and_no_optimizer_is_stored(tmp_path):
    model = Sequential([Input((4,)), Dense(1)])
    model.compile(None, "mse", ["mae"])
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    x, y = np.ones((3, 4)), np.ones((3, 1))
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert again.optimizer is None
    with pytest.raises(ValueError, match="the model has no optimizer: compile it first"):
        model.save(tmp_path / "m.safetensors", include_optimizer=True)


@pytest.mark.parametrize(
    ("arguments", "message", "kept_parts"),
    [
        (
            (optimizers.SGD(lambda step: 0.1), "mse"),
            "the optimizer SGD.*; loss and metrics, wh",
            "",
        ),
        ((None, "mse", ["mae"]), "loss and metrics, which Keras does not load without an opt", ""),
        (("sgd", lambda y, p: (0.0, p), ["mae"]), "the loss FunctionLoss", "om"),
        (("sgd", losses.QuantileLoss(0.3), ["mae"]), "the loss QuantileLoss", "om"),
        (("sgd", "mse", ["huber", "mae"]), "the metric 'huber' MeanOfLo.*rest is written", "oml"),
        (("sgd", "mse", ["mae", lambda y, p: 0.0]), "the metric '<lambda>' Funct", "oml"),
        (
            ("sgd", "mse", ["mae", metrics.AccuracyOfLoss(name="a")]),
            "the metric 'a' Accuracy",
            "oml",
        ),
    ],
)
def test_what_keras_has_not_of_a_compilation_is_named(path, arguments, message, kept_parts):
    model = Sequential([Input((5, 4)), Dense(1)])
    model.compile(*arguments)
    with pytest.warns(UserWarning, match=message) as caught:
        keras.save(model, path)
    assert len(caught) == 1
    again = keras.load(path)
    assert (again.optimizer is not None) == ("o" in kept_parts)
    assert (again.loss is not None) == ("l" in kept_parts)
    assert [metric.name for metric in again.metrics] == (["mae"] if "m" in kept_parts else [])
