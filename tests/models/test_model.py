"""The class of all models."""

import pytest

from gru_c import Dense, Input, Model, Sequential
from gru_c.models import Functional


def test_model_makes_a_functional_and_is_the_base_of_both():
    x = Input((3,))
    model = Model(inputs=x, outputs=Dense(1)(x), name="mine")
    assert type(model) is Functional
    assert model.name == "mine"
    assert isinstance(model, Model)
    assert isinstance(Sequential(), Model)


def test_a_subclass_with_a_call_of_its_own_says_how_to_write_it():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1)

        def call(self, x):
            return self.dense(x)

    with pytest.raises(
        TypeError, match=r"Net is a subclass of Model with .* Model\(inputs, outputs"
    ):
        Net()
