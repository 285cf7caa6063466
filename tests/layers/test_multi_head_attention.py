import numpy as np
import pytest
from ops_gradients import check_gradients

from gru_c import layers
from gru_c.layers.base.layer_table import layer_of

RNG = np.random.default_rng(2)
Q, V = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 2, 4))


def test_gradients_by_finite_differences():
    layer = layers.MultiHeadAttention(2, 3, dtype="float64")
    layer(Q, V)
    check_gradients(lambda q, v: layer(q, v) if type(q) is np.ndarray else layer([q, v]), [Q, V])


def test_a_query_without_values_that_count_gets_a_mean():
    layer = layers.MultiHeadAttention(2, 3)
    y = layer(Q, V, value_mask=np.zeros((2, 2), bool))
    assert np.isfinite(y).all()


def test_a_layer_is_made_again_from_its_description():
    layer = layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=5, kernel_regularizer="l2")
    twin = layer_of({"class_name": "MultiHeadAttention", "config": layer.get_config()})
    assert twin.compute_output_shape([(None, 3, 4), (None, 2, 4)]) == (None, 3, 5)
    assert repr(twin) == repr(layer)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: layers.MultiHeadAttention(0, 2), ValueError, "num_heads"),
        (lambda: layers.MultiHeadAttention(2, 2, dropout=1), ValueError, "dropout"),
        (lambda: layers.MultiHeadAttention(2, 2)(Q), ValueError, "takes a list"),
        (
            lambda: layers.MultiHeadAttention(2, 2)(Q, V, attention_mask=np.ones((2, 3))),
            ValueError,
            r"must have the shape \(2, 3, 2\)",
        ),
    ],
)
def test_bad_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
