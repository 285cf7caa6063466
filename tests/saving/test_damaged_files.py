"""Files that cannot be read: damaged, of other formats, or with contents that do not match."""

import numpy as np
import pytest
from safetensors.numpy import save_file
from saved_models import rewrite, trained

import gru_c


def test_no_such_file(path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        gru_c.load_model(path)


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1])
def test_a_truncated_file(path, keep):
    trained().save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        ValueError, match="not a readable safetensors file: it is truncated, damaged"
    ):
        gru_c.load_model(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(200), b"\x89HDF\r\n\x1a\n", b"a,b\n1,2"])
def test_another_format(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        gru_c.load_model(path)


def test_a_folder(tmp_path):
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        gru_c.load_model(tmp_path)


def test_any_damaged_byte_is_an_error_or_another_model(path):
    """For any contents of the file, load_model returns a model or raises ValueError."""
    trained().save(path)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    refused = 0
    for position in rng.integers(0, 2500, 150):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            gru_c.load_model(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
    assert refused > 50


EVIL = {"class_name": "os.system", "config": {"command": "true"}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata": {"format": "pt"}}, "not of a gru_c model"),
        ({"metadata": {"format_version": "2"}}, "version 2, this gru_c reads up to 1: install a n"),
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


@pytest.mark.parametrize(
    ("suffix", "module"),
    [(".pt", "torch"), (".pth", "torch"), (".onnx", "onnx")],
)
def test_other_formats_have_their_modules(path, suffix, module):
    other = path.with_suffix(suffix)
    with pytest.raises(ValueError, match=f"or gru_c.interop.{module} for that format"):
        trained().save(other)
    other.write_bytes(b"something else")
    with pytest.raises(ValueError, match=f": take gru_c.interop.{module} for that format"):
        gru_c.load_model(other)


def test_somebody_elses_safetensors(path):
    save_file({"weight_ih_l0": np.zeros((3, 3), np.float32)}, path)
    with pytest.raises(ValueError, match="its metadata has no format 'gru_c'"):
        gru_c.load_model(path)
