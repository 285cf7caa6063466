"""Damaged and malicious HDF5 in Keras files raises an exception before it is read or followed."""

import io

import numpy as np
import pytest
from keras_rewriting import (
    CONFIG,
    DATA,
    WEIGHTS,
    change_gru,
    h5py,
    layers,
    members,
    spec,
    write,
    write_config,
    write_weights,
)

from gru_c.interop import keras

GRU_VARS = "layers/gru/cell/vars"


# ---- hostile weights ----------------------------------------------------------------------------


def replace(name, **arguments):
    """Return a change that replaces a dataset by another one."""

    def change(h5):
        del h5[name]
        h5.create_dataset(name, **arguments)

    return change


def link(name, target):
    def change(h5):
        h5.copy(name, "elsewhere")
        del h5[name]
        h5[name] = target

    return change


def virtual(h5):
    layout = h5py.VirtualLayout((4, 9), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "kernel", shape=(4, 9))
    del h5[f"{GRU_VARS}/0"]
    h5.create_virtual_dataset(f"{GRU_VARS}/0", layout)


KERNEL = f"{GRU_VARS}/0"
PAIR = np.dtype([("a", "f4"), ("b", "f4")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h5: h5.__delitem__(KERNEL), f"the dataset '{KERNEL}' is missing"),
        (lambda h5: h5.__delitem__("layers"), f"the dataset '{KERNEL}' is missing"),
        (replace(GRU_VARS, data=1.0), f"the dataset '{KERNEL}' is missing"),
        (replace(KERNEL, data=np.zeros((9, 4))), rf"'{KERNEL}' has shape \(9, 4\), not \(4, 9\)"),
        (replace(KERNEL, data=np.float32(1)), r"has shape \(\), not \(4, 9\)"),
        (replace(KERNEL, data=h5py.Empty("f4")), r"has shape \(\), not \(4, 9\)"),
        (lambda h5: h5.create_dataset("layers/gru_1/vars/0", data=1.0), "gru_1/vars/0' belongs to"),
        (replace(KERNEL, data=np.zeros((4, 9), "i4")), f"'{KERNEL}' has dtype int32, not float16"),
        (replace(KERNEL, data=np.zeros((4, 9), "c8")), f"'{KERNEL}' has dtype complex64, not"),
        (replace(KERNEL, data=np.zeros((4, 9), "S9")), f"'{KERNEL}' has dtype .S9, not float16"),
        (replace(KERNEL, data=np.zeros((4, 9), PAIR)), "has dtype .*'a', .*, not float16"),
        (replace(KERNEL, shape=(4, 9), dtype=h5py.string_dtype()), "has dtype object, not float16"),
        (replace(KERNEL, shape=(4, 9), dtype=h5py.ref_dtype), "has dtype object, not float16"),
        (replace(KERNEL, shape=(4, 9), dtype="f4"), "needs 144 bytes, the file keeps 0"),
        (replace(KERNEL, data=np.zeros((4, 9)), chunks=(4, 9)), "chunked, virtual or in another"),
        (replace(KERNEL, data=np.zeros((4, 9)), compression="gzip"), "chunked, virtual or in anot"),
        (
            replace(KERNEL, shape=(4, 9), dtype="f4", external=[("/etc/passwd", 0, 144)]),
            "chunked, virtual or in another file",
        ),
        (virtual, "chunked, virtual or in another file"),
        (
            link(KERNEL, h5py.SoftLink("/elsewhere")),
            "is a link to elsewhere, which is not followed",
        ),
        (link(KERNEL, h5py.ExternalLink("other.h5", "/a")), "link to elsewhere, which is not fol"),
        (
            link("layers", h5py.ExternalLink("other.h5", "/a")),
            "'layers' in .* is a link to elsewhe",
        ),
    ],
)
def test_weights_that_do_not_fit(path, change, message):
    write_weights(path, change)
    with pytest.raises(ValueError, match=message) as caught:
        keras.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("dtype", ["<f2", ">f2", ">f4", "<f8"])
def test_weights_of_another_dtype(path, dtype):
    kernel = np.arange(36).reshape(4, 9)
    write_weights(path, replace(KERNEL, data=kernel.astype(dtype)))
    kernel_32 = keras.load(path).layers[0].value("kernel")
    assert kernel_32.dtype == np.float32
    np.testing.assert_array_equal(kernel_32, kernel)


def test_the_state_of_a_seed_and_what_is_outside_the_layers_is_passed_over(path):
    def change(h5):
        h5["layers/gru/cell/seed_generator/vars/0"] = np.zeros(2, "u4")
        h5["optimizer/other"] = 3
        h5["other"] = h5py.ExternalLink("other.h5", "/")

    write_weights(path, change)
    assert keras.load(path).built


def claim(h5, size):
    """Let the file claim the weights of a model of so many units without storing them."""
    for i, shape in enumerate([(4, 3 * size), (size, 3 * size), (2, 3 * size)]):
        replace(f"{GRU_VARS}/{i}", shape=shape, dtype="f4")(h5)
    replace("layers/dense/vars/0", shape=(size, 1), dtype="f4")(h5)


def test_a_configuration_and_weights_that_agree_on_too_much(path):
    """Both claim 36 EB; the file has 10 kB."""
    write_weights(path, lambda h5: claim(h5, 10**9))
    content = members(path)[WEIGHTS]
    write_config(path, change_gru(units=10**9))
    write(path, {CONFIG: members(path)[CONFIG], WEIGHTS: content})
    with pytest.raises(ValueError, match="needs 48000000000 bytes, the file keeps 0"):
        keras.load(path)


def test_one_dataset_for_many_weights(path):
    """Links in the file take no space, but each would be a copy in memory."""
    names = [f"d{i}" for i in range(40)]
    config = {"units": 300, "activation": "linear"}
    write_config(
        path,
        lambda c: c["config"].update(
            layers=[
                {**layers(c)[0], "config": {"batch_shape": [None, 300], "name": "i"}},
                *(spec("Dense", **config, name=name) for name in names),
            ]
        ),
    )
    changed = members(path)[CONFIG]
    content = io.BytesIO()
    with h5py.File(content, "w") as h5:
        h5["kernel"], h5["bias"] = np.zeros((300, 300), "f4"), np.zeros(300, "f4")
        for i in range(len(names)):
            group = f"layers/dense_{i}/vars" if i else "layers/dense/vars"
            h5[f"{group}/0"], h5[f"{group}/1"] = h5["kernel"], h5["bias"]
    write(path, {CONFIG: changed, WEIGHTS: content.getvalue()})
    with pytest.raises(ValueError, match="the datasets claim 14448000 bytes, in a file of "):
        keras.load(path)


# ---- hostile files of the older format ----------------------------------------------------------


def legacy(path, change):
    path.write_bytes((DATA / "sequences_2.h5").read_bytes())
    with h5py.File(path, "r+") as h5:
        change(h5)


def set_names(*names):
    return lambda h5: h5["model_weights/gru"].attrs.__setitem__("weight_names", list(names))


def set_config(value):
    return lambda h5: h5.attrs.__setitem__("model_config", value)


def change_config(old, new):
    def change(h5):
        assert old in h5.attrs["model_config"]
        h5.attrs["model_config"] = h5.attrs["model_config"].replace(old, new)

    return change


NAMES = ["gru/gru_cell/kernel:0", "gru/gru_cell/recurrent_kernel:0", "gru/gru_cell/bias:0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_config("{"), "the configuration is damaged"),
        (set_config(3), "the attribute 'model_config' of '/' is not a string but of shape"),
        (set_config(["a", "b"]), "the attribute 'model_config' of '/' is not a string"),
        (lambda h5: h5.attrs.__delitem__("model_config"), "holds no model but weights"),
        (lambda h5: h5.__delitem__("model_weights/gru"), "no weights of a layer 'gru'; it has act"),
        (lambda h5: h5.__delitem__("model_weights"), "the dataset 'layers/layer_normalization/va"),
        (set_names(*NAMES[:2]), r"'weight_names' of '/model_weights/gru' is not 3 strings"),
        (set_names(1, 2, 3), r"'weight_names' of '/model_weights/gru' is not 3 strings"),
        (
            set_names(*NAMES[1::-1], NAMES[2]),
            "'gru/gru_cell/recurrent_kernel:0' in place of its 'k",
        ),
        (set_names("kernel:0", *NAMES[1:]), "the dataset 'model_weights/gru/kernel:0' is missing"),
        (
            set_names("/kernel:0", *NAMES[1:]),
            "the dataset 'model_weights/gru//kernel:0' is missing",
        ),
        (lambda h5: h5["model_weights/gru"].attrs.__delitem__("weight_names"), "has no attribute"),
        (
            lambda h5: h5.create_dataset("model_weights/more/kernel:0", data=1.0),
            "'model_weights/more/kernel:0' belongs to no layer",
        ),
        (
            link("model_weights/gru/gru", h5py.ExternalLink("other.h5", "/a")),
            "'gru' in .* is a link to elsewhere, which is not followed",
        ),
        (
            change_config('"linear"', '"hard_sigmoid"'),
            r"layer 'dense_1' \(Dense\): .*'hard_sigmoid' of Keras 2.21.0 is clip\(0.2 x",
        ),
    ],
)
def test_an_older_file_that_does_not_fit(path, change, message):
    legacy(path, change)
    with pytest.raises(ValueError, match=message) as caught:
        keras.load(path)
    assert str(path) in str(caught.value)


def test_the_hard_sigmoid_of_keras_2(path):
    legacy(
        path,
        change_config(
            '"recurrent_activation": "sigmoid"', '"recurrent_activation": "hard_sigmoid"'
        ),
    )
    model = keras.load(path)
    assert model.layers[2].recurrent_activation == ("hard_sigmoid", 0.2, 0.5)
