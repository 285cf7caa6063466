"""The base class of all layers: configurations, arguments, and its options."""

import inspect

import numpy as np
import pytest
from attribute_layer_cases import LAYER_CASES

from gru_c import GRU, Dense, Dropout, Embedding, Input
from gru_c.layers import Layer
from gru_c.layers.base import CommonOptions, LayerOptions


def test_every_layer_describes_itself():
    for layer in (GRU(5, name="a"), Dense(2, activation="relu"), Dropout(0.5, seed=3)):
        again = type(layer)(**layer.get_config())
        assert again.get_config() == layer.get_config()
        assert isinstance(again, Layer)


def test_the_options_of_layers_are_the_arguments_of_the_base_class():
    common = inspect.signature(Layer).parameters
    assert [*common] == [*CommonOptions.__annotations__, "weights"]
    assert {*common} == {*LayerOptions.__annotations__}
    for cls in LAYER_CASES:
        parameters = inspect.signature(cls).parameters
        assert inspect.Parameter.VAR_KEYWORD not in {item.kind for item in parameters.values()}
        for name in common if cls not in (Input, Embedding) else ("name",):
            assert parameters[name] == common[name]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GRU(0), "units must be an integer of at least 1, got 0"),
        (lambda: GRU(-3), "units must be an integer of at least 1, got -3"),
        (lambda: GRU(2.5), "units must be an integer of at least 1, got 2.5"),
        (lambda: GRU("50"), "units must be an integer of at least 1, got '50'"),
        (lambda: GRU(True), "units must be an integer of at least 1, got True"),
        (lambda: Dense(0), "units must be an integer of at least 1, got 0"),
        (lambda: GRU(5, activation="swish"), "unknown activation of a GRU 'swish'"),
        (lambda: GRU(5, recurrent_activation="tahn"), "did you mean 'tanh'"),
        (lambda: GRU(5, dropout=1), r"dropout must be a number in \[0, 1\), got 1"),
        (
            lambda: GRU(5, recurrent_dropout=-0.1),
            r"recurrent_dropout must be a number in \[0, 1\), got -0.1",
        ),
        (lambda: GRU(5, zoneout="x"), r"zoneout must be a number in \[0, 1\), got 'x'"),
        (lambda: GRU(5, clip=-1), "clip must be a number > 0 or None, got -1"),
        (lambda: GRU(5, seed=-1), "seed must be a non-negative integer or None, got -1"),
        (lambda: Dense(5, activation="sigmod"), "did you mean 'sigmoid'"),
        (lambda: GRU(5, kernel_initializer="glorot"), "unknown initializer 'glorot'"),
        (lambda: GRU(5, dtype="float16"), "dtype must be 'float32' or 'float64', got 'float16'"),
        (lambda: GRU(5, dtype="quick"), "dtype must be 'float32' or 'float64', got 'quick'"),
        (lambda: GRU(5, name="a/b"), "name must be a string without '/', got 'a/b'"),
        (lambda: GRU(5, input_shape=(10, 0)), "must be an integer of at least 1, got 0"),
        (lambda: GRU(5, input_shape=8.5), "input_shape must be a tuple"),
        (lambda: Dropout(1), r"rate must be a number in \[0, 1\), got 1"),
        (lambda: Dropout(-0.1), r"rate must be a number in \[0, 1\), got -0.1"),
        (lambda: Dropout("half"), r"rate must be a number in \[0, 1\), got 'half'"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize("make", [lambda n: GRU(8, input_shape=n), lambda n: Input(n)])
@pytest.mark.parametrize("number", [3, np.int64(3)])
def test_a_number_is_refused_as_input_shape(make, number):
    with pytest.raises(TypeError, match=r"write \(3,\) for .* \(None, 3\) for sequences of 3 feat"):
        make(number)
