"""Users' layers with build, add_weight and call."""

import numpy as np
import pytest

import gru_c
from gru_c import (
    GRU,
    Dense,
    Dropout,
    Input,
    Lambda,
    Masking,
    Model,
    Sequential,
    activations,
    layers,
    ops,
)

RNG = np.random.default_rng(5)
X = RNG.normal(size=(6, 4, 3)).astype("f")


class Linear(layers.Layer):
    def __init__(self, units=2, activation=None, **options):
        super().__init__(**options)
        self.units = units
        self.activation = activations.get(activation)

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), name="w", regularizer="l2")
        self.b = self.add_weight((self.units,), initializer="ones", name="b")
        self.built = True

    def call(self, x):
        return self.activation(ops.matmul(x, self.w) + self.b)

    def get_config(self):
        config = super().get_config()
        return {**config, "activation": activations.serialize(self.activation)}


class Attention(layers.Layer):
    """A layer with layers inside."""

    def __init__(self, units=3, **options):
        super().__init__(**options)
        self.units = units
        self.project, self.score = Dense(units, activation="tanh"), Dense(1)

    def call(self, x, training=False, mask=None):
        shares = ops.softmax(self.score(self.project(x)), axis=1)
        return ops.sum(shares * x, axis=1)


def differences(layer, x, d, array):
    slopes = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        before = array[place]
        values = []
        for step in (1e-6, -1e-6):
            array[place] = before + step
            values.append((layer.forward(x) * d).sum())
        array[place] = before
        slopes[place] = (values[0] - values[1]) / 2e-6
    return slopes


@pytest.mark.parametrize(
    "layer", [Linear(), Linear(activation="gelu"), Attention()], ids=["linear", "gelu", "attention"]
)
def test_gradients_by_finite_differences(layer):
    layer = type(layer).from_config({**layer.get_config(), "dtype": "float64"})
    x = X.astype(float)
    y = layer(x)
    d = np.cos(np.arange(y.size)).reshape(y.shape)
    for accumulate in (False, True):
        layer.forward(x, training=True)
        dx = layer.backward(d, accumulate=accumulate)
    np.testing.assert_allclose(dx, differences(layer, x, d, x), rtol=1e-5, atol=1e-8)
    for weight in layer.weights:
        wanted = 2 * differences(layer, x, d, weight.value)
        np.testing.assert_allclose(weight.gradient, wanted, rtol=1e-5, atol=1e-8)


def test_a_layer_of_dense_form_trains_like_dense():
    weights = []
    for layer in (Linear(2, "tanh", name="a"), Dense(2, "tanh", kernel_regularizer="l2", name="a")):
        model = Sequential([layers.Input((4, 3)), layer, GRU(2), Dense(1)], seed=1)
        model.layers[0].set_weights([np.ones((3, 2)) / 7, np.ones(2)])
        model.compile("adam", "mse")
        model.fit(X, X.sum(axis=(1, 2)), epochs=3, batch_size=4, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_model_with_own_layers_is_saved_and_loaded(tmp_path):
    model = Sequential([layers.Input((4, 3)), Linear(3, "relu"), Attention(), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(X, X.sum(axis=(1, 2)), epochs=1, verbose=0)
    path = tmp_path / "model.safetensors"
    model.save(path)
    classes = {"Linear": Linear, "Attention": Attention}
    twin = gru_c.load_model(path, custom_objects=classes)
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    names = [weight.name for weight in twin.layers[1].weights]
    assert names == ["project_kernel", "project_bias", "score_kernel", "score_bias"]
    assert model.output_shape == (None, 1)


def test_seeds_repeat_the_weights():
    first, second = (
        Sequential([layers.Input((4, 3)), Linear(), Attention()], seed=s).get_weights()
        for s in (3, 3)
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


class Flagged(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.drop = Dropout(0.5)

    def call(self, x, training=False, mask=None):
        x = self.drop(x)
        if mask is not None:
            x = x * mask[..., None]
        return x * (2.0 if training else 1.0)


def test_training_and_mask_are_passed_on():
    model = Sequential([Masking(input_shape=(4, 3)), Flagged()])
    x = np.ones((2, 4, 3), "f")
    x[0, 2:] = 0
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    assert set(np.unique(model(x, training=True))) == {0.0, 4.0}


def test_the_same_layer_may_be_applied_twice():
    class Twice(Attention):
        def call(self, x):
            return self.project(self.project(x))

    layer = Twice(3, dtype="float64")
    x = X.astype(float)
    d = np.ones(layer(x).shape)
    layer.forward(x, training=True)
    layer.backward(d)
    for weight in layer.weights[:2]:
        wanted = differences(layer, x, d, weight.value)
        np.testing.assert_allclose(weight.gradient, wanted, rtol=1e-5, atol=1e-8)


def make(call, build=None):
    body = {"call": call, "__module__": __name__}
    return type("Own", (layers.Layer,), body | ({"build": build} if build else {}))()


def adds_twice(self, input_shape):
    self.add_weight((2,), name="w")
    self.add_weight((2,), name="w")


@pytest.mark.parametrize(
    ("layer", "error", "words"),
    [
        (make(lambda self, x: x if x[0, 0, 0] > 0 else -x), TypeError, r"ops\.where.*line"),
        (make(lambda self, x: (x, x)), TypeError, "returns 2 values, which is for symbolic"),
        (make(lambda self, x: ops.sum(x)), ValueError, r"6 samples.*got shape \(\)"),
        (make(lambda self, x: x, adds_twice), ValueError, "a weight 'w' already"),
        (
            make(lambda self, x: x, lambda self, s: self.add_weight((None, 2))),
            ValueError,
            "must be known",
        ),
        (
            make(
                lambda self, x: np.exp(self.w) * x,
                lambda self, s: setattr(self, "w", self.add_weight((3,))),
            ),
            TypeError,
            "without a gradient",
        ),
    ],
)
def test_what_a_layer_may_do(layer, error, words):
    with pytest.raises(error, match=words):
        layer(X)


def test_weights_are_added_in_build_alone():
    with pytest.raises(ValueError, match=r"call add_weight in build"):
        Linear().add_weight((2,))


def test_a_shape_that_call_cannot_show_is_asked_for():
    layer = make(lambda self, x: ops.reshape(x, (6, 12)))
    with pytest.raises(ValueError, match="Define compute_output_shape"):
        layer.compute_output_shape((None, 4, 3))


def test_a_lambda_trains_through_its_function():
    weights = []
    for layer in (
        Lambda(lambda x: ops.mean(x * x, axis=1)),
        make(lambda self, x: ops.mean(x * x, 1)),
    ):
        model = Sequential([layers.Input((4, 3)), Dense(2), layer, Dense(1)], seed=2)
        model.compile("sgd", "mse")
        model.fit(X, X.sum(axis=(1, 2)), epochs=2, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_row_of_layers_inside_a_layer():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inside = Sequential([Dense(8, "relu"), Dense(4)])
            self.norm = layers.LayerNormalization()

        def call(self, x):
            return self.norm(x + self.inside(x))

    x = np.random.default_rng(5).standard_normal((6, 3, 4))
    model = Sequential([Input((3, 4)), Block(), layers.GRU(2)])
    assert len(model.get_weights()) == 4 + 2 + 3
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((6, 2)), verbose=0)
    after = model.get_weights()
    assert all(np.abs(a - b).max() > 0 for a, b in zip(after[:6], before[:6], strict=True))
    tensor = Input((3, 4))
    graph = Model(tensor, Block()(tensor))
    assert graph.predict(x, verbose=0).shape == (6, 3, 4)
