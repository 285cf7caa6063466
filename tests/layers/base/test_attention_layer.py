import numpy as np
import pytest

from gru_c import layers
from gru_c.layers.base.attention_layer import AttentionLayer

X = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("f")


def test_a_subclass_defines_attend():
    class Sums(AttentionLayer):
        def attend(self, query, value, key, counting, training):
            return query + value * 2, key

    layer = Sums()
    layer.build([X.shape, X.shape])
    np.testing.assert_allclose(layer.forward([X, X], training=True), 3 * X, rtol=1e-6)
    first, second = layer.backward(np.ones_like(X))
    assert (first == 1).all()
    assert (second == 2).all()
    with pytest.raises(NotImplementedError):
        AttentionLayer.attend(layer, X, X, X, None, False)


def test_a_causal_mask_hides_later_steps():
    y, scores = layers.Attention()([X, X], use_causal_mask=True, return_attention_scores=True)
    assert (np.triu(scores, 1) == 0).all()
    np.testing.assert_array_equal(y[:, 0], X[:, 0])


def test_a_layer_that_is_not_built_says_so():
    with pytest.raises(ValueError, match="build"):
        layers.Attention().forward([X, X])
