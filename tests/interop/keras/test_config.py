"""Keras's configurations of objects: options with an effect are refused or honoured."""

import pytest
from keras_rewriting import CONFIG, change_gru, members, write, write_config

from gru_c.interop import keras


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "the configuration is damaged"),
        ("[" * 100_000, "the configuration is damaged: maximum recursion"),
        ("9" * 5000, "the configuration is damaged|a configuration must be a dict"),
        ("\udcff".encode("utf-8", "surrogatepass"), "the configuration is damaged"),
    ],
)
def test_a_configuration_that_is_none(path, config, message):
    write(path, {CONFIG: config})
    with pytest.raises(ValueError, match=message):
        keras.load(path)


def test_a_hard_sigmoid_of_an_unknown_version_is_refused(path):
    def change(config):
        config["config"]["layers"][1]["config"]["recurrent_activation"] = "hard_sigmoid"

    write_config(path, change)
    write(path, {CONFIG: members(path)[CONFIG], "metadata.json": "{}"})
    with pytest.raises(ValueError, match=r"in Keras 2 and .* in Keras 3, and the file doe"):
        keras.load(path)


def test_options_that_change_no_result_are_passed_over(path):
    options = {"unroll": True, "implementation": 1, "use_cudnn": "auto", "time_major": False}
    more = {"lora_rank": None, "lora_alpha": 8, "quantization_config": None, "seed": -3}
    write_config(path, change_gru(**options, **more))
    assert keras.load(path).built
