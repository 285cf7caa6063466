"""Users' layers as for Keras: build with add_weight, and call, which gru_c differentiates."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gru_c import constraints, initializers, regularizers
from gru_c.common.arrays import Array, Shape
from gru_c.common.attributes import assign
from gru_c.common.validation import check_dtype, check_flags
from gru_c.layers.base.several import Building, SeveralOutputsError, call_layer
from gru_c.ops.operation import Operation
from gru_c.ops.tape import Tape, Traced
from gru_c.parameters import GivenWeights, Parameter, checked_source


class CallTape(NamedTuple):
    """The tape of a layer that defines `call`."""

    x: Traced
    result: Traced
    output_shape: tuple[int, ...]


def prepare(cls: Any) -> None:
    """Give a user's class that defines `call` the methods of a layer that it lacks."""
    own = vars(cls)
    names = inspect.signature(own["call"]).parameters
    cls._call_takes = frozenset(names) & {"training", "mask"}
    cls.takes_mask = "mask" in names
    cls._user_build = own.get("build")
    for name, method in _METHODS.items():
        if not _is_by_user(cls, name):
            setattr(cls, name, method)
    if not _is_by_user(cls, "build") or "build" in own:
        cls.build = _build_of(own.get("build"))


def _is_by_user(cls: Any, name: str) -> bool:
    """Return True if a class outside this package defines a method."""
    owner = next((kind for kind in cls.__mro__ if name in vars(kind)), None)
    return owner is not None and not owner.__module__.startswith("gru_c.")


# ---- weights ----


def add_weight(layer: Any, shape: Sequence[int], initializer: Any, **options: Any) -> Parameter:
    """Return a new weight of a layer that is being built; see `Layer.add_weight`."""
    building = layer.__dict__.get("_building")
    if building is None:
        raise ValueError(
            f"layer {layer.label!r}: call add_weight in build(self, input_shape), which knows the "
            "dtype and the random numbers of the model"
        )
    sizes = tuple(shape)
    if not all(isinstance(size, (int, np.integer)) and size > 0 for size in sizes):
        raise ValueError(f"layer {layer.label!r}: the shape of a weight must be known, got {shape}")
    name = options["name"] or "variable"
    taken = {weight.name for weight in building.weights}
    if name in taken:
        if options["name"]:
            raise ValueError(f"layer {layer.label!r} has a weight {name!r} already: give it a name")
        name = next(n for i in range(1, 10**6) if (n := f"{name}_{i}") not in taken)
    dtype = building.dtype if options["dtype"] is None else np.dtype(check_dtype(options["dtype"]))
    if dtype != building.dtype:
        raise ValueError(f"layer {layer.label!r}: weights have the layer's dtype, {building.dtype}")
    constraint = constraints.get(options["constraint"])
    if constraint is not None:
        constraint.check(f"{name} of layer {layer.label!r}", sizes)
    default = "zeros" if name == "bias" else "glorot_uniform"
    value = initializers.initial_value(
        initializers.get(default if initializer is None else initializer),
        sizes,
        dtype,
        building.rng,
        f"the initializer of {name} of layer {layer.label!r}",
    )
    weight = Parameter(
        name,
        value,
        regularizers.get(options["regularizer"]),
        constraint,
        trainable=bool(options["trainable"]),
    )
    building.weights.append(weight)
    return weight


def _build_of(user_build: Callable[..., None] | None) -> Callable[..., None]:
    """Return the method `build` of a class whose own one takes only the shape of the input."""

    def build(self: Any, input_shape: Shape, rng: Any = None) -> None:
        """Make the weights; see `Layer.build`."""
        if self.__dict__.get("_building") is not None:
            if user_build is not None:  # a subclass calls super().build(input_shape)
                user_build(self, input_shape)
            return
        if self.built:
            raise ValueError(f"layer {self.label!r} is built already")
        source = checked_source(rng)
        if self._initial_weights is not None and not isinstance(source, GivenWeights):
            source = GivenWeights(self._initial_weights)
        draws = np.random.default_rng(0) if isinstance(source, GivenWeights) else source
        building = Building(np.dtype(self.dtype or np.float32), draws, [])
        shape = (None, *input_shape[1:])
        assign(self, _building=building, dtype=building.dtype.name)
        try:
            if user_build is not None:
                user_build(self, shape)
            _build_inner(self, shape, draws)
            weights = [*building.weights, *_weights_of_inner(self)]
            if isinstance(source, GivenWeights):
                for weight in weights:
                    owner = f"{weight.name} of layer {self.label!r}"
                    weight.value = source.take(owner, weight.shape, weight.dtype)
            self._take_parameters(weights, building.dtype.name, shape)
        finally:
            assign(self, _building=None)

    return build if user_build is None else functools.wraps(user_build)(build)


def _inner_by_name(layer: Any) -> Iterator[tuple[str, Any]]:
    """Yield the layers that a layer keeps in attributes, lists and models, with their names."""
    for name, value in vars(layer).items():
        several = value if isinstance(value, (list, tuple)) else [value]
        for i, item in enumerate(several):
            label = name if item is value else f"{name}_{i}"
            if hasattr(item, "graph_of_layers"):  # a model
                yield from ((f"{label}_{inner.name}", inner) for inner in item.layers)
            elif hasattr(item, "forward") and hasattr(item, "parameters"):
                yield label, item


def inner_layers(layer: Any) -> tuple[Any, ...]:
    """Return the layers that a layer keeps in attributes."""
    return tuple(inner for _, inner in _inner_by_name(layer))


def _build_inner(layer: Any, shape: Shape, rng: np.random.Generator) -> None:
    """Build the layers inside by a call with small arrays, and let them draw from `rng`."""
    for inner in inner_layers(layer):
        inner.take_dtype(layer.dtype)
        if hasattr(inner, "seed_from"):
            inner.seed_from(rng.spawn(1)[0])
    if any(not inner.built for inner in inner_layers(layer)):
        _call_example(layer, shape, 2)


def _weights_of_inner(layer: Any) -> list[Parameter]:
    """Return the weights of the layers inside, which get names that begin with the attribute's."""
    weights = []
    for name, inner in _inner_by_name(layer):
        prefix = f"{name.lstrip('_')}_"
        assign(inner, prefix=prefix + inner.prefix)
        for weight in inner.parameters:
            weight.name = prefix + weight.name
        weights += inner.parameters
    return weights


# ---- shapes ----


def _call_example(layer: Any, shape: Shape, size: int) -> tuple[int, ...]:
    """Return the shape of the output for ones, with `size` in place of open sizes."""
    x = np.ones([size, *(size if known is None else known for known in shape[1:])], layer.dtype)
    mask = np.ones(x.shape[:2], bool)
    try:
        return _traced(layer, x, mask, training=False).result.shape
    except SeveralOutputsError:
        raise
    except Exception as error:
        raise ValueError(
            f"layer {layer.label!r}: its call raises {type(error).__name__} for an array of shape "
            f"{x.shape}: {error}. Define compute_output_shape(input_shape) if it takes other arrays"
        ) from error


def _compute_output_shape(self: Any, input_shape: Shape) -> Shape:
    """Return the shape of the output, as calls with small arrays show it."""
    if not self.built and self.__dict__.get("_building") is None:
        twin = copy.deepcopy(self)
        twin.build(input_shape, 0)
        return _compute_output_shape(twin, input_shape)
    shapes = self.__dict__.setdefault("_shapes", {})
    key = tuple(input_shape[1:])
    if key not in shapes:
        small = _call_example(self, (None, *key), 2)
        large = small if None not in key else _call_example(self, (None, *key), 3)
        if len(small) != len(large) or small[:1] != (2,):
            raise ValueError(
                f"layer {self.label!r}: call must return an output for each of the 2 samples that "
                f"it was given, got shape {small}"
            )
        pairs = zip(small[1:], large[1:], strict=True)
        shapes[key] = tuple(a if a == b else None for a, b in pairs)
    return (input_shape[0], *shapes[key])


def _weight_shapes(self: Any, input_shape: Shape) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the weights; see `Layer.weight_shapes`."""
    if not self.built:
        twin = copy.deepcopy(self)
        twin.build(input_shape, 0)
        return _weight_shapes(twin, input_shape)
    return {weight.name: weight.shape for weight in self.parameters}


def _open_shape(self: Any, shape: tuple[int, ...]) -> Shape:
    """Return the shape to build for: the sizes of the data, since `call` may need them."""
    return (None, *shape[1:])


# ---- computing ----


def _traced(layer: Any, x: Array, mask: Array | None, training: bool) -> CallTape:
    """Call a layer with a tensor."""
    tape = Tape(training, records=training)
    tensor = tape.tensor(x)
    context = {"training": training, "mask": mask}
    options = {name: context[name] for name in layer._call_takes}
    with tape:
        result = layer.call(tensor, **options)
    if isinstance(result, (tuple, list, dict)):
        raise SeveralOutputsError(
            f"call of layer {layer.label!r} returns {len(result)} values, which is for symbolic "
            "tensors alone: call the layer in a Model"
        )
    if not isinstance(result, Traced):
        raise TypeError(
            f"call of layer {layer.label!r} must return a tensor that operators and functions of "
            f"gru_c.ops compute, got {type(result).__name__}"
        )
    return CallTape(tensor, result, result.shape)


def _forward(self: Any, x: Any, *, training: bool = False, mask: Array | None = None) -> Array:
    """Return the output of `call`; see `Layer.forward`."""
    check_flags(training=training)
    array = self._as_input(x)
    traced = _traced(self, array, mask, training)
    if traced.output_shape[:1] != array.shape[:1]:
        raise ValueError(
            f"call of layer {self.label!r} must return {len(array)} samples, as it was given, got "
            f"shape {traced.output_shape}"
        )
    if training:
        self._set_tape(traced)
    return traced.result.value.astype(self.dtype, copy=False)


def _backward(
    self: Any,
    d_output: Any,
    *,
    tape: Any = None,
    accumulate: bool = False,
    input_gradient: bool = True,
    keep_tape: bool = True,
) -> Any:
    """Write the weights' gradients and return the gradient of the input; see `Layer.backward`."""
    check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
    x, result, shape = self._take_tape(tape)
    d = self._as_gradient(d_output, shape).astype(result.dtype, copy=False)
    if not accumulate:
        for weight in self.parameters:
            weight.gradient[...] = 0
    gradient, *of_weights = x.tape.gradients(result, d, [x, *self.parameters])
    for weight, part in zip(self.parameters, of_weights, strict=True):
        if part is not None:
            weight.gradient += part
    if not input_gradient:
        return None
    return np.zeros_like(x.value) if gradient is None else gradient


class LayerOperation(Operation):
    """A layer that another layer's `call` applies to a tensor; its weights add their gradients."""

    adds_gradients = True

    def __init__(self, layer: Any, options: dict[str, Any]) -> None:
        self.name = layer.label
        self._layer = layer
        self._options = options

    def forward(self, inputs: Sequence[Any], training: bool = False) -> tuple[Array, Any]:
        """Return the output and the layer's tape; see `Operation.forward`."""
        options = {"training": training, **self._options}
        several = getattr(self._layer, "takes_several", False)
        output = self._layer.forward(list(inputs) if several else inputs[0], **options)
        if not isinstance(output, np.ndarray):
            raise TypeError(f"layer {self.name!r} returns several arrays, one is possible here")
        return output, self._layer.tape if options["training"] else None

    def backward(
        self, saved: Any, grad_output: Array, wanted: Sequence[bool] | None = None
    ) -> list[Array | None]:
        """Add to the gradients of the weights, and return that of the input."""
        if saved is None:
            raise ValueError(
                f"layer {self.name!r} was called with training=False, so no gradient passes through"
                " it: leave the argument out, or use ops.stop_gradient on its output"
            )
        needed = wanted is None or any(wanted)
        gradient = self._layer.backward(
            grad_output, tape=saved, accumulate=True, input_gradient=needed
        )
        if isinstance(gradient, list):
            return gradient
        return [gradient]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the layer's output shape."""
        several = getattr(self._layer, "takes_several", False)
        shape: Shape = self._layer.compute_output_shape(
            list(shapes) if several else tuple(shapes[0])
        )
        return shape


def call_on_tensor(layer: Any, x: Any, training: bool | None, options: dict[str, Any]) -> Any:
    """Return the output of a layer for a tensor or a list of tensors, as a tensor."""
    inputs = x if isinstance(x, list) else [x]
    if not layer.built:
        shapes = [tuple(item.shape) for item in inputs]
        shape = layer.open_shape(shapes if isinstance(x, list) else shapes[0])
        layer.build(shape, np.random.default_rng(0))
    if training is not None:
        options = {**options, "training": training}
    if options.get("return_attention_scores"):
        raise ValueError(
            f"layer {layer.label!r}: return_attention_scores is for arrays: in a function that "
            "gru_c differentiates the layer returns its output alone"
        )
    tensor = next(item for item in inputs if hasattr(item, "_record"))
    return tensor._record(LayerOperation(layer, options), inputs)


_METHODS: dict[str, Any] = {
    "__call__": call_layer,
    "forward": _forward,
    "backward": _backward,
    "compute_output_shape": _compute_output_shape,
    "weight_shapes": _weight_shapes,
    "open_shape": _open_shape,
    "inner_layers": property(inner_layers),
    "mixes_time": True,
}
