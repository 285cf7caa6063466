"""Keras files that are damaged, or whose parts do not match, raise a clear exception."""

import json
import warnings

import numpy as np
import pytest
from keras_rewriting import (
    CONFIG,
    DATA,
    WEIGHTS,
    change_gru,
    layers,
    members,
    spec,
    write,
    write_config,
)

from gru_c.interop import keras

# ---- damaged files ------------------------------------------------------------------------------


def test_no_such_file(path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        keras.load(path)


@pytest.mark.parametrize(
    "content", [b"", b"P", b"PK", b"a,b\n1,2", b"\x89HDF\r\n\x1a\n", bytes(999)]
)
def test_another_format(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"not a readable \.keras") as caught:
        keras.load(path)
    assert str(path) in str(caught.value)


def test_a_folder(tmp_path):
    with pytest.raises(ValueError, match="a folder, not a file"):
        keras.load(tmp_path)


@pytest.mark.parametrize("name", ["sequences_3.keras", "sequences_3.h5", "sequences_2.h5"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_truncated_file(path, name, share):
    content = (DATA / name).read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=r"not a readable \.keras"):
        keras.load(path)


def test_truncated_weights_in_a_whole_zip(path):
    write(path, {WEIGHTS: members(DATA / "sequences_3.keras")[WEIGHTS][:20000]})
    with pytest.raises(ValueError, match=r"not a readable \.keras or HDF5 file"):
        keras.load(path)


@pytest.mark.parametrize("name", ["functional_3.keras", "sequences_2.h5"])
def test_any_damaged_bytes_are_an_error_or_another_model(path, name):
    """Whatever the file contains, `load` returns a model or raises ValueError."""
    content = (DATA / name).read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(150):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(0, len(content), 20)] ^= np.uint8(1 << rng.integers(8))
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about a damaged compilation
                keras.load(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
    assert refused > 30


# ---- files that do not fit together -------------------------------------------------------------


def change_input(**options):
    return lambda config: layers(config)[0]["config"].update(options)


CODE = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: [1], "a configuration must be a dict"),
        (lambda c: {"class_name": "Sequential"}, "no 'class_name' with a 'config'"),
        (lambda c: {**c, "class_name": "Other"}, "holds a 'Other', not a Sequential model"),
        (lambda c: {**c, "module": "os"}, "'Sequential' is a class of somebody's own, from 'os'"),
        (lambda c: c["config"].update(layers=[]), "the model's configuration has no layers"),
        (lambda c: c["config"].update(layers=3), "the model's configuration has no layers"),
        (lambda c: c["config"].update(layers=[3]), "a configuration must be a dict"),
        (lambda c: layers(c).append(spec("Add", units=3)), r"layer 'x' \(Add\): gru_c has no"),
        (lambda c: layers(c).append(spec("os.system")), r"layer 'x' \(os.system\): gru_c has no"),
        (lambda c: layers(c).append(spec("Lambda", function=CODE)), r"'x' \(Lambda\): it is code"),
        (lambda c: layers(c).append(layers(c)[0]), r"layer 'input_layer' \(InputLayer\): gru_c ha"),
        (lambda c: layers(c).append(layers(c)[1]), r"\(batch, time, features\), got \(None, 1\)"),
        (lambda c: layers(c).append(layers(c)[2]), "2 layers have the name 'b'"),
        (lambda c: layers(c).append(spec("Dense", name=None)), r"None \(Dense\): it has no name"),
        (lambda c: layers(c).append(spec("Dense", name="x/y", units=1)), "string without '/'"),
        (lambda c: layers(c).append(spec("Dropout", rate="x")), r"layer 'x' .*rate must be a num"),
        (lambda c: layers(c).append(spec("Embedding", input_dim=2, output_dim=2)), "is missing"),
        (
            lambda c: c["config"].update(layers=layers(c)[1:], build_input_shape=0),
            "no input shape, so it was never built: None",
        ),
        (change_input(batch_shape=[None, "x", 4]), "every size of input_shape"),
        (change_input(batch_shape=[None, 6]), "wants input of shape"),
        (change_input(sparse=True), "gru_c has nothing for sparse=True"),
        (change_gru(activation="gelu"), r"layer 'a' \(GRU\): unknown activation of a GRU 'gelu'"),
        (change_gru(activation=CODE), r"layer 'a' \(GRU\): activation must be the name of a func"),
        (change_gru(kernel_regularizer=CODE), r"layer 'a' \(GRU\): unknown regularizer '__lambda"),
        (change_gru(magic=True), r"layer 'a' \(GRU\): gru_c has nothing for magic=True"),
        (change_gru(time_major=True), r"layer 'a' \(GRU\): gru_c has nothing for time_major=True"),
        (change_gru(lora_rank=4), r"layer 'a' \(GRU\): gru_c has nothing for lora_rank=4"),
        (change_gru(quantization_config={"a": 1}), r"layer 'a' .*for quantization_config={'a': 1}"),
        (change_input(ragged=True), "gru_c has nothing for ragged=True"),
        (change_gru(zoneout=0.5), r"layer 'a' \(GRU\): gru_c has nothing for zoneout=0.5"),
        (change_gru(return_state=True), r"layer 'a' \(GRU\): return_state=True gives the states"),
        (change_gru(units="3"), r"layer 'a' \(GRU\): units must be an integer of at least 1"),
        (change_gru(units=0), r"layer 'a' \(GRU\): units must be an integer of at least 1"),
        (change_gru(units=5), r"'layers/gru/cell/vars/0' has shape \(4, 9\), not \(4, 15\)"),
        (change_gru(units=10**9), r"vars/0' has shape \(4, 9\), not \(4, 3000000000\)"),
        (change_gru(units=10**40), r"vars/0' has shape \(4, 9\), not \(4, 30000000"),
        (change_gru(use_bias=False), "'layers/gru/cell/vars/2' belongs to no layer"),
        (change_gru(reset_after=False), r"vars/2' has shape \(2, 9\), not \(9,\)"),
        (change_gru(dtype="mixed_bfloat16"), r"layer 'a' \(GRU\): dtype 'mixed_bfloat16': gru_c"),
        (change_gru(dtype={"class_name": "DTypePolicyMap", "config": {}}), "'a' .*dtype None"),
        (change_gru(dtype="float64"), "layer 'b' is float32, the model is float64"),
    ],
)  # fmt: skip
def test_a_configuration_that_does_not_fit(path, change, message):
    write_config(path, change)
    with pytest.raises(ValueError, match=message) as caught:
        keras.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("depth", [400, 900])
def test_a_functional_model_of_deep_lists(path, depth):
    layer = {**spec("GRU", units=3), "name": "x", "inbound_nodes": "DEEP"}
    text = json.dumps({"class_name": "Functional", "config": {"layers": [layer]}})
    write(path, {CONFIG: text.replace('"DEEP"', "[" * depth + "]" * depth)})
    with pytest.raises(ValueError, match=r"called without a tensor|maximum recursion"):
        keras.load(path)


def test_more_layers_than_a_model_may_have(path):
    write_config(path, lambda c: layers(c).extend([spec("Dropout", rate=0.1)] * 2000))
    with pytest.raises(ValueError, match="the model has 2003 layers, more than 1000"):
        keras.load(path)


# ---- calls of a functional model's layers -------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "call", "message"),
    [
        (2, {"training": True}, r"layer 'b' \(GRU\) is called with training=True, which gru_c has"),
        (3, {"training": True}, None),  # which fit and predict override
        (2, {"training": False}, "training=False"),
        (3, {"initial_state": [1.0]}, r"initial_state=\[1.0\]"),
        (2, {"mask": None, "initial_state": None}, None),
        (3, {"mask": None, "flag": False}, None),
    ],
)
def test_arguments_of_a_call_are_refused_where_they_matter(path, number, call, message):
    content = members(DATA / f"functional_{number}.keras")
    config = json.loads(content[CONFIG])
    layer = next(spec for spec in config["config"]["layers"] if spec.get("name") == "b")
    layer["config"]["dropout"] = 0.5
    node = layer["inbound_nodes"][0]
    (node["kwargs"] if number == 3 else node[0][3]).update(call)
    write(path, {**content, CONFIG: json.dumps(config)})
    if message is None:
        assert keras.load(path).built
        return
    with pytest.raises(ValueError, match=message):
        keras.load(path)
