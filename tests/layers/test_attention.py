import numpy as np
import pytest

import gru_c
from gru_c import Sequential, layers, ops
from gru_c.layers.base.layer_table import layer_of

RNG = np.random.default_rng(2)
Q, V = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 5, 4))


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_gradients_are_added_up(name):
    layer = getattr(layers, name)(use_scale=True, dtype="float64")
    layer([Q, V])
    layer.forward([Q, V], training=True)
    d = np.ones((2, 3, 4))
    first = [g.copy() for g in layer.backward(d)], layer.weights[0].gradient.copy()
    layer.backward(d, accumulate=True)
    np.testing.assert_allclose(layer.weights[0].gradient, 2 * first[1])
    assert [g.shape for g in first[0]] == [Q.shape, V.shape]
    assert layer.backward(d, input_gradient=False) is None


def test_dropout_drops_in_training_alone():
    layer = layers.Attention(dropout=0.5, seed=1)
    same = layers.Attention()
    np.testing.assert_array_equal(layer([Q, V]), same([Q, V]))
    first, second = layer([Q, V], training=True), layer([Q, V], training=True)
    assert np.abs(first - second).max() > 0.1


def test_a_layer_is_made_again_from_its_description():
    for name in ("Attention", "AdditiveAttention"):
        layer = getattr(layers, name)(use_scale=False, dropout=0.25, name="a")
        twin = layer_of({"class_name": name, "config": layer.get_config()})
        assert repr(twin) == repr(layer)


def test_the_mask_of_the_query_is_that_of_the_output():
    layer = layers.Attention()
    assert layer.compute_mask([Q, V]) is None
    assert layer.compute_mask([Q, V], ["m", None]) == "m"


@pytest.mark.parametrize(
    ("inputs", "options", "words"),
    [
        (Q, {}, "takes a list"),
        ([Q], {}, r"\[query, value\]"),
        ([Q, V, Q], {}, "as many steps"),
        ([Q, V[..., :2]], {}, "same number of features"),
        ([Q, V[0]], {}, r"\(B, Tv, D\)"),
        ([Q, V], {"mask": np.ones((2, 3), bool)}, "list of masks"),
        ([Q, V], {"mask": [np.ones((2, 4), bool)]}, "does not go with"),
    ],
)
def test_bad_input_is_refused(inputs, options, words):
    with pytest.raises(ValueError, match=words):
        layers.Attention()(inputs, **options)


def test_attention_within_a_layer_of_the_user_trains():
    class SelfAttention(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.attention = layers.AdditiveAttention()

        def call(self, x):
            return ops.mean(self.attention([x, x]), axis=1)

    model = Sequential(
        [layers.Input((5, 4)), layers.GRU(4, return_sequences=True), SelfAttention()]
    )
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(V, V[:, 0], epochs=1, verbose=0)
    assert len(before) == 4
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_arguments_do_not_change_after_the_layer_was_made():
    for name in ("Attention", "AdditiveAttention"):
        layer = getattr(layers, name)()
        for argument, value in {"use_scale": False, "dropout": 0.5, "takes_several": False}.items():
            with pytest.raises(AttributeError, match="cannot change"):
                setattr(layer, argument, value)


def test_a_causal_mask_in_a_graph(tmp_path):
    x = gru_c.Input((7, 4))
    attention = gru_c.layers.MultiHeadAttention(2, 3)
    model = gru_c.Model(x, attention(x, x, use_causal_mask=True))
    data = np.random.default_rng(7).standard_normal((3, 7, 4)).astype(np.float32)
    expected = attention([data, data], use_causal_mask=True)
    assert np.abs(expected - attention([data, data])).max() > 0.01
    np.testing.assert_array_equal(model.predict(data, verbose=0), expected)
    model.save(tmp_path / "m.safetensors")
    again = gru_c.models.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(data, verbose=0), expected)
    with pytest.raises(TypeError, match="use_causal_mask"):
        attention(x, x, use_causal_mask=3)


@pytest.mark.parametrize(
    "layer",
    [layers.MultiHeadAttention(2, 3), layers.Attention(), layers.AdditiveAttention()],
    ids=lambda layer: type(layer).__name__,
)
def test_attention_scores_in_a_graph(layer, tmp_path):
    x = gru_c.Input((7, 4))
    projected = gru_c.Dense(4)(x)
    output, scores = layer([projected, x], return_attention_scores=True)
    model = gru_c.Model(x, [gru_c.Dense(1)(output), scores])
    data = np.random.default_rng(8).standard_normal((3, 7, 4)).astype(np.float32)
    query = model.layers[1](data)
    expected = layer([query, data], return_attention_scores=True)[1]
    results = model.predict(data, verbose=0)
    np.testing.assert_array_equal(results[1], expected)
    assert scores.shape[1:] == expected.shape[1:]
    model.save(tmp_path / "m.safetensors")
    again = gru_c.models.load_model(tmp_path / "m.safetensors").predict(data, verbose=0)
    np.testing.assert_array_equal(again[1], expected)
    part = gru_c.Model(x, gru_c.Dense(1)(output))
    part.compile("sgd", "mse")
    part.fit(data, np.zeros((3, 7, 1)), verbose=0)
    with_scores = gru_c.Model(x, gru_c.Dense(1)(output + ops.mean(scores)))
    with_scores.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no gradient passes through the attention scores"):
        with_scores.fit(data, np.zeros((3, 7, 1)), verbose=0)
