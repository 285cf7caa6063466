"""``import gru_c as keras``: Keras's namespaces, and errors for names that are not there."""

import importlib

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        ("gru_c", "Model", "layers in a row"),
        ("gru_c", "ops", "use NumPy"),
        ("gru_c", "Sequentail", "did you mean 'Sequential'"),
        ("gru_c.models", "save_model", r"model\.save\(path\)"),
        ("gru_c.layers", "LSTM", "use GRU"),
        ("gru_c.layers", "Dens", "did you mean 'Dense'"),
        ("gru_c.utils", "to_categoricals", "did you mean 'to_categorical'"),
        ("gru_c.losses", "MeanSquareError", "did you mean 'MeanSquaredError'"),
        ("gru_c.metrics", "Acuracy", "did you mean 'Accuracy'"),
        ("gru_c.optimizers", "Adan", "did you mean 'Adam'"),
        ("gru_c.callbacks", "EarlyStoping", "did you mean 'EarlyStopping'"),
        ("gru_c.initializers", "GlorotUniforms", "did you mean 'GlorotUniform'"),
        ("gru_c.regularizers", "L1L3", "did you mean 'L1L2'"),
        ("gru_c.constraints", "MaxNorms", "did you mean 'MaxNorm'"),
        ("gru_c.activations", "tanhh", "did you mean 'tanh'"),
        ("gru_c.preprocessing", "image", "another library"),
    ],
)
def test_a_missing_name_is_explained(module, name, message):
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute '{name}'.*"):
        getattr(importlib.import_module(module), name)
    with pytest.raises(AttributeError, match=message):
        getattr(importlib.import_module(module), name)


def test_private_names_get_no_advice():
    with pytest.raises(AttributeError, match=r"no attribute '__wrapped__'$"):
        keras.layers.__wrapped__  # noqa: B018


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        ("gru_c", "Model", "layers in a row"),
        ("gru_c", "Sequentail", "did you mean 'Sequential'"),
        ("gru_c.layers", "LSTM", "use GRU"),
        ("gru_c.layers", "Conv2DTranspose", "for sequences"),
        ("gru_c.layers", "AlphaDropout", "Keras has it, gru_c does not; write it with Lambda"),
        ("gru_c.metrics", "MeanIoU", "Keras has it, gru_c does not; derive a class"),
        ("gru_c.metrics", "SensitivityAtSpecificity", "Keras has it"),
        ("gru_c.metrics", "Mean", "use numpy.mean"),
        ("gru_c.optimizers", "Ftrl", "use Adam"),
        ("gru_c.losses", "Dice", "give compile a function"),
        ("gru_c.utils", "vis_utils", "import plot_model"),
        ("gru_c.backend", "mean", "use NumPy"),
        ("gru_c.backend", "set_session", "there are no sessions"),
    ],
)
def test_an_import_of_a_missing_name_is_explained(module, name, message):
    with pytest.raises(ImportError, match=f"cannot import name '{name}' from '{module}'.*"):
        exec(f"from {module} import {name}")
    with pytest.raises(ImportError, match=message):
        exec(f"from {module} import {name}")
    assert not hasattr(importlib.import_module(module), name)


def test_names_of_keras_2():
    from gru_c.utils import np_utils
    from gru_c.utils.np_utils import to_categorical

    assert np_utils.to_categorical is to_categorical is keras.utils.to_categorical
    assert keras.backend.floatx() == "float32"
    assert keras.optimizers.schedules.LearningRateSchedule is keras.schedules.Schedule
