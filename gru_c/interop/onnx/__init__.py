"""Models in ONNX files: `export` writes what onnxruntime runs, `load` reads what exporters write.

ONNX's gates are in the order of this package, z, r, h; its weights are the transposes. What it
calls ``linear_before_reset`` is ``reset_after``; without it, both biases of a gate are only ever
added, and a layer of this package has their sum.

Nothing in a file is executed: a node names an operator, and is computed by this package's own, or
refused. No other file is opened.

This package needs the library onnx: ``pip install "gru_c[onnx]"``.

References
----------
The operators: https://onnx.ai/onnx/operators/
"""

from gru_c.interop.onnx.export_model import export
from gru_c.interop.onnx.gru_node import run_node
from gru_c.interop.onnx.model import ONNXModel, load

__all__ = ["ONNXModel", "export", "load", "run_node"]
