"""The passes of models of graphs, and masks through them."""

import numpy as np
import pytest
from graph_models import X, two_inputs

from gru_c import GRU, Dense, Embedding, Input, Masking, Model, layers


def test_masks_pass_through_the_graph():
    words = Input((5,))
    embedded = Embedding(7, 3, mask_zero=True)(words)
    joined = layers.add([GRU(3, return_sequences=True)(embedded), embedded])
    model = Model(words, GRU(4)(joined))
    short, long = np.array([[1, 2, 3]]), np.array([[1, 2, 3, 0, 0]])
    whole = Model(words, joined).predict(long, verbose=0)
    tail = model.layers[-1](whole[:, :3])
    np.testing.assert_allclose(model.predict(long, verbose=0), tail, atol=1e-6)
    assert short.shape == (1, 3)


def test_losses_leave_out_steps_that_do_not_count():
    x = Input((4, 2))
    model = Model(x, layers.multiply([Dense(2)(Masking()(x)), Dense(2)(Masking()(x))]))
    model.compile("sgd", "mse")
    data = np.ones((2, 4, 2))
    data[:, 2:] = 0
    y = np.random.default_rng(0).normal(size=(2, 4, 2))
    loss = model.evaluate(data, y, verbose=0)
    p = model.predict(data, verbose=0)
    assert loss == pytest.approx(((p - y)[:, :2] ** 2).mean(), rel=1e-5)


def test_the_structure_is_fixed_and_says_its_shapes():
    model = two_inputs()
    assert model.built
    assert model.input_shape == [(None, 5, 3), (None, 2)]
    assert model.output_shape == (None, 1)
    assert model.compute_output_shape([(7, 5, 3), (7, 2)]) == (7, 1)
    assert model.chain is None
    with pytest.raises(ValueError, match="forward pass in training"):
        model.backward(np.ones((12, 1)))
    assert model(X).shape == (12, 1)


def test_samples_that_are_not_finite_are_named():
    model = two_inputs()
    facts = X["facts"].copy()
    facts[3, 1] = np.nan
    with pytest.warns(UserWarning, match=r"x\[1\]\[3, 1\] is nan"):
        model.predict([X["series"], facts], verbose=0)


def test_float64_is_the_dtype_of_the_whole_model():
    a, b = Input((3,), dtype="float64"), Input((3,), dtype="float64")
    model = Model([a, b], layers.add([Dense(2)(a), Dense(2)(b)]))
    assert model.dtype == "float64"
    assert model.predict([np.ones((2, 3))] * 2, verbose=0).dtype == np.float64
    with pytest.raises(ValueError, match="should be float32, but its layers are float64"):
        Model(a, Dense(2)(a), dtype="float32")


def test_an_operation_passes_no_mask_on_and_says_so():
    words = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    x = Input((4,))
    embedded = Embedding(5, 3, mask_zero=True)(x)
    model = Model(x, GRU(2)(embedded * 2))
    with pytest.warns(UserWarning, match="'multiply' gets a mask and passes none on"):
        y = model(words)
    gru = model.layers[-1]
    np.testing.assert_array_equal(y, gru(2 * model.layers[1](words)))
