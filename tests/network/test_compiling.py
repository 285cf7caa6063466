"""Arguments of `compile`: the factor of the loss, weighted metrics, nested losses and metrics."""

import numpy as np
import pytest
from weighted_models import BY_SAMPLE, WEIGHTS, X, Y, compiled, weights_after

from gru_c import GRU, Dense, Input, Masking, Sequential
from gru_c.metrics import Metric

RNG = np.random.default_rng(6)


@pytest.mark.parametrize("weights", [2.0, [2.0], {"dense": 2}, (np.float32(2),)])
def test_the_loss_has_a_factor(weights):
    model = compiled(loss_weights=weights)
    expected = weights_after(compiled(), X, Y, sample_weight=np.full(12, 2.0))
    before = model.evaluate(X, Y, verbose=0)
    assert before == pytest.approx(2 * compiled().evaluate(X, Y, verbose=0))
    assert model.test_on_batch(X, Y) == pytest.approx(before)
    np.testing.assert_allclose(weights_after(model, X, Y), expected, rtol=1e-12)


def test_a_penalty_does_not_have_the_factor_of_the_loss():
    def made(weight):
        layer = Dense(1, "sigmoid", kernel_regularizer="l2", input_shape=(3,), name="a")
        model = Sequential([layer], seed=0)
        model.compile("sgd", "mse", loss_weights=weight)
        return model.evaluate(X[:, 0], Y, verbose=0)

    penalty = 2 * made(1.0) - made(2.0)
    assert penalty == pytest.approx(made(0.0), rel=1e-5)
    assert penalty > 0


@pytest.mark.parametrize("specs", [[["mae"]], ("mae",), {"dense": ["mae"]}, {"dense": "mae"}])
def test_metrics_may_be_nested(specs):
    model = compiled(metrics=specs, weighted_metrics=specs)
    assert model.metrics_names == ["loss", "mae", "weighted_mae"]
    assert model.evaluate(X, Y, verbose=0, return_dict=True).keys() == set(model.metrics_names)


@pytest.mark.parametrize("loss", [["mse"], {"dense": "mse"}, ("mse",)])
def test_the_loss_may_be_nested(loss):
    assert compiled(loss=loss).loss.name == "mse"


def test_samples_count_with_their_weights_in_weighted_metrics():
    model = compiled(metrics=["mae"], weighted_metrics=["mae", "accuracy"])
    error = np.abs(model.predict(X, verbose=0)[:, 0] - Y)
    expected = np.average(error, weights=BY_SAMPLE)
    for batch_size in (12, 5):
        values = model.evaluate(
            X, Y, batch_size, verbose=0, sample_weight=BY_SAMPLE, return_dict=True
        )
        assert values["mae"] == pytest.approx(error.mean())
        assert values["weighted_mae"] == pytest.approx(expected)
    plain = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert plain["weighted_mae"] == pytest.approx(error.mean())
    on_batch = model.train_on_batch(X, Y, class_weight=WEIGHTS, return_dict=True)
    assert on_batch["weighted_mae"] == pytest.approx(expected)
    history = model.fit(X, Y, verbose=0, class_weight=WEIGHTS).history
    assert set(history) == {"loss", "mae", "weighted_mae", "accuracy"}
    assert history["weighted_mae"] != history["mae"]


def test_steps_that_count_have_weights_in_weighted_metrics():
    layers = [Input((4, 3)), Masking(), GRU(2, return_sequences=True), Dense(1)]
    model = Sequential(layers, seed=0, dtype="float64")
    model.compile("sgd", "mse", weighted_metrics=["mae"])
    x, weight = X.copy(), RNG.random((12, 4))
    x[:, 3] = 0
    y = X[..., 0]
    error = np.abs(model.predict(x, verbose=0)[..., 0] - y)[:, :3]
    value = model.evaluate(x, y, verbose=0, sample_weight=weight)[1]
    assert value == pytest.approx(np.average(error, weights=weight[:, :3]))


class OfTheUser(Metric):
    def update(self, y_true, y_pred, mask=None):
        super().update(y_true, y_pred, mask)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_weights": [1, 2]}, "loss_weights: the model has one output, got 2 items"),
        ({"loss_weights": "a"}, "loss_weights must be"),
        ({"metrics": "mae"}, r"metrics must be a list such as \['mae'\]"),
        ({"weighted_metrics": "mae"}, r"weighted_metrics must be a list such as \['mae'\]"),
        ({"weighted_metrics": [OfTheUser()]}, "update has no argument sample_weight"),
        ({"weighted_metrics": ["mae", "mae", "mae"]}, "must have different names"),
        ({"loss": ["mse", "mae"]}, "loss: the model has one output, got 2 items"),
    ],
)
def test_settings_of_compile_that_do_not_fit(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        compiled(**options)


def test_a_metric_is_weighted_or_not():
    metric = OfTheUser()
    with pytest.raises(ValueError, match="both in metrics and in weighted_metrics"):
        compiled(metrics=[metric], weighted_metrics=[metric])
    with pytest.raises(AttributeError, match="call compile with the new one"):
        compiled().loss_weights = 2


@pytest.mark.parametrize("suffix", [".safetensors", ".keras", ".h5"])
def test_files_hold_the_settings_of_compile(tmp_path, suffix):
    pytest.importorskip("h5py")
    model = compiled(loss_weights=0.5, metrics=["mse"], weighted_metrics=["mse", "mae"])
    path = tmp_path / f"model{suffix}"
    model.save(path)
    from gru_c import load_model

    again = load_model(path)
    assert again.loss_weight == 0.5
    assert again.metrics_names == ["loss", "mse", "weighted_mse", "mae"]
    assert [metric.name for metric in again.weighted_metrics] == ["weighted_mse", "mae"]
    values = [m.evaluate(X, Y, verbose=0, sample_weight=BY_SAMPLE) for m in (model, again)]
    assert values[0] == pytest.approx(values[1], rel=1e-6)
