"""A GRU in both directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c.layers.base import FIXED, Layer
from gru_c.layers.gru import GRU
from gru_c.layers.random import DrawingLayer
from gru_c.parameters import checked_source
from gru_c.recurrence.side_by_side import run_both
from gru_c.runtime.threads import get_num_threads, use_threads
from gru_c.utils.arrays import Array, Shape, as_sequences, as_state
from gru_c.utils.attributes import assign
from gru_c.utils.registry import deserialize, lookup
from gru_c.utils.validation import check_flag, check_flags

if TYPE_CHECKING:
    from gru_c.parameters import Source

_OF_THE_LAYERS = (
    "is a setting of the two layers, which keep theirs: make a new {cls}(GRU(..., {name}=...)), "
    "and give it the weights with set_weights"
)


def _settings_of(cls: type) -> list[str]:
    """Return the arguments of a layer's constructor that `Layer` and `DrawingLayer` have not."""
    common = {*signature(Layer).parameters, "seed"}
    return [name for name in signature(cls).parameters if name not in common]


class _Tape(NamedTuple):
    tapes: tuple[Any, Any]
    outputs: tuple[Array, Array]  # what was merged, in the order of time


class Bidirectional(DrawingLayer):
    """Run a GRU forwards and another one backwards over each sequence, and merge what they give.

    Weights: those of the forward layer, then those of the backward layer, as Keras has them.

    Parameters
    ----------
    layer : GRU
        The forward layer's settings; the layer itself is not used. The backward layer has the same
        with ``go_backwards`` the other way round.
    merge_mode : {"concat", "sum", "mul", "ave"} or None
        How the outputs become one; with None there are two. The backward layer's steps come back
        in the order of time.
    backward_layer : GRU, optional
        Other settings for the backward layer: of the same ``units`` unless the outputs are put
        side by side or stay two.
    seed, name, dtype, input_shape, trainable
        See `GRU` and `Layer`. With ``trainable=False`` both directions are frozen, else those whose
        own layer says so.

    Attributes
    ----------
    forward_layer, backward_layer : GRU

    Raises
    ------
    TypeError
        When a layer is no `GRU`.
    ValueError
        When a layer has weights already, or the two do not go together.

    Notes
    -----
    With ``return_state`` of the layer, the last states of both follow the output; `initial_state`
    is a pair, for the forward and for the backward layer. Where there is work for more than one
    thread, the directions run side by side; the results are the same to the bit.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GRU, Bidirectional
    >>> layer = Bidirectional(GRU(4, return_sequences=True))
    >>> layer(np.zeros((2, 10, 8))).shape
    (2, 10, 8)
    """

    takes_mask = True

    _advice: ClassVar = {
        **dict.fromkeys(_settings_of(GRU), _OF_THE_LAYERS),
        **DrawingLayer._advice,
        **dict.fromkeys(("layer", "forward_layer", "backward_layer"), FIXED),
        "cell": FIXED,
        "state": "is kept by the stateful layers: set it with reset_states(states)",
    }
    _until_built = ("merge_mode",)

    def __init__(
        self,
        layer: GRU,
        merge_mode: str | None = "concat",
        backward_layer: GRU | None = None,
        *,
        seed: int | None = None,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        input_shape: Sequence[int | None] | None = None,
        trainable: bool = True,
    ) -> None:
        layer = _settings("layer", layer)
        given = None if backward_layer is None else _settings("backward_layer", backward_layer)
        super().__init__(
            name=name,
            dtype=layer.dtype if dtype is None else dtype,
            input_shape=layer.input_shape if input_shape is None else input_shape,
        )
        self.merge_mode = None if merge_mode is None else check_mode(merge_mode)
        self.layer = layer
        self.forward_layer = _direction(layer, "forward", layer.go_backwards)
        self.backward_layer = _direction(given or layer, "backward", not layer.go_backwards)
        self._given_backward_layer = given
        self._check_pair(given)
        for part in (layer, given, *self.directions):
            if part is not None:
                assign(part, part_of=type(self).__name__)
        self.set_seed(seed)
        if not check_flag("trainable", trainable):
            self.trainable = False

    def _check_pair(self, given: GRU | None) -> None:
        a, b = self.forward_layer, self.backward_layer
        if given is not None and given.go_backwards == self.layer.go_backwards:
            raise ValueError(
                f"backward_layer must go the other way than layer: both have "
                f"go_backwards={given.go_backwards}"
            )
        for setting in ("return_sequences", "return_state", "stateful", "time_major"):
            if getattr(a, setting) != getattr(b, setting):
                raise ValueError(f"layer and backward_layer differ in {setting}")
        if self.merge_mode in ("sum", "mul", "ave") and a.units != b.units:
            raise ValueError(
                f"merge_mode={self.merge_mode!r} needs as many units in both directions, got "
                f"{a.units} and {b.units}"
            )

    def _constructor_arguments(self) -> dict[str, Any]:
        given = {"backward_layer": self._given_backward_layer}
        return {**super()._constructor_arguments(), **given}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; see `Configurable.get_config`."""
        config = super().get_config()
        forward, backward = (layer.trainable for layer in self.directions)
        config["layer"]["config"]["trainable"] = forward
        if self._given_backward_layer is None and forward == backward:
            config["backward_layer"] = None
        return config

    def seed_from(self, rng: np.random.Generator) -> None:
        """Let both directions draw from `rng`, unless they have their own seeds."""
        super().seed_from(rng)
        self._seed_directions()

    def set_seed(self, seed: int | None) -> None:
        """Draw from a generator of this seed; see `DrawingLayer`."""
        super().set_seed(seed)
        if seed is not None:
            self._seed_directions()

    def _seed_directions(self) -> None:
        # A generator each: side by side, nobody knows who would draw first.
        self.forward_layer.seed_from(self.rng)
        self.backward_layer.seed_from(self.rng.spawn(1)[0])

    # ---- two layers as one ----

    @property
    def directions(self) -> tuple[GRU, GRU]:
        """The forward and the backward layer."""
        return self.forward_layer, self.backward_layer

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights of a direction; may be set, then for both.

        ``layer.backward_layer.trainable = False`` freezes one of them. See `Layer.trainable`.
        """
        return any(layer.trainable for layer in self.directions)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.directions:
            layer.trainable = value

    @property
    def trainable_parts(self) -> tuple[GRU, GRU]:
        """Both directions: either can be frozen."""
        return self.directions

    @property
    def return_sequences(self) -> bool:
        """Whether every step's output is returned."""
        return self.layer.return_sequences

    @property
    def return_state(self) -> bool:
        """Whether the last states are returned, too."""
        return self.layer.return_state

    @property
    def time_major(self) -> bool:
        """Whether input and output are (T, B, features)."""
        return self.layer.time_major

    @property
    def stateful(self) -> bool:
        """Whether the states stay from batch to batch."""
        return self.layer.stateful

    @property
    def mixes_time(self) -> bool:
        """True: the backward layer begins with the last step."""
        return True

    def require_state_for(self, batch: int) -> None:
        """Raise ValueError where the layer holds the states of a batch of another size."""
        for layer in self.directions:
            layer.require_state_for(batch)

    def reset_states(self, states: Sequence[npt.ArrayLike | None] | None = None) -> None:
        """Set the states of a stateful layer, a pair; see `GRU.reset_states`."""
        pair = zip(self.directions, _pair("states", states), strict=True)
        checked = [layer.checked_states(state) for layer, state in pair]
        for layer, state in zip(self.directions, checked, strict=True):
            assign(layer, state=state)

    reset_state = reset_states

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Shape of the merged output; with ``merge_mode=None`` a pair of shapes."""
        a, b = (layer.compute_output_shape(input_shape) for layer in self.directions)
        if self.merge_mode is None:
            return a, b
        units = self.forward_layer.units + self.backward_layer.units
        return (*a[:-1], units) if self.merge_mode == "concat" else a

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Shapes of the forward layer's weights, then of the backward layer's."""
        return {
            layer.prefix + name: shape
            for layer in self.directions
            for name, shape in layer.weight_shapes(input_shape).items()
        }

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array | None:
        """Return the mask with ``return_sequences``; without it there are no steps left."""
        return self.forward_layer.compute_mask(x, mask)

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights of both directions; see `Layer.build`."""
        if self.built:
            raise ValueError(f"layer {self.label!r} is built already")
        self.compute_output_shape(input_shape)  # checks the shape
        source = checked_source(rng)
        fresh = [_direction(layer, "", layer.go_backwards) for layer in self.directions]
        for layer in fresh:  # where an initializer raises, this layer is as it was
            assign(layer, dtype=self.dtype)
            layer.build(input_shape, source)
        for layer, made in zip(self.directions, fresh, strict=True):
            layer._take_parameters(made.parameters, made.dtype, input_shape)
            for parameter in layer.parameters:
                parameter.name = layer.prefix + parameter.name
        parameters = [item for layer in self.directions for item in layer.parameters]
        self._take_parameters(parameters, self.forward_layer.dtype, input_shape)

    def hold_weights(self, hold: bool) -> None:
        """Let both directions keep packed weights; see `GRU.hold_weights`."""
        for layer in self.directions:
            layer.hold_weights(hold)

    # ---- computing ----

    def forward(
        self,
        x: npt.ArrayLike,
        *,
        initial_state: Sequence[npt.ArrayLike | None] | None = None,
        training: bool = False,
        **arguments: Any,
    ) -> Any:
        """Run both directions over a batch of sequences.

        Parameters
        ----------
        x : array_like of shape (B, T, I)
            Input; with ``training=True`` it must not be changed before the backward pass.
        initial_state : pair of array_like of shape (B, H), optional
            States before the first step of the forward and of the backward layer.
        training : bool
            Keep ``self.tape`` for `backward`.
        **arguments
            As of `GRU.forward`, for both.

        Returns
        -------
        ndarray, or tuple of ndarray
            The merged output, or the two of them with ``merge_mode=None``; with ``return_state``
            also both last states (B, H).
        """
        check_flag("training", training)
        array = as_sequences("x", self._as_input(x), np.dtype(self.dtype))
        B, T = array.shape[1::-1] if self.time_major else array.shape[:2]
        states = self._checked_states(initial_state, B)
        results = self._both(
            B,
            T,
            lambda i: self.directions[i].forward(
                array, initial_state=states[i], training=training, **arguments
            ),
        )
        found = [result if self.return_state else (result,) for result in results]
        outputs = found[0][0], self._in_time(found[1][0])
        if training:
            tapes = self.forward_layer.tape, self.backward_layer.tape
            self.tape = _Tape(tapes, outputs)
        merged = self._merge(*outputs)
        last = tuple(state for _, *rest in found for state in rest)
        if self.merge_mode is None:
            return (*merged, *last)
        return (merged, *last) if last else merged

    def _checked_states(self, initial_state: Any, B: int) -> list[Array | None]:
        """Return both initial states; an exception before either direction has run."""
        states: list[Array | None] = []
        for layer, state in zip(
            self.directions, _pair("initial_state", initial_state), strict=True
        ):
            if state is None:
                layer.require_state_for(B)
            states.append(as_state("initial_state", state, (B, layer.units), self.dtype))
        return states

    def _in_time(self, steps: Array) -> Array:
        """Turn the backward layer's steps from its own order to that of time, or back."""
        if not self.return_sequences:
            return steps
        return steps[::-1] if self.time_major else steps[:, ::-1]

    def _merge(self, a: Array, b: Array) -> Any:
        if self.merge_mode is None:
            return a, np.ascontiguousarray(b)
        return merge(self.merge_mode, a, b)

    def _split(self, d_output: Any, outputs: tuple[Array, Array]) -> tuple[Any, Any]:
        """Return the gradients of both outputs, in the order of time."""
        if self.merge_mode is None:
            return _pair("d_output", d_output)
        if d_output is None:
            return None, None
        shape = merged_shape(self.merge_mode, *outputs)
        return split(self.merge_mode, self._as_gradient(d_output, shape), *outputs)

    def backward(
        self,
        d_output: Any = None,
        *,
        d_state: Sequence[npt.ArrayLike | None] | None = None,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Any:
        """Write the weights' gradients and return that of the input.

        Parameters
        ----------
        d_output : array_like, optional
            Gradient with respect to the output, of its shape (a pair with ``merge_mode=None``).
        d_state : pair of array_like of shape (B, H), optional
            Gradients with respect to the last states, in addition.
        tape, accumulate, input_gradient, keep_tape
            See `Layer.backward`.

        Returns
        -------
        ndarray of shape (B, T, I), or tuple
            The gradient of x (None without ``input_gradient``). When the forward pass was given
            initial states, a pair with the pair of their gradients.
        """
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        own: _Tape = self._take_tape(tape)
        d_a, d_b = self._split(d_output, own.outputs)
        d_outputs = d_a, d_b if d_b is None else self._in_time(np.asarray(d_b))
        d_states = _pair("d_state", d_state)
        B, T, _ = own.tapes[0][0].x.shape
        results = self._both(
            B,
            T,
            lambda i: self.directions[i].backward(
                d_outputs[i],
                d_state=d_states[i],
                tape=own.tapes[i],
                accumulate=accumulate,
                input_gradient=input_gradient,
                keep_tape=keep_tape,
            ),
        )
        if not keep_tape:
            self.tape = None
        given = [bool(one[1]) for one in own.tapes]
        (d_x, d_first), (d_more, d_second) = (
            result if has_state else (result, None)
            for result, has_state in zip(results, given, strict=True)
        )
        if input_gradient:
            d_x += d_more
        return (d_x, (d_first, d_second)) if any(given) else d_x

    def _both(self, B: int, T: int, run: Callable[[int], Any]) -> list[Any]:
        """Return [run(0), run(1)], side by side where that pays."""

        def with_threads(i: int, threads: int | None) -> Any:
            with use_threads(threads):
                return run(i)

        units = max(layer.units for layer in self.directions)
        weights = sum(item.array.size for item in self.parameters)
        return run_both(with_threads, B, T, units, weights, get_num_threads())


def _settings(argument: str, layer: object) -> GRU:
    """Check a layer that stands for its settings; also from a stored configuration."""
    if isinstance(layer, dict):
        layer = deserialize("layer", layer, {"GRU": GRU})
    if not isinstance(layer, GRU):
        raise TypeError(f"{argument} of a Bidirectional must be a GRU, got {layer!r}")
    if layer.built:
        raise ValueError(
            f"{argument} of a Bidirectional has weights already: give a new GRU, and the weights "
            "to set_weights"
        )
    return layer


def _direction(layer: GRU, prefix: str, go_backwards: bool) -> GRU:
    """Make a layer of the same settings."""
    config = {**layer.get_config(), "go_backwards": go_backwards, "input_shape": None}
    config["zero_output_for_mask"] = layer.return_sequences  # Keras's rule
    config["name"] = f"{prefix}_{layer.label}" if prefix else None
    made = GRU(**config)
    assign(made, prefix=f"{prefix}_" if prefix else "")
    return made


def _pair(name: str, values: Any) -> tuple[Any, Any]:
    if values is None:
        return None, None
    if not isinstance(values, (tuple, list)) or len(values) != 2:
        raise ValueError(
            f"{name} of a Bidirectional must be a pair, for the forward and the backward layer, "
            f"got {type(values).__name__}"
            + (f" of {len(values)}" if isinstance(values, (tuple, list)) else "")
        )
    return values[0], values[1]


MODES = ("concat", "sum", "mul", "ave")


def check_mode(mode: str) -> str:
    """Return the mode as it is written here; an exception when there is no such."""
    return lookup("merge_mode", mode, {name: name for name in MODES})


def merge(mode: str, a: Array, b: Array) -> Array:
    """Put two arrays side by side, or take their sum, product or mean."""
    if mode == "concat":
        return np.concatenate([a, b], axis=-1)
    merged: Array = a * b if mode == "mul" else a + b
    if mode == "ave":
        merged *= merged.dtype.type(0.5)
    return merged


def merged_shape(mode: str, a: Array, b: Array) -> tuple[int, ...]:
    """Return the shape of what `merge` gives."""
    return (*a.shape[:-1], a.shape[-1] + b.shape[-1]) if mode == "concat" else a.shape


def split(mode: str, d: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Return the gradients of `a` and `b`, given that of what `merge` made of them."""
    if mode == "concat":
        return d[..., : a.shape[-1]], d[..., a.shape[-1] :]
    if mode == "mul":
        return d * b, d * a
    d = d * d.dtype.type(0.5) if mode == "ave" else d
    return d, d
