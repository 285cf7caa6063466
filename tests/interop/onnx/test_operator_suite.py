"""ONNX's own tests of operators: a model runs correctly, or is refused when it is read."""

from collections import Counter

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import node_tests, read_model  # noqa: E402

from gru_c.interop.onnx.node_checker import NEWEST  # noqa: E402
from gru_c.interop.onnx.operators import OPERATORS  # noqa: E402
from gru_c.interop.onnx.proto import ELEMENT_TYPES  # noqa: E402

KNOWN = {*OPERATORS, "GRU", "LSTM", "RNN"}
TENSOR = onnx.TensorProto
from_array = onnx.numpy_helper.from_array


# How the messages of refused models begin. Reasons are other types of numbers (bfloat16, 8 bits and
# fewer), strings, lists and active dropout; an old onnx also has tests of version 6 and older.
REASONS = ("the input '", "the output '", "node '", "its operators are those of")


def unchanged(model, inputs):
    """Return the inputs by name."""
    return dict(zip([item.name for item in model.graph.input], inputs, strict=True))


def with_open_shapes(model, inputs):
    """Return the inputs by name, and remove their shapes from the model."""
    for item in model.graph.input:
        item.type.tensor_type.ClearField("shape")
    return unchanged(model, inputs)


def with_constants(model, inputs):
    """Store inputs of known types in the model, so that nodes are computed when it is read."""
    feeds, declared = unchanged(model, inputs), list(model.graph.input)
    del model.graph.input[:]
    for item in declared:
        if item.type.tensor_type.elem_type in ELEMENT_TYPES:
            array = np.asarray(feeds.pop(item.name))
            model.graph.initializer.append(from_array(array, item.name))
        else:
            model.graph.input.append(item)
    return feeds


@pytest.fixture(scope="module")
def cases():
    """Model, inputs, outputs and tolerances of each test whose operators are all known."""

    def arrays(values):
        return [onnx.numpy_helper.to_array(v) if isinstance(v, TENSOR) else v for v in values]

    return {
        name: (
            case.model,
            *[(arrays(a), arrays(b)) for a, b in case.data_sets],
            case.rtol,
            case.atol,
        )
        for name, case in node_tests().items()
        if all(n.op_type in KNOWN and not n.domain for n in case.model.graph.node)
    }


@pytest.mark.parametrize("change", [unchanged, with_open_shapes, with_constants])
def test_onnx_tests_of_known_operators_run_or_are_refused_as_they_are_read(change, cases, tmp_path):
    counts, wrong, operators = Counter(), {}, Counter()
    for name, (whole, (inputs, outputs), rtol, atol) in cases.items():
        model = onnx.ModelProto()
        model.CopyFrom(whole)
        feeds = change(model, inputs)
        try:
            read = read_model(model, tmp_path)
        except ValueError as error:
            reason = str(error).partition("model.onnx: ")[2]
            assert reason.startswith(REASONS), reason
            counts["refused"] += 1
            continue
        try:
            for actual, expected in zip(read.run(None, feeds), outputs, strict=True):
                expected = np.asarray(expected)
                assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
                np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)
        except Exception as error:  # any exception is a failure
            wrong[name] = error
        else:
            counts["run"] += 1
            operators.update(item.op_type for item in model.graph.node)
    assert not wrong
    complete = onnx.defs.onnx_opset_version() >= NEWEST  # older versions of onnx have fewer
    assert counts["run"] >= (335 if complete else 150)
    assert counts["refused"] <= 130
    assert not complete or set(operators) == KNOWN


def test_onnx_tests_of_other_operators_are_refused_as_they_are_read(cases, tmp_path):
    others = [case.model for name, case in node_tests().items() if name not in cases]
    for model in others:
        with pytest.raises(ValueError, match=r"model\.onnx: "):
            read_model(model, tmp_path)
    assert len(others) > 500
