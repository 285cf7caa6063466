"""The arrays that a graph is given."""

import numpy as np
import pytest

from gru_c import Dense, Input, Model, layers


def pair():
    a, b = Input((4,), name="a"), Input((3,), dtype="int32", name="b")
    model = Model([a, b], Dense(1)(layers.concatenate([a, b])))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([np.ones((2, 4)), np.ones((3, 3))], "one number of samples, got 'a' 2, 'b' 3"),
        ([np.ones((2, 5)), np.ones((2, 3))], r"input 'a' must have shape \(samples, 4\), got"),
        ([np.ones((2, 4))], "x has 1 items, the model has 2 inputs"),
        (np.ones((2, 4)), "x must be a list or a dict of 2 items"),
        ({"a": np.ones((2, 4)), "c": np.ones((2, 3))}, "x has 'c'"),
        ([np.ones((2, 4)), np.full((2, 3), 0.5)], "whole numbers"),
        ([np.ones((2, 4)), [["a"] * 3] * 2], "input 'b' must hold real numbers"),
    ],
)
def test_inputs_that_do_not_fit_are_named(x, words):
    model = pair()
    weights = model.get_weights()
    for call in (model.predict, lambda x, verbose: model.fit(x, np.ones(2), verbose=verbose)):
        with pytest.raises((ValueError, TypeError), match=words):
            call(x, verbose=0)
    assert all((a == b).all() for a, b in zip(weights, model.get_weights(), strict=True))


def test_an_input_without_its_axis_of_one_gets_it():
    a = Input((1,))
    model = Model(a, layers.add([Dense(2)(a), a]))
    assert model.predict(np.ones(5), verbose=0).shape == (5, 2)


def test_indices_are_checked_before_anything_is_changed():
    a, b = Input((3,)), Input((3, 2))
    embedded = layers.Embedding(5, 2, name="words")(a)
    model = Model([a, b], layers.add([embedded, b]))
    with pytest.raises(ValueError, match="'words': index 7"):
        model.predict([np.full((1, 3), 7), np.ones((1, 3, 2))], verbose=0)
