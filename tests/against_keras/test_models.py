"""Models beside Keras's: with the same weights they give the same numbers.

Weights are copied without conversion, since gru_c has Keras's order and shapes.
"""

import numpy as np
import pytest
from keras_peer import keras, torch

import gru_c
from gru_c import optimizers, schedules

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(51)
X = RNG.standard_normal((40, 6, 4)).astype(np.float32)
Y = RNG.standard_normal(40).astype(np.float32)
WEIGHT = RNG.uniform(0, 2, 40).astype(np.float32)

HEADS = {
    "mse": ((1,), Y),
    "mae": ((1,), Y),
    "huber": ((1,), 3 * Y),
    "binary_crossentropy": ((1, "sigmoid"), (Y > 0).astype(np.float32)),
    "categorical_crossentropy": ((3, "softmax"), np.eye(3)[np.arange(40) % 3]),
    "sparse_categorical_crossentropy": ((3, "softmax"), np.arange(40) % 3),
}
OPTIMIZERS = [
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "clipnorm": 0.1}),
    ("Adam", {"learning_rate": 0.01, "global_clipnorm": 0.1}),
    ("AdamW", {"learning_rate": 0.01}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"learning_rate": 0.05, "weight_decay": 0.01, "clipvalue": 0.01}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True}),
]

# By metric, the targets of its test and its arguments.
METRICS = {
    "MeanSquaredError": ("numbers", {}),
    "MeanAbsoluteError": ("numbers", {}),
    "RootMeanSquaredError": ("numbers", {}),
    "Accuracy": ("whole", {}),
    "BinaryAccuracy": ("bits", {"threshold": 0.3}),
    "CategoricalAccuracy": ("one hot", {}),
    "SparseCategoricalAccuracy": ("labels", {}),
}


def twins(loss, optimizer, settings, metrics):
    """Return a Keras model and the same model of gru_c, with the same weights."""
    head, _ = HEADS[loss]
    models = []
    for library, layers, made in (
        (keras, keras.layers, getattr(keras.optimizers, optimizer)(**settings)),
        (gru_c, gru_c.layers, getattr(optimizers, optimizer)(**settings)),
    ):
        model = library.Sequential(
            [
                layers.Input((6, 4)),
                layers.GRU(5, return_sequences=True),
                layers.GRU(3, reset_after=False),
                layers.Dense(*head),
            ]
        )
        model.compile(optimizer=made, loss=loss, metrics=metrics)
        models.append(model)
    models[1].set_weights(models[0].get_weights())
    return models


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("go_backwards", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_a_layer_with_keras_weights(reset_after, return_sequences, go_backwards, use_bias):
    options = {
        "reset_after": reset_after,
        "return_sequences": return_sequences,
        "go_backwards": go_backwards,
        "use_bias": use_bias,
        "bias_initializer": "random_normal",
    }
    theirs, ours = keras.layers.GRU(7, **options), gru_c.GRU(7, **options)
    expected = theirs(X).detach().numpy()
    ours.build((None, 6, 4))
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(X), expected, atol=1e-6)


def assert_same_training(models, loss, sample_weight):
    _, y = HEADS[loss]
    histories = [
        model.fit(
            X,
            y,
            epochs=2,
            batch_size=16,
            shuffle=False,
            verbose=0,
            sample_weight=sample_weight,
            validation_split=0.2,
        ).history
        for model in models
    ]
    assert set(histories[0]) == set(histories[1])
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-3, atol=1e-5, err_msg=name)
    keras_values, values = (model.evaluate(X, y, verbose=0) for model in models)
    np.testing.assert_allclose(values, keras_values, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("loss", HEADS)
@pytest.mark.parametrize("weighted", [False, True])
def test_training_with_each_loss(loss, weighted):
    metrics = ["accuracy"] if "crossentropy" in loss else ["mae", "mse"]
    models = twins(loss, *OPTIMIZERS[0], metrics)
    assert_same_training(models, loss, WEIGHT if weighted else None)


@pytest.mark.parametrize(("optimizer", "settings"), OPTIMIZERS[1:])
def test_training_with_each_optimizer(optimizer, settings):
    assert_same_training(twins("mse", optimizer, settings, None), "mse", None)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ExponentialDecay", (0.1, 10, 0.9, True)),
        ("CosineDecayRestarts", (0.1, 10)),
        ("PiecewiseConstantDecay", ([5, 20], [0.1, 0.05, 0.01])),
        ("PolynomialDecay", (0.1, 100, 0.01, 2.0)),
        ("InverseTimeDecay", (0.1, 10, 0.5)),
        ("CosineDecay", (0.1, 100, 0.01)),
    ],
)
def test_schedules(name, arguments):
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    ours = getattr(schedules, name)(*arguments)
    for step in range(0, 130, 7):
        assert ours(step) == pytest.approx(float(theirs(step)), rel=1e-5)


SHAPES = [(6, 1), (6, 3), (2, 4, 1), (2, 4, 3), (2, 3, 4, 3)]


def targets_and_outputs(shape, seed):
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=shape).astype(np.float32)
    labels = rng.integers(0, shape[-1], shape[:-1])
    return rng, p, labels, np.eye(shape[-1], dtype=np.float32)[labels]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [*METRICS])
def test_metrics_of_the_same_name(name, shape):
    rng, p, labels, one_hot = targets_and_outputs(shape, 7)
    kind, made = METRICS[name]
    y = {"labels": labels, "one hot": one_hot, "bits": (rng.uniform(size=shape) > 0.5) * 1.0}
    y["numbers"], y["whole"] = rng.normal(size=shape), rng.integers(0, 3, shape)
    p = np.round(2 * p) if kind == "whole" else p
    targets = [y[kind]]
    if kind == "labels":
        targets.append(labels[..., None])
    elif shape[-1] == 1 and kind != "one hot":
        targets.append(y[kind][..., 0])
    for target in targets:
        ours, theirs = getattr(gru_c.metrics, name)(**made), getattr(keras.metrics, name)(**made)
        for outputs in (p, p[:1] if kind == "whole" else 1.3 * p[:1]):
            ours.update(target[: len(outputs)], outputs)
            theirs.update_state(target[: len(outputs)], outputs)
        assert ours.result() == pytest.approx(float(theirs.result()), rel=1e-5), target.shape
        assert ours.name == theirs.name


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("from_logits", [False, True])
def test_losses_of_the_same_name(shape, from_logits):
    rng, p, labels, one_hot = targets_and_outputs(shape, 8)
    logits = {"from_logits": from_logits}
    p = rng.normal(size=shape).astype(np.float32) if from_logits else p
    cases = [
        ("MeanSquaredError", {}, rng.normal(size=shape)),
        ("MeanAbsoluteError", {}, rng.normal(size=shape)),
        ("Huber", {"delta": 0.3}, rng.normal(size=shape)),
        ("BinaryCrossentropy", logits, rng.uniform(size=shape)),
        ("BinaryCrossentropy", logits, (rng.uniform(size=shape) > 0.5) * 1.0),
    ]
    if shape[-1] > 1:
        cases += [("CategoricalCrossentropy", logits, one_hot)]
        cases += [("SparseCategoricalCrossentropy", logits, labels)]
    for name, made, y in cases:
        ours, theirs = getattr(gru_c.losses, name)(**made), getattr(keras.losses, name)(**made)
        for weight in (None, rng.uniform(size=shape[:-1])):
            expected = float(theirs(y, p, weight))
            assert ours(y, p, weight) == pytest.approx(expected, rel=1e-5), (name, weight)


@pytest.mark.parametrize("mask_zero", [False, True])
def test_samples_that_are_one_index_each(mask_zero):
    models = []
    for library, layers in ((keras, keras.layers), (gru_c, gru_c.layers)):
        table = layers.Embedding(4, 3, mask_zero=mask_zero)
        model = library.Sequential([layers.Input(()), table, layers.Dense(2)])
        made = library.optimizers.SGD(0.1)
        model.compile(optimizer=made, loss="mse", metrics=["mae"])
        models.append(model)
    models[1].set_weights(models[0].get_weights())
    ids, y = np.arange(40) % 4, np.stack([Y, Y[::-1]], axis=1)
    settings = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0}
    theirs, ours = (model.fit(ids, y, **settings).history for model in models)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-5)
    for a, b in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (lambda: keras.losses.MeanSquaredError(), "gru_c.losses.MeanSquaredError"),
        (lambda: keras.losses.mean_squared_error, "gru_c.losses.MeanSquaredError"),
        (lambda: keras.losses.Huber(delta=2.0), "gru_c.losses.Huber"),
        (lambda: keras.losses.Poisson(), "Poisson of keras"),
        (lambda: torch.nn.MSELoss(), "MSELoss of torch"),
        (lambda: torch.nn.functional.mse_loss, "mse_loss of torch"),
    ],
)
def test_a_loss_of_another_library_is_refused_with_the_name_of_ours(theirs, ours):
    for use in (gru_c.losses.get, lambda loss: small_model(loss=loss)):
        with pytest.raises(TypeError, match=f"a loss of another library has no .*{ours}"):
            use(theirs())


@pytest.mark.parametrize(
    ("name", "ours"),
    [("MeanSquaredError", "gru_c.metrics.MeanSquaredError"), ("AUC", "AUC of keras")],
)
def test_a_metric_of_keras_that_keeps_numbers_between_batches_is_refused(name, ours):
    with pytest.raises(TypeError, match=f"a metric with update_state, .*{ours}"):
        gru_c.metrics.get(getattr(keras.metrics, name)())


def test_an_optimizer_of_keras_is_refused_with_the_name_of_ours():
    with pytest.raises(TypeError, match=r"got Adam of keras: give gru_c\.optimizers\.Adam\("):
        small_model(keras.optimizers.Adam())


def small_model(optimizer="sgd", loss="mse"):
    model = gru_c.Sequential([gru_c.GRU(3, input_shape=(6, 4)), gru_c.Dense(1)], seed=1)
    model.compile(optimizer, loss)
    return model


@pytest.mark.parametrize(
    "rate",
    [
        lambda: keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5),
        lambda: lambda step: torch.tensor(0.1 * 0.5 ** (step / 10)),
        lambda: lambda step: np.array(0.1 * 0.5 ** (step / 10)),
    ],
    ids=["schedule", "tensor", "array"],
)
def test_a_rate_may_be_what_another_library_makes_of_it(rate):
    ours = small_model(optimizers.SGD(schedules.ExponentialDecay(0.1, 10, 0.5)))
    theirs = small_model(optimizers.SGD(rate()))
    for model in (ours, theirs):
        model.fit(X, Y, epochs=2, batch_size=10, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
