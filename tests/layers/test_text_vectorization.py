"""TextVectorization: functions of the user, and shapes of its output."""

import numpy as np
import pytest

from gru_c.layers import StringLookup, TextVectorization


def test_functions_standardize_and_split():
    layer = TextVectorization(
        standardize=lambda texts: np.char.replace(texts, "-", " "),
        split=lambda texts: [text.split() for text in texts],
        vocabulary=["a", "B"],
    )
    assert layer(["a-B", "b"]).tolist() == [[2, 3], [1, 0]]


def test_functions_that_return_something_else_are_refused():
    layer = TextVectorization(standardize=lambda texts: texts[:1], vocabulary=["a"])
    with pytest.raises(ValueError, match=r"must return texts of shape \(2,\), got \(1,\)"):
        layer(["a", "b"])
    layer = TextVectorization(split=lambda texts: [["a"]], vocabulary=["a"])
    with pytest.raises(ValueError, match="a list of tokens for each of 2 texts, got 1"):
        layer(["a", "b"])


@pytest.mark.parametrize(
    ("shape", "expected"), [((None,), (None, 4)), ((None, 1), (None, 4)), ((7, 2), None)]
)
def test_output_shapes(shape, expected):
    layer = TextVectorization(vocabulary=["a", "b"], output_sequence_length=4)
    if expected is None:
        with pytest.raises(ValueError, match=r"\(batch,\) or \(batch, 1\)"):
            layer.compute_output_shape(shape)
    else:
        assert layer.compute_output_shape(shape) == expected
    rows = TextVectorization(vocabulary=["a", "b"], output_mode="multi_hot")
    assert rows.compute_output_shape((None,)) == (None, 3)
    one_hot = StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
    assert one_hot.compute_output_shape((None, 1)) == (None, 3)
    assert one_hot.compute_output_shape((None, 5)) == (None, 5, 3)
    with pytest.raises(ValueError, match=r"\(batch, tokens\)"):
        StringLookup(vocabulary=["a"], output_mode="count").compute_output_shape((None,))
