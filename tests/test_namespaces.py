"""``import gru_c as keras``: Keras's namespaces."""

import numpy as np

import gru_c as keras


def test_a_program_finds_its_names_by_attribute():
    assert keras.utils.to_categorical([1, 0], 2).tolist() == [[0, 1], [1, 0]]
    assert keras.utils.Sequence is keras.utils.PyDataset
    assert keras.preprocessing.sequence.pad_sequences([[1], [1, 2]]).tolist() == [[0, 1], [1, 2]]
    assert keras.preprocessing.text.Tokenizer().fit_on_texts(["a b"]) is None
    assert keras.models.Sequential is keras.Sequential
    assert keras.layers.Conv1D(2, 3).kernel_size == (3,)
    assert keras.datasets.imdb.__name__ == "gru_c.datasets.imdb"


def test_set_random_seed_repeats_a_model():
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        weights.append(keras.Sequential([keras.Input((4, 2)), keras.layers.GRU(3)]).get_weights())
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_names_that_keras_has_as_well():
    assert keras.backend.floatx() == "float32"
    assert keras.optimizers.schedules.LearningRateSchedule is keras.schedules.Schedule


def test_every_namespace_of_keras_can_be_imported_from():
    """As in ``from tensorflow.keras.optimizers.schedules import ExponentialDecay``."""
    for name, words in {
        "optimizers.schedules": "ExponentialDecay, CosineDecay, LearningRateSchedule",
        "optimizers": "Adam, schedules",
        "preprocessing.sequence": "pad_sequences, TimeseriesGenerator",
        "preprocessing.text": "Tokenizer",
        "datasets.imdb": "load_data",
        **dict.fromkeys(("losses", "metrics", "activations", "initializers"), "get"),
        **dict.fromkeys(("regularizers", "constraints", "optimizers"), "get"),
        "utils": "to_categorical, plot_model",
        "models": "Sequential, load_model",
        "callbacks": "EarlyStopping",
        "backend": "clear_session",
    }.items():
        exec(f"from gru_c.{name} import {words}")
        exec(f"import gru_c.{name} as module; module")
