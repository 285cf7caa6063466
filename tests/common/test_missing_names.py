"""Errors for names that a module does not have."""

import importlib

import pytest

import gru_c as keras


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        ("gru_c", "Sequentail", "did you mean 'Sequential'"),
        ("gru_c.models", "save_model", r"model\.save\(path\)"),
        ("gru_c.layers", "CuDNNLSTM", "use LSTM"),
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
        ("gru_c", "Sequentail", "did you mean 'Sequential'"),
        ("gru_c.layers", "CuDNNLSTM", "use LSTM"),
        ("gru_c.layers", "Conv2DTranspose", "for sequences"),
        ("gru_c.layers", "AlphaDropout", "Keras has it, gru_c does not; write it with Lambda"),
        ("gru_c.metrics", "MeanIoU", "Keras has it, gru_c does not; derive a class"),
        ("gru_c.metrics", "SensitivityAtSpecificity", "Keras has it"),
        ("gru_c.metrics", "Mean", "use numpy.mean"),
        ("gru_c.optimizers", "Ftrl", "use Adam"),
        ("gru_c.losses", "Dice", "give compile a function"),
        ("gru_c.utils", "vis_utils", "import plot_model"),
        ("gru_c.backend", "mean", "use NumPy"),
        ("gru_c.backend", "set_session", "gru_c has no sessions"),
    ],
)
def test_an_import_of_a_missing_name_is_explained(module, name, message):
    with pytest.raises(ImportError, match=f"cannot import name '{name}' from '{module}'.*"):
        exec(f"from {module} import {name}")
    with pytest.raises(ImportError, match=message):
        exec(f"from {module} import {name}")
    assert not hasattr(importlib.import_module(module), name)
