"""The contents of a model's file: configuration, tensors and their names fit together."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from saved_models import X, rewrite, trained

import gru_c
from gru_c import Dense, Sequential, optimizers

EVIL = {"class_name": "os.system", "config": {"command": "true"}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata": {"format": "pt"}}, "not of a gru_c model"),
        ({"metadata": {"format_version": "3"}}, "version 3, this gru_c reads up to 2: install a n"),
        ({"metadata": {"format_version": "x"}}, "the format version is damaged: 'x'"),
        ({"metadata": {"model": "{"}}, "the model's configuration is damaged"),
        ({"metadata": {"model": "[]"}}, "the model's configuration is damaged"),
        ({"model": {"layers": None}}, "damaged: no proper 'layers'"),
        ({"model": {"layers": [EVIL]}}, "unknown layer 'os.system'"),
        ({"model": {"layers": [3]}}, "layer must be a name, an instance or a dict"),
        ({"model": {"dtype": "float16"}}, "dtype must be 'float32' or 'float64'"),
        ({"model": {"input_shape": [None, None, 5]}}, r"'first/kernel' has shape \(4, 15\), not"),
        ({"model": {"input_shape": []}}, r"input_shape is damaged: \[\]"),
        ({"model": {"input_shape": [0]}}, r"input_shape is damaged: \[0\]"),
        ({"model": {"input_shape": [None, 4]}}, "wants input of shape"),
        ({"model": {"input_shape": [None, "x", 4]}}, "every size of input_shape"),
        ({"model": {"compile": {"optimizer": EVIL, "loss": None, "metrics": []}}}, "unknown optim"),
        ({"model": {"compile": 3}}, "the compile configuration is damaged"),
        ({"model": {"iterations": -1}}, "number of steps is damaged: -1"),
        ({"tensors": {"first/bias": None}}, "the tensor 'first/bias' is missing"),
        ({"tensors": {"first/bias": np.zeros((2, 14))}}, r"'first/bias' has shape \(2, 14\), not"),
        ({"tensors": {"extra/kernel": np.zeros(3)}}, "'extra/kernel' belongs to no layer"),
        ({"tensors": {"zzz": np.zeros(3)}}, "'zzz' belongs to no layer"),
        ({"tensors": {"": np.zeros(3)}}, "'' belongs to no layer"),
        ({"tensors": {"first/bias": np.zeros((2, 15), int)}}, "must hold floats, got int64"),
        ({"tensors": {"first/bias": np.zeros((2, 15), bool)}}, "must hold floats, got bool"),
        ({"tensors": {"optimizer/momentum/first/kernel": None}}, "is missing"),
        (
            {"tensors": {"optimizer/momentum/first/kernel": np.zeros((4, 15), np.int8)}},
            "'optimizer/momentum/first/kernel' must hold floats, got int8",
        ),
    ],
)
def test_a_file_that_does_not_fit_together(path, changes, message):
    trained().save(path, include_optimizer=True)
    rewrite(path, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        gru_c.load_model(path)
    assert str(path) in str(caught.value)


def test_a_configuration_that_asks_for_too_much_is_refused_before_memory_is_taken(path):
    trained().save(path)
    layer = {"class_name": "GRU", "config": {"units": 10**9, "name": "first"}}
    rewrite(path, model={"layers": [layer]})
    with pytest.raises(ValueError, match="'first/kernel' has shape"):
        gru_c.load_model(path)


def test_more_layers_than_a_model_may_have(path):
    trained().save(path)
    rewrite(path, model={"layers": [{"class_name": "Dropout", "config": {"rate": 0.5}}] * 1001})
    with pytest.raises(ValueError, match="the model has 1001 layers, more than 1000"):
        gru_c.load_model(path)


def test_two_layers_of_one_name(path):
    trained().save(path)
    layer = {"class_name": "Flatten", "config": {"name": "a"}}
    rewrite(path, model={"layers": [layer, layer]})
    with pytest.raises(ValueError, match="2 layers have the name 'a'"):
        gru_c.load_model(path)


def test_somebody_elses_safetensors(path):
    save_file({"weight_ih_l0": np.zeros((3, 3), np.float32)}, path)
    with pytest.raises(ValueError, match="its metadata has no format 'gru_c'"):
        gru_c.load_model(path)


def test_the_file_is_plain_safetensors(path):
    trained().save(path, include_optimizer=True)
    tensors = load_file(path)
    assert tensors["first/kernel"].shape == (4, 15)
    assert tensors["optimizer/momentum/first/kernel"].shape == (4, 15)
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    assert metadata["format"] == "gru_c"
    assert json.loads(metadata["model"])["layers"][0]["class_name"] == "GRU"


def test_a_users_function_is_left_out(path):
    model = trained(optimizers.SGD(lambda step: 0.01), metrics=())
    model.save(path)
    assert gru_c.load_model(path).optimizer is None
    with pytest.raises(ValueError, match="the optimizer cannot be described in a file"):
        model.save(path, include_optimizer=True)


class AlwaysSmall:
    def __call__(self, step):
        return 0.01


@pytest.mark.parametrize(
    "rate",
    [lambda: 0.1, lambda step: 0.1, AlwaysSmall()],
    ids=["of nothing", "of the step", "object"],
)
def test_a_rate_that_is_a_function_is_named_where_it_cannot_be_kept(path, rate):
    model = trained(optimizers.SGD(rate))
    with pytest.raises(
        ValueError, match=r"learning_rate is <.*>, a function, and a file"
    ) as caught:
        model.save(path, include_optimizer=True)
    assert "_Timeless" not in str(caught.value)
    assert not path.exists()
    model.save(path)  # without the optimizer
    assert gru_c.load_model(path).optimizer is None


def test_tensors_of_others_in_a_file_are_passed_over(path):
    model = trained()
    model.save(path, include_optimizer=True)
    rewrite(path, tensors={"forecaster/values/0": np.zeros(3, int), "run:0": np.zeros(3, int)})
    again = gru_c.load_model(path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_layer_may_have_the_name_of_a_run(path):
    model = Sequential([Dense(2, input_shape=(3,), name="run:1")])
    model.save(path)
    np.testing.assert_array_equal(gru_c.load_model(path).get_weights()[0], model.get_weights()[0])
