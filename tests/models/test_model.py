"""The class of all models."""

from gru_c import Dense, Input, Model, Sequential
from gru_c.models import Functional


def test_model_makes_a_functional_and_is_the_base_of_both():
    x = Input((3,))
    model = Model(inputs=x, outputs=Dense(1)(x), name="mine")
    assert type(model) is Functional
    assert model.name == "mine"
    assert isinstance(model, Model)
    assert isinstance(Sequential(), Model)
