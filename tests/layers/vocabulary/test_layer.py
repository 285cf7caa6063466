"""Layers with a vocabulary adapt to data, or not at all."""

import pytest

from gru_c.layers import IntegerLookup, StringLookup, TextVectorization


@pytest.mark.parametrize("kind", [TextVectorization, StringLookup, IntegerLookup])
def test_without_a_vocabulary_nothing_is_looked_up(kind):
    x = [1] if kind is IntegerLookup else ["a"]
    with pytest.raises(ValueError, match="has no vocabulary: call adapt"):
        kind()(x)


def test_adapt_replaces_the_vocabulary_unless_the_constructor_was_given_it():
    layer = TextVectorization()
    layer.adapt(["a"])
    layer.set_vocabulary(["b"])
    layer.adapt(["c c d"])
    assert layer.get_vocabulary(include_special_tokens=False) == ["c", "d"]
    assert layer.vocabulary_size() == 4
    with pytest.raises(ValueError, match="was made with a vocabulary"):
        TextVectorization(vocabulary=["a"]).adapt(["c"])


def test_adapt_takes_so_many_batches():
    layer = StringLookup()
    layer.adapt((batch for batch in [["a"], ["b"], ["c"]]), steps=2)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a"]
    with pytest.raises(ValueError, match="steps is for an object that gives batches"):
        layer.adapt(["a"], steps=1)


def test_adapt_to_nothing_is_refused_and_changes_nothing():
    layer = TextVectorization()
    layer.adapt(["a"])
    with pytest.raises(ValueError, match="the data has no tokens"):
        layer.adapt(["", " !"])
    assert layer.get_vocabulary() == ["", "[UNK]", "a"]


@pytest.mark.parametrize("name", ["max_tokens", "ngrams", "vocabulary", "output_mode"])
def test_arguments_cannot_change_later(name):
    with pytest.raises(AttributeError, match=r"cannot change|is set with adapt"):
        setattr(TextVectorization(), name, 2)
