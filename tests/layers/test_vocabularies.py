"""TextVectorization, StringLookup and IntegerLookup: beside Keras's results, and their errors."""

import json

import keras_texts
import numpy as np
import pytest

from gru_c import layers
from gru_c.layers import IntegerLookup, StringLookup, TextVectorization

RESULTS = json.loads(keras_texts.FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("array", [np.array, lambda values: values], ids=["arrays", "lists"])
@pytest.mark.parametrize(
    ("case", "expected"),
    list(zip(keras_texts.CASES, RESULTS, strict=True)),
    ids=[f"{number}-{case[0]}" for number, case in enumerate(keras_texts.CASES)],
)
def test_vocabulary_and_output_are_those_of_keras(case, expected, array):
    vocabulary, output = keras_texts.run(layers, *case, array)
    assert vocabulary == expected["vocabulary"]
    if expected["dtype"] == "float32":
        assert output.dtype == np.float32
        np.testing.assert_allclose(output, np.array(expected["output"], np.float32), rtol=2e-7)
    else:
        assert output.tolist() == expected["output"]
        assert output.dtype.kind == ("U" if expected["dtype"] == "string" else "i")


# ---- texts ---------------------------------------------------------------------------------------


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


# ---- the vocabulary ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TextVectorization, StringLookup, IntegerLookup])
def test_without_a_vocabulary_nothing_is_looked_up(kind):
    x = [1] if kind is IntegerLookup else ["a"]
    with pytest.raises(ValueError, match="has no vocabulary: call adapt"):
        kind()(x)


def test_adapt_replaces_the_vocabulary_unless_the_constructor_was_given_it():
    layer = TextVectorization()
    layer.adapt(["a"])
    layer.set_vocabulary(["b"])
    layer.adapt(["c c d"])
    assert layer.get_vocabulary(include_special_tokens=False) == ["c", "d"]
    assert layer.vocabulary_size() == 4
    with pytest.raises(ValueError, match="was made with a vocabulary"):
        TextVectorization(vocabulary=["a"]).adapt(["c"])


def test_adapt_takes_so_many_batches():
    layer = StringLookup()
    layer.adapt((batch for batch in [["a"], ["b"], ["c"]]), steps=2)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a"]
    with pytest.raises(ValueError, match="steps is for an object that gives batches"):
        layer.adapt(["a"], steps=1)


def test_adapt_to_nothing_is_refused_and_changes_nothing():
    layer = TextVectorization()
    layer.adapt(["a"])
    with pytest.raises(ValueError, match="the data has no tokens"):
        layer.adapt(["", " !"])
    assert layer.get_vocabulary() == ["", "[UNK]", "a"]


def test_a_vocabulary_is_read_from_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("the\ncat\n", encoding="utf-8")
    layer = TextVectorization()
    layer.set_vocabulary(path)
    assert layer(["cat the dog"]).tolist() == [[3, 2, 1]]
    path.write_text("12\n36\n", encoding="utf-8")
    numbers = IntegerLookup()
    numbers.set_vocabulary(str(path))
    assert numbers([36, 5]).tolist() == [2, 0]
    with pytest.raises(TypeError, match="call set_vocabulary"):
        TextVectorization(vocabulary=str(path))  # a configuration from a file could name any path


@pytest.mark.parametrize(
    ("options", "vocabulary", "message"),
    [
        ({}, ["a", "b", "a"], r"more than once: \['a'\]"),
        ({}, [], "is empty"),
        ({"max_tokens": 2}, ["a", "b"], "has 3 tokens with the special ones"),
        ({"mask_token": ""}, ["a", ""], "special token '' in its midst"),
        ({"invert": True}, ["a", "[UNK]"], r"special token '\[UNK\]' in its midst"),
        ({}, ["a", 3], "must be str, got 3"),
        ({}, {"a", "b"}, "must be a list of tokens, got set"),
        ({"output_mode": "tf_idf"}, ["a"], "needs idf_weights"),
    ],
)
def test_a_vocabulary_that_does_not_fit_is_refused(options, vocabulary, message):
    layer = StringLookup(**options)
    with pytest.raises((ValueError, TypeError), match=message):
        layer.set_vocabulary(vocabulary)
    assert layer.vocabulary is None
    with pytest.raises((ValueError, TypeError), match=message):
        StringLookup(vocabulary=vocabulary, **options)


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


# ---- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (TextVectorization, {"output_mode": "ints"}, "output_mode must be one of int, one_hot"),
        (TextVectorization, {"output_mode": "one_hot"}, "arrays of different lengths"),
        (TextVectorization, {"standardize": "lowercase"}, "standardize must be lower_and_strip"),
        (TextVectorization, {"split": ","}, "split must be whitespace, character"),
        (TextVectorization, {"ngrams": 0}, "ngrams must be an integer of at least 1"),
        (TextVectorization, {"ngrams": [1, "2"]}, "every number of ngrams must be an integer"),
        (
            TextVectorization,
            {"output_sequence_length": 3, "output_mode": "count"},
            "output_sequence_length goes with output_mode='int'",
        ),
        (TextVectorization, {"ragged": True}, "ragged=True"),
        (TextVectorization, {"sparse": True}, "no sparse arrays"),
        (TextVectorization, {"max_token": 5}, "did you mean 'max_tokens'"),
        (TextVectorization, {"max_tokens": 1}, "max_tokens must be an integer of at least 2"),
        (TextVectorization, {"pad_to_max_tokens": True}, "needs max_tokens"),
        (TextVectorization, {"idf_weights": [1.0]}, "idf_weights belong to a vocabulary"),
        (StringLookup, {"invert": True, "output_mode": "count"}, "invert=True goes with"),
        (StringLookup, {"num_oov_indices": 2}, "by a hash that gru_c does not have"),
        (IntegerLookup, {"num_oov_indices": -1}, "num_oov_indices must be"),
        (IntegerLookup, {"oov_method": "farmhash"}, "'floormod' only"),
        (IntegerLookup, {"vocabulary_dtype": "int32"}, "must be 'int64'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(kind, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kind(**options)


@pytest.mark.parametrize("name", ["max_tokens", "ngrams", "vocabulary", "output_mode"])
def test_arguments_cannot_change_later(name):
    with pytest.raises(AttributeError, match=r"cannot change|is set with adapt"):
        setattr(TextVectorization(), name, 2)


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
