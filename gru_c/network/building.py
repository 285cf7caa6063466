"""The layers of a network: adding and removing them, their shapes, making their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, as_real
from gru_c.common.attributes import assign
from gru_c.common.keywords import checked_keywords
from gru_c.common.registry import snake_case
from gru_c.common.validation import check_sizes
from gru_c.layers import Embedding, Input, Layer
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.network.layer_checks import (
    check_first_layer,
    check_for_network,
    check_weights,
    output_shape_of,
    require_whole_numbers,
)
from gru_c.network.weights import NetworkWeights

if TYPE_CHECKING:
    from gru_c.parameters import GivenWeights, Source

NO_LAYERS = "the model has no layers: add some first"


class BuildableNetwork(NetworkWeights):
    """Base of `Network`: layers in a row, which are built as soon as shapes are known."""

    _kind = False  # for the checks of attributes, `Network` is the base of the kind

    dtype: str | None
    rng: np.random.Generator
    _weights_rng: np.random.Generator  # of the initial weights
    batch_size: int | None = None  # batch size of a stateful model; None for any size
    _input: Input | None = None  # the `Input` that says what x is
    _names_ahead: frozenset[str | None] = frozenset()  # of layers that the constructor will add

    @checked_keywords
    def add(self, layer: Layer) -> None:
        """Add a layer at the end. It is built now if the shape of its input is known.

        Parameters
        ----------
        layer : Layer
            The first layer may have an ``input_shape``, the shape of one sample, or be an `Input`.

        Raises
        ------
        TypeError
            If it is not a layer.
        ValueError
            If the layer is already part of the model, another layer has its name, or its dtype or
            the shape of its input does not fit the model.

        Notes
        -----
        Models may share layers, and with them the weights: ``Sequential(model.layers[:-1])``
        returns the input of the last layer of a trained model. Training one of the models changes
        the shared weights in all of them; ``copy.deepcopy(model.layers[:-1])`` makes independent
        layers.
        """
        if not isinstance(layer, Layer):
            hint = f": write {layer.__name__}(...)" if isinstance(layer, type) else ""
            raise TypeError(f"add wants a layer, got {layer!r}{hint}")
        if layer in self.layers:
            raise ValueError(f"layer {layer.label!r} is already part of the model")
        check_for_network(layer)
        if not self.layers and self._input is not None:
            check_first_layer(layer, self._input)
        if _takes_indices(layer) and self.layers and not self.layers[-1].gives_indices:
            raise ValueError(
                f"layer {layer.label!r} takes whole numbers, which layer {self.layers[-1].label!r} "
                "does not give: it must be the first of the model, or follow a layer that turns "
                "texts into indices"
            )
        dtype = self.dtype or layer.dtype or "float32"
        if not layer.fits_dtype(dtype):
            raise ValueError(f"layer {layer.label!r} is {layer.dtype}, the model is {dtype}")
        name = self._free_name(layer)
        batch_size = self._batch_size_with(layer)
        shape = self._shape_for(layer)
        if shape is not None:
            # before anything is changed
            output_shape_of(layer, shape, self.layers[-1] if self.layers else None, name)
            check_weights(layer, shape)
        if shape is not None and not layer.built and not isinstance(layer, Input):
            self._build_layer(layer, shape, dtype)
        if shape is not None and layer.built:
            assign(layer, built_shape=layer.built_shape or (None, *shape[1:]))
        assign(self, dtype=dtype)
        layer.take_dtype(dtype)
        if not self.layers:
            assign(self, _input_shape=shape, batch_size=batch_size)
            self._input = layer if isinstance(layer, Input) else self._input
        if isinstance(layer, Input):
            return
        assign(layer, name=name, named_by_itself=layer.named_by_itself or layer.name is None)
        if isinstance(layer, DrawingLayer) and layer.owner is None:
            layer.seed_from(self.rng)
        self.layers.append(layer)
        self._dissolve_parameters()

    @checked_keywords
    def pop(self) -> Layer:
        """Remove the last layer and return it; ValueError if the model has no layers.

        A model that has been trained must be compiled again before it is trained without the layer
        or with another one in its place.
        """
        if not self.layers:
            raise ValueError(NO_LAYERS)
        self._dissolve_parameters()
        return self.layers.pop()

    def _build_layer(self, layer: Layer, shape: Shape, dtype: str) -> None:
        """Make a layer's weights; if an initializer raises, the layer is unchanged."""
        previous_dtype = layer.dtype
        assign(layer, dtype=dtype)
        try:
            layer.build(shape, self._weights_rng)
        except BaseException:
            assign(layer, dtype=previous_dtype)
            raise

    def _free_name(self, layer: Layer) -> str:
        """Return the layer's name, or a free one: that of its class, with a number if needed."""
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

    # ---- shapes ----

    def _shape_for(self, layer: Layer) -> Shape | None:
        """Return the input shape of a layer that is added next; None if it is not known."""
        declared = None if layer.input_shape is None else (None, *layer.input_shape)
        if not self.layers:
            declared = declared if declared or self._input_shape else layer.built_shape
            if declared and self._input_shape and declared != self._input_shape:
                raise ValueError(
                    f"layer {layer.label!r} says input_shape={layer.input_shape}, "
                    f"the Input before it {self._input_shape[1:]}"
                )
            return declared or self._input_shape
        shape = None if self._input_shape is None else self.compute_output_shape(self._input_shape)
        if declared is not None and shape is not None and declared != shape:
            raise ValueError(
                f"layer {layer.label!r} says input_shape={layer.input_shape}, "
                f"but the layer before it gives {shape[1:]}"
            )
        return shape

    def _batch_size_with(self, layer: Layer) -> int | None:
        """Return the batch size that the first layers fix; ValueError if they contradict."""
        if self.layers or layer.batch_size is None:
            return self.batch_size
        if self.batch_size not in (None, layer.batch_size):
            raise ValueError(
                f"layer {layer.label!r} says batch_size={layer.batch_size}, the Input before it "
                f"{self.batch_size}"
            )
        return layer.batch_size

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output for a shape of the input, batch axis first."""
        return self._shapes(input_shape)[-1]

    def shape_of_output(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the output for data of a shape; ValueError if it is not known."""
        shape = self.compute_output_shape(input_shape)
        if None in shape:  # the first layer splits texts, each of which has its own length
            raise ValueError(
                f"the output has the shape {shape}, with a time step for each token of the texts: "
                f"give layer {self.layers[0].label!r} output_sequence_length, for texts of one "
                "length"
            )
        return tuple(int(size or 0) for size in shape)

    @property
    def output_dtype(self) -> str | None:
        """Dtype of what `predict` returns."""
        return (self.layers[-1].output_dtype if self.layers else None) or self.dtype

    def _shapes(self, input_shape: Shape) -> list[Shape]:
        """Return the shapes of the input and of each layer's output."""
        shapes = [input_shape]
        previous = None
        for layer in self.layers:
            shapes.append(output_shape_of(layer, shapes[-1], previous))
            previous = layer
        return shapes

    @property
    def input_shape(self) -> Shape | None:
        """Shape of the input, batch axis first; None before it is known."""
        return None if self._input_shape is None else (self.batch_size, *self._input_shape[1:])

    @property
    def output_shape(self) -> Shape | None:
        """Shape of the output, batch axis first; None before it is known."""
        shape = self.input_shape
        return None if shape is None else self.compute_output_shape(shape)

    @property
    def fixed_time(self) -> int | None:
        """The number of time steps that the input must have; None if it may have any number."""
        return self._input_shape[1] if self._input_shape and len(self._input_shape) > 1 else None

    @property
    def input_axes(self) -> int:
        """Number of axes of an input of any real numbers; 0 if unknown or for integers alone."""
        if self._input_shape is None or (self._input is not None and self._input.integers):
            return 0
        return len(self._input_shape)

    @property
    def takes_scalars(self) -> bool:
        """True if a sample may be one number, without an axis."""
        if self._input_shape is None:
            return bool(self.layers) and self.layers[0].takes_scalars
        return len(self._input_shape) == 1

    # ---- building ----

    def build(self, input_shape: Shape | None = None) -> None:
        """Make all weights.

        Parameters
        ----------
        input_shape : tuple of int or None, optional
            Shape of the input, batch axis first: ``(None, 10, 8)``. Required unless the first layer
            declares its input shape.

        Raises
        ------
        ValueError
            If there are no layers, if the shape is missing, or if a layer or its existing weights
            cannot take input of that shape.
        """
        self._build(input_shape, self._weights_rng)

    def build_of(self, input_shape: Shape, weights: GivenWeights) -> None:
        """Make all weights from given arrays; ValueError if there are too few or too many arrays.

        The model cannot be used after an exception.
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
        for layer, layer_shape in zip(self.layers, shapes, strict=False):
            check_for_network(layer)  # once more, because its attributes may have been changed
            check_weights(layer, layer_shape)
        self._input_shape = (None, *shape[1:])
        for layer, layer_shape in zip(self.layers, shapes, strict=False):
            if not layer.built:
                layer.build(layer_shape, source)
            assign(layer, built_shape=layer.built_shape or (None, *layer_shape[1:]))

    def build_from_data(self, x: Array) -> None:
        """Make all weights for samples like x; sizes that no layer needs to know stay open."""
        if not self.layers:
            raise ValueError(NO_LAYERS)
        self.require_samples_axis(x.shape)
        shape = self.layers[0].open_shape(x.shape)
        try:
            self._shapes(shape)
        except ValueError:  # for example a Flatten before a Dense, which needs all sizes
            shape = (None, *x.shape[1:])
        self.build(shape)

    def require_samples_axis(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError if x has fewer than two axes, or none if a sample may be one number."""
        if len(shape) < (1 if self.takes_scalars else 2):
            raise ValueError(f"x must have shape (samples, ...), got {shape}")

    def read_input(self, x: npt.ArrayLike) -> Array:
        """Return `x` as an array: of real numbers, or of texts if the first layer takes them."""
        return self.layers[0].read_input(x) if self.layers else as_real("x", x)

    def check_input(self, x: npt.ArrayLike) -> Array:
        """Return `x` as an array; ValueError or TypeError unless the model takes its shape."""
        array = self.read_input(x)
        wanted = self._input_shape
        if wanted is not None and (
            array.ndim != len(wanted)
            or any(
                size not in (None, actual)
                for size, actual in zip(wanted[1:], array.shape[1:], strict=True)
            )
        ):
            sizes = "".join(f", {'any' if size is None else size}" for size in wanted[1:]) or ","
            # The common case of a series without a feature axis.
            lacks_axis = array.ndim == len(wanted) - 1 > 0 and array.shape[1:] == wanted[1:-1]
            hint = ": x[..., None] has it" if lacks_axis else ""
            raise ValueError(f"x must have shape (samples{sizes}), got {array.shape}{hint}")
        if self._input is not None and self._input.integers:
            require_whole_numbers(array)
        return self.layers[0].prepare_input(array) if self.layers else array


def _takes_indices(layer: Layer) -> bool:
    return any(isinstance(part, Embedding) for part in (layer, *layer.inner_layers))
