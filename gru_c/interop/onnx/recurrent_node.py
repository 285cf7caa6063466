"""ONNX's operators GRU, LSTM and RNN: layers of this package, one for each direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.interop.onnx.activations import read_activations
from gru_c.interop.onnx.lstm_steps import LSTMSteps
from gru_c.interop.onnx.proto import Node, library, shown, text
from gru_c.interop.onnx.size_limit import ElementBudget
from gru_c.layers import GRU, LSTM, SimpleRNN
from gru_c.parameters import GivenWeights
from gru_c.recurrence.weights import Weights

_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h")
_WEIGHTS = slice(1, 4)
SEQUENCE_LENS, INITIAL_H, INITIAL_C, PEEPHOLES = 4, 5, 6, 7


@dataclass(frozen=True)
class Operator:
    """What tells one of the three operators from the others.

    Attributes
    ----------
    layer : type
        The layer that computes it.
    in_words : str
    inputs, outputs : tuple of str
    gates : tuple of int
        The place in ONNX's weights of each gate in the layer's order.
    activations : tuple of str
        Names of the default functions, those of a direction.
    """

    layer: type[Any]
    in_words: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    gates: tuple[int, ...]
    activations: tuple[str, ...]

    @property
    def states(self) -> tuple[int, ...]:
        """The places of the initial states among the inputs."""
        return (INITIAL_H, INITIAL_C)[: len(self.outputs) - 1]


OPERATORS: Mapping[str, Operator] = {
    "GRU": Operator(GRU, "a GRU", _INPUTS, ("Y", "Y_h"), (0, 1, 2), ("Sigmoid", "Tanh")),
    "LSTM": Operator(
        LSTM,
        "an LSTM",
        (*_INPUTS, "initial_c", "P"),
        ("Y", "Y_h", "Y_c"),
        (0, 2, 3, 1),  # ONNX's order is i, o, f, c
        ("Sigmoid", "Tanh", "Tanh"),
    ),
    "RNN": Operator(SimpleRNN, "an RNN", _INPUTS, ("Y", "Y_h"), (0,), ("Tanh",)),
}


def reordered(array: Array, gates: Sequence[int], axis: int) -> Array:
    """Return weights with blocks of equal size along an axis in another order."""
    if list(gates) == sorted(gates):
        return array
    parts = np.split(array, len(gates), axis)
    return np.concatenate([parts[place] for place in gates], axis)


DIRECTIONS: dict[str, tuple[bool, ...]] = {  # True for a direction that goes backwards
    "forward": (False,),
    "reverse": (True,),
    "bidirectional": (False, True),
}


@dataclass(frozen=True)
class Attributes:
    """The attributes of a recurrent node.

    Attributes
    ----------
    node : Node
    backwards : tuple of bool
        For each direction, True if it goes from the last time step to the first.
    batch_first : bool
        True for ``layout=1``: (batch, time, ...) rather than (time, batch, ...).
    hidden_size : int or None
    options : list of dict
        For each direction, the arguments of its layer besides the units.
    functions : list of tuple
        For each direction, all of its activations in ONNX's order.
    input_forget : bool
    """

    node: Node
    backwards: tuple[bool, ...]
    batch_first: bool
    hidden_size: int | None
    options: list[dict[str, Any]]
    functions: list[tuple[Any, ...]]
    input_forget: bool = False

    @classmethod
    def from_node(cls, node: Node) -> Attributes:
        """Read the attributes; raise ValueError, which names the node, if one is not valid."""
        direction = node.get("direction", "forward")
        if direction not in DIRECTIONS:
            node.refuse(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}")
        layout = node.get("layout", 0)
        if layout not in (0, 1):
            node.refuse(f"layout must be 0 or 1, got {layout}")
        backwards = DIRECTIONS[direction]
        kind = OPERATORS[node.operator]
        functions = read_activations(node, len(backwards), kind.activations)
        options = [
            {
                **_activations_of(node, of_direction),
                "clip": node.get("clip"),
                "go_backwards": back,
            }
            for back, of_direction in zip(backwards, functions, strict=True)
        ]
        input_forget = node.get("input_forget", 0)
        if input_forget not in (0, 1):
            node.refuse(f"input_forget must be 0 or 1, got {input_forget}")
        try:
            for option in options:
                kind.layer(1, **option)  # checks them
        except (ValueError, TypeError) as error:
            node.refuse(str(error))
        hidden_size = node.get("hidden_size")
        return cls(
            node, backwards, bool(layout), hidden_size, options, functions, bool(input_forget)
        )

    @property
    def kind(self) -> Operator:
        """The node's operator."""
        return OPERATORS[self.node.operator]

    @property
    def problem(self) -> str:
        """The setting that no layer computes; "" where there is none."""
        if self.input_forget:
            return "input_forget=1"
        if len(self.node.inputs) > PEEPHOLES and self.node.inputs[PEEPHOLES]:
            return "peepholes (the input P)"
        if any(len(f) == 3 and f[1] != f[2] for f in self.functions):
            return "another activation of c' than of its candidate"
        return ""

    def directions(
        self, W: Array, R: Array, B: Array | None
    ) -> list[tuple[dict[str, Any], list[Array]]]:
        """Return the arguments of a layer and its weights, for each direction.

        Parameters
        ----------
        W, R, B : ndarray
            ONNX's weights of G gates: (directions, GH, I), (directions, GH, H) and
            (directions, 2GH) or None.
        """
        H = self._checked_units(W, R, B)
        directions = []
        for d, option in enumerate(self.options):
            bias = [] if B is None else [self._bias(B[d])]
            arguments = {"units": H, "use_bias": B is not None, **option}
            directions.append(
                (arguments, [*(reordered(a[d], self.kind.gates, 0).T for a in (W, R)), *bias])
            )
        return directions

    def _bias(self, biases: Array) -> Array:
        """Return the bias of a layer, given ONNX's of shape (2GH,): Wb and then Rb."""
        pair = reordered(biases.reshape(2, -1), self.kind.gates, 1)
        return pair if self.options[0].get("reset_after") else pair[0] + pair[1]

    def _checked_units(self, W: Array, R: Array, B: Array | None) -> int:
        """Return H; raise ValueError unless the weights fit each other and the node."""
        count, G = len(self.backwards), len(self.kind.gates)
        H = self.hidden_size if self.hidden_size is not None else R.shape[-1] if R.ndim else 0
        if H < 1:
            self.node.refuse(f"hidden_size must be positive, got {H}")
        if W.ndim != 3 or W.shape[:2] != (count, G * H) or not W.shape[2]:
            self.node.refuse(f"W must have shape ({count}, {G * H}, features), got {W.shape}")
        for name, array, shape in (("R", R, (count, G * H, H)), ("B", B, (count, 2 * G * H))):
            if array is None:
                continue
            if array.shape != shape:
                self.node.refuse(f"{name} must have shape {shape}, got {array.shape}")
            if array.dtype != W.dtype:
                self.node.refuse(f"W is {W.dtype}, {name} is {array.dtype}")
        return H


def _activations_of(node: Node, functions: Sequence[Any]) -> dict[str, Any]:
    """Return the arguments of a layer for the functions of a direction."""
    if node.operator == "RNN":
        return {"activation": functions[0]}
    options = {"activation": functions[1], "recurrent_activation": functions[0]}
    if node.operator == "GRU":
        options["reset_after"] = bool(node.get("linear_before_reset", 0))
    return options


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
        for name, array in zip(_INPUTS[_WEIGHTS], (W, R, B), strict=True):
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
        X, W, R, B = (values[name] for name in _INPUTS[:4])
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
