"""Copies and pickles of an object of every public class."""

import copy
import importlib
import inspect

import pytest
from copy_cases import CASES, assert_alike, three_ways

import gru_c
from gru_c import Model, Parameters, layers

MODELS = (Model, layers.Layer)  # a shallow copy of these is refused


def test_every_public_class_is_among_the_cases():
    rooms = ["gru_c", "gru_c.forecast", "gru_c.sklearn", "gru_c.distributed"]
    for extra, room in (("onnx", "gru_c.interop.onnx"), ("torch", "gru_c.interop.torch")):
        rooms += [room] if importlib.util.find_spec(extra) else []
    if not importlib.util.find_spec("sklearn"):
        rooms.remove("gru_c.sklearn")
    public = {
        name
        for room in rooms
        for name in importlib.import_module(room).__all__
        if inspect.isclass(getattr(importlib.import_module(room), name))
        and not issubclass(getattr(importlib.import_module(room), name), Exception)
    }
    assert public <= {name.rpartition(".")[2] for name in CASES}


@three_ways
@pytest.mark.parametrize("name", CASES)
def test_every_public_object_is_copied_right_or_says_why_not(name, duplicate):
    case = CASES[name]
    original = case.make()
    refuses = isinstance(original, (*MODELS, Parameters, gru_c.parameters.Parameter))
    if duplicate is copy.copy and refuses:
        with pytest.raises(TypeError, match=r"would share its weights .* use copy\.deepcopy"):
            copy.copy(original)
        return
    other = duplicate(original)
    assert type(other) is type(original)
    wanted = case.show(case.make())
    case.disturb(original)
    assert_alike(case.show(other), wanted)
