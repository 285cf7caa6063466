"""Models of one node, and ONNX's definitions of the operators that gru_c knows."""

import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import make_model  # noqa: E402

from gru_c.interop.onnx.file import OLDEST_OPSET  # noqa: E402
from gru_c.interop.onnx.operators import OPERATORS  # noqa: E402

KNOWN = {*OPERATORS, "GRU"}


def definitions():
    """Yield ONNX's definitions of the known operators, in all versions that are read."""
    for operator in sorted(KNOWN):
        for version in range(OLDEST_OPSET, onnx.defs.onnx_opset_version() + 1):
            try:
                yield onnx.defs.get_schema(operator, version)
            except onnx.defs.SchemaError:
                continue


def op(operator, *inputs, outputs=("y",), opset=17, constants=None, **attributes):
    """Return a model of one node; inputs are (dtype, shape), or "" for one that is left out."""
    names = [f"v{i}" if item else "" for i, item in enumerate(inputs)]
    names += list(constants or {})
    the_node = onnx.helper.make_node(operator, names, list(outputs), name="it", **attributes)
    declared = {f"v{i}": item for i, item in enumerate(inputs) if item}
    wanted = [name for name in outputs if name]
    return make_model([the_node], constants, declared, wanted, opset)
