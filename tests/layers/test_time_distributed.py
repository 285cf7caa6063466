"""The layer that applies another layer to each time step."""

import copy

import numpy as np
import pytest

from gru_c import (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    LayerNormalization,
    Masking,
    Sequential,
    TimeDistributed,
    load_model,
)
from gru_c.layers import Layer
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4, 5, 3))
Y = RNG.normal(size=(6, 4, 2))


class CentreBatch(WeightlessLayer):
    """Subtract the mean over the batch, as a layer whose samples depend on each other."""

    mixes_samples = True

    def forward(self, x, *, training=False):
        """Return x minus its mean over the first axis."""
        self.tape = WeightlessTape(None, x.shape)
        return x - x.mean(axis=0)

    def input_gradient_of(self, saved, d_output):
        """Return the gradient minus its mean."""
        return d_output - d_output.mean(axis=0)


def inner_layers():
    return [
        ("gru", lambda: GRU(2), X),
        ("bidirectional", lambda: Bidirectional(GRU(2, return_sequences=True)), X),
        ("flatten", lambda: Flatten(), X),
        ("dense", lambda: Dense(2, "tanh"), X[:, :, 0]),
        ("norm", lambda: LayerNormalization(), X[:, :, 0]),
        ("masking", lambda: Masking(), X),
        ("mixing", lambda: CentreBatch(), X[:, :, 0]),
    ]


@pytest.mark.parametrize(("name", "make", "x"), inner_layers())
def test_each_step_of_the_output_is_that_of_the_inner_layer(name, make, x):
    layer = TimeDistributed(make(), dtype="float64")
    y = layer(x)
    assert y.shape == layer.compute_output_shape(x.shape)
    for t in range(x.shape[1]):
        np.testing.assert_allclose(y[:, t], layer.layer(x[:, t]), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("name", "make", "x"), inner_layers())
def test_the_gradients_are_those_of_finite_differences(name, make, x):
    layer = TimeDistributed(make(), dtype="float64")
    d = RNG.normal(size=layer(x).shape)
    layer.forward(x, training=True)
    d_x = layer.backward(d)
    arrays = [(x, d_x), *((item.value, item.gradient.copy()) for item in layer.parameters)]
    for array, gradient in arrays:
        for place in [tuple(RNG.integers(0, array.shape)) for _ in range(5)]:
            before, sums = array[place], []
            for step in (1e-6, -1e-6):
                array[place] = before + step
                sums.append((layer.forward(x) * d).sum())
            array[place] = before
            np.testing.assert_allclose(gradient[place], (sums[0] - sums[1]) / 2e-6, rtol=1e-5, atol=1e-7)  # fmt: skip # noqa: E501


def test_a_dense_for_each_step_trains_to_the_bits_of_a_dense():
    models = [
        Sequential([GRU(5, input_shape=(None, 3), return_sequences=True), last], seed=1)
        for last in (Dense(2, "softmax"), TimeDistributed(Dense(2, "softmax")))
    ]
    labels = RNG.integers(0, 2, size=(6, 4))
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(X[:, :, 0], labels, epochs=3, verbose=0)
        assert model.head_is_paired
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        assert (a == b).all()
    streams = [model.stream(6) for model in models]
    for t in range(4):
        assert (streams[0].step(X[:, t, 0]) == streams[1].step(X[:, t, 0])).all()


def test_a_model_with_inner_layers_of_all_kinds_is_saved_and_copied(tmp_path):
    model = Sequential(
        [
            TimeDistributed(Embedding(9, 4)),
            TimeDistributed(Dropout(0.5)),
            TimeDistributed(Bidirectional(GRU(3)), name="sentences"),
            GRU(2),
        ],
        seed=3,
    )
    words = RNG.integers(0, 9, (6, 5, 4))
    model.compile("sgd", "mse")
    model.fit(words, Y[:, 0], verbose=0)
    model.save(tmp_path / "model.safetensors")
    for other in (load_model(tmp_path / "model.safetensors"), copy.deepcopy(model)):
        assert (other.predict(words, verbose=0) == model.predict(words, verbose=0)).all()
        assert isinstance(other.layers[2].layer, Bidirectional)
    again = copy.deepcopy(model)
    for each in (model, again):  # the dropout continues in the same way
        each.fit(words, Y[:, 0], verbose=0)
    assert all(
        (a == b).all() for a, b in zip(model.get_weights(), again.get_weights(), strict=True)
    )


def test_a_seeded_inner_dropout_repeats_its_draws():
    a, b = (TimeDistributed(Dropout(0.5, seed=3))(X, training=True) for _ in range(2))
    assert (a == b).all()
    assert 0.3 < (a == 0).mean() < 0.7


@pytest.mark.parametrize("outer", [True, False])
def test_a_frozen_inner_layer_keeps_its_weights(outer):
    inner = Dense(2) if outer else Dense(2, trainable=False)
    layer = TimeDistributed(inner, trainable=not outer)
    model = Sequential([GRU(4, input_shape=(4, 3), return_sequences=True), layer], seed=0)
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(X[:, :, 0], Y, verbose=0)
    assert (before[0] == layer.get_weights()[0]).all()
    assert not layer.trainable_weights
    layer.trainable = True
    assert inner.trainable
    model.fit(X[:, :, 0], Y, verbose=0)
    assert (before[0] != layer.get_weights()[0]).any()


def test_a_mask_passes_through():
    mask = np.arange(4) < RNG.integers(1, 5, (6, 1))
    layer = TimeDistributed(Dense(2))
    assert layer.compute_mask(X[:, :, 0], mask) is mask
    model = Sequential([Masking(input_shape=(4, 3)), layer, GRU(2)], seed=0)
    plain = Sequential([Masking(input_shape=(4, 3)), Dense(2), GRU(2)], seed=0)
    x = np.where(mask[:, :, None], X[:, :, 0], 0)
    assert (model.predict(x, verbose=0) == plain.predict(x, verbose=0)).all()


def test_the_inner_layer_shares_its_weights_with_other_models():
    dense = Dense(2)
    first = Sequential([Input((4, 3)), TimeDistributed(dense)], seed=0)
    second = Sequential([Input((3,)), dense])
    first.compile("sgd", "mse")
    first.fit(X[:, :, 0], Y, verbose=0)
    assert (second.get_weights()[0] == first.get_weights()[0]).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: TimeDistributed(3), TypeError, "must be a layer, got 3"),
        (lambda: TimeDistributed(Dense), TypeError, "must be a layer"),
        (lambda: TimeDistributed(Input((3,))), TypeError, "must be a layer"),
        (lambda: TimeDistributed(GRU(2, stateful=True)), ValueError, "stateful=True: its time"),
        (lambda: TimeDistributed(GRU(2, return_state=True)), ValueError, "return_state=True"),
        (lambda: TimeDistributed(Bidirectional(GRU(2), None)), ValueError, "merge_mode=None"),
        (lambda: TimeDistributed(Dense(2))(X[:, 0, 0]), ValueError, r"\(batch, time, ...\)"),
        (lambda: TimeDistributed(Dense(2, dtype="float32"), dtype="float64"), ValueError, "is float32"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_layer_that_does_not_fit_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_configuration_describes_the_inner_layer():
    layer = TimeDistributed(Dense(2, "tanh", name="inner"), name="outer")
    config = layer.get_config()
    assert config["layer"]["class_name"] == "Dense"
    again = TimeDistributed(**config)
    assert isinstance(again, Layer)
    assert again.get_config() == config
