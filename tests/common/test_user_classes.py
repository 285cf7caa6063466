"""``custom_objects``: the user's classes inside layers, in files and descriptions."""

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Dense, Sequential, constraints, initializers, load_model, regularizers
from gru_c.models import model_from_json


class OneFill(initializers.Initializer):
    def __init__(self, value=0.1):
        super().__init__()
        self.value = value

    def draw(self, shape, rng):
        return np.full(shape, self.value)


class Quartic(regularizers.Regularizer):
    def __init__(self, scale=0.1):
        self.scale = scale

    def __call__(self, weights):
        return self.scale * float((weights**4).sum())

    def gradient(self, weights):
        return 4 * self.scale * weights**3


class AtMost(constraints.Constraint):
    def __init__(self, limit=1.0):
        self.limit = limit

    def __call__(self, weights):
        return np.minimum(weights, self.limit)


OWN = {cls.__name__: cls for cls in (OneFill, Quartic, AtMost)}


def model_with_own_classes():
    options = {"kernel_regularizer": Quartic(0.5), "bias_constraint": AtMost(0.25)}
    dense = Dense(2, kernel_initializer=OneFill(0.3), name="dense", **options)
    return Sequential([GRU(3, input_shape=(4, 2)), dense], seed=0)


READ = {
    "file": lambda model, path, own: (
        model.save(path / "m.safetensors"),
        load_model(path / "m.safetensors", custom_objects=own),
    )[1],
    "json": lambda model, path, own: model_from_json(model.to_json(), own),
    "config": lambda model, path, own: Sequential.from_config(model.get_config(), own),
}


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_custom_objects_are_classes_of_each_kind_in_a_layer(read, tmp_path):
    dense = read(model_with_own_classes(), tmp_path, OWN).get_layer("dense")
    assert type(dense.kernel_initializer) is OneFill
    assert dense.kernel_initializer.value == 0.3
    assert type(dense.kernel_regularizer) is Quartic
    assert dense.kernel_regularizer.scale == 0.5
    assert type(dense.bias_constraint) is AtMost
    assert dense.bias_constraint.limit == 0.25


@pytest.mark.parametrize("read", READ.values(), ids=READ)
@pytest.mark.parametrize("own", [{}, {**OWN, "OneFill": Quartic}])
def test_a_class_that_is_not_among_the_custom_objects_is_unknown(read, own, tmp_path):
    model = model_with_own_classes()
    if own:  # of another kind
        read(model, tmp_path, OWN)
    with pytest.raises(ValueError, match="unknown initializer 'OneFill'"):
        read(model, tmp_path, own)


def test_a_description_by_keras_has_classes_of_the_user():
    def described(name, config, module=None):
        return {"module": module, "class_name": name, "config": config, "registered_name": name}

    options = {
        "name": "dense",
        "units": 2,
        "kernel_initializer": described("OneFill", {"value": 0.3}),
        "kernel_regularizer": described("Quartic", {"scale": 0.5}),
        "bias_constraint": described("AtMost", {"limit": 0.25}),
    }
    layers = [
        described("InputLayer", {"batch_shape": [None, 3], "name": "x"}, "keras.layers"),
        described("Dense", options, "keras.layers"),
    ]
    config = {"name": "sequential", "layers": layers, "build_input_shape": [None, 3]}
    dense = Sequential.from_config(config, OWN).get_layer("dense")
    np.testing.assert_array_equal(dense.get_weights()[0], np.full((3, 2), 0.3, "float32"))
    assert dense.kernel_regularizer.scale == 0.5
    assert dense.bias_constraint.limit == 0.25
    with pytest.raises(ValueError, match="Quartic"):
        Sequential.from_config(config, {"OneFill": OneFill})


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_functions_among_the_custom_objects_leave_the_layers_alone(read, tmp_path):
    own = {**OWN, "my_metric": lambda y, p: 0.0}
    assert read(model_with_own_classes(), tmp_path, own).count_params() > 0


def test_registered_classes_are_known_to_files_and_configurations(tmp_path):
    @gru_c.utils.register_keras_serializable(package="mine", name="ScaledHere")
    class Scaled(gru_c.layers.Layer):
        def __init__(self, factor=2.0, **options):
            super().__init__(**options)
            self.factor = factor

        def call(self, x):
            return x * self.factor

    Scaled.__name__ = "ScaledHere"
    model = gru_c.Sequential([gru_c.Input((3,)), Scaled(3.0), gru_c.Dense(1)])
    model.save(tmp_path / "m.safetensors")
    x = np.ones((2, 3))
    expected = model.predict(x, verbose=0)
    loaded = gru_c.models.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), expected)
    again = gru_c.Sequential.from_config(model.get_config())
    assert again.layers[0].factor == 3.0
    with pytest.raises(ValueError, match="'ScaledHere' is registered already"):

        @gru_c.saving.register_keras_serializable(name="ScaledHere")
        class Other(gru_c.layers.Layer):
            pass
