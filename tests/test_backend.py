"""The functions of Keras's ``backend`` that programs use beside models."""

import numpy as np
import pytest
from tools import small_model

from gru_c import backend, optimizers


def test_constants():
    assert backend.backend() == "numpy"
    assert backend.floatx() == "float32"
    assert backend.epsilon() == 1e-7
    assert backend.image_data_format() == "channels_last"
    assert backend.clear_session() is None


def test_settings_without_effect_are_refused():
    backend.set_floatx("float32")
    backend.set_epsilon(1e-7)
    with pytest.raises(ValueError, match="Sequential"):
        backend.set_floatx("float64")
    with pytest.raises(ValueError, match="float31"):
        backend.set_floatx("float31")
    with pytest.raises(ValueError, match=r"epsilon is always 1e-07, got 0.001"):
        backend.set_epsilon(1e-3)


def test_values_of_weights_and_rates():
    model = small_model()
    model.compile("adam", "mse")
    backend.set_value(model.optimizer.learning_rate, 0.5)
    assert backend.get_value(model.optimizer.learning_rate) == model.optimizer.learning_rate == 0.5
    bias = model.weights[-1]
    backend.set_value(bias, [2.5])
    np.testing.assert_array_equal(backend.get_value(bias), [2.5])
    assert backend.get_value(3.0) == 3.0
    with pytest.raises(TypeError, match=r"set_value sets a weight .*, got float"):
        backend.set_value(0.5, 0.25)
    with pytest.raises(ValueError, match=">= 0"):
        backend.set_value(model.optimizer.learning_rate, -1)


def test_operations_are_explained():
    with pytest.raises(AttributeError, match="no attribute 'mean': use NumPy"):
        backend.mean  # noqa: B018
    assert isinstance(optimizers.Adam().learning_rate, float)
