"""StringLookup and IntegerLookup: unknown tokens, whole numbers, weights of tokens."""

import pytest

from gru_c.layers import IntegerLookup, StringLookup


def test_idf_weights_must_fit_the_vocabulary():
    layer = StringLookup(output_mode="tf_idf")
    with pytest.raises(ValueError, match=r"one number for each of the 2 tokens, got shape \(3,\)"):
        layer.set_vocabulary(["a", "b"], [1, 2, 3])
    with pytest.raises(ValueError, match="other modes have none"):
        StringLookup().set_vocabulary(["a"], [1.0])


def test_unknown_tokens_without_an_index_are_an_error():
    layer = StringLookup(vocabulary=["a"], num_oov_indices=0)
    assert layer(["a"]).tolist() == [0]
    with pytest.raises(ValueError, match="'b' is not in the vocabulary"):
        layer(["a", "b"])


def test_integers_must_be_whole():
    with pytest.raises(ValueError, match=r"x must hold integers, got 1\.5"):
        IntegerLookup(vocabulary=[1])([1.0, 1.5])
