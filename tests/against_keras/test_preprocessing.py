"""Preprocessing beside Keras's own: texts, series, arrays, and the layers that shift and scale."""

import itertools
import json
import random

import numpy as np
import pytest
from keras_peer import keras

import gru_c
from gru_c.data.py_dataset import PyDataset
from gru_c.layers import Normalization, Rescaling
from gru_c.preprocessing import sequence, text
from gru_c.preprocessing.arrays import normalize, to_categorical

keras_text = pytest.importorskip("keras.src.legacy.preprocessing.text")
keras_sequence = pytest.importorskip("keras.src.legacy.preprocessing.sequence")

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(19)
TEXTS = ["The cat sat on the mat!", "A dog's dog, the END.", "", "cat cat cat dog"]
WORDS = [["Pre", "split", "the"]]
OTHERS = ["The unknown mat cat dog", "the the"]


# ---- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("char_level", [False, True])
@pytest.mark.parametrize("num_words", [None, 3, 0, 100])
@pytest.mark.parametrize("oov_token", [None, "<u>"])
@pytest.mark.parametrize("options", [{}, {"lower": False}, {"filters": ""}, {"split": "a"}])
def test_the_tokenizer_is_that_of_keras(char_level, num_words, oov_token, options):
    options = {**options, "char_level": char_level, "num_words": num_words, "oov_token": oov_token}
    texts = TEXTS if char_level else TEXTS + WORDS
    theirs, ours = keras_text.Tokenizer(**options), text.Tokenizer(**options)
    for tokenizer in (theirs, ours):
        tokenizer.fit_on_texts(texts)
        tokenizer.fit_on_texts(OTHERS)
        tokenizer.fit_on_sequences([[1, 2, 2]])
    for name in ("word_index", "index_word", "word_counts", "word_docs", "index_docs"):
        assert getattr(ours, name) == dict(getattr(theirs, name)), name
    assert ours.document_count == theirs.document_count
    sequences = ours.texts_to_sequences(OTHERS + TEXTS)
    assert sequences == theirs.texts_to_sequences(OTHERS + TEXTS)
    sequences += [[1, 99, 0]]
    assert ours.sequences_to_texts(sequences) == theirs.sequences_to_texts(sequences)
    for mode in ("binary", "count", "freq", "tfidf"):
        np.testing.assert_allclose(
            ours.texts_to_matrix(OTHERS, mode), theirs.texts_to_matrix(OTHERS, mode), rtol=1e-15
        )
    assert json.loads(ours.to_json()) == json.loads(theirs.to_json())
    again = text.tokenizer_from_json(theirs.to_json())
    assert again.texts_to_sequences(OTHERS) == ours.texts_to_sequences(OTHERS)
    back = keras_text.tokenizer_from_json(ours.to_json())
    assert back.texts_to_sequences(OTHERS) == ours.texts_to_sequences(OTHERS)


def test_hashes_and_words_are_those_of_keras():
    for one in TEXTS:
        assert text.text_to_word_sequence(one) == keras_text.text_to_word_sequence(one)
        assert text.hashing_trick(one, 9, "md5") == keras_text.hashing_trick(one, 9, "md5")
        assert text.one_hot(one, 9) == keras_text.one_hot(one, 9)
        assert text.hashing_trick(one, 9, len, analyzer=str.split) == keras_text.hashing_trick(
            one, 9, len, analyzer=str.split
        )


# ---- series and sequences ------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_windows_of_a_generator_are_those_of_keras(shuffle, reverse):
    x, y = RNG.standard_normal((30, 2)), np.arange(30)
    settings = itertools.product([1, 7], [1, 3], [1, 2, 5], [0, 4], [None, 20], [1, 4, 128])
    for length, rate, stride, start, end, batch_size in settings:
        arguments = (x, y, length, rate, stride, start, end, shuffle, reverse, batch_size)
        theirs = keras_sequence.TimeseriesGenerator(*arguments)
        ours = sequence.TimeseriesGenerator(*arguments)
        assert len(ours) == len(theirs)
        for number in range(len(ours)):
            batches = []
            for generator in (theirs, ours):
                np.random.seed(number)  # noqa: NPY002  # Keras draws from it
                batches.append(generator[number])
            for a, b in zip(*batches, strict=True):
                np.testing.assert_array_equal(b, a)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"window_size": 2, "negative_samples": 0},
        {"categorical": True, "seed": 4},
        {"shuffle": False},
        {"sampling_table": keras_sequence.make_sampling_table(20, 1e-3)},
    ],
)
def test_skipgrams_are_those_of_keras(options):
    pairs = []
    for module in (keras_sequence, sequence):
        random.seed(3)
        pairs.append(module.skipgrams([1, 2, 0, 3, 4, 5, 6], 20, **options))
    assert pairs[0] == pairs[1]
    np.testing.assert_array_equal(
        sequence.make_sampling_table(50), keras_sequence.make_sampling_table(50)
    )


@pytest.mark.parametrize(
    "sequences",
    [
        [[1], [2, 3], [4, 5, 6]],
        [[], [1, 2]],
        [[[1, 2], [3, 4]], [[5, 6]]],
        [(1.7, 2.2), (3.9,)],
        [["a", "b"], ["c"]],
    ],
)
def test_padded_sequences_are_those_of_keras(sequences):
    settings = itertools.product(
        [None, 1, 2, 4], ["int32", "float32", object], ["pre", "post"], ["pre", "post"], [0.0, "x"]
    )
    for setting in settings:
        names = ("maxlen", "dtype", "padding", "truncating", "value")
        results = []
        for function in (keras.utils.pad_sequences, sequence.pad_sequences):
            try:
                results.append(function(sequences, **dict(zip(names, setting, strict=True))))
            except ValueError as error:
                results.append(type(error))
        if isinstance(results[0], np.ndarray):
            assert results[0].dtype == results[1].dtype
            np.testing.assert_array_equal(results[1], results[0])
        else:
            assert results[0] is results[1], setting


# ---- arrays --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "count"), [([0, 2, 1], None), ([[0], [2]], 4), ([[1, 2], [0, 1]], None), (1, None)]
)
def test_rows_of_classes_are_those_of_keras(x, count):
    theirs, ours = keras.utils.to_categorical(x, count), to_categorical(x, count)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("axis", "order"), [(-1, 2), (1, 2), (2, 1), (-2, np.inf), (None, 2)])
def test_normalized_arrays_are_those_of_keras(axis, order):
    x = RNG.standard_normal((3, 4, 5))
    x[0] = 0
    x = x[1] if axis is None else x
    np.testing.assert_allclose(normalize(x, axis, order), keras.utils.normalize(x, axis, order))


# ---- layers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"axis": 1},
        {"axis": (1, 2), "invert": True},
        {"axis": None},
        {"mean": 2.0, "variance": 3.0},
        {"mean": [1.0, 2.0, 3.0], "variance": [1.0, 2.0, 3.0], "invert": True},
        {"axis": (1, 2), "mean": [1.0, 2.0, 3.0], "variance": [1.0, 2.0, 3.0]},
    ],
)
def test_normalization_is_that_of_keras(options):
    x = RNG.normal(5, 2, (12, 4, 3)).astype(np.float32)
    theirs, ours = keras.layers.Normalization(**options), Normalization(**options)
    if "mean" in options:
        ours.build(x.shape)
    else:
        theirs.adapt(x)
        ours.adapt(x)
    np.testing.assert_allclose(ours(x), theirs(x).numpy(), rtol=2e-5, atol=1e-5)
    if "mean" not in options:
        assert ours.count_params() == theirs.count_params()
        ours.set_weights([weight + 1 for weight in theirs.get_weights()])
        theirs.set_weights([weight + 1 for weight in theirs.get_weights()])
        theirs.finalize_state()
        np.testing.assert_allclose(ours(x), theirs(x).numpy(), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("arguments", [(0.5,), (2.0, -1.0), ([1.0, 2.0, 3.0], [0.5, 0.0, 1.0])])
def test_rescaling_is_that_of_keras(arguments):
    x = RNG.integers(0, 9, (4, 3))
    expected = keras.layers.Rescaling(*arguments)(x).numpy()
    np.testing.assert_allclose(Rescaling(*arguments)(x), expected, rtol=1e-6)


# ---- batch sources -------------------------------------------------------------------------------


def test_a_data_set_of_keras_trains_a_model_here_and_the_other_way_round():
    class Batches:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return np.full((4, 2), index, np.float32), np.ones((4, 1), np.float32)

    class Theirs(Batches, keras.utils.PyDataset):
        pass

    class Ours(Batches, PyDataset):
        pass

    model = gru_c.Sequential([gru_c.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    for data in (Theirs(workers=2), Ours(workers=2, use_multiprocessing=True, max_queue_size=3)):
        assert model.predict(data, verbose=0).shape == (8, 1)
        model.fit(data, validation_data=data, epochs=2, verbose=0)
        assert data.num_batches == 2
        assert data.workers == 2
