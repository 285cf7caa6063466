"""Models of graphs in files and configurations, and back."""

import json

import numpy as np
import pytest
from graph_models import X, Y, two_outputs

from gru_c import load_model
from gru_c.models import clone_model, model_from_json
from gru_c.saving.files import read_tensors, write_tensors


def test_a_file_gives_the_model_back_with_its_training(tmp_path):
    model = two_outputs()
    model.fit(X, Y, verbose=0, seed=1)
    path = tmp_path / "model.safetensors"
    model.save(path, include_optimizer=True)
    again = load_model(path, verify=True)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert (again.input_names, again.output_names) == (model.input_names, model.output_names)
    for each in (model, again):
        each.fit(X, Y, verbose=0, seed=2)
    assert again.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other = two_outputs()
    other.load_weights(path)
    np.testing.assert_array_equal(
        other.predict(X, verbose=0)["class"], load_model(path).predict(X, verbose=0)["class"]
    )


def test_configurations_give_models_with_new_weights():
    model = two_outputs()
    for again in (clone_model(model), model_from_json(model.to_json())):
        assert again.count_params() == model.count_params()
        again.set_weights(model.get_weights())
        expected = model.predict(X, verbose=0)["number"]
        np.testing.assert_array_equal(again.predict(X, verbose=0)["number"], expected)


@pytest.mark.parametrize(
    "damage",
    [
        lambda graph: graph["nodes"][0].update(takes=[99]),
        lambda graph: graph["nodes"][0].pop("takes"),
        lambda graph: graph.update(outputs=[1000]),
        lambda graph: graph["inputs"][0].update(shape=[None, 5, 4]),
        lambda graph: graph.pop("forms"),
    ],
)
def test_a_damaged_graph_is_refused(tmp_path, damage):
    path = tmp_path / "model.safetensors"
    two_outputs().save(path)
    tensors, metadata = read_tensors(path)
    config = json.loads(metadata["model"])
    damage(config["graph"])
    del metadata["digest"]
    write_tensors(path, tensors, {**metadata, "model": json.dumps(config)})
    with pytest.raises(ValueError, match=r"model\.safetensors: "):
        load_model(path)


def test_formats_without_models_inside_say_so(tmp_path):
    for name in ("model.keras", "model.h5"):
        with pytest.raises(ValueError, match="has the model 'row' inside, which gru_c writes to"):
            two_outputs().save(tmp_path / name)
