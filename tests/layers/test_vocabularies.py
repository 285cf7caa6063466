"""Layers with vocabularies beside Keras's results, and arguments that they refuse."""

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
