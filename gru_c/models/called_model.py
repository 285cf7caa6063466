"""`CalledModel`: subclasses of `Model` that define ``call``, whose graph is recorded once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c import optimizers
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flag
from gru_c.layers import Input, Layer
from gru_c.layers.base.tensor import PHASE, Tensor, holds_tensors
from gru_c.models.functional import Functional
from gru_c.models.model import Model
from gru_c.network.structure import structure_of

# Methods with which Keras changes what training does; `fit` here would not call them.
_NEVER_CALLED = ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics")
# Attributes of a graph besides those of the constructor.
_OF_A_GRAPH: tuple[str, ...] = ("graph", "input_structure", "output_structure", "several")
_OF_A_GRAPH += ("_reader", "_chain", "_tape", "_layer", "_own_names")
_CLASSES: dict[type, type] = {}


def class_of(cls: type) -> type:
    """Return the class of the objects of a user's subclass of `Model` that defines ``call``.

    Raises
    ------
    TypeError
        If the class also defines a step of training, which `fit` would not call.
    """
    if issubclass(cls, CalledModel):
        return cls
    for name in _NEVER_CALLED:
        owner = next(
            kind for kind in (*cls.__mro__, object) if name in vars(kind) or kind is object
        )
        if owner is not object and not owner.__module__.startswith("gru_c."):
            raise TypeError(
                f"{cls.__name__} defines {name}, which fit would not call: give compile a loss and "
                "metrics, which may be functions, or write the loop with train_on_batch"
            )
    if cls not in _CLASSES:
        names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "_of": cls}
        _CLASSES[cls] = type(cls.__name__, (cls, CalledModel), names)
    return _CLASSES[cls]


class CalledModel(Functional):
    """A model whose graph is what the user's ``call`` computes from symbolic tensors.

    The graph is recorded by one call when the first data come, or by `build`. From then on the
    model is a `Functional`; Python code in ``call`` does not run again.

    Parameters
    ----------
    name, trainable, dtype, seed
        As for `Functional`.
    """

    _of: type  # the user's class
    _recorded = False
    _compiled_with: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    def __init__(
        self,
        name: str | None = None,
        trainable: bool = True,
        *,
        dtype: npt.DTypeLike | None = None,
        seed: int | None = None,
    ) -> None:
        name = type(self).__name__.lower() if name is None else name
        super(Functional, self).__init__(None, name, dtype, seed, trainable)
        self._output_metrics = None
        self._own_names = frozenset([*vars(self), *_OF_A_GRAPH])

    def _constructor_arguments(self) -> dict[str, Any]:
        return {"name": self.name}

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what a pickle and a copy are made of: the user's class and the state."""
        return _new, (self._of,), self.__getstate__()

    # ---- the graph ----

    @property
    def built(self) -> bool:
        """True once the graph is recorded."""
        return self._recorded

    def build(self, input_shape: Any = None) -> None:
        """Record the graph for a shape, batch axis first, or for a list or dict of shapes."""
        if self._recorded:
            return
        if input_shape is None:
            raise ValueError(f"model {self.name!r}: build wants a shape, such as (None, 10, 8)")
        self._record_graph(
            _mapped(_is_shape, lambda shape: _Spec(tuple(shape), "float32"), input_shape)
        )

    def _record_for(self, x: Any) -> None:
        """Record the graph for data, unless it is recorded."""
        if not self._recorded:
            self._record_graph(_specs(self.name, x))

    def _record_graph(self, specs: Any) -> None:
        """Record what ``call`` computes, with open numbers of time steps if it can be."""
        try:
            inputs, outputs = self._called(specs, open_time=True)
        except ValueError:
            if not _has_time(specs):
                raise
            inputs, outputs = self._called(specs, open_time=False)
        self.set_graph(structure_of("input", inputs), structure_of("output", _listed(outputs)))
        assign(self, _recorded=True)
        known = [layer for layer in _layers_in(self._by_user(), set()) if layer in self.layers]
        others = [layer for layer in self.layers if layer not in known]
        first = [layer for layer in others if isinstance(layer, Input)]
        rest = [layer for layer in others if not isinstance(layer, Input)]
        assign(self, layers=[*first, *known, *rest])
        if self._compiled_with is not None:
            arguments, keywords = self._compiled_with
            assign(self, _compiled_with=None)
            super().compile(*arguments, **keywords)

    def _by_user(self) -> list[Any]:
        """Return the values of the attributes that the user's class has set."""
        return [value for name, value in vars(self).items() if name not in self._own_names]

    def _called(self, specs: Any, *, open_time: bool) -> tuple[Any, Any]:
        """Return new inputs and what ``call`` returns for them."""
        names = iter(_names(specs))
        inputs = _mapped(
            lambda item: isinstance(item, _Spec),
            lambda spec: spec.input(self.dtype, next(names), open_time),
            specs,
        )
        tensors = _mapped(lambda item: isinstance(item, Input), lambda item: item.tensor, inputs)
        outputs = self._call(tensors)
        if not holds_tensors(outputs):
            raise TypeError(
                f"call of model {self.name!r} must return tensors that layers and functions of "
                f"gru_c.ops compute, got {type(outputs).__name__}"
            )
        return inputs, outputs

    def _call(self, x: Any) -> Any:
        call: Any = self.call  # the user's
        takes = inspect.signature(call).parameters
        return call(x, **({"training": PHASE} if "training" in takes else {}))

    # ---- what needs the graph ----

    def compile(self, *arguments: Any, **keywords: Any) -> None:
        """Set the optimizer, the loss and the metrics; see `Functional.compile`.

        Before the graph is recorded the optimizer is checked, and the rest is kept: what losses and
        metrics mean depends on the outputs.
        """
        if self._recorded:
            super().compile(*arguments, **keywords)
            return
        optimizers.get(arguments[0] if arguments else keywords.get("optimizer", "rmsprop"))
        assign(self, _compiled_with=(arguments, keywords))

    def __call__(self, x: Any, *others: Any, training: Any = None, **keywords: Any) -> Any:
        """Return the output for one batch, or what ``call`` returns for symbolic tensors."""
        if holds_tensors([x, *others, *keywords.values()]):
            call: Any = self.call  # the user's
            takes = inspect.signature(call).parameters
            phase = PHASE if training is None else training
            options = {"training": phase} if "training" in takes else {}
            return call(x, *others, **options, **keywords)
        if others or keywords:
            given = ", ".join([*(type(item).__name__ for item in others), *keywords])
            raise TypeError(
                f"model {self.name!r} was called on arrays with more than its inputs ({given}): "
                "its graph has one argument, which may be a list or a dict of arrays"
            )
        self._record_for(x)
        phase = None if training is None else check_flag("training", training)
        return super().__call__(x, training=phase)

    def __getattr__(self, name: str) -> Any:
        if name in _OF_A_GRAPH or (hasattr(type(self), name) and not self._recorded):
            raise AttributeError(self._no_graph())
        return super().__getattr__(name)  # type: ignore[misc]

    def _no_graph(self) -> str:
        return (
            f"model {self.__dict__.get('name')!r} has no graph yet: call it on data, fit it, or "
            "call model.build((None, 10, 8)) with the shape of its input"
        )


def _recording(name: str) -> Any:
    """Return a method that records the graph for its data first."""
    method = getattr(Functional, name)

    @functools.wraps(method)
    def call(self: CalledModel, x: Any, *arguments: Any, **keywords: Any) -> Any:
        self._record_for(x)
        return method(self, x, *arguments, **keywords)

    return call


def _with_graph(name: str) -> Any:
    """Return a method that raises ValueError before the graph is recorded."""
    method = getattr(Functional, name)

    @functools.wraps(method)
    def call(self: CalledModel, *arguments: Any, **keywords: Any) -> Any:
        if not self._recorded:
            raise ValueError(self._no_graph())
        return method(self, *arguments, **keywords)

    return call


for _name in ("fit", "evaluate", "predict", "predict_on_batch", "train_on_batch", "test_on_batch"):
    setattr(CalledModel, _name, _recording(_name))
for _name in ("summary", "save", "save_weights", "load_weights", "set_weights"):
    setattr(CalledModel, _name, _with_graph(_name))


def _new(cls: type) -> Any:
    return object.__new__(class_of(cls))


# ---- the inputs ----


class _Spec:
    """The shape and dtype of an input."""

    def __init__(self, shape: tuple[Any, ...], dtype: str) -> None:
        self.shape, self.dtype = shape, dtype

    @property
    def has_time(self) -> bool:
        """True if the first axis of a sample may be time: of rows of features, or of indices."""
        return len(self.shape) > 2 or (len(self.shape) == 2 and self.dtype == "int32")

    def input(self, dtype: str | None, name: str | None, open_time: bool) -> Input:
        """Return an `Input` for it."""
        sample = list(self.shape[1:])
        if open_time and self.has_time:
            sample[0] = None
        kind = self.dtype if self.dtype in ("int32", "string") else dtype
        return Input(sample, dtype=kind, name=name)


def _specs(owner: str, x: Any) -> Any:
    """Return the shapes and dtypes of data, in the form of the data."""
    if isinstance(x, Mapping):
        return {key: _spec(value) for key, value in x.items()}
    if _is_source(x):
        x = _first_batch(owner, x)
        return _specs(owner, x[0] if isinstance(x, tuple) else x)
    if isinstance(x, (list, tuple)) and len(x) and all(hasattr(item, "shape") for item in x):
        if len({len(item) for item in x}) == 1:
            specs = [_spec(item) for item in x]
            return tuple(specs) if isinstance(x, tuple) else specs
        return _Spec((None, None, *x[0].shape[1:]), _spec(x[0]).dtype)  # sequences
    return _spec(x)


def _spec(x: Any) -> _Spec:
    array = x if hasattr(x, "shape") and hasattr(x, "dtype") else np.asarray(x)
    kind = np.dtype(getattr(array.dtype, "name", None) or str(array.dtype).removeprefix("torch."))
    dtype = "int32" if kind.kind in "iu" else "string" if kind.kind in "USO" else "float32"
    return _Spec(tuple(array.shape), dtype)


def _is_source(x: Any) -> bool:
    """Return True for what gives batches instead of being data."""
    if hasattr(x, "shape") or isinstance(x, (str, tuple)):
        return False
    if isinstance(x, list):
        return bool(x) and isinstance(x[0], tuple)
    return hasattr(x, "__iter__") or hasattr(x, "__getitem__")


def _first_batch(owner: str, x: Any) -> Any:
    """Return the first batch of a source, unless that would take it away."""
    if hasattr(x, "__getitem__"):
        return x[0]
    if iter(x) is x:
        raise ValueError(
            f"model {owner!r} has no graph yet, and a generator would lose its first batch: call "
            "model.build((None, 10, 8)) with the shape of the input first"
        )
    return next(iter(x))


def _is_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        size is None or isinstance(size, (int, np.integer)) for size in value
    )


def _mapped(is_leaf: Any, function: Any, values: Any) -> Any:
    """Return a value, list, tuple or dict with a function applied to its leaves."""
    if is_leaf(values):
        return function(values)
    if isinstance(values, Mapping):
        return {key: function(value) for key, value in values.items()}
    return type(values)(function(value) for value in values)


def _names(specs: Any) -> Iterator[str | None]:
    """Yield the names of the inputs: the keys of a dict."""
    if isinstance(specs, Mapping):
        yield from map(str, specs)
    while True:
        yield None


def _has_time(specs: Any) -> bool:
    if isinstance(specs, Mapping):
        specs = list(specs.values())
    return any(spec.has_time for spec in (specs if isinstance(specs, (list, tuple)) else [specs]))


def _listed(outputs: Any) -> Any:
    """Return outputs in one list, tuple or dict as `Model` takes them."""
    if isinstance(outputs, (list, tuple)) and not isinstance(outputs, Tensor):
        flat: list[Any] = []
        for item in outputs:
            flat += item if isinstance(item, (list, tuple)) else [item]
        return flat
    return outputs


def _layers_in(values: Any, seen: set[int]) -> Iterator[Layer]:
    """Yield the layers in values, lists, dicts and models, in their order."""
    for value in list(values.values()) if isinstance(values, Mapping) else values:
        if id(value) in seen:
            continue
        if isinstance(value, (list, tuple, Mapping)):
            yield from _layers_in(value, seen)
        elif isinstance(value, CalledModel):
            seen.add(id(value))
            yield from _layers_in(value._by_user(), seen)
        elif isinstance(value, Model):
            yield value.as_layer()
        elif isinstance(value, Layer):
            seen.add(id(value))
            yield value
            yield from _layers_in(vars(value), seen)
