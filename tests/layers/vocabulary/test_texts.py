"""Arrays of texts of any kind, and others that are refused."""

import numpy as np
import pytest

from gru_c.layers import TextVectorization


@pytest.mark.parametrize(
    "texts",
    [
        ["a b", "c"],
        np.array(["a b", "c"]),
        np.array(["a b", "c"], object),
        np.array([b"a b", b"c"]),
        [b"a b", "c"],
        ("a b", np.str_("c")),
        [["a b"], ["c"]],
    ],
)
def test_texts_may_be_of_any_kind_of_array(texts):
    layer = TextVectorization(vocabulary=["c", "b", "a"])
    np.testing.assert_array_equal(layer(texts), [[4, 3], [2, 0]])


def test_a_column_of_pandas_is_an_array_of_texts():
    pandas = pytest.importorskip("pandas")
    column = pandas.Series(["a b", "a"])
    layer = TextVectorization()
    layer.adapt(column)
    assert layer(column).tolist() == [[2, 3], [2, 0]]


def test_bytes_are_decoded_by_the_encoding():
    layer = TextVectorization(vocabulary=["é"], encoding="latin-1")
    assert layer([b"\xe9"]).tolist() == [[2]]


@pytest.mark.parametrize(
    ("texts", "kind", "message"),
    [
        ([1.0, 2.0], TypeError, r"x\[0\] must be a text, got 1.0"),
        (["a", float("nan")], TypeError, r"x\[1\] must be a text, got nan"),
        ([["a"], [None]], TypeError, r"x\[1, 0\] must be a text, got None"),
        (np.arange(3), TypeError, "x must hold texts, got int64"),
        ([["a", "b"]], ValueError, r"wants input of shape \(texts,\) or \(texts, 1\)"),
        ([["a", "b"], ["c"]], ValueError, "lists of different lengths"),
    ],
)
def test_an_input_that_is_no_array_of_texts_is_refused(texts, kind, message):
    with pytest.raises(kind, match=message):
        TextVectorization(vocabulary=["a"])(texts)
