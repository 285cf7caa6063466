"""The order of a graph, and the sums of its gradients."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Input, Model, Sequential, layers
from gru_c.network.graph import Graph
from gru_c.network.graph_tape import GraphOptions


def branched():
    """Return a graph in which a tensor feeds three nodes and a layer is shared."""
    x = Input((4,), dtype="float64", name="x")
    shared = Dense(4, activation="tanh", name="shared", dtype="float64")
    first = shared(x)
    second = shared(first)
    y = layers.Add(name="sum", dtype="float64")([first, second, x])
    return Graph([x.tensor], [y, first]), shared


def test_gradients_of_shared_layers_and_tensors_are_those_of_finite_differences():
    graph, shared = branched()
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 4))

    def value(x):
        outputs, _, _ = graph.forward([x], [None], False)
        return sum((a * b).sum() for a, b in zip(outputs, d, strict=True))

    _, _, tape = graph.forward([x], [None], True)
    (d_x,) = graph.backward(tape, list(d), True, GraphOptions(input_gradient=True))
    step = np.zeros_like(x)
    step[1, 2] = 1e-6
    difference = (value(x + step) - value(x - step)) / 2e-6
    np.testing.assert_allclose(d_x[1, 2], difference, rtol=1e-6)
    kernel = shared.value("kernel")
    values = []
    for sign in (1, -1):
        kernel[2, 1] += sign * 1e-6
        values.append(value(x))
        kernel[2, 1] -= sign * 1e-6
    gradient = shared.gradient("kernel")[2, 1]
    np.testing.assert_allclose(gradient, (values[0] - values[1]) / 2e-6, rtol=1e-6)


def test_layers_that_lead_to_no_gradient_get_zeros():
    graph, shared = branched()
    shared.gradient("kernel")[...] = 7
    _, _, tape = graph.forward([np.ones((3, 4))], [None], True)
    graph.backward(tape, [None, None], True, GraphOptions())
    assert not shared.gradient("kernel").any()


def test_layers_are_in_the_order_of_keras():
    a, b = Input((4,), name="a"), Input((3,), name="b")
    h, g = Dense(5, name="h")(a), Dense(5, name="g")(b)
    s = layers.Add(name="s")([h, g])
    outputs = [Dense(1, name="o1")(s), Dense(2, name="o2")(h)]
    graph = Graph([a.tensor, b.tensor], outputs)
    assert [layer.name for layer in graph.layers] == ["a", "b", "h", "g", "s", "o1", "o2"]


def test_a_chain_is_found():
    x = Input((5, 3))
    hidden = GRU(4)(x)
    assert len(Graph([x.tensor], [Dense(1)(hidden)]).chain) == 2
    assert Graph([x.tensor], [hidden, Dense(1)(hidden)]).chain is None


def test_outputs_must_depend_on_the_inputs_alone():
    x, z = Input((3,), name="x"), Input((3,), name="z")
    y = layers.Add(name="join")([x, z])
    with pytest.raises(ValueError, match=r"Input 'z' of shape \(None, 3\) through layer 'join'"):
        Model(x, y)
    with pytest.raises(ValueError, match="'x' is given twice"):
        Model([x, x], y)
    with pytest.raises(ValueError, match="depend on the Input 'x'"):
        Model(z, Dense(1)(x))


def test_a_model_may_begin_in_the_middle_of_a_graph():
    x = Input((3,))
    hidden = Dense(4)(x)
    whole = Model(x, Dense(2)(hidden))
    tail = Model(hidden, whole.output)
    data = np.ones((2, 3), np.float32)
    middle = Model(x, hidden).predict(data, verbose=0)
    np.testing.assert_array_equal(tail.predict(middle, verbose=0), whole.predict(data, verbose=0))
    assert Sequential([whole.layers[1]]).layers
