"""Flags of constructors and functions are true or false, and nothing else."""

import inspect
import re

import numpy as np
import pytest
from attribute_cases import MADE_WITH, arguments_of, same, trained
from attribute_layer_cases import LAYER_CASES, ROWS, SEQUENCES, example_of

import gru_c
import gru_c.interop.keras
from gru_c import (
    Input,
)
from gru_c.forecast import Forecaster

NO_FLAGS = ["no", "False", "", None, 2, -1, 0.0, 1.0, [], np.array(True), np.float32(1)]

KINDS_OF_TRUE = [True, np.bool_(True), 1, np.int64(1)]

KINDS_OF_FALSE = [False, np.bool_(False), 0, np.uint8(0)]


def flags_of(function):
    parameters = inspect.signature(function).parameters.values()
    return [item.name for item in parameters if isinstance(item.default, bool)]


OWNER = r"( \([^()]+(\(\))?\))?"  # the layer or the function, where there is a cell
FLAGS = [(cls, name) for cls in MADE_WITH for name in flags_of(cls)]


@pytest.mark.parametrize(("cls", "name"), FLAGS)
def test_a_flag_of_a_constructor_is_true_or_false(cls, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_with = MADE_WITH[cls]
    obj = cls(**made_with)
    for value in NO_FLAGS:
        words = rf"^{name} must be True or False, got {re.escape(repr(value))}{OWNER}$"
        with pytest.raises(TypeError, match=words):
            cls(**{**made_with, name: value})
        before = getattr(obj, name)
        with pytest.raises((TypeError, AttributeError)):
            setattr(obj, name, value)
        assert getattr(obj, name) is before
    if name == "nesterov":
        made_with = {"momentum": 0.5}
    if name == "pad_to_max_tokens":
        made_with = {"max_tokens": 9}
    taken = KINDS_OF_FALSE if name in ("sparse", "ragged") else (*KINDS_OF_TRUE, *KINDS_OF_FALSE)
    for value in taken:
        assert getattr(cls(**{**made_with, name: value}), name) is bool(value)


def verbs():
    """Return functions and methods with the arguments that they need besides flags."""
    model = trained("sgd")
    yield model.fit, {"x": ROWS, "y": ROWS[:, :1], "verbose": 0}
    yield model.predict, {"x": ROWS, "verbose": 0}
    yield model.evaluate, {"x": ROWS, "y": ROWS[:, :1], "verbose": 0}
    yield model.train_on_batch, {"x": ROWS, "y": ROWS[:, :1]}
    yield model.profile, {"x": ROWS}
    yield model.save, {"filepath": "model.safetensors"}
    yield model.__call__, {"x": ROWS}
    for cls, (made_with, _) in LAYER_CASES.items():
        layer = cls(**made_with)
        x = example_of(layer)
        layer(x)
        yield layer.__call__, {"x": x}
        yield layer.forward, {"x": x}
        if cls is not Input:
            yield layer.backward, {"d_output": layer.forward(x, training=True)}
    arrays = {"kernel": np.ones((2, 12)), "recurrent_kernel": np.ones((4, 12))}
    yield gru_c.gru_forward, {"x": SEQUENCES, **arrays}
    yield gru_c.gru_step, {"x_t": ROWS, "state": np.zeros((8, 4)), **arrays}
    tape = gru_c.gru_forward(SEQUENCES, **arrays, training=True).tape
    yield gru_c.gru_backward, {"tape": tape}
    yield gru_c.timeseries_dataset, {"data": ROWS, "targets": None, "sequence_length": 2}
    forecaster = Forecaster(4, 1, hidden_units=1, epochs=1).fit(np.arange(30.0))
    yield forecaster.backtest, {"series": np.arange(40.0), "folds": 2}


def test_a_flag_of_a_function_is_true_or_false(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried = 0
    for verb, arguments in verbs():
        for name in flags_of(verb):
            for value in ("no", "False", None, 2):
                words = rf"^{name} must be True or False, got {value!r}{OWNER}$"
                with pytest.raises(TypeError, match=words):
                    verb(**arguments, **{name: value})
            tried += 1
    assert tried > 50
    assert not list(tmp_path.iterdir())


def test_flags_of_numpy_and_numbers_give_the_bits_of_true_and_false():
    arrays = {"x": SEQUENCES, "kernel": np.ones((2, 12)), "recurrent_kernel": np.ones((4, 12))}
    for name in flags_of(gru_c.gru_forward):
        for kinds in (KINDS_OF_TRUE, KINDS_OF_FALSE):
            for kind in kinds:
                result = gru_c.gru_forward(**arrays, **{name: kind})
                expected = gru_c.gru_forward(**arrays, **{name: kinds[0]})
                assert same([result.output], [expected.output])
                assert (result.tape is None) == (expected.tape is None)
    for kinds in (KINDS_OF_TRUE, KINDS_OF_FALSE):
        models = [trained("sgd") for _ in kinds]
        for model, kind in zip(models, kinds, strict=True):
            model.fit(ROWS, ROWS[:, :1], 2, shuffle=kind, seed=3, verbose=0)
            assert same(model.get_weights(), models[0].get_weights())
            logs = model.evaluate(ROWS, ROWS[:, :1], verbose=0, return_dict=kind)
            assert isinstance(logs, dict) == bool(kind)


@pytest.mark.parametrize("cls", [cls for cls in MADE_WITH if "verbose" in arguments_of(cls)])
def test_verbose_is_a_number_up_to_two(cls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    obj = cls(**MADE_WITH[cls])
    for value in ("no", 3, -1, None, [1]):
        with pytest.raises(ValueError, match=r"verbose must be .*0, 1 or 2, got"):
            cls(**MADE_WITH[cls], verbose=value)
        with pytest.raises(ValueError, match=r"verbose must be .*0, 1 or 2, got"):
            obj.verbose = value
    for value in (True, np.int64(1), 2, 0):
        obj.verbose = value
        assert obj.verbose == value
