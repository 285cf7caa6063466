"""Operators that rearrange: slices, orders of axes, and what they refuse."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import assert_all_close, by_onnxruntime, make_model, read_model  # noqa: E402

from_array, node = onnx.numpy_helper.from_array, onnx.helper.make_node
F, I64 = "float32", "int64"


def test_slices_of_any_numbers_beside_onnxruntime(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4, 5)).astype(np.float32)
    names = ["x", "starts", "ends", "axes", "steps"]
    inputs = {"x": (F, x.shape)} | dict.fromkeys(names[1:], (I64, ("n",)))
    model = make_model([node("Slice", names, ["y"])], {}, inputs)
    read = read_model(model, tmp_path)
    for _ in range(80):
        count = rng.integers(1, 4)
        starts, ends = rng.integers(-7, 8, (2, count))
        axes = rng.permutation(3)[:count] - 3 * rng.integers(0, 2, count)
        numbers = [x, starts, ends, axes, rng.choice([-3, -2, -1, 1, 2], count)]
        feeds = dict(zip(names, numbers, strict=True))
        assert_all_close(read.run(None, feeds), by_onnxruntime(model, feeds), 0)


def with_integers(operator, inputs, outputs=("y",), **attributes):
    """Return a node; an empty list becomes an attribute of integers."""
    result = node(operator, inputs, outputs)
    for name, value in attributes.items():
        kind = onnx.AttributeProto.INTS if value == [] else None
        result.attribute.append(onnx.helper.make_attribute(name, value, attr_type=kind))
    return result


@pytest.mark.parametrize("shape", [(2, 3, 4), ("batch", 3, 4), ("batch", "time", "features")])
@pytest.mark.parametrize("perm", [[], [0], [0, 1], [1, 0], [0, 1, 2, 3], [0, 2, 2], [-1, 0, 1]])
def test_an_order_that_does_not_name_all_axes_is_refused(perm, shape, tmp_path):
    model = make_model([with_integers("Transpose", ["x"], perm=perm)], inputs={"x": (F, shape)})
    with pytest.raises(ValueError, match=r"node 'y' \(Transpose\): .*perm"):
        read_model(model, tmp_path)


def test_an_order_of_all_axes_and_the_default_order(tmp_path):
    x = np.arange(24, dtype=F).reshape(2, 3, 4)
    for attributes, wanted in (({"perm": [0, 2, 1]}, (0, 2, 1)), ({}, (2, 1, 0))):
        model = make_model(
            [with_integers("Transpose", ["x"], **attributes)], inputs={"x": (F, x.shape)}
        )
        (y,) = read_model(model, tmp_path).run(None, {"x": x})
        np.testing.assert_array_equal(y, x.transpose(wanted))


@pytest.mark.parametrize(("k", "opset"), [(5, 9), (5, 17), (-1, 17)])
def test_more_values_than_an_axis_has_are_refused(k, opset, tmp_path):
    if opset < 10:
        nodes, constants = [node("TopK", ["x"], ["y", "places"], k=k)], {}
    else:
        nodes, constants = [node("TopK", ["x", "k"], ["y", "places"])], {"k": np.array([k], I64)}
    model = make_model(nodes, constants, {"x": (F, (2, 3, 4))}, opset=opset)
    with pytest.raises(ValueError, match=r"node 'y' \(TopK\): "):
        read_model(model, tmp_path)


def test_a_slice_of_no_axes_is_all(tmp_path):
    cut = with_integers("Slice", ["x"], starts=[], ends=[])
    model = make_model([cut], inputs={"x": (F, (2, 3))}, opset=9)
    x = np.ones((2, 3), F)
    np.testing.assert_array_equal(read_model(model, tmp_path).run(None, {"x": x})[0], x)
