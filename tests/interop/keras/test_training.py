"""Keras's configurations of a compilation, from and to files; see also test_left_out.py."""

import json
import re
import warnings

import pytest
from keras_compiling import DECAY, FUNCTION, GOOD, MSE, X, Y, adam, loaded, spec
from keras_rewriting import DATA, h5py

from gru_c import losses, metrics, optimizers, schedules
from gru_c.interop import keras

SETTINGS = {"batch_size": 4, "shuffle": False, "verbose": 0}


NEW_ADAM = {
    "module": "keras.optimizers",
    "class_name": "Adam",
    "registered_name": "Adam",
    "config": {
        "name": "adam",
        "learning_rate": 0.5,
        "weight_decay": None,
        "clipnorm": 1.0,
        "global_clipnorm": None,
        "clipvalue": None,
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_overwrite_frequency": None,
        "loss_scale_factor": None,
        "amsgrad": False,
        "gradient_accumulation_steps": None,
        "jit_compile": True,
        "is_legacy_optimizer": False,
    },
}
OPTIMIZERS = [
    (adam(lr=0.5, decay=0.0, epsilon=None, amsgrad=False), optimizers.Adam(0.5)),
    (adam(learning_rate=0.5, beta_1=0.8), optimizers.Adam(0.5, beta_1=0.8)),
    (NEW_ADAM, optimizers.Adam(0.5, clipnorm=1.0)),
    (spec("Custom>Adam", learning_rate=0.5), optimizers.Adam(0.5)),
    (spec("adam", lr=0.5), optimizers.Adam(0.5)),
    ("Adam", optimizers.Adam()),
    ("rmsprop", optimizers.RMSprop()),
    (
        spec("RMSprop", lr=0.5, rho=0.8, decay=0.0, epsilon=1e-8),
        optimizers.RMSprop(0.5, 0.8, 0, 1e-8),
    ),
    (spec("RMSprop", learning_rate=0.5, centered=True), optimizers.RMSprop(0.5, centered=True)),
    (
        spec("SGD", learning_rate=0.5, momentum=0.9, nesterov=True, decay=0.0, clipvalue=0.5),
        optimizers.SGD(0.5, 0.9, True, clipvalue=0.5),
    ),
    (
        spec("AdamW", learning_rate=0.5, weight_decay=0.1, global_clipnorm=2.0),
        optimizers.AdamW(0.5, 0.1, global_clipnorm=2.0),
    ),
    (adam(lr=0.5, learning_rate=0.5), optimizers.Adam(0.5)),
    (
        adam(lr=0.1, decay=0.5),
        optimizers.Adam(schedules.InverseTimeDecay(0.1, 1, 0.5)),
    ),
    (spec("SGD", decay=0.5), optimizers.SGD(schedules.InverseTimeDecay(0.01, 1, 0.5))),
    (
        adam(learning_rate=spec("ExponentialDecay", **DECAY, name=None)),
        optimizers.Adam(schedules.ExponentialDecay(0.1, 10, 0.5)),
    ),
    (
        adam(
            learning_rate={
                **spec("InverseTimeDecay", **DECAY, name="InverseTimeDecay"),
                "module": "keras.optimizers.schedules",
                "registered_name": None,
            }
        ),
        optimizers.Adam(schedules.InverseTimeDecay(0.1, 10, 0.5)),
    ),
]


@pytest.mark.parametrize(("spelling", "wanted"), OPTIMIZERS)
def test_an_optimizer_in_any_spelling(path, spelling, wanted):
    model = loaded(path, {**GOOD, "optimizer": spelling})
    assert repr(model.optimizer) == repr(wanted)
    assert model.loss.name == "mse"
    model.fit(X, Y, **SETTINGS)


@pytest.mark.parametrize(
    ("spelling", "wanted"),
    [
        ("MSE", losses.MeanSquaredError()),
        ("mean_squared_error", losses.MeanSquaredError()),
        (MSE, losses.MeanSquaredError()),
        ([MSE], losses.MeanSquaredError()),
        ({"b": "mae"}, losses.MeanAbsoluteError()),
        ({**FUNCTION, "config": "mean_absolute_error"}, losses.MeanAbsoluteError()),
        (
            spec("LossFunctionWrapper", fn="mean_squared_error", reduction="auto", name="x"),
            losses.MeanSquaredError(),
        ),
        (
            spec(
                "LossFunctionWrapper",
                fn={**FUNCTION, "config": "binary_crossentropy"},
                from_logits=True,
            ),
            losses.BinaryCrossentropy(from_logits=True),
        ),
        (
            spec(
                "BinaryCrossentropy",
                reduction="auto",
                from_logits=True,
                label_smoothing=0,
                axis=-1,
                fn="binary_crossentropy",
            ),
            losses.BinaryCrossentropy(from_logits=True),
        ),
        (spec("Huber", reduction="sum_over_batch_size", delta=2.0, fn="huber"), losses.Huber(2.0)),
        ("huber_loss", losses.Huber()),
        ("Huber", losses.Huber()),
        ({**FUNCTION, "config": "huber"}, losses.Huber()),
        (spec("LossFunctionWrapper", fn="huber", name="x"), losses.Huber()),
        (None, None),
    ],
)
def test_a_loss_in_any_spelling(path, spelling, wanted):
    model = loaded(path, {**GOOD, "loss": spelling})
    assert repr(model.loss) == repr(wanted)
    assert model.optimizer.learning_rate == 0.5


@pytest.mark.parametrize(
    ("spelling", "wanted"),
    [
        ("mae", [metrics.MeanAbsoluteError("mean_absolute_error")]),
        ([["mae"]], None),
        ({"b": ["mae"]}, None),
        ([spec("MeanMetricWrapper", name="mae", dtype="float32", fn="mean_absolute_error")], None),
        (
            [spec("MeanMetricWrapper", name="acc", fn="binary_accuracy")],
            [metrics.BinaryAccuracy(name="acc")],
        ),
        (
            [spec("MeanMetricWrapper", name="m", fn={**FUNCTION, "config": "mean_squared_error"})],
            [metrics.MeanSquaredError("m")],
        ),
        ([spec("BinaryAccuracy", name="b", threshold=0.3)], [metrics.BinaryAccuracy(0.3, "b")]),
        (
            [spec("BinaryCrossentropy", name="b", from_logits=True, label_smoothing=0)],
            [metrics.MeanOfLoss(losses.BinaryCrossentropy(True), "b")],
        ),
        (
            ["acc", "Accuracy"],
            [metrics.AccuracyOfLoss(None, "acc"), metrics.AccuracyOfLoss(None, "Accuracy")],
        ),
        (None, []),
    ],
)
def test_metrics_in_any_spelling(path, spelling, wanted):
    model = loaded(path, {**GOOD, "metrics": spelling})
    wanted = [metrics.MeanAbsoluteError("mae")] if wanted is None else wanted
    if spelling == "mae":
        wanted = [metrics.MeanAbsoluteError("mae")]
    assert list(map(repr, model.metrics)) == list(map(repr, wanted))


def test_what_says_how_to_compute_is_passed_over(path):
    others = {
        "run_eagerly": True,
        "steps_per_execution": 4,
        "jit_compile": True,
        "auto_scale_loss": True,
        "sample_weight_mode": "temporal",
        "weighted_metrics": None,
    }
    for weights in (None, [1.0], {"b": 1}, [None]):
        loaded(path, {**GOOD, **others, "loss_weights": weights})


@pytest.mark.parametrize("compiled", [None, {}])
def test_a_model_that_was_not_compiled_is_no_reason_for_a_warning(path, compiled):
    model = loaded(path, compiled)
    assert (model.optimizer, model.loss, model.metrics) == (None, None, [])


def test_a_compilation_without_an_optimizer_says_so(path):
    model = loaded(path, {"loss": "mse"}, r"optimizer {} \(the file names none\).*wants compile")
    assert model.loss.name == "mse"


@pytest.mark.parametrize("compiled", [3, [1], "adam"])
def test_a_compilation_that_is_damaged_is_named(path, compiled):
    model = loaded(path, compiled, "what compile was given, .*neither optimizer nor loss")
    assert model.optimizer is None


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ("null", None),
        ("{", r"training_config \(the configuration is damaged"),
        (json.dumps({"loss": MSE, "optimizer_config": spec("Custom>Ftrl")}), "'Custom>Ftrl'"),
        (json.dumps({"loss": "mse", "optimizer_config": adam(lr=0.5)}), None),
    ],
)
def test_the_training_configuration_of_an_older_file(tmp_path, training, message):
    path = tmp_path / "model.h5"
    path.write_bytes((DATA / "sequences_2.h5").read_bytes())
    with h5py.File(path, "r+") as h5:
        h5.attrs["training_config"] = training
        del h5["optimizer_weights"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = keras.load(path)
    assert len(caught) == (message is not None)
    assert message is None or re.search(message, str(caught[0].message))
    assert len(model.get_weights()) > 5
    assert (model.loss is not None) == ("loss" in training)
