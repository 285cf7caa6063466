"""Results of Keras's layers on texts and categories, and models of Keras that begin with them.

Keras computes these layers with TensorFlow, which the tests do not need: they read the results.
`python tests/support/keras_texts.py`, where TensorFlow is installed, writes all files again.
"""

import json
import os
from pathlib import Path

FILE = Path(__file__).parent / "data" / "keras_texts.json"
MODELS = Path(__file__).parent / "data" / "keras"

TEXTS = ["The CAT sat, on  the mat!\tÄPFEL", "dog's dog", "", "a b c d ÉCOLE éa\u00a0b"]
WORDS = [["a", "b", "c"], ["b", "b", "z"]]
BATCHES = {"batches": [["x x", "y"], ["z z z"]]}

_TEXT_OPTIONS = [
    {},
    {"output_sequence_length": 3},
    {"output_sequence_length": 9},
    {"standardize": "lower"},
    {"standardize": None},
    {"standardize": "strip_punctuation"},
    {"split": "character"},
    {"ngrams": 2},
    {"ngrams": [2]},
    {"ngrams": [3, 1]},
    {"output_mode": "multi_hot"},
    {"output_mode": "binary"},
    {"output_mode": "count"},
    {"output_mode": "tf_idf"},
    {"output_mode": "tf_idf", "ngrams": 2, "max_tokens": 9},
    {"output_mode": "multi_hot", "max_tokens": 20, "pad_to_max_tokens": True},
    {"output_mode": "tf_idf", "max_tokens": 20, "pad_to_max_tokens": True},
    {"max_tokens": 5},
    {"split": None},
]
_ROWS = [
    {"split": None},
    {"split": None, "ngrams": 2},
    {"split": None, "output_sequence_length": 2},
    {"split": None, "output_sequence_length": 5},
    {"split": None, "output_mode": "multi_hot"},
    {"split": None, "output_mode": "tf_idf"},
]
_ABCD = ["a", "b", "c", "d"]
_LETTERS = [["a", "c", "d", "d"], ["d", "z", "", "[UNK]"]]
_LOOKUPS = [
    ({"vocabulary": _ABCD}, _LETTERS),
    ({"vocabulary": _ABCD}, "a"),
    ({"vocabulary": ["[UNK]", *_ABCD]}, _LETTERS),
    ({"vocabulary": ["a", "[UNK]"]}, _LETTERS),
    ({"vocabulary": _ABCD, "mask_token": ""}, _LETTERS),
    ({"vocabulary": ["", "[UNK]", *_ABCD], "mask_token": ""}, _LETTERS),
    ({"vocabulary": _ABCD, "mask_token": "", "output_mode": "multi_hot"}, _LETTERS),
    ({"vocabulary": _ABCD, "mask_token": "", "output_mode": "count"}, _LETTERS),
    ({"vocabulary": _ABCD, "num_oov_indices": 0}, [["a", "d"], ["b", "b"]]),
    ({"vocabulary": _ABCD, "invert": True}, [[1, 3, 4], [4, 0, 9]]),
    ({"vocabulary": _ABCD, "invert": True, "mask_token": "<m>"}, [[1, 3, 4], [4, 0, 9]]),
    ({"vocabulary": _ABCD, "output_mode": "one_hot"}, ["a", "z"]),
    ({"vocabulary": _ABCD, "output_mode": "one_hot"}, _LETTERS),
    ({"vocabulary": _ABCD, "output_mode": "one_hot"}, [["a"], ["z"]]),
    ({"vocabulary": _ABCD, "output_mode": "multi_hot"}, ["a", "z"]),
    ({"vocabulary": _ABCD, "output_mode": "count"}, ["a", "a", "z"]),
    ({"vocabulary": _ABCD, "output_mode": "count", "max_tokens": 7}, _LETTERS),
    (
        {
            "vocabulary": _ABCD,
            "output_mode": "multi_hot",
            "max_tokens": 7,
            "pad_to_max_tokens": True,
        },
        _LETTERS,
    ),
    (
        {"vocabulary": _ABCD, "output_mode": "tf_idf", "idf_weights": [0.25, 0.75, 0.6, 0.4]},
        _LETTERS,
    ),
    (
        {
            "vocabulary": ["[UNK]", *_ABCD],
            "output_mode": "tf_idf",
            "idf_weights": [0.9, 0.25, 0.75, 0.6, 0.4],
        },
        _LETTERS,
    ),
]
_LEARNED = [
    ({}, _LETTERS),
    ({"max_tokens": 3}, _LETTERS),
    ({"mask_token": ""}, _LETTERS),
    ({"output_mode": "tf_idf"}, _LETTERS),
    ({"output_mode": "tf_idf"}, ["a", "b", "a"]),
    ({"output_mode": "tf_idf"}, {"batches": [["a", "b"], ["a", "c"]]}),
]
_NUMBERS = [12, 36, 1138, 42]
_INTEGERS = [[12, 1138, 42], [42, 1000, 0]]
_INTEGER_LOOKUPS = [
    ({"vocabulary": _NUMBERS}, _INTEGERS),
    ({"vocabulary": _NUMBERS}, [[12.0, 36.0]]),
    ({"vocabulary": _NUMBERS, "num_oov_indices": 2}, [-3, 7, 8, 12]),
    ({"vocabulary": _NUMBERS, "num_oov_indices": 3, "mask_token": 0}, [-3, 7, 8, 12, 0]),
    ({"vocabulary": _NUMBERS, "mask_token": 0}, _INTEGERS),
    ({"vocabulary": _NUMBERS, "invert": True}, [[1, 3, 4], [4, 0, 9]]),
    ({"vocabulary": _NUMBERS, "invert": True, "mask_token": 0}, [[1, 3, 4], [4, 0, 9]]),
    ({"vocabulary": _NUMBERS, "output_mode": "one_hot"}, [12, 7]),
    ({"vocabulary": _NUMBERS, "output_mode": "count"}, _INTEGERS),
]

# The layer, its arguments, the data to adapt it to (None: it has a vocabulary), and its input.
CASES = [
    *(("TextVectorization", options, TEXTS, TEXTS) for options in _TEXT_OPTIONS),
    *(("TextVectorization", options, WORDS, WORDS) for options in _ROWS),
    ("TextVectorization", {}, [[text] for text in TEXTS], [[text] for text in TEXTS]),
    ("TextVectorization", {}, TEXTS, "the cat sat"),
    ("TextVectorization", {"output_mode": "multi_hot"}, TEXTS, "the cat sat"),
    ("TextVectorization", {"vocabulary": ["the", "cat"]}, None, TEXTS),
    ("TextVectorization", {"vocabulary": ["", "[UNK]", "the"]}, None, TEXTS),
    ("TextVectorization", {}, BATCHES, ["x z q"]),
    ("TextVectorization", {"output_mode": "tf_idf"}, BATCHES, ["x z q"]),
    *(("StringLookup", options, None, data) for options, data in _LOOKUPS),
    *(("StringLookup", options, data, _LETTERS) for options, data in _LEARNED),
    *(("IntegerLookup", options, None, data) for options, data in _INTEGER_LOOKUPS),
    ("IntegerLookup", {}, _INTEGERS, _INTEGERS),
]


def run(layers, name, options, data, x, array):
    """Return a layer's vocabulary and output; `array` makes what it is given of a list."""
    options = {
        key: tuple(value) if key == "ngrams" and isinstance(value, list) else value
        for key, value in options.items()
    }
    layer = getattr(layers, name)(**options)
    if isinstance(data, dict):
        layer.adapt(iter([array(batch) for batch in data["batches"]]))
    elif data is not None:
        layer.adapt(array(data))
    return layer.get_vocabulary(), layer(array(x))


# Layers that learn a vocabulary in a saved model, their input, and its shape without the batch.
MODEL_CASES = {
    "texts_int": ("TextVectorization", {"max_tokens": 9}, TEXTS, ()),
    "texts_tf_idf": ("TextVectorization", {"output_mode": "tf_idf"}, TEXTS, (1,)),
    "strings": ("StringLookup", {}, WORDS, (3,)),
    "integers": ("IntegerLookup", {}, _INTEGERS, (3,)),
}


def _plain(value):
    value = value.numpy() if hasattr(value, "numpy") else value
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


def _write_results(keras, np):
    results = []
    for case in CASES:
        vocabulary, output = run(keras.layers, *case, np.array)
        facts = {"dtype": output.dtype.name, "output": _plain(output)}
        results.append({"vocabulary": _plain(vocabulary), **facts})
    lines = ",\n".join(json.dumps(result, ensure_ascii=False) for result in results)
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def _write_models(keras, np):
    keras.utils.set_random_seed(1)
    layers, expected = keras.layers, {}
    for name, (kind, options, data, shape) in MODEL_CASES.items():
        first = getattr(layers, kind)(**options)
        x = np.array(data).reshape(-1, *shape)
        first.adapt(x)
        rest = [layers.Embedding(20, 3, mask_zero=True), layers.GRU(2)]
        model = keras.Sequential(
            [
                keras.Input(shape, dtype="int64" if kind == "IntegerLookup" else "string"),
                first,
                *([] if options.get("output_mode") else rest),
                layers.Dense(1),
            ]
        )
        expected[name] = model(keras.ops.convert_to_tensor(x)).numpy()
        model.save(MODELS / f"{name}.keras")
    np.savez(MODELS / "expected_texts.npz", **expected)


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import numpy as np

    _write_results(keras, np)
    _write_models(keras, np)
