"""The forms of inputs and outputs."""

import pytest

from gru_c import Input
from gru_c.network.structure import Structure, structure_of, unique_names

PAIR = Structure("input", "list", ["a", "b"], ["a", "b"])


def test_values_are_ordered_by_place_name_or_key():
    assert PAIR.ordered("x", [1, 2]) == [1, 2]
    assert PAIR.ordered("x", {"b": 2, "a": 1}) == [1, 2]
    assert PAIR.ordered("loss", {"b": 2}, missing=None) == [None, 2]
    keyed = Structure("output", "dict", ["dense", "dense_1"], ["p", "q"])
    assert keyed.ordered("y", {"q": 2, "p": 1}) == [1, 2]
    assert keyed.ordered("y", {"dense": 1, "dense_1": 2}) == [1, 2]
    assert keyed.packed([1, 2]) == {"p": 1, "q": 2}
    assert Structure("output", "one", ["a"], ["a"]).packed([1]) == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1], "x has 1 items, the model has 2 inputs: 'a', 'b'"),
        ({"a": 1}, "x lacks 'b'"),
        ({"a": 1, "b": 2, "c": 3}, "x has 'c', the model has 2 inputs: 'a', 'b'"),
        (1, "x must be a list or a dict of 2 items, for 2 inputs: 'a', 'b', got int"),
    ],
)
def test_wrong_numbers_and_names_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        PAIR.ordered("x", values)


def test_only_tensors_are_inputs():
    _, structure = structure_of("input", {"x": Input((3,), name="a")})
    assert structure.form == "dict"
    assert structure.names == ["a"]
    with pytest.raises(TypeError, match="inputs of a Model are symbolic tensors"):
        structure_of("input", [3])
    with pytest.raises(ValueError, match="at least one output"):
        structure_of("output", [])


def test_repeated_names_get_numbers():
    assert unique_names(["a", "b", "a"]) == ["a", "b", "a_1"]
