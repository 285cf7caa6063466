"""Export of a `gru_c.Sequential` to a graph that onnxruntime runs.

The graph uses version 17 of the operators, which onnxruntime has since 1.12. Recurrent nodes have
``layout=0``, with transposes around them, and float32, since onnxruntime supports nothing else.
"""

from __future__ import annotations

import os
from pathlib import Path

from gru_c.activations import ACTIVATIONS
from gru_c.common.validation import check_flag
from gru_c.interop.onnx.activations import FUNCTIONS
from gru_c.interop.onnx.graph_builder import GraphBuilder
from gru_c.interop.onnx.layer_nodes import LAYER_WRITERS, OPERATOR_OF
from gru_c.layers import GRU, LSTM, Bidirectional, Dense, Embedding, Layer, SimpleRNN
from gru_c.layers import Activation as ActivationLayer
from gru_c.models.sequential import Sequential
from gru_c.saving.files import write_whole
from gru_c.streaming.stages import require_stepwise

_RECURRENT = (GRU, LSTM, SimpleRNN)
_MOST_BYTES = 2**31 - 2**20  # of weights: protobuf's limit, less some space for the graph


def export(model: Sequential, path: str | os.PathLike[str], streaming: bool = False) -> None:
    """Write a model as an ONNX file that onnxruntime runs.

    The input is ``x``, the output ``output``. The batch and the sequences may have any length,
    unless a layer (`Dense` after `Flatten`) needs the length that the model was built for.

    Parameters
    ----------
    model : Sequential
        A built model of float32.
    path : path
        Path of the file, with the suffix ``.onnx``. It is written completely or not at all.
    streaming : bool
        Add for each recurrent layer an input ``<layer>_initial_h``, its initial state, and an
        output ``<layer>_Y_h``, its last state, both of shape (1, B, H); of an `LSTM` also
        ``<layer>_initial_c`` and ``<layer>_Y_c``. To continue a sequence, pass the
        last states of the call before as initial states; to begin one, pass zeros.

    Raises
    ------
    ImportError
        When onnx is not installed.
    TypeError
        When `model` is not a `Sequential`.
    FileNotFoundError
        When the folder does not exist.
    ValueError
        When the model is not built, is of float64, or has more than 2 GB; when ONNX's operators
        cannot express a layer: `Masking`, ``Embedding(mask_zero=True)``, zoneout (prediction uses
        its expectation), a layer of the user's class, or ``stateful`` without streaming; with
        `streaming`, when a layer cannot compute step by step (`Bidirectional`, ``go_backwards``).
        The message names the layer.

    Notes
    -----
    ``linear_before_reset`` is always written. Weights are written in full precision, whatever
    ``inference_weights`` is. Dropout layers are left out, since they do nothing in prediction.

    Examples
    --------
    See `ONNXModel`.
    """
    check_flag("streaming", streaming)
    target = Path(path)
    if target.suffix.lower() != ".onnx":
        raise ValueError(f"export writes an ONNX file, named *.onnx, got {target.name!r}")
    if not isinstance(model, Sequential):
        raise TypeError(f"export wants a Sequential, got {type(model).__name__}")
    model.require_built("export")
    for layer in model.layers:
        _check(layer, streaming)
    if streaming and not any(isinstance(layer, _RECURRENT) for layer in model.layers):
        raise ValueError("streaming=True, but the model has no recurrent layer")
    if model.dtype != "float32":
        raise ValueError(
            f"the model is {model.dtype}, and onnxruntime computes recurrent "
            "operators in float32 only: make a model with dtype='float32' and give it the "
            "weights with set_weights"
        )
    if 4 * model.count_params() > _MOST_BYTES:
        raise ValueError(f"{model.count_params():,} weights: an ONNX file holds at most 2 GB")
    graph = GraphBuilder(streaming)
    for layer in model.layers:
        LAYER_WRITERS[type(layer)](graph, layer)
    write_whole(target, graph.finish(model).SerializeToString())


def _check(layer: Layer, streaming: bool) -> None:
    """Raise ValueError, which gives the reason, for a layer that cannot be written."""
    reason = ""
    if type(layer) not in LAYER_WRITERS:
        reason = "gru_c does not write its operators, or does not know its class"
    elif isinstance(layer, Embedding) and layer.mask_zero:
        reason = "with mask_zero=True it says which steps count, which the graph cannot pass on"
    elif isinstance(layer, (*_RECURRENT, Bidirectional)):
        if any(direction.zoneout for direction in layer.directions):
            kind = OPERATOR_OF[layer.directions[0].cell_kind]
            reason = (
                f"in prediction it uses the expectation of its zoneout, which no ONNX {kind} does"
            )
        elif layer.stateful and isinstance(layer, Bidirectional):
            reason = "it is stateful, and a graph keeps no state"
        elif layer.stateful and not streaming:
            reason = "it is stateful: streaming=True makes its state an input and an output"
    elif isinstance(layer, (Dense, ActivationLayer)):
        function = layer.activation_function
        if ACTIVATIONS.get(function.name) is not function:
            reason = f"its activation {function.name!r} is none of gru_c's"
        elif function.name not in FUNCTIONS and function.name != "linear":
            reason = f"its activation {function.name!r} has no operator here"
    if reason:
        raise ValueError(
            f"layer {layer.label!r} ({type(layer).__name__}) cannot be exported: {reason}"
        )
    if streaming:
        require_stepwise(layer)
