"""The layer that applies another layer to each time step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, as_real
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flag, check_flags
from gru_c.layers.base import FIXED, Layer
from gru_c.layers.base.layer_table import layer_of
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.input import Input

if TYPE_CHECKING:
    from gru_c.parameters import Source

# Settings that the inner layer must not have, each with the reason.
_REFUSED = {
    "stateful": "its time steps have no order, so no state can pass from one to the next",
    "return_state": "it passes on one output",
    "time_major": "its batches come first",
    "activity_regularizer": "Keras would ignore it there, give it to the TimeDistributed, whose "
    "output is the same",
}


class _TimeDistributedTape(NamedTuple):
    tapes: list[Any]  # of the inner layer: one for all time steps, or one for each
    shape: tuple[int, ...]  # of the output


class TimeDistributed(DrawingLayer):
    """Apply a layer to each time step: its input (B, T, ...) is T inputs (B, ...) of the layer.

    The weights are those of the inner layer. The inner layer gets all time steps in one call,
    unless its results depend on the other samples of a batch (`Layer.mixes_samples`).

    Parameters
    ----------
    layer : Layer
        The inner layer. It becomes part of this layer and shares its weights with it.
    name, dtype, input_shape, trainable, batch_size, activity_regularizer, weights
        See `Layer`. With ``trainable=False`` the inner layer is frozen.

    Raises
    ------
    TypeError
        If `layer` is not a layer.
    ValueError
        If it keeps states from batch to batch, or has more than one output.

    Notes
    -----
    A `Dense` is applied to each time step without it, with the same results. A mask passes through
    unchanged; the inner layer does not get it.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, GRU, TimeDistributed
    >>> TimeDistributed(Dense(3))(np.zeros((2, 10, 8))).shape
    (2, 10, 3)
    >>> TimeDistributed(GRU(4))(np.zeros((2, 10, 6, 8))).shape
    (2, 10, 4)
    """

    _advice: ClassVar = {**DrawingLayer._advice, "layer": FIXED}

    def __init__(
        self,
        layer: Layer,
        *,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        input_shape: Sequence[int | None] | None = None,
        trainable: bool = True,
        batch_size: int | None = None,
        activity_regularizer: object = None,
        weights: Sequence[npt.ArrayLike] | None = None,
    ) -> None:
        self.layer = _checked_inner(layer)
        super().__init__(
            name=name,
            dtype=self.layer.dtype if dtype is None else dtype,
            input_shape=input_shape,
            batch_size=batch_size,
            activity_regularizer=activity_regularizer,
            weights=weights,
        )
        assign(self, seed=None)
        if not self.layer.fits_dtype(self.dtype or self.layer.dtype or "float32"):
            raise ValueError(f"the inner layer is {self.layer.dtype}, dtype={self.dtype} is given")
        if not check_flag("trainable", trainable):
            self.layer.trainable = False

    # ---- parts and settings ----

    @property
    def inner_layers(self) -> tuple[Layer, ...]:
        """The inner layer."""
        return (self.layer,)

    @property
    def trainable(self) -> bool:
        """True if training changes the weights of the inner layer, whose setting it is."""
        return self.layer.trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.layer.trainable = value

    @property
    def trainable_parts(self) -> tuple[Layer, ...]:
        """The parts of the inner layer."""
        return self.layer.trainable_parts

    @property
    def rng(self) -> np.random.Generator | None:  # type: ignore[override]
        """The random generator of the inner layer; None if it draws no numbers."""
        return self.layer.rng if isinstance(self.layer, DrawingLayer) else None

    def set_seed(self, seed: int | None) -> None:
        """Let the inner layer draw from a new generator with this seed."""
        if isinstance(self.layer, DrawingLayer):
            self.layer.set_seed(seed)

    def seed_from(self, rng: np.random.Generator) -> None:
        """Let the inner layer draw from `rng`, unless it has a seed."""
        if isinstance(self.layer, DrawingLayer):
            self.layer.seed_from(rng)

    def fits_dtype(self, dtype: str) -> bool:
        """Return True if both layers can be part of a model of this dtype."""
        return super().fits_dtype(dtype) and self.layer.fits_dtype(dtype)

    def take_dtype(self, dtype: str) -> None:
        """Adopt the dtype of the model that the layer becomes part of; it fits."""
        super().take_dtype(dtype)
        self.layer.take_dtype(dtype)
        if self.built:  # an `Embedding` with weights makes new ones
            assign(self, parameters=self.layer.parameters)

    def hold_weights(self, hold: bool) -> None:
        """Prepare the inner layer for forward passes without changes of weights, or end that."""
        self.layer.hold_weights(hold)

    @property
    def differentiable(self) -> bool:  # type: ignore[override]
        """True if the gradient of the inner layer's input is known."""
        return self.layer.differentiable

    def why_not_differentiable(self) -> str:
        """Return the message of the inner layer."""
        return self.layer.why_not_differentiable()

    @property
    def stepwise(self) -> bool:
        """True: a step of the output depends on the same step of the input alone."""
        return True

    # ---- shapes and weights ----

    def _inner_shape(self, input_shape: Shape) -> Shape:
        """Return (B, ...) for (B, T, ...); ValueError for fewer than three axes."""
        if len(input_shape) < 3:
            self._refuse_shape("(batch, time, ...)", input_shape)
        return (input_shape[0], *input_shape[2:])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, T, ...) with the sizes of the inner layer's output."""
        batch, *sizes = self.layer.compute_output_shape(self._inner_shape(input_shape))
        return (batch, input_shape[1], *sizes)

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the names and shapes of the inner layer's weights."""
        return self.layer.weight_shapes(self._inner_shape(input_shape))

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return the shape to build for, with any number of time steps."""
        batch, *sizes = self.layer.open_shape(tuple(size or 1 for size in self._inner_shape(shape)))
        return (batch, None, *sizes)

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights of the inner layer, unless it has some; see `Layer.build`."""
        if self.built:
            raise ValueError(f"layer {self.label!r} is built already")
        self.compute_output_shape(input_shape)  # checks the shape
        inner = self.layer
        if not inner.built:
            source = self._source_of_weights(rng, input_shape)
            inner.take_dtype(self.dtype or inner.dtype or "float32")
            inner.build(self._inner_shape(input_shape), source)
        self._take_parameters(inner.parameters, inner.dtype, input_shape)

    def prepare_input(self, x: Array) -> Array:
        """Return a model's input in the form that the inner layer takes."""
        return self.layer.prepare_input(x)

    # ---- computing ----

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return the outputs (B, T, ...) of the inner layer for the time steps of x (B, T, ...)."""
        check_flag("training", training)
        self._require_built("forward")
        array = as_real("x", x)  # the inner layer converts it
        shape = tuple(size or 0 for size in self.compute_output_shape(array.shape))
        tapes = []
        pieces = []
        for piece in self._pieces(array):
            pieces.append(self.layer.forward(piece, training=training))
            tapes.append(self.layer.tape)
        y = self._joined(pieces, shape)
        if training:
            self.tape = _TimeDistributedTape(tapes, shape)
        return y

    def _pieces(self, array: Array) -> list[Array]:
        """Return the input of each call of the inner layer."""
        if self.layer.mixes_samples:
            return [array[:, t] for t in range(array.shape[1])]
        return [np.ascontiguousarray(array).reshape(-1, *array.shape[2:])]

    def _joined(self, pieces: list[Array], shape: tuple[int, ...]) -> Array:
        """Return the results of the calls as one array (B, T, ...)."""
        if self.layer.mixes_samples:
            return np.stack(pieces, axis=1) if pieces else np.empty(shape, self.dtype)
        return pieces[0].reshape(shape)

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
        through_activation: bool = True,
    ) -> Array | None:
        """Write the weights' gradients and return the gradient of the input; see `Layer.backward`.

        ``through_activation=False`` is for an inner layer that has this argument, a `Dense` or an
        `Activation`.
        """
        check_flags(
            accumulate=accumulate,
            input_gradient=input_gradient,
            keep_tape=keep_tape,
            through_activation=through_activation,
        )
        pairing = {} if through_activation else {"through_activation": False}
        saved: _TimeDistributedTape = self._take_tape(tape)
        gradient = self._as_gradient(d_output, saved.shape)
        pieces = []
        for number, (piece, inner_tape) in enumerate(
            zip(self._pieces(gradient), saved.tapes, strict=True)
        ):
            pieces.append(
                self.layer.backward(
                    piece,
                    tape=inner_tape,
                    accumulate=accumulate or number > 0,
                    input_gradient=input_gradient,
                    keep_tape=keep_tape,
                    **pairing,
                )
            )
        if not input_gradient:
            return None
        batch, time = saved.shape[:2]
        return self._joined(pieces, (batch, time, *pieces[0].shape[1:]))


def _checked_inner(layer: Any) -> Layer:
    """Return the inner layer, which a dict may describe, after checking its settings."""
    if hasattr(layer, "graph_of_layers"):  # a model
        layer = layer.as_layer()
    if isinstance(layer, type) or not isinstance(layer, (Layer, dict)) or isinstance(layer, Input):
        raise TypeError(f"layer of a TimeDistributed must be a layer, got {layer!r}")
    inner = layer_of(layer)
    for name, reason in _REFUSED.items():
        if getattr(inner, name, None):
            value = getattr(inner, name)
            raise ValueError(f"a TimeDistributed takes no layer with {name}={value!r}: {reason}")
    if getattr(inner, "merge_mode", "") is None:
        raise ValueError("a TimeDistributed takes no layer with merge_mode=None: two outputs")
    return inner


def head_of(layer: Layer) -> Layer:
    """Return the layer that computes each time step: the inner one of a `TimeDistributed`."""
    return head_of(layer.layer) if isinstance(layer, TimeDistributed) else layer
