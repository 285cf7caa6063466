"""ONNX's operators GRU, LSTM and RNN: layers of this package, one for each direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.interop.onnx.lstm_steps import LSTMSteps
from gru_c.interop.onnx.proto import Node, library, shown, text
from gru_c.interop.onnx.recurrent_attributes import INPUTS, OPERATORS, Attributes
from gru_c.interop.onnx.size_limit import ElementBudget
from gru_c.parameters import GivenWeights
from gru_c.recurrence.weights import Weights

_WEIGHTS = slice(1, 4)


class RecurrentOperator:
    """A recurrent node that is ready to run.

    Parameters
    ----------
    node : Node
    constants : mapping of str to ndarray
        Values that never change. If all weights are among them, they are converted only once.
    """

    def __init__(self, node: Node, constants: Mapping[str, Array]) -> None:
        self.node = node
        self.settings = Attributes.from_node(node)
        names = [name for name in node.inputs[_WEIGHTS] if name]
        self.layers: list[Any] | None = None
        if all(name in constants for name in names):
            weights = [constants.get(name) for name in (*node.inputs, *[""] * 3)[_WEIGHTS]]
            self.layers = self._layers(*weights)
            for layer in self.layers:
                layer.hold_weights(True)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for layer in self.layers or ():
            layer.hold_weights(True)  # a pickle does not hold packed weights

    def _layers(self, W: Array | None, R: Array | None, B: Array | None = None) -> list[Any]:
        for name, array in zip(INPUTS[_WEIGHTS], (W, R, B), strict=True):
            if array is None:
                if name != "B":
                    self.node.refuse(f"the input {name} is missing")
            elif array.dtype not in (np.float16, np.float32, np.float64):
                self.node.refuse(f"{name} must hold float16, float32 or float64, got {array.dtype}")
        assert W is not None
        assert R is not None
        layers = []
        for arguments, weights in self.settings.directions(W, R, B):
            layer = self.settings.kind.layer(
                **arguments,
                return_sequences=True,
                return_state=True,
                time_major=not self.settings.batch_first,
                zero_output_for_mask=True,
                dtype="float64" if W.dtype == np.float64 else "float32",
            )
            source = GivenWeights(weights)
            layer.build((None, None, W.shape[2]), source)
            source.end()
            layers.append(layer)
        return layers

    def __call__(
        self, node: Node, budget: ElementBudget, *inputs: Array | None
    ) -> tuple[Array, ...]:
        """Return Y, Y_h and of an LSTM Y_c; raise ValueError if the inputs do not fit."""
        kind = self.settings.kind
        values = dict.fromkeys(kind.inputs) | dict(zip(kind.inputs, inputs, strict=False))
        X, W, R, B = (values[name] for name in INPUTS[:4])
        layers = self._layers(W, R, B) if self.layers is None else self.layers
        assert W is not None
        features = layers[0].value("kernel").shape[0]
        if X is None or X.ndim != 3 or X.shape[2] != features or X.dtype != W.dtype:
            got = "nothing" if X is None else f"{X.dtype} of shape {X.shape}"
            raise ValueError(f"X must be {W.dtype} of shape (., ., {features}), got {got}")
        batch_first = self.settings.batch_first
        batch, steps = X.shape[:2] if batch_first else (X.shape[1], X.shape[0])
        lens = _checked_lens(values["sequence_lens"], batch, steps)
        firsts = {kind.inputs[place]: values[kind.inputs[place]] for place in kind.states}
        states = self.initial_states(firsts, batch, layers[0].units, X.dtype)
        peepholes = self._peepholes(values.get("P"), layers[0].units, X.dtype)
        budget.require((len(layers), batch, steps, layers[0].units))
        results = [
            self._run_direction(d, layer, X, lens, states[d], peepholes[d])
            for d, layer in enumerate(layers)
        ]
        Y = _stacked([y for y, _ in results], 2 if batch_first else 1)
        lasts = zip(*(last for _, last in results), strict=True)
        ends = [_stacked([*parts], 1 if batch_first else 0) for parts in lasts]
        return tuple(array.astype(X.dtype, copy=False) for array in (Y, *ends))

    def _peepholes(
        self, P: Array | None, units: int, dtype: np.dtype[Any]
    ) -> Sequence[Array | None]:
        """Return the peepholes of each direction; raise ValueError if they do not fit."""
        count = len(self.settings.backwards)
        if P is None:
            return [None] * count
        wanted = (count, 3 * units)
        if P.shape != wanted or P.dtype != dtype:
            self.node.refuse(f"P must be {dtype} of shape {wanted}, got {P.dtype} of {P.shape}")
        return list(P)

    def initial_states(
        self, given: Mapping[str, Array | None], batch: int, units: int, dtype: np.dtype[Any]
    ) -> list[tuple[Array, ...] | None]:
        """Return each direction's (B, H) states by input; None for zeros; ValueError for others."""
        count = len(self.settings.backwards)
        axis = 1 if self.settings.batch_first else 0
        wanted = (batch, count, units) if axis else (count, batch, units)
        if all(array is None for array in given.values()):
            return [None] * count
        states = []
        for name, array in given.items():
            if array is not None and (array.shape != wanted or array.dtype != dtype):
                self.node.refuse(
                    f"{name} must be {dtype} of shape {wanted}, "
                    f"got {array.dtype} of shape {array.shape}"
                )
            states.append(np.moveaxis(np.zeros(wanted, dtype) if array is None else array, axis, 0))
        return list(zip(*states, strict=True))

    def _run_direction(
        self,
        d: int,
        layer: Any,
        X: Array,
        lens: Array | None,
        states: tuple[Array, ...] | None,
        peepholes: Array | None,
    ) -> tuple[Array, list[Array]]:
        """Compute a direction; return its output in the order of time, and its last states."""
        count = len(self.settings.kind.states)
        batch_first = self.settings.batch_first
        if 0 in X.shape[:2]:  # no time step, or no row
            batch = X.shape[0 if batch_first else 1]
            zeros = [np.zeros((batch, layer.units), layer.dtype)] * count
            return np.zeros((*X.shape[:2], layer.units), layer.dtype), list(states or zeros)
        if self.settings.problem:
            y, lasts = self._run_steps(d, layer, X, lens, states, peepholes)
        else:
            first = None if states is None else states[0] if count == 1 else list(states)
            y, *lasts = layer.forward(X, lengths=lens, initial_state=first)
            if layer.go_backwards:
                y = y[:, ::-1] if batch_first else y[::-1]
        if lens is not None:
            for last in lasts:
                last[lens == 0] = 0  # as in onnxruntime, whatever the initial state is
        return y, lasts

    def _run_steps(
        self,
        d: int,
        layer: Any,
        X: Array,
        lens: Array | None,
        states: tuple[Array, ...] | None,
        peepholes: Array | None,
    ) -> tuple[Array, list[Array]]:
        """Compute a direction of an LSTM that the core does not compute."""
        bias = layer.value("bias") if layer.use_bias else None
        steps = LSTMSteps(
            Weights(layer.value("kernel"), layer.value("recurrent_kernel"), bias),
            self.settings.functions[d],
            layer.clip,
            self.settings.input_forget,
            None if peepholes is None else peepholes.astype(layer.dtype),
        )
        batch_first, H = self.settings.batch_first, layer.units
        x = (X.swapaxes(0, 1) if batch_first else X).astype(layer.dtype)
        state = np.zeros((x.shape[1], 2 * H), layer.dtype)
        if states is not None:
            state = np.concatenate(states, axis=1).astype(layer.dtype)
        y, last = steps.run(x, state, lens, layer.go_backwards)
        return y.swapaxes(0, 1) if batch_first else y, [last[:, :H].copy(), last[:, H:].copy()]


def _stacked(arrays: list[Array], axis: int) -> Array:
    """Return the directions along a new axis; a single one is not copied."""
    return np.stack(arrays, axis) if len(arrays) > 1 else np.expand_dims(arrays[0], axis)


def _checked_lens(lens: Array | None, batch: int, steps: int) -> Array | None:
    if lens is None:
        return None
    if lens.shape != (batch,) or lens.dtype.kind not in "iu":
        raise ValueError(
            f"sequence_lens must hold {batch} integers, got {lens.dtype} of shape {lens.shape}"
        )
    if (lens < 0).any() or (lens > steps).any():
        raise ValueError(f"sequence_lens must be in [0, {steps}], got {lens[:20].tolist()}")
    return lens


def run_node(
    node: Any, inputs: Sequence[npt.ArrayLike | None] | Mapping[str, npt.ArrayLike | None]
) -> list[Array]:
    """Evaluate a GRU, LSTM or RNN node of ONNX on arrays.

    Parameters
    ----------
    node : onnx.NodeProto
        A node of the operator GRU, LSTM or RNN, version 7 or newer.
    inputs : sequence of array_like, or dict
        X, W, R, B, sequence_lens and initial_h, of an LSTM also initial_c and P, in this order,
        with None for one that is left out; or a dict by the names that the node gives them. All but
        sequence_lens must be float32, float64, or float16, which is computed in float32.

    Returns
    -------
    list of ndarray
        Y, Y_h and of an LSTM Y_c, as far as the node names them, in the dtype of X.

    Raises
    ------
    ImportError
        When onnx is not installed.
    TypeError
        When `node` is not a NodeProto, or an input does not hold real numbers.
    ValueError
        When the node is of another operator, or an attribute or an input is not valid for it;
        the message names the node.

    Notes
    -----
    Where the specification is silent, the result is that of onnxruntime: beyond its length a row of
    Y is zero; Y_h is the state after the last step that counts, and zero for a row of length 0
    whatever initial_h is. The numbers of ``activation_alpha`` and ``activation_beta`` go, in their
    order, to the functions that have such a parameter.

    The core does not compute an LSTM with peepholes (P), with ``input_forget``, or with a third
    activation that differs from the second: NumPy computes these, step by step.

    Examples
    --------
    >>> import numpy as np
    >>> import onnx
    >>> from gru_c.interop.onnx import run_node
    >>> node = onnx.helper.make_node("GRU", ["X", "W", "R"], ["Y", "Y_h"], hidden_size=5)
    >>> X, W, R = np.ones((4, 2, 3)), np.ones((1, 15, 3)), np.ones((1, 15, 5))
    >>> Y, Y_h = run_node(node, [X, W, R])
    >>> Y.shape, Y_h.shape
    ((4, 1, 2, 5), (1, 2, 5))
    """
    if not isinstance(node, library().NodeProto):
        raise TypeError(f"run_node wants an onnx.NodeProto, got {type(node).__name__}")
    if node.op_type not in OPERATORS:
        raise ValueError(
            f"run_node evaluates {', '.join(OPERATORS)} nodes, got {shown(text(node.op_type))}"
        )
    recurrent = Node.from_proto(node, library().defs.onnx_opset_version(), OPERATORS)
    values = _in_order(recurrent, inputs)
    arrays = [
        None if value is None else as_real(f"{recurrent.label}: {name}", value)
        for name, value in zip(OPERATORS[node.op_type].inputs, values, strict=False)
    ]
    shapes = [() if array is None else array.shape for array in arrays]
    budget = ElementBudget(shapes[1:], shapes[:1])
    results = recurrent.attempt(RecurrentOperator(recurrent, {}), budget, *arrays)
    return [array for name, array in zip(recurrent.outputs, results, strict=False) if name]


def _in_order(
    node: Node, inputs: Sequence[npt.ArrayLike | None] | Mapping[str, npt.ArrayLike | None]
) -> list[npt.ArrayLike | None]:
    """Return the inputs in the order of the node's, None for one that is left out."""
    kind = OPERATORS[node.operator]
    most, outputs = len(kind.inputs), len(kind.outputs)
    if len(node.inputs) > most or len(node.outputs) > outputs:
        node.refuse(f"{kind.in_words} has at most {most} inputs and {outputs} outputs")
    if isinstance(inputs, Mapping):
        unknown = sorted(set(inputs) - set(node.inputs))
        if unknown:
            node.refuse(f"it has no input named {unknown[0]!r}")
        return [inputs.get(name) if name else None for name in node.inputs]
    arrays = list(inputs)
    named = [name for name in node.inputs if name]
    if len(arrays) == len(named) and not any(array is None for array in arrays):
        by_name = dict(zip(named, arrays, strict=True))  # no array for an empty input
        return [by_name.get(name) for name in node.inputs]
    for name, array in zip_longest(node.inputs, arrays, fillvalue=""):
        if not name and array is not None and not isinstance(array, str):
            node.refuse(f"it has the inputs {', '.join(named)}, got {len(arrays)} arrays")
    return arrays
