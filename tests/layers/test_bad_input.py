"""Tensors and initial values that no layer takes, and their messages."""

import re

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential, activations, losses, metrics


def test_an_activation_may_be_a_function_of_the_package():
    assert Dense(1, activations.tanh).activation == "tanh"
    with pytest.raises(TypeError, match=r"does not differentiate functions; write .*Activation\("):
        Dense(1, np.tanh)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("name", ["kernel", "bias"])
def test_initial_values_that_are_not_finite_are_refused(bad, name):
    layer = GRU(3, **{f"{name}_initializer": lambda shape, dtype: np.full(shape, bad)})
    with pytest.raises(
        ValueError, match=f"initializer of {name} of layer 'gru' made .*must be finite"
    ):
        layer.build((None, 4, 2))
    assert not layer.built


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        (lambda tensor: tensor.requires_grad_(), ".detach()"),
        (lambda tensor: tensor.bfloat16(), ".float()"),
        (lambda tensor: tensor.bfloat16().requires_grad_(), ".detach().float()"),
        (lambda tensor: tensor.to_sparse(), ".to_dense()"),
        (lambda tensor: tensor.to("meta"), ".cpu()"),
    ],
)
def test_tensors_that_numpy_cannot_read_are_refused_with_what_to_write(change, calls):
    torch = pytest.importorskip("torch")
    x, y = change(torch.ones(2, 4, 2)), change(torch.ones(2, 1))
    model = Sequential([GRU(3, input_shape=(None, 2)), Dense(1)])
    model.compile("sgd", "mse")
    for use in (
        lambda: model.predict(x, verbose=0),
        lambda: model(x),
        lambda: model.fit(x, np.ones((2, 1)), verbose=0),
        lambda: model.fit(np.ones((2, 4, 2)), y, verbose=0),
        lambda: model.layers[0].forward(x),
        lambda: losses.get("mse")(np.ones((2, 1)), y),
        lambda: metrics.get("mae").update(y, np.ones((2, 1))),
    ):
        with pytest.raises(TypeError, match=re.escape(f"give tensor{calls}.numpy() instead")):
            use()
    assert model.predict(torch.ones(2, 4, 2), verbose=0).shape == (2, 1)


def test_a_list_of_tensors_that_numpy_cannot_read_is_refused():
    torch = pytest.importorskip("torch")
    layer = Dense(2)
    layer.build((None, 3))
    with pytest.raises(TypeError, match=r"x holds a tensor .*: give tensor\.detach\(\)\.numpy\(\)"):
        layer([torch.ones(3, requires_grad=True)] * 2)
