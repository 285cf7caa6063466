"""Checks by operator, for nodes that onnx accepts and this package could not compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.interop.onnx.operators import require_inside
from gru_c.interop.onnx.proto import Node, shown
from gru_c.interop.onnx.rearranging import (
    REDUCTIONS,
    axis_of,
    places_of,
    require_ends,
    require_scatter,
    require_some,
    reshaped,
    sliced,
)

# The attributes that this package reads or may ignore, by operator. Any other attribute is refused,
# since its effect is unknown. Those of Cast besides `to` concern types that this package does not
# read; `seed` and `ratio` concern training.
_AXIS, _AXES, _ALPHA = ("axis",), ("axes",), ("alpha",)
_RECURRENT = (
    *("activations", "activation_alpha", "activation_beta", "clip", "direction"),
    *("hidden_size", "layout"),
)
_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}  # of the recurrent operators
_REDUCE = ("axes", "keepdims", "noop_with_empty_axes")
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Cast": ("to", "saturate", "round_mode"),
    "Clip": ("min", "max"),
    "Concat": _AXIS,
    "Constant": (
        *("value", "value_int", "value_ints", "value_float", "value_floats"),
        *("value_string", "value_strings"),
    ),
    "ConstantOfShape": ("value",),
    "Dropout": ("ratio", "seed"),
    "Elu": _ALPHA,
    "Flatten": _AXIS,
    "GRU": (*_RECURRENT, "linear_before_reset"),
    "Gather": _AXIS,
    "Gemm": ("alpha", "beta", "transA", "transB"),
    "HardSigmoid": ("alpha", "beta"),
    "LSTM": (*_RECURRENT, "input_forget"),
    "LayerNormalization": ("axis", "epsilon", "stash_type"),
    "LeakyRelu": _ALPHA,
    "LogSoftmax": _AXIS,
    "RNN": _RECURRENT,
    "Range": ("stash_type",),
    "ReduceMean": _REDUCE,
    "ReduceProd": _REDUCE,
    "ReduceSum": _REDUCE,
    "Reshape": ("allowzero",),
    "ReverseSequence": ("batch_axis", "time_axis"),
    "ScatterElements": ("axis", "reduction"),
    "Shape": ("start", "end"),
    "Slice": ("starts", "ends", "axes"),
    "Softmax": _AXIS,
    "Squeeze": _AXES,
    "ThresholdedRelu": _ALPHA,
    "TopK": ("axis", "k", "largest", "sorted"),
    "Transpose": ("perm",),
    "Unsqueeze": _AXES,
}


class Value(NamedTuple):
    """The facts that are known about a value; None stands for an unknown one."""

    dtype: np.dtype[Any] | None = None
    shape: Shape | None = None
    array: Array | None = None


NOTHING = Value()


class NodeInputs(NamedTuple):
    """A node and the known facts about its inputs.

    Attributes
    ----------
    node : Node
    values : list of Value
        The facts about each input.
    used : set of str
        Names of the values that some node or the graph's output uses.
    """

    node: Node
    values: list[Value]
    used: set[str]

    def value(self, place: int) -> Value:
        """Return the facts about an input; `NOTHING` for one that is left out."""
        return self.values[place] if place < len(self.values) else NOTHING

    def has(self, place: int) -> bool:
        """Return True if the node has an input."""
        return place < len(self.node.inputs) and bool(self.node.inputs[place])

    def output_is_used(self, place: int) -> bool:
        """Return True if an output of the node is used."""
        return place < len(self.node.outputs) and self.node.outputs[place] in self.used


def _dropout(inputs: NodeInputs) -> None:
    training = inputs.value(2).array
    if inputs.has(2) and (training is None or training.any()):
        raise ValueError("training_mode must be a constant that is false: gru_c predicts")
    if inputs.node.opset < 12 and inputs.output_is_used(1):
        raise ValueError(
            "its mask is asked for, and before version 12 of ONNX's operators that is not a mask "
            "in prediction"
        )


def _constant_of_shape(inputs: NodeInputs) -> None:
    value = inputs.node.get("value")
    if value is not None and value.size != 1:
        raise ValueError(f"its value must be one number, got {value.size}")


def _range(inputs: NodeInputs) -> None:
    _stash_type(inputs)
    step = inputs.value(2).array
    if step is not None and not step.all():
        raise ValueError("it goes in steps of 0")


def _stash_type(inputs: NodeInputs) -> None:
    stash = inputs.node.get("stash_type", 1)
    if stash != 1:
        raise ValueError(f"gru_c computes with stash_type 1 (float32) only, got {stash}")


def _layer_normalization(inputs: NodeInputs) -> None:
    _stash_type(inputs)
    shape = inputs.value(0).shape
    if shape is None:
        return
    axis_of(inputs.node, -1, len(shape))
    for place, name in ((1, "Scale"), (2, "B")):
        require_inside(name, shape, inputs.value(place).shape or ())


def _div(inputs: NodeInputs) -> None:
    divisor = inputs.value(1).array
    if divisor is not None and divisor.dtype.kind in "iu" and not divisor.all():
        raise ValueError("it divides integers by zero")


def _reshape(inputs: NodeInputs) -> None:
    shape, sizes = inputs.value(0).shape, inputs.value(1).array
    if shape is not None and None not in shape and sizes is not None:
        reshaped(sizes.tolist(), [size or 0 for size in shape], inputs.node.get("allowzero", 0))


def _transpose(inputs: NodeInputs) -> None:
    order, shape = inputs.node.get("perm"), inputs.value(0).shape
    if order is None:
        return
    if sorted(order) != list(range(len(order))):
        raise ValueError(f"perm is {order}, no order of axes")
    if shape is not None and len(order) != len(shape):
        raise ValueError(f"perm is {order}, for an array of {len(shape)} axes")


def _gather(inputs: NodeInputs) -> None:
    shape, (_, count, indices) = inputs.value(0).shape, inputs.value(1)
    size = None if shape is None else shape[axis_of(inputs.node, 0, len(shape))]
    if size == 0 and count is not None and not {0, None}.intersection(count):
        raise ValueError("it takes elements from an axis that has none")
    if size is None or indices is None:
        return
    _require_indices(indices, size)


def _require_indices(indices: Array, size: int) -> None:
    if (indices < -size).any() or (indices >= size).any():
        raise ValueError(f"an index is out of bounds for an axis of {size} elements")


def _gemm(inputs: NodeInputs) -> None:
    for name in ("alpha", "beta"):
        factor = inputs.node.get(name, 1.0)
        dtype = inputs.value(0).dtype
        if dtype is not None and dtype.kind in "iu" and not factor.is_integer():
            raise ValueError(f"{name} is {factor:g}, for numbers of {dtype}")
    a, b, c = (inputs.value(place).shape for place in range(3))
    for name, shape in (("A", a), ("B", b)):
        _require_shape(name, (None, None) if shape is None else shape, (None, None))
    if a is not None and b is not None and c is not None:
        rows = a[1] if inputs.node.get("transA", 0) else a[0]
        columns = b[0] if inputs.node.get("transB", 0) else b[1]
        require_inside("C", (rows, columns), c)


def _scatter_elements(inputs: NodeInputs) -> None:
    reduction = inputs.node.get("reduction", "none")
    if reduction not in REDUCTIONS:
        names = ", ".join(REDUCTIONS)
        raise ValueError(f"reduction must be one of {names}, got {shown(reduction)}")
    x, indices, updates = (inputs.value(place).shape for place in range(3))
    if x is None or indices is None or updates is None:
        return
    axis = axis_of(inputs.node, 0, len(x))
    require_scatter(axis, x, indices, updates)
    size, places = x[axis], inputs.value(1).array
    if size is not None and places is not None:
        _require_indices(places, size)


def _reverse_sequence(inputs: NodeInputs) -> None:
    axes = inputs.node.get("batch_axis", 1), inputs.node.get("time_axis", 0)
    if sorted(axes) != [0, 1]:
        raise ValueError(f"batch_axis and time_axis must be 0 and 1 or 1 and 0, got {axes}")
    x, lengths = inputs.value(0).shape, inputs.value(1).shape
    if x is not None and lengths is not None:
        _require_shape("sequence_lens", lengths, (x[axes[0]],))


def _softmax(inputs: NodeInputs) -> None:
    shape = inputs.value(0).shape
    if shape is not None:
        axis_of(inputs.node, 1 if inputs.node.opset < 13 else -1, len(shape))


def _axes(inputs: NodeInputs, place: int = 1) -> list[int] | None:
    """Return the axes of an attribute or a constant; None if they are unknown or all axes."""
    array = inputs.value(place).array
    axes: list[int] | None = inputs.node.get("axes") if array is None else array.tolist()
    return axes


def _unsqueeze(inputs: NodeInputs) -> None:
    axes, shape = _axes(inputs), inputs.value(0).shape
    if axes is not None and shape is not None:
        count = len(shape) + len(axes)
        if len(places_of(axes, count)) < len(axes):
            raise ValueError(f"axes {axes} name one of {count} axes twice")


def _clip(inputs: NodeInputs) -> None:
    for place, name in ((1, "min"), (2, "max")):
        shape = inputs.value(place).shape
        if shape not in (None, (), (1,), (None,)):
            raise ValueError(f"{name} must be a single number, got shape {_written(shape or ())}")


def _concat(inputs: NodeInputs) -> None:
    shapes = [value.shape for value in inputs.values if value.shape is not None]
    for shape in shapes:
        wanted = list(shapes[0])
        wanted[axis_of(inputs.node, 0, len(wanted))] = None
        _require_shape("each array", shape, wanted)


def _squeeze(inputs: NodeInputs) -> None:
    axes, shape = _axes(inputs), inputs.value(0).shape
    require_some(None if inputs.value(1).shape != (0,) and axes != [] else ())
    for place in places_of(axes or (), len(shape)) if shape is not None else ():
        if shape is not None and shape[place] not in (1, None):
            raise ValueError(f"axis {place} has the length {shape[place]}, not 1")


def _reduce(inputs: NodeInputs) -> None:
    dtype, shape = inputs.value(0).dtype, inputs.value(0).shape
    if shape is None or dtype is None:
        return
    places_of(_axes(inputs) or (), len(shape))
    if inputs.node.operator == "ReduceMean" and dtype.kind in "iu" and 0 in shape:
        raise ValueError(f"the mean of no numbers of {dtype} is not defined")


def _slice(inputs: NodeInputs) -> None:
    """Check the numbers of a Slice; unknown ones are replaced by harmless ones."""
    shape, axes = inputs.value(0).shape, _axes(inputs, 3)
    ends, steps = inputs.value(2).array, inputs.value(4).array
    if ends is not None and steps is not None and ends.shape == steps.shape:
        require_ends(ends.tolist(), steps.tolist())
    if shape == ():
        raise ValueError("it cuts a part out of a single number")
    if shape is None or (axes is None and inputs.has(3)):
        return
    parts: list[list[int]] = []
    for place, name, harmless in ((1, "starts", 0), (2, "ends", 0), (4, "steps", 1)):
        value = inputs.value(place)
        length = (value.shape or (None,))[0]
        if value.array is not None:
            parts.append(value.array.tolist())
        elif not inputs.has(place):
            numbers = inputs.node.get(name)
            parts.append([harmless] * len(parts[0]) if numbers is None else numbers)
        elif length is not None:
            parts.append([harmless] * length)
        else:
            return
    sliced(parts[0], parts[1], axes, parts[2], len(shape))


def _top_k(inputs: NodeInputs) -> None:
    shape, k = inputs.value(0).shape, inputs.value(1).array
    counts = [inputs.node.get("k")] if k is None else k.tolist()
    if shape is None or counts[0] is None:
        return
    size = shape[axis_of(inputs.node, -1, len(shape))]
    if counts[0] < 0 or (size is not None and counts[0] > size):
        raise ValueError(f"k is {counts[0]}, for an axis of {'any' if size is None else size}")


def _tile(inputs: NodeInputs) -> None:
    x, repeats = inputs.value(0).shape, inputs.value(1).shape
    if x is not None and repeats is not None:
        _require_shape("repeats", repeats, (len(x),))


def _recurrent(inputs: NodeInputs) -> None:
    """Check the shapes of a recurrent node's inputs, as far as they are known."""
    count = 2 if inputs.node.get("direction") == "bidirectional" else 1
    batch_first = inputs.node.get("layout", 0)
    X, W, R, B, lens, h, c, P = (inputs.value(place).shape for place in range(8))
    steps, batch, features = (None, None, None) if X is None or len(X) != 3 else X
    batch = steps if batch_first else batch
    H = inputs.node.get("hidden_size", None if R is None else R[-1])
    G = None if H is None else _GATES[inputs.node.operator] * H
    initial_shape = (batch, count, H) if batch_first else (count, batch, H)
    for name, shape, wanted in (
        ("X", X, (None, None, None)),
        ("W", W, (count, G, features)),
        ("R", R, (count, G, H)),
        ("B", B, (count, None if G is None else 2 * G)),
        ("sequence_lens", lens, (batch,)),
        ("initial_h", h, initial_shape),
        ("initial_c", c, initial_shape),
        ("P", P, (count, None if H is None else 3 * H)),
    ):
        if shape is not None:
            _require_shape(name, shape, wanted)


def _require_shape(name: str, shape: Sequence[int | None], wanted: Sequence[int | None]) -> None:
    """Raise ValueError if a shape is known to differ from the wanted one."""
    if len(shape) != len(wanted) or any(
        None not in (a, b) and a != b for a, b in zip(shape, wanted, strict=True)
    ):
        raise ValueError(f"{name} must have shape {_written(wanted)}, got {_written(shape)}")


def _written(shape: Sequence[int | None]) -> str:
    sizes = ["any" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


CHECKS: dict[str, Callable[[NodeInputs], None]] = {
    "Clip": _clip,
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Div": _div,
    "Dropout": _dropout,
    "GRU": _recurrent,
    "Gather": _gather,
    "Gemm": _gemm,
    "LSTM": _recurrent,
    "LayerNormalization": _layer_normalization,
    "LogSoftmax": _softmax,
    "RNN": _recurrent,
    "Range": _range,
    "ReduceMean": _reduce,
    "ReduceProd": _reduce,
    "ReduceSum": _reduce,
    "Reshape": _reshape,
    "ReverseSequence": _reverse_sequence,
    "ScatterElements": _scatter_elements,
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "TopK": _top_k,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
