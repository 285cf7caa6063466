"""Embeddings with initial vectors, and constants that are arrays."""

import copy

import numpy as np
import pytest
from frozen_models import fit

from gru_c import (
    GRU,
    Dense,
    Embedding,
    Input,
    Sequential,
    initializers,
    load_model,
)

RNG = np.random.default_rng(72)
MATRIX = RNG.standard_normal((9, 4)).astype(np.float32)
WORDS = RNG.integers(0, 9, (24, 6))


@pytest.mark.parametrize(
    "options",
    [
        {"weights": [MATRIX]},
        {"weights": MATRIX},
        {"weights": MATRIX.tolist()},
        {"weights": (MATRIX.astype(np.float64),)},
        {"embeddings_initializer": initializers.Constant(MATRIX)},
        {"embeddings_initializer": initializers.Constant(MATRIX.tolist())},
        {"embeddings_initializer": MATRIX},
    ],
    ids=lambda options: next(iter(options)),
)
def test_given_embeddings_stay_when_frozen(tmp_path, options):
    model = Sequential([Embedding(9, 4, trainable=False, **options), GRU(3), Dense(1)], seed=0)
    model.compile("adam", "mse")
    fit(model, WORDS)
    np.testing.assert_array_equal(model.layers[0].value("embeddings"), MATRIX)
    path = tmp_path / "model.safetensors"
    model.save(path)
    assert len(path.read_bytes()) < 8000
    again = load_model(path)
    np.testing.assert_array_equal(again.layers[0].value("embeddings"), MATRIX)
    assert not again.layers[0].trainable
    np.testing.assert_array_equal(again.predict(WORDS), model.predict(WORDS))


def test_embeddings_with_weights_have_them_at_once():
    layer = Embedding(9, 4, weights=[MATRIX])
    assert layer.built
    assert layer.trainable_weights == layer.parameters
    np.testing.assert_array_equal(layer.get_weights()[0], MATRIX)
    for indices in (WORDS, WORDS[0], WORDS[None]):  # of any shape
        np.testing.assert_array_equal(copy.deepcopy(layer)(indices), MATRIX[indices])
    assert "weights" not in layer.get_config()
    model = Sequential([layer, GRU(2)])
    model.build((None, 6))
    assert model.predict(WORDS).shape == (24, 2)
    assert Sequential(model.layers[:1]).predict(WORDS).shape == (24, 6, 4)
    shared = Sequential([Input((6,)), Embedding(9, 4, weights=MATRIX), GRU(2)]).layers[:1]
    assert Sequential(shared).predict(WORDS).shape == (24, 6, 4)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (MATRIX.T, r"must have shape \(9, 4\), for input_dim and output_dim, got \(4, 9\)"),
        ([MATRIX, MATRIX], r"got \(2, 9, 4\)"),
        ([], r"got \(0,\)"),
        (MATRIX[0], r"got \(4,\)"),
        ("glove", "must hold real numbers"),
        (MATRIX * np.nan, "weights of layer 'embedding' must be finite"),
        ([np.full((9, 4), np.inf)], "weights of layer 'embedding' must be finite"),
        (np.full((9, 4), 1e300), "with NaN or infinity in float32"),
    ],
)
def test_embeddings_of_another_shape_are_refused(weights, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Embedding(9, 4, weights=weights)


def test_embeddings_with_weights_take_the_dtype_of_the_model():
    exact = RNG.standard_normal((9, 4))
    layer = Embedding(9, 4, weights=[exact])
    layer.value("embeddings")[2] = 3
    model = Sequential([layer, GRU(2)], dtype="float64", seed=0)
    model.build((None, 6))
    exact[2] = 3
    assert (layer.dtype, layer.get_weights()[0].dtype) == ("float64", np.float64)
    np.testing.assert_array_equal(layer.get_weights()[0], exact)
    assert model.predict(WORDS).dtype == np.float64
    model.compile("adam", "mse")
    fit(model, WORDS, np.zeros((24, 2)))
    small = Embedding(9, 4, weights=[exact])
    assert Sequential([small], seed=0).dtype == small.dtype == "float32"
    for settled in (small, Embedding(9, 4, weights=[exact], dtype="float32")):
        with pytest.raises(ValueError, match="'embedding' is float32, the model is float64"):
            Sequential([settled], dtype="float64")


def test_constants_may_be_arrays():
    def made(initializer, shape=(9, 4)):
        return initializers.get(initializer)(shape, "float32", np.random.default_rng(0))

    row = MATRIX[0]
    np.testing.assert_array_equal(made(initializers.Constant(row)), np.tile(row, (9, 1)))
    column = initializers.Constant(MATRIX[:, :1])
    np.testing.assert_array_equal(made(column), np.tile(MATRIX[:, :1], (1, 4)))
    again = initializers.get(initializers.serialize(initializers.Constant(MATRIX)))
    np.testing.assert_array_equal(made(again), MATRIX)
    for wrong in (initializers.Constant(MATRIX.T), row, MATRIX[None], np.array(3.0)):
        with pytest.raises(ValueError, match=r"given as the initial value of a weight of shape"):
            made(wrong)
    with pytest.raises(ValueError, match="must be finite"):
        initializers.Constant([1.0, np.nan])
    source = MATRIX.copy()
    constant = initializers.Constant(source)
    source[:] = 0
    np.testing.assert_array_equal(made(constant), MATRIX)
