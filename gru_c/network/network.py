"""The chain of layers that a model is made of: shapes, building, computing, weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c import losses, optimizers
from gru_c.layers import GRU, Activation, Bidirectional, Dense, Embedding, Input, Layer
from gru_c.layers.base import check_dtype, check_sizes, make_rng, set_values
from gru_c.layers.random import DrawingLayer
from gru_c.metrics import Metric
from gru_c.metrics import get as get_metric
from gru_c.parameters import GivenWeights, Parameter, Parameters, refuse_shallow_copy
from gru_c.recurrence.step_order import which_count
from gru_c.utils import keras_names
from gru_c.utils.arrays import Array, Shape, as_real
from gru_c.utils.attributes import Guarded, assign
from gru_c.utils.registry import snake_case
from gru_c.utils.validation import check_flag

if TYPE_CHECKING:
    from gru_c.parameters import Source


NO_LAYERS = "the model has no layers: add some first"


class Network(Guarded):
    """Layers one after the other; `Sequential` is this with training and files.

    Parameters and attributes are those of `Sequential`.
    """

    _keras_names = keras_names.MODEL
    _advice: ClassVar = {
        "layers": "cannot be set: call add(layer), or make a new {cls}([...])",
        "dtype": "cannot change after the model was made: make a new {cls}(..., dtype=...)",
        "seed": "cannot be set: give it to the constructor, or give fit a seed of its own",
        "rng": "cannot be set: give the constructor or fit a seed",
        **dict.fromkeys(("loss", "metrics"), "cannot be set: call compile with the new one"),
    }
    _checks: ClassVar = {
        "optimizer": optimizers.get,
        "stop_training": partial(check_flag, "stop_training"),
    }
    _doubts: Any = None  # of `training.doubts`, since `compile`
    _holds_weights = False  # after `hold_weights`

    _names_ahead: frozenset[str | None] = frozenset()  # of layers that the constructor will add

    def __init__(
        self,
        layers: Sequence[Layer] | None,
        name: str,
        dtype: npt.DTypeLike | None,
        seed: int | None,
        trainable: bool,
    ) -> None:
        self.name = name
        self._trainable = check_flag("trainable", trainable)
        self.dtype = None if dtype is None else check_dtype(dtype).name
        self.rng = make_rng(seed)  # of shuffling and dropout
        self._weights_rng = self.rng.spawn(1)[0]
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.metrics: list[Metric] = []
        self.history: Any = None  # the `History` of the last fit
        self.stop_training = False
        self.layers: list[Layer] = []
        self._input_shape: Shape | None = None
        self._parameters: Parameters | None = None
        if isinstance(layers, Layer):
            raise TypeError(
                "layers must be a list of layers, got one layer: write Sequential([...])"
            )
        given = list(layers or ())
        self._names_ahead = frozenset(getattr(layer, "name", None) for layer in given)
        for layer in given:
            self.add(layer)
        self._names_ahead = frozenset()

    # ---- making the chain ----

    def add(self, layer: Layer) -> None:
        """Add a layer at the end; it is built at once when the input's shape is known.

        Parameters
        ----------
        layer : Layer
            The first one may say the ``input_shape`` of one sample, or be an `Input`.

        Raises
        ------
        TypeError
            When it is no layer.
        ValueError
            When it does not fit the chain: there already, name or dtype taken otherwise, input
            shape not its kind.

        Notes
        -----
        Models may share layers, and so their weights: ``Sequential(model.layers[:-1])`` predicts
        what goes into the last layer of a trained model. What the training of one of them changes,
        it changes in all; ``copy.deepcopy(model.layers[:-1])`` gives layers of their own.
        """
        if not isinstance(layer, Layer):
            hint = f": write {layer.__name__}(...)" if isinstance(layer, type) else ""
            raise TypeError(f"add wants a layer, got {layer!r}{hint}")
        if layer in self.layers:
            raise ValueError(f"layer {layer.label!r} is already part of the model")
        check_for_chain(layer)
        if isinstance(layer, Embedding) and self.layers:
            raise ValueError(
                f"layer {layer.label!r} takes whole numbers, which no layer gives: it must be the "
                "first of the model"
            )
        dtype = self.dtype or layer.dtype or "float32"
        if not layer.fits_dtype(dtype):
            raise ValueError(f"layer {layer.label!r} is {layer.dtype}, the model is {dtype}")
        name = self._free_name(layer)
        shape = self._shape_for(layer)
        if shape is not None:
            # before anything is changed
            _output_shape(layer, shape, self.layers[-1] if self.layers else None, name)
            _check_weights(layer, shape)
        if shape is not None and not layer.built and not isinstance(layer, Input):
            self._build_layer(layer, shape, dtype)
        if shape is not None and layer.built:
            assign(layer, built_shape=layer.built_shape or (None, *shape[1:]))
        assign(self, dtype=dtype)
        layer.take_dtype(dtype)
        if not self.layers:
            self._input_shape = shape
        if isinstance(layer, Input):
            return
        assign(layer, name=name)
        if isinstance(layer, DrawingLayer) and layer.owner is None:
            layer.seed_from(self.rng)
        self.layers.append(layer)
        self._dissolve_parameters()

    def pop(self) -> Layer:
        """Remove the last layer and return it; ValueError when there is none.

        A model that has been trained is compiled again before it is trained without the layer, or
        with another in its place.
        """
        if not self.layers:
            raise ValueError(NO_LAYERS)
        self._dissolve_parameters()
        return self.layers.pop()

    def _build_layer(self, layer: Layer, shape: Shape, dtype: str) -> None:
        """Make a layer's weights; where an initializer raises, the layer is as it was."""
        own = layer.dtype
        assign(layer, dtype=dtype)
        try:
            layer.build(shape, self._weights_rng)
        except BaseException:
            assign(layer, dtype=own)
            raise

    def _free_name(self, layer: Layer) -> str:
        """Return the layer's name, or its class's, numbered from the second on."""
        taken = {other.name for other in self.layers}
        if layer.name in taken:
            raise ValueError(
                f"there is already a layer named {layer.name!r}: give one of them another name, "
                "in its constructor or with layer.name = ..."
            )
        if layer.name is not None:
            return layer.name
        taken |= self._names_ahead
        base = snake_case(type(layer).__name__)
        count = 0
        while (name := f"{base}_{count}" if count else base) in taken:
            count += 1
        return name

    def _shape_for(self, layer: Layer) -> Shape | None:
        """Return the input shape that the next layer will have; None when it is not known."""
        own = None if layer.input_shape is None else (None, *layer.input_shape)
        if not self.layers:
            own = own if own or self._input_shape else layer.built_shape
            if own and self._input_shape and own != self._input_shape:
                raise ValueError(
                    f"layer {layer.label!r} says input_shape={layer.input_shape}, "
                    f"the Input before it {self._input_shape[1:]}"
                )
            return own or self._input_shape
        shape = None if self._input_shape is None else self.compute_output_shape(self._input_shape)
        if own is not None and shape is not None and own != shape:
            raise ValueError(
                f"layer {layer.label!r} says input_shape={layer.input_shape}, "
                f"but the layer before it gives {shape[1:]}"
            )
        return shape

    def _dissolve_parameters(self) -> None:
        if self._parameters is not None:
            self._parameters.release()
            self._parameters = None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output for a shape of the input, batch axis first."""
        return self._shapes(input_shape)[-1]

    def _shapes(self, input_shape: Shape) -> list[Shape]:
        """Return the shapes of the input and of each layer's output."""
        shapes = [input_shape]
        before = None
        for layer in self.layers:
            shapes.append(_output_shape(layer, shapes[-1], before))
            before = layer
        return shapes

    @property
    def built(self) -> bool:
        """Whether all weights exist, and the shape of the input is known."""
        return self._input_shape is not None and all(layer.built for layer in self.layers)

    @property
    def input_shape(self) -> Shape | None:
        """Shape of the input, batch axis first; None before it is known."""
        return self._input_shape

    @property
    def fixed_time(self) -> int | None:
        """How many time steps the input must have; None for any number."""
        return self._input_shape[1] if self._input_shape and len(self._input_shape) > 1 else None

    @property
    def takes_scalars(self) -> bool:
        """Whether a sample may be one number, without an axis of its own."""
        if self._input_shape is None:
            return bool(self.layers) and isinstance(self.layers[0], Embedding)
        return len(self._input_shape) == 1

    @property
    def output_shape(self) -> Shape | None:
        """Shape of the output, batch axis first; None before it is known."""
        return None if self._input_shape is None else self.compute_output_shape(self._input_shape)

    def build(self, input_shape: Shape | None = None) -> None:
        """Make all weights.

        Parameters
        ----------
        input_shape : tuple of int or None, optional
            Shape of the input, batch axis first, ``(None, 10, 8)``; needed unless the first layer
            has said it.

        Raises
        ------
        ValueError
            When there are no layers, or the shape is missing, unfit, or not the one that the
            weights have been made for.
        """
        self._build(input_shape, self._weights_rng)

    def build_of(self, input_shape: Shape, weights: GivenWeights) -> None:
        """Make all weights of those given; ValueError, too, unless they are all, and no others.

        The model is of no use after an exception.
        """
        self._build(input_shape, weights)
        weights.end()

    def _build(self, input_shape: Shape | None, source: Source) -> None:
        if not self.layers:
            raise ValueError(NO_LAYERS)
        shape = self._input_shape
        if input_shape is not None:
            shape = check_sizes("input_shape", input_shape)
        if not shape:
            raise ValueError(
                "build needs the shape of the input, such as build((None, 10, 8)), or a first "
                "layer with input_shape=(10, 8)"
            )
        shapes = self._shapes(shape)
        for layer, given in zip(self.layers, shapes, strict=False):
            check_for_chain(layer)  # again, as its attributes may have been set
            _check_weights(layer, given)
        self._input_shape = (None, *shape[1:])
        for layer, given in zip(self.layers, shapes, strict=False):
            if not layer.built:
                layer.build(given, source)
            assign(layer, built_shape=layer.built_shape or (None, *given[1:]))

    def build_from_data(self, x: Array) -> None:
        """Make all weights for samples like these; no size is fixed that the layers do not need."""
        if not self.layers:
            raise ValueError(NO_LAYERS)
        self.require_samples_axis(x.shape)
        shape = self.layers[0].open_shape(x.shape)
        try:
            self._shapes(shape)
        except ValueError:  # a Flatten, say, with weights behind it
            shape = (None, *x.shape[1:])
        self.build(shape)

    def require_samples_axis(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError for x of one axis, unless a sample may be one number, or of none."""
        if len(shape) < (1 if self.takes_scalars else 2):
            raise ValueError(f"x must have shape (samples, ...), got {shape}")

    def require_built(self, what: str) -> None:
        """Raise ValueError unless all weights exist."""
        if not self.built:
            raise ValueError(
                f"the model has no weights yet, so {what} is not possible: give the first layer "
                "an input_shape such as GRU(50, input_shape=(10, 8)), or call fit or build first"
            )

    @property
    def parameters(self) -> Parameters:
        """All weights and all gradients, as two flat vectors."""
        self.require_built("a list of its weights")
        kept = self._parameters
        if kept is not None and not kept.released and kept.layers == self.layers:
            return kept
        # None yet, or another model has taken layers over, or the list was changed in place.
        self._dissolve_parameters()
        self._parameters = Parameters.of_model(self.layers)
        return self._parameters

    # ---- how it is trained ----

    def compile(
        self,
        optimizer: object = "rmsprop",
        loss: object = None,
        metrics: Sequence[object] | None = None,
    ) -> None:
        """Say how to train.

        Parameters
        ----------
        optimizer : str, dict, Optimizer or None
            A name such as "adam" takes its defaults. With None the model evaluates and does not
            train.
        loss : str, dict, Loss or callable
            See `gru_c.losses.get`.
        metrics : sequence of str, dict, Metric or callable, optional
            See `gru_c.metrics.get`.

        Raises
        ------
        ValueError, TypeError
            When a name is unknown (with the nearest known one) or an argument of the wrong type;
            the model is then as it was.
        """
        new_optimizer = None if optimizer is None else optimizers.get(optimizer)
        new_loss = None if loss is None else losses.get(loss)
        if isinstance(metrics, (str, dict)) or not isinstance(metrics or [], Sequence):
            raise TypeError(f"metrics must be a list such as ['mae'], got {metrics!r}")
        new_metrics = [get_metric(spec, new_loss) for spec in metrics or ()]
        names = [metric.name for metric in new_metrics]
        if len(set(names)) < len(names) or "loss" in names:
            raise ValueError(f"metrics must have different names, none of them 'loss': {names}")
        assign(self, optimizer=new_optimizer, loss=new_loss, metrics=new_metrics)
        self._doubts = None

    @property
    def head_is_paired(self) -> bool:
        """Whether the last layer's activation is the one that the loss is paired with.

        The gradient then goes past the activation, which stays right where that saturates.
        """
        last = self.layers[-1]
        paired = None if self.loss is None else self.loss.paired_activation
        return (
            paired is not None
            and isinstance(last, (Activation, Dense))
            and last.activation == paired
        )

    # ---- computing ----

    def forward(self, x: Array, *, training: bool = False, mask: Array | None = None) -> Array:
        """Run the chain; with ``training=True`` the layers keep what `backward` needs."""
        return self.run(x, mask, training=training)[0]

    def run(
        self, x: Array, mask: Array | None = None, *, training: bool = False
    ) -> tuple[Array, Array | None]:
        """Run the chain, with a mask (B, T) of the steps that count; None: all of them.

        Returns the output, and which of its steps count: None where all do, or there are none.
        """
        if mask is not None and not self.layers[0].takes_mask:
            # What is there does not matter: not even if it is not finite.
            x = np.where(mask.reshape(*mask.shape, *[1] * (x.ndim - 2)), x, x.dtype.type(0))
        for layer in self.layers:
            passed_on = layer.compute_mask(x, mask)
            if mask is not None and layer.takes_mask:
                x = layer.forward(x, training=training, mask=mask)  # type: ignore[call-arg]
            else:
                x = layer.forward(x, training=training)
            mask = passed_on
        return x, mask

    @property
    def passes_mask_on(self) -> bool:
        """Whether the output has the steps of the input, so that their mask is its own."""
        x, mask = np.zeros((1, 1, 1)), np.ones((1, 1), bool)
        return all(layer.compute_mask(x, mask) is not None for layer in self.layers)

    def backward(
        self,
        d_output: Array,
        *,
        through_activation: bool = True,
        keep_tape: bool = True,
        after_layer: Callable[[Layer], None] | None = None,
    ) -> None:
        """Write the gradients of all weights, down to the first layer that is trained.

        Parameters
        ----------
        d_output : ndarray
            Gradient of the loss with respect to the output; with ``through_activation=False``
            with respect to what goes into the last layer's activation.
        through_activation : bool
            See above; False needs a `Dense` or `Activation` as the last layer.
        keep_tape : bool
            See `Layer.backward`.
        after_layer : callable, optional
            Called with each layer once its gradients have been written, from the last to the first.
        """
        lowest, last = self.first_trained_layer, self.layers[-1]
        if lowest is None:
            return
        for layer in reversed(self.layers):
            extra: dict[str, Any] = {}
            if layer is last and not through_activation:
                extra = {"through_activation": False}
            d_output = layer.backward(
                d_output, input_gradient=layer is not lowest, keep_tape=keep_tape, **extra
            )
            if after_layer is not None:
                after_layer(layer)
            if layer is lowest:
                return

    @property
    def first_trained_layer(self) -> Layer | None:
        """The first layer with trainable weights, where the backward pass ends; None without."""
        if self.trainable:
            for layer in self.layers:
                if layer.parameters and layer.trainable:
                    return layer
        return None

    def hold_weights(self) -> None:
        """Keep packed weights for good, for a model whose weights will not change any more."""
        for layer in self.layers:
            layer.hold_weights(True)
        self._holds_weights = True

    @contextmanager
    def weights_held(self) -> Iterator[None]:
        """While this lasts no weight changes, so what is derived from them is made only once."""
        if self._holds_weights:
            yield
            return
        for layer in self.layers:
            layer.hold_weights(True)
        try:
            yield
        finally:
            for layer in self.layers:
                layer.hold_weights(False)

    def __call__(
        self,
        x: npt.ArrayLike,
        *,
        training: bool = False,
        mask: npt.ArrayLike | None = None,
        lengths: npt.ArrayLike | None = None,
    ) -> Array:
        """Compute the output for one batch, building the model on first use.

        `mask` and `lengths` are those of `GRU.forward`.
        """
        check_flag("training", training)
        array = as_real("x", x)
        counts = which_count(array.shape, mask, lengths)
        if not self.built:
            self.build_from_data(array)
        return self.forward(self.check_input(array), training=training, mask=counts)

    def check_input(self, x: npt.ArrayLike) -> Array:
        """`x` as an array whose shape the model takes; ValueError or TypeError otherwise."""
        array = as_real("x", x)
        wanted = self._input_shape
        if wanted is not None and (
            array.ndim != len(wanted)
            or any(
                size not in (None, given)
                for size, given in zip(wanted[1:], array.shape[1:], strict=True)
            )
        ):
            sizes = "".join(f", {'any' if size is None else size}" for size in wanted[1:]) or ","
            # The common case of a series without a feature axis.
            lacks_axis = array.ndim == len(wanted) - 1 > 0 and array.shape[1:] == wanted[1:-1]
            hint = ": x[..., None] has it" if lacks_axis else ""
            raise ValueError(f"x must have shape (samples{sizes}), got {array.shape}{hint}")
        return self.layers[0].prepare_input(array) if self.layers else array

    @property
    def stateful_layers(self) -> list[GRU | Bidirectional]:
        """The layers that keep their states from batch to batch."""
        recurrent = [layer for layer in self.layers if isinstance(layer, (GRU, Bidirectional))]
        return [layer for layer in recurrent if layer.stateful]

    def reset_states(self) -> None:
        """Let all stateful layers begin their next batch with zeros."""
        for layer in self.stateful_layers:
            layer.reset_states()

    reset_state = reset_states

    def seed_run(self, rng: np.random.Generator | None) -> None:
        """Draw shuffling and dropout from `rng` from now on; None: go on as before."""
        if rng is None:
            return
        assign(self, rng=rng)
        for layer in self.layers:
            if isinstance(layer, DrawingLayer):
                layer.seed_from(rng)

    # ---- weights ----

    @property
    def trainable(self) -> bool:
        """Whether training changes weights; set, it is for all layers, too.

        Of a model with ``trainable = False`` nothing is trained, whatever its layers say, as in
        Keras: to train some layers, set the model's to True, then freeze the others. It may be set
        at any time, for the steps to come, without another `compile`; see `Layer.trainable`.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_flag("trainable", value)
        for layer in self.layers:
            layer.trainable = value

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The weights that training changes, layer by layer."""
        if not self.trainable:
            return []
        return [item for layer in self.layers for item in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[Parameter]:
        """The weights that training leaves as they are, layer by layer."""
        trained = set(map(id, self.trainable_weights))
        items = [item for layer in self.layers for item in layer.parameters]
        return [item for item in items if id(item) not in trained]

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, layer by layer, in Keras's order and shapes."""
        return [weight for layer in self.layers for weight in layer.get_weights()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Set all weights at once; nothing is changed unless all of them fit.

        Parameters
        ----------
        weights : sequence of array_like
            As from `get_weights`, also that of the same Keras model.

        Raises
        ------
        ValueError, TypeError
            When the model has no weights yet, or something does not fit.
        """
        items = [parameter for layer in self.layers for parameter in layer.parameters]
        set_values(items, weights, f"model {self.name!r}", built=self.built)

    def count_params(self) -> int:
        """Return the number of weights."""
        self.require_built("count_params")
        return sum(layer.count_params() for layer in self.layers)

    def _change_argument(self, name: str, value: Any) -> None:
        assign(self, **{name: value})

    __copy__ = refuse_shallow_copy

    def __repr__(self) -> str:
        names = ", ".join(str(layer.name) for layer in self.layers)
        return f"<{type(self).__name__} {self.name!r}: {names}>"


def check_for_chain(layer: Layer) -> None:
    """Raise ValueError for a layer whose input or output is not what a chain passes on."""
    if layer.prefix:
        raise ValueError(
            f"layer {layer.label!r} is one direction of a Bidirectional, whose weights it holds: "
            "make a new GRU(...), and give it these with set_weights(direction.get_weights())"
        )
    if getattr(layer, "return_state", False):
        raise ValueError("return_state=True gives two outputs; a Sequential passes on one")
    if isinstance(layer, Bidirectional) and layer.merge_mode is None:
        raise ValueError("merge_mode=None gives two outputs; a Sequential passes on one")
    if getattr(layer, "time_major", False):
        raise ValueError("time_major=True is not for a Sequential, whose batches come first")


def _output_shape(
    layer: Layer, input_shape: Shape, before: Layer | None, name: str | None = None
) -> Shape:
    """Return the shape of a layer's output; ValueError, with a hint, if it cannot take the input.

    `name` is what a layer without a name is about to be called.
    """
    try:
        return layer.compute_output_shape(input_shape)
    except ValueError as error:
        hint = ""
        recurrent = before if isinstance(before, (GRU, Bidirectional)) else None
        if recurrent and not recurrent.return_sequences and len(input_shape) == 2:
            hint = f": give layer {recurrent.label!r} return_sequences=True"
        message = str(error).replace(repr(layer.label), repr(name or layer.label), 1)
        raise ValueError(message + hint) from None


def _check_weights(layer: Layer, input_shape: Shape) -> None:
    """Raise ValueError if the layer has weights that do not fit the input."""
    if not layer.built:
        return
    wanted = layer.weight_shapes(input_shape)
    if any(item.array.shape != wanted[item.name] for item in layer.parameters):
        raise ValueError(
            f"layer {layer.label!r} has weights for input of shape {layer.built_shape}, "
            f"which do not fit {input_shape}"
        )
