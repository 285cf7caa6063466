"""ONNX's GRU operator, computed by layers of this package, one for each direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.interop.onnx.activations import read_activations
from gru_c.interop.onnx.proto import Node, library, shown, text
from gru_c.interop.onnx.size_limit import ElementBudget
from gru_c.layers import GRU
from gru_c.parameters import GivenWeights

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h")
_WEIGHTS = slice(1, 4)
SEQUENCE_LENS, INITIAL_H = 4, 5

DIRECTIONS: dict[str, tuple[bool, ...]] = {  # True for a direction that goes backwards
    "forward": (False,),
    "reverse": (True,),
    "bidirectional": (False, True),
}


@dataclass(frozen=True)
class GRUAttributes:
    """The attributes of a GRU node.

    Attributes
    ----------
    node : Node
    backwards : tuple of bool
        For each direction, True if it goes from the last time step to the first.
    batch_first : bool
        True for ``layout=1``: (batch, time, ...) rather than (time, batch, ...).
    hidden_size : int or None
    options : list of dict
        For each direction, the arguments of its `GRU` besides the units.
    """

    node: Node
    backwards: tuple[bool, ...]
    batch_first: bool
    hidden_size: int | None
    options: list[dict[str, Any]]

    @classmethod
    def from_node(cls, node: Node) -> GRUAttributes:
        """Read the attributes; raise ValueError, which names the node, if one is not valid."""
        direction = node.get("direction", "forward")
        if direction not in DIRECTIONS:
            node.refuse(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}")
        layout = node.get("layout", 0)
        if layout not in (0, 1):
            node.refuse(f"layout must be 0 or 1, got {layout}")
        backwards = DIRECTIONS[direction]
        options = [
            {
                "activation": candidate,
                "recurrent_activation": gates,
                "reset_after": bool(node.get("linear_before_reset", 0)),
                "clip": node.get("clip"),
                "go_backwards": back,
            }
            for back, (gates, candidate) in zip(
                backwards, read_activations(node, len(backwards)), strict=True
            )
        ]
        try:
            for option in options:
                GRU(1, **option)  # checks them
        except (ValueError, TypeError) as error:
            node.refuse(str(error))
        return cls(node, backwards, bool(layout), node.get("hidden_size"), options)

    def directions(
        self, W: Array, R: Array, B: Array | None
    ) -> list[tuple[dict[str, Any], list[Array]]]:
        """Return the arguments of a `GRU` and its weights, for each direction.

        Parameters
        ----------
        W, R, B : ndarray
            ONNX's weights: (directions, 3H, I), (directions, 3H, H) and (directions, 6H) or None.
        """
        H = self._checked_units(W, R, B)
        directions = []
        for d, option in enumerate(self.options):
            bias = [] if B is None else [_bias(B[d], option["reset_after"])]
            arguments = {"units": H, "use_bias": B is not None, **option}
            directions.append((arguments, [W[d].T, R[d].T, *bias]))
        return directions

    def _checked_units(self, W: Array, R: Array, B: Array | None) -> int:
        """Return H; raise ValueError unless the weights fit each other and the node."""
        count = len(self.backwards)
        H = self.hidden_size if self.hidden_size is not None else R.shape[-1] if R.ndim else 0
        if H < 1:
            self.node.refuse(f"hidden_size must be positive, got {H}")
        if W.ndim != 3 or W.shape[:2] != (count, 3 * H) or not W.shape[2]:
            self.node.refuse(f"W must have shape ({count}, {3 * H}, features), got {W.shape}")
        for name, array, shape in (("R", R, (count, 3 * H, H)), ("B", B, (count, 6 * H))):
            if array is None:
                continue
            if array.shape != shape:
                self.node.refuse(f"{name} must have shape {shape}, got {array.shape}")
            if array.dtype != W.dtype:
                self.node.refuse(f"W is {W.dtype}, {name} is {array.dtype}")
        return H


def _bias(biases: Array, reset_after: bool) -> Array:
    """Return the bias of a layer, given ONNX's of shape (6H,): Wb and then Rb."""
    pair = biases.reshape(2, -1)
    return pair if reset_after else pair[0] + pair[1]


class GRUOperator:
    """A GRU node that is ready to run.

    Parameters
    ----------
    node : Node
    constants : mapping of str to ndarray
        Values that never change. If all weights are among them, they are converted only once.
    """

    def __init__(self, node: Node, constants: Mapping[str, Array]) -> None:
        self.node = node
        self.settings = GRUAttributes.from_node(node)
        names = [name for name in node.inputs[_WEIGHTS] if name]
        self.layers: list[GRU] | None = None
        if all(name in constants for name in names):
            weights = [constants.get(name) for name in (*node.inputs, *[""] * 3)[_WEIGHTS]]
            self.layers = self._layers(*weights)
            for layer in self.layers:
                layer.hold_weights(True)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for layer in self.layers or ():
            layer.hold_weights(True)  # a pickle does not hold packed weights

    def _layers(self, W: Array | None, R: Array | None, B: Array | None = None) -> list[GRU]:
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
            layer = GRU(
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
        self,
        node: Node,
        budget: ElementBudget,
        X: Array | None = None,
        W: Array | None = None,
        R: Array | None = None,
        B: Array | None = None,
        sequence_lens: Array | None = None,
        initial_h: Array | None = None,
    ) -> tuple[Array, Array]:
        """Return Y and Y_h; raise ValueError if the inputs do not fit."""
        layers = self._layers(W, R, B) if self.layers is None else self.layers
        assert W is not None
        features = layers[0].value("kernel").shape[0]
        if X is None or X.ndim != 3 or X.shape[2] != features or X.dtype != W.dtype:
            got = "nothing" if X is None else f"{X.dtype} of shape {X.shape}"
            raise ValueError(f"X must be {W.dtype} of shape (., ., {features}), got {got}")
        batch_first = self.settings.batch_first
        batch, steps = X.shape[:2] if batch_first else (X.shape[1], X.shape[0])
        lens = _checked_lens(sequence_lens, batch, steps)
        states = self.initial_states(initial_h, batch, layers[0].units, X.dtype)
        budget.require((len(layers), batch, steps, layers[0].units))
        results = [
            self._run_direction(layer, X, lens, state)
            for layer, state in zip(layers, states, strict=True)
        ]
        Y = _stacked([y for y, _ in results], 2 if batch_first else 1)
        Y_h = _stacked([last for _, last in results], 1 if batch_first else 0)
        return Y.astype(X.dtype, copy=False), Y_h.astype(X.dtype, copy=False)

    def initial_states(
        self, initial_h: Array | None, batch: int, units: int, dtype: np.dtype[Any]
    ) -> Sequence[Array | None]:
        """Return the (B, H) state of each direction; raise ValueError if one does not fit."""
        count = len(self.settings.backwards)
        if initial_h is None:
            return [None] * count
        axis = 1 if self.settings.batch_first else 0
        wanted = (batch, count, units) if axis else (count, batch, units)
        if initial_h.shape != wanted or initial_h.dtype != dtype:
            self.node.refuse(
                f"initial_h must be {dtype} of shape {wanted}, "
                f"got {initial_h.dtype} of shape {initial_h.shape}"
            )
        return list(np.moveaxis(initial_h, axis, 0))

    def _run_direction(
        self, layer: GRU, X: Array, lens: Array | None, state: Array | None
    ) -> tuple[Array, Array]:
        """Compute one direction; return its output in the order of time, and its last state."""
        if 0 in X.shape[:2]:  # no time step, or no row
            batch = X.shape[0 if self.settings.batch_first else 1]
            last = np.zeros((batch, layer.units), layer.dtype) if state is None else state
            return np.zeros((*X.shape[:2], layer.units), layer.dtype), last
        y, last = layer.forward(X, lengths=lens, initial_state=state)
        if lens is not None:
            last[lens == 0] = 0  # as in onnxruntime, whatever the initial state is
        if layer.go_backwards:
            y = y[:, ::-1] if self.settings.batch_first else y[::-1]
        return y, last


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
    """Evaluate a GRU node of ONNX on arrays.

    Parameters
    ----------
    node : onnx.NodeProto
        A node of the operator GRU, version 7 or newer.
    inputs : sequence of array_like, or dict
        X, W, R, B, sequence_lens and initial_h in this order, with None for one that is left out;
        or a dict by the names that the node gives them. X, W, R, B and initial_h must all be
        float32, float64, or float16, which is computed in float32.

    Returns
    -------
    list of ndarray
        Y and Y_h, as far as the node names them, in the dtype of X.

    Raises
    ------
    ImportError
        When onnx is not installed.
    TypeError
        When `node` is not a NodeProto, or an input does not hold real numbers.
    ValueError
        When the node is of another operator, or an attribute or an input is not valid for a GRU;
        the message names the node.

    Notes
    -----
    Where the specification is silent, the result is that of onnxruntime: beyond its length a row of
    Y is zero; Y_h is the state after the last step that counts, and zero for a row of length 0
    whatever initial_h is. The numbers of ``activation_alpha`` and ``activation_beta`` go, in their
    order, to the functions that have such a parameter.

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
    if node.op_type != "GRU":
        raise ValueError(f"run_node evaluates GRU nodes, got {shown(text(node.op_type))}")
    gru = Node.from_proto(node, library().defs.onnx_opset_version(), ("GRU",))
    values = _in_order(gru, inputs)
    arrays = [
        None if value is None else as_real(f"{gru.label}: {name}", value)
        for name, value in zip(INPUTS, values, strict=False)
    ]
    shapes = [() if array is None else array.shape for array in arrays]
    budget = ElementBudget(shapes[1:], shapes[:1])
    results = gru.attempt(GRUOperator(gru, {}), budget, *arrays)
    return [array for name, array in zip(gru.outputs, results, strict=False) if name]


def _in_order(
    node: Node, inputs: Sequence[npt.ArrayLike | None] | Mapping[str, npt.ArrayLike | None]
) -> list[npt.ArrayLike | None]:
    """Return the inputs in the order of the node's, None for one that is left out."""
    if len(node.inputs) > len(INPUTS) or len(node.outputs) > 2:
        node.refuse(f"a GRU has at most {len(INPUTS)} inputs and 2 outputs")
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
