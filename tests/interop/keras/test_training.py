"""What Keras's files say of training: kept where it is known, else named in a warning."""

import json
import re
import warnings

import numpy as np
import pytest
from keras_rewriting import DATA, h5py, write_config

from gru_c import Dense, Input, Sequential, load_model, losses, metrics, optimizers, schedules
from gru_c.interop import keras

X = np.random.default_rng(0).standard_normal((6, 5, 4)).astype(np.float32)
Y = X[:, 0, :1]
SETTINGS = {"batch_size": 4, "shuffle": False, "verbose": 0}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.keras"


def spec(class_name, **config):
    return {"class_name": class_name, "config": config}


def adam(**config):
    return spec("Adam", name="Adam", **config)


MSE = spec("MeanSquaredError", reduction="auto", name="mean_squared_error", fn="mean_squared_error")
GOOD = {"optimizer": adam(learning_rate=0.5), "loss": "mse", "metrics": ["mae"]}


def loaded(path, compiled, message=None):
    """A model compiled as given; `message` is what the only warning must say."""
    write_config(path, lambda config: config.update(compile_config=compiled))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = keras.load(path)
    if message is None:
        assert [str(one.message) for one in caught] == []
    else:
        (warning,) = caught
        text = str(warning.message)
        assert text.startswith(f"{path}: gru_c has not all that the model was compiled with in Ker")
        assert re.search(message, text), text
        assert warning.filename == __file__
    assert model.predict(X, verbose=0).shape == (6, 1)
    return model


# ---- spellings that are known -------------------------------------------------------------------

FUNCTION = {"module": "builtins", "class_name": "function", "registered_name": "function"}
DECAY = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": False}
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


@pytest.mark.parametrize(("given", "wanted"), OPTIMIZERS)
def test_an_optimizer_in_any_spelling(path, given, wanted):
    model = loaded(path, {**GOOD, "optimizer": given})
    assert repr(model.optimizer) == repr(wanted)
    assert model.loss.name == "mse"
    model.fit(X, Y, **SETTINGS)


@pytest.mark.parametrize(
    ("given", "wanted"),
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
def test_a_loss_in_any_spelling(path, given, wanted):
    model = loaded(path, {**GOOD, "loss": given})
    assert repr(model.loss) == repr(wanted)
    assert model.optimizer.learning_rate == 0.5


@pytest.mark.parametrize(
    ("given", "wanted"),
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
def test_metrics_in_any_spelling(path, given, wanted):
    model = loaded(path, {**GOOD, "metrics": given})
    wanted = [metrics.MeanAbsoluteError("mae")] if wanted is None else wanted
    if given == "mae":
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


# ---- what is not known --------------------------------------------------------------------------

OWN = {"module": None, "registered_name": "mine>Part", **spec("Part", a=1)}
LEFT_OUT = [
    # optimizers: loss and metrics stay
    ({"optimizer": "nadam"}, r"optimizer 'nadam' \(gru_c has Adam, AdamW, RMSprop, SGD\)", "ml"),
    ({"optimizer": spec("Custom>Ftrl", learning_rate=0.1)}, "optimizer 'Custom>Ftrl'", "ml"),
    ({"optimizer": spec("Adagrad", lr=0.1)}, "'Adagrad'.*evaluate works, fit wants compile", "ml"),
    ({"optimizer": OWN}, "optimizer 'Part' .*a class of somebody's own", "ml"),
    ({"optimizer": adam(learning_rate=OWN)}, "'Adam' .*'Part' is a class of somebody's own", "ml"),
    ({"optimizer": adam(learning_rate="x")}, "optimizer 'Adam'", "ml"),
    (
        {"optimizer": adam(learning_rate=spec("CyclicalRate", step=3))},
        r"'Adam' \(its learning_rate 'CyclicalRate': gru_c has CosineDecay, ",
        "ml",
    ),
    (
        {"optimizer": adam(learning_rate=spec("CosineDecay", initial_learning_rate=1.0, x=3))},
        r"'Adam' \(its learning_rate 'CosineDecay': gru_c has nothing for x=3",
        "ml",
    ),
    ({"optimizer": adam(learning_rate=-1.0)}, "'Adam' .*-1.0", "ml"),
    (
        {"optimizer": adam(lr=0.25, learning_rate=0.5)},
        r"'Adam' \(it has lr=0.25 and learning_rate=0.5\)",
        "ml",
    ),
    ({"optimizer": {}}, r"optimizer {} \(the file names none\)", "ml"),
    ({"optimizer": {"config": {}}}, r"no 'class_name' with a 'config' .*: {'config': {}}", "ml"),
    ({"optimizer": 3}, r"optimizer 3 \(a configuration must be a dict", "ml"),
    # settings of an optimizer: the rest of it stays
    (
        {"optimizer": adam(lr=0.5, amsgrad=True)},
        "out: amsgrad=True of the optimizer Adam. T",
        "oml",
    ),
    ({"optimizer": adam(lr=0.5, use_ema=True, x=1)}, "use_ema=True of .*; x=1 of the opti", "oml"),
    ({"optimizer": adam(lr=0.5, gradient_accumulation_steps=2)}, "gradient_accumulation_st", "oml"),
    (
        {"optimizer": adam(learning_rate=spec("ExponentialDecay", **DECAY), decay=0.1)},
        r"decay=0.1 of the optimizer Adam \(beside a schedule\)",
        "oml",
    ),
    ({"optimizer": adam(lr=0.5, decay="x")}, r"decay='x' of the optimizer Adam \(", "oml"),
    (
        {"optimizer": adam(lr=0.5, clipnorm=1.0, clipvalue=2.0)},
        r"out: clipnorm=1.0 with clipvalue=2.0 of the optimizer Adam \(gru_c clips by one of them",
        "oml",
    ),
    (
        {"optimizer": spec("SGD", lr=0.5, momentum=7, nesterov=True)},
        r"out: momentum=7 of the optimizer SGD \(momentum must be a number in \[0, 1\), got 7\)",
        "oml",
    ),
    ({"optimizer": adam(lr=0.5, epsilon="x", beta_1=[])}, "epsilon='x' of .*; beta_1=.. of", "oml"),
    (
        {"optimizer_config": adam(lr=0.25)},
        "out: optimizer_config=.*'lr': 0.25.* beside an optimizer",
        "oml",
    ),
    # losses, whose values would be others: optimizer and metrics stay
    (
        {"loss": "my_loss"},
        r"loss 'my_loss' \(gru_c has Binary.*no loss: compile it before fit",
        "om",
    ),
    ({"loss": "quantile"}, "loss 'quantile'", "om"),  # a function of somebody's own
    ({"loss": {**FUNCTION, "config": "Custom>mse"}}, "loss 'Custom>mse'", "om"),
    ({"loss": OWN}, "loss 'Part' .*somebody's own", "om"),
    (
        {"loss": {**MSE, "config": {"reduction": "sum"}}},
        "'MeanSquaredError' .*reduction='sum'",
        "om",
    ),
    ({"loss": {**MSE, "config": {"reduction": "none"}}}, "reduction='none'", "om"),
    ({"loss": spec("MeanSquaredError", fn="mine")}, "'MeanSquaredError' ", "om"),
    (
        {"loss": spec("MeanSquaredError", fn="mean_absolute_error")},
        "its function is 'mean_abs",
        "om",
    ),
    ({"loss": spec("BinaryCrossentropy", label_smoothing=0.1)}, "label_smoothing=0.1", "om"),
    (
        {"loss": spec("Huber", name="huber_loss", reduction="sum_over_batch_size")},
        r"delta of the loss 'Huber' \(the file lacks it, here it is 1.0\)",
        "oml",
    ),
    (
        {"metrics": ["mae", spec("Huber", name="loss")]},
        "delta of the loss 'Huber' .*metric 'Huber', named 'loss'",
        "oml",
    ),
    ({"loss": ["mse", "mae"]}, "2 losses, where the model has one output", "om"),
    ({"loss": spec("__lambda__", value=["4wIA", None, None])}, "loss '__lambda__'", "om"),
    ({"loss_weights": [2.0]}, r"loss_weights=\[2.0\], and the loss with them", "om"),
    # metrics: the others stay
    ({"metrics": ["mae", "auc"]}, "metric 'auc'.*compiled with the rest", "oml"),
    ({"metrics": [spec("AUC", num_thresholds=200), "mae"]}, "metric 'AUC'", "oml"),
    ({"metrics": ["mae", spec("AUC", name="accuracy")]}, "metric 'AUC'", "oml"),
    (
        {"metrics": ["mae", spec("MeanMetricWrapper", name="rmse", fn="rmse")]},
        "'MeanMetricW",
        "oml",
    ),
    ({"metrics": ["mae", 3, None, OWN]}, "metric 3 .*metric 'Part'", "oml"),
    ({"metrics": [["mae"], ["mae"]]}, "a second 'mae' among the metrics", "oml"),
    (
        {"metrics": ["mae", spec("MeanSquaredError", name="loss")]},
        "metric 'MeanSquaredError', named 'loss' as the loss itself is",
        "oml",
    ),
    ({"metrics": ["mae", spec("BinaryAccuracy", name=[3])]}, r"its name is \[3\]", "oml"),
    ({"weighted_metrics": ["mse"]}, r"weighted_metrics=\['mse'\]", "oml"),
    ({"something_new": 3}, "something_new=3", "oml"),
    # several, in one warning
    (
        {"optimizer": "lion", "loss": "my_loss", "metrics": ["auc"]},
        "'lion' .*'my_loss' .*'auc' .*neither optimizer nor loss: compile it before fit and eval",
        "",
    ),
]


@pytest.mark.parametrize(("change", "message", "kept"), LEFT_OUT)
def test_what_is_known_is_kept_and_the_rest_is_named(path, change, message, kept):
    model = loaded(path, {**GOOD, **change}, message)
    assert (model.optimizer is not None) == ("o" in kept)
    assert (model.loss is not None) == ("l" in kept)
    assert [metric.name for metric in model.metrics] == (["mae"] if "m" in kept else [])
    if "o" in kept and "learning_rate" not in str(change):
        assert model.optimizer.learning_rate == 0.5
    if "l" not in kept:
        with pytest.raises(ValueError, match="does not know what to minimise"):
            model.evaluate(X, Y, verbose=0)
    elif "o" not in kept:
        assert len(model.evaluate(X, Y, verbose=0)) == 2
        for train in (model.fit, model.train_on_batch):
            with pytest.raises(ValueError, match="has a loss but no optimizer: call compile"):
                train(X, Y)


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
        (json.dumps({"loss": MSE, "optimizer_config": spec("Custom>Nadam")}), "'Custom>Nadam'"),
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


# ---- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message", "kept"),
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
def test_what_keras_has_not_of_a_compilation_is_named(path, arguments, message, kept):
    model = Sequential([Input((5, 4)), Dense(1)])
    model.compile(*arguments)
    with pytest.warns(UserWarning, match=message) as caught:
        keras.save(model, path)
    assert len(caught) == 1
    again = keras.load(path)
    assert (again.optimizer is not None) == ("o" in kept)
    assert (again.loss is not None) == ("l" in kept)
    assert [metric.name for metric in again.metrics] == (["mae"] if "m" in kept else [])
