"""The formats of Keras's files by the suffixes of their names."""

import numpy as np
import pytest
from tools import small_model

from gru_c.interop.keras_formats import KERAS

pytest.importorskip("h5py")


def format_of(name):
    return next(item for item in KERAS if name.endswith(item.suffixes))


def test_weights_and_models_are_told_apart_by_the_suffix():
    assert format_of("a.weights.h5").load_model is None
    assert format_of("a.weights.h5").save_weights is not None
    assert format_of("a.h5").load_model is not None
    assert format_of("a.keras").save_weights is None
    assert format_of("a.hdf5") is format_of("a.h5")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_model_comes_back_and_its_optimizer_on_request(tmp_path, suffix):
    model, path = small_model(), tmp_path / f"model{suffix}"
    model.fit(np.ones((4, 2, 4)), np.ones(4), verbose=0)
    for include_optimizer, steps in ((None, 1), (False, 0)):
        format_of(suffix).save(model, path, include_optimizer)
        again = format_of(suffix).load_model(path, True, None)
        assert again.optimizer.iterations == steps
        for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert format_of(suffix).load_model(path, False, None).optimizer is None


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_weights_come_back(tmp_path, suffix):
    model, other, path = small_model(), small_model(), tmp_path / f"model{suffix}"
    other.set_weights([weight + 1 for weight in other.get_weights()])
    format_of(suffix).save_weights(model, path)
    format_of(suffix).load_weights(other, path)
    for a, b in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
