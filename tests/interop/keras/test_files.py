"""Stored files of Keras 2 and 3 are read; the tests do not need Keras."""

import os
from pathlib import Path

import numpy as np
import pytest
from tools import small_model as small

from gru_c import GRU, Sequential
from gru_c.interop import keras

pytest.importorskip("h5py")

DATA = Path(__file__).parents[3] / "tests" / "support" / "data" / "keras"


def expected(number, name):
    with np.load(DATA / f"expected_{number}.npz") as stored:
        return stored[f"{name}_x"], stored[f"{name}_y"]


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("file", ["sequences_{}.keras", "sequences_{}.h5"])
def test_sequences(number, file):
    model = keras.load(DATA / file.format(number))
    x, y = expected(number, "sequences")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-6)
    assert model.name == "net"
    assert [layer.name for layer in model.layers][4:6] == ["both", "gru_2"]
    assert model.optimizer.clipnorm == 1
    assert model.optimizer.rate_or_schedule(100) == pytest.approx(0.009)
    assert model.loss.name == "categorical_crossentropy"
    assert [metric.name for metric in model.metrics] == ["accuracy", "mae"]
    y = np.eye(2)[[0, 1, 0]]
    before = model.evaluate(x, y, verbose=0)[0]
    model.fit(x, y, epochs=20, seed=0, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] < before


@pytest.mark.parametrize("number", [2, 3])
def test_a_functional_chain(number):
    model = keras.load(DATA / f"functional_{number}.keras")
    x, y = expected(number, "functional")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, atol=1e-6)
    assert model.input_shape == (None, None, 4)


def test_a_model_is_not_for_a_file_with_its_own(path):
    keras.save(small(), path)
    with pytest.raises(ValueError, match="a model of its own; model= is for files of weights"):
        keras.load(path, small())


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (
            lambda p: keras.save(small(), p.with_suffix(".npz")),
            r"named \*.keras or \*.h5, got 'mod",
        ),
        (
            lambda p: keras.save(small(), p.with_suffix(".weights.h5")),
            r"named \*.keras or \*.h5, got 'model.weights.h5'",
        ),
        (
            lambda p: keras.save_weights(small(), p),
            r"weights from \*.weights.h5 or \*.h5, got 'model.keras'",
        ),
        (lambda p: keras.save(Sequential([GRU(3)]), p), "no weights yet, so save is not possible"),
        (lambda p: keras.save(GRU(3), p), "must be a Sequential or Model of gru_c, got GRU"),
        (lambda p: keras.save(small(), p.parent / "no" / "m.keras"), "there is no folder"),
    ],
)
def test_what_cannot_be_saved(path, save, message):
    with pytest.raises((ValueError, TypeError, OSError), match=message):
        save(path)
    assert os.listdir(path.parent) == []
