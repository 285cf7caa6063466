"""Models in ONNX files: `export` writes what onnxruntime runs, `load` reads what exporters write.

ONNX has the gate order of this package, z, r, h, and its weights are the transposes of ours. Its
``linear_before_reset`` is ``reset_after``. Without it, the two biases of a gate are only added, so
a layer of this package has their sum.

Nothing in a file is executed: a node names an operator, which this package either computes or
refuses. No other file is opened.

The library onnx is needed: ``pip install "gru_c[onnx]"``.

References
----------
The operators: https://onnx.ai/onnx/operators/
"""

from gru_c.interop.onnx.export_model import export
from gru_c.interop.onnx.gru_node import run_node
from gru_c.interop.onnx.model import ONNXModel, load

__all__ = ["ONNXModel", "export", "load", "run_node"]
