"""Names and configurations: how a string or a dict from a file becomes an object.

Losses, metrics, initializers, schedules, optimizers and layers are all named in the same way, so
that a model can be written as plain JSON. Reading it back only ever looks a name up in a table of
this package's own classes; nothing is imported and no text is executed.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np

from gru_c.utils import keras_names
from gru_c.utils.attributes import Guarded, renamed

T = TypeVar("T")

_LIBRARIES = ("keras", "tf_keras", "tensorflow", "torch")
# What Keras writes next to class_name and config; it carries nothing that is needed here.
_KERAS_KEYS = {"module", "registered_name", "build_config", "shared_object_id"}


def snake_case(name: str) -> str:
    """Turn a class name into the name that users write.

    Examples
    --------
    >>> snake_case("GlorotUniform"), snake_case("GRUCell"), snake_case("Conv1D"), snake_case("L1L2")
    ('glorot_uniform', 'gru_cell', 'conv1d', 'l1_l2')
    """
    word_ends = r"(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z0-9])|(?<=[A-Z])(?=[A-Z][a-z])"
    return re.sub(word_ends, "_", name).lower()


def lookup(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Find a name in a table, upper or lower case, ``GlorotUniform`` or ``glorot_uniform``.

    Parameters
    ----------
    kind : str
        What is being named, for the message: ``"loss"``, ``"optimizer"``.
    name : str
        The name to find.
    table : mapping
        The known names.

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If it is not in the table; the message gives the nearest name, unless Keras has the one
        that was given, and all of them.

    Examples
    --------
    >>> lookup("loss", "MSE", {"mse": 1, "mae": 2})
    1
    >>> lookup("loss", "msee", {"mse": 1, "huber": 2})
    Traceback (most recent call last):
    ...
    ValueError: unknown loss 'msee'; did you mean 'mse'? Known: huber, mse
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a {kind} must be a string, got {type(name).__name__}")
    folded = {key.lower(): value for key, value in table.items()}
    for key in (name.lower(), snake_case(name)):
        if key in folded:
            return folded[key]
    import difflib  # for the message alone

    nearest = difflib.get_close_matches(name.lower(), folded, n=1)
    remark = f"; did you mean {nearest[0]!r}?" if nearest else "."
    if name.lower().replace("_", "") in keras_names.OTHERS:
        remark = ", which Keras has and gru_c has not."
    raise ValueError(f"unknown {kind} {name!r}{remark} Known: {', '.join(sorted(folded))}")


def library_of(spec: object) -> str | None:
    """Return the name of the library with classes of the same names that something is from."""
    library = (getattr(spec, "__module__", None) or "").partition(".")[0]
    return library if library in _LIBRARIES else None


def described(spec: object, table: Mapping[str, Any]) -> str:
    """Return the name of an object that is not of this package, and what to give instead of it."""
    name = getattr(spec, "__name__", type(spec).__name__)
    library = library_of(spec)
    if library is None:
        return name
    same = {key.replace("_", ""): cls for key, cls in table.items()}.get(
        name.lower().replace("_", "")
    )
    advice = ""
    if same:  # by its public name: the room, without the module in it
        room = ".".join(same.__module__.split(".")[:2])
        advice = f": give {room}.{same.__name__}(...)"
    return f"{name} of {library}{advice}"


class Configurable(Guarded):
    """A class whose constructor keeps every argument in an attribute of the same name.

    That rule is what gives `get_config` and ``repr`` without a line in the subclasses. A class
    names the arguments that it does not keep in `not_kept`.
    """

    _kind = False  # its subclasses are of different kinds
    _by_user = False  # not a class of this package, so what its methods return is checked

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        cls._by_user = not cls.__module__.startswith("gru_c.")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON can hold them.

        Returns
        -------
        dict
            Arguments that are `Configurable` themselves become the dict of `serialize`.

        Raises
        ------
        AttributeError
            When the object does not keep one of them.
        """
        return {name: _plain(self._argument(name)) for name in _arguments(type(self))}

    def _argument(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError as error:
            cls = type(self).__name__
            raise AttributeError(
                f"{cls} has no attribute {name!r}, but its constructor an argument: keep it under "
                f"that name, or define {cls}.get_config"
            ) from error

    def __repr__(self) -> str:
        """Return the call that makes the object, with "..." for what it does not keep."""
        cls = type(self)
        arguments = [
            f"{name}={getattr(self, name)!r}" if hasattr(self, name) else f"{name}=..."
            for name in _arguments(cls)
        ]
        return f"{cls.__name__}({', '.join(arguments)})"


@cache
def _signature(cls: Any) -> inspect.Signature:
    """Return the constructor's signature, which takes inspect 100 us to find."""
    return inspect.signature(cls)


def _arguments(cls: Any) -> list[str]:
    return [name for name in _signature(cls).parameters if name not in cls.not_kept]


def _plain(value: Any) -> Any:
    if isinstance(value, Configurable):
        return serialize(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def serialize(obj: Any) -> dict[str, Any]:
    """Describe an object as ``{"class_name": ..., "config": ...}``, which JSON can hold.

    Raises
    ------
    TypeError
        For a plain function: a file could hold its name but not what it does.

    Examples
    --------
    >>> class Gain(Configurable):
    ...     def __init__(self, factor: float) -> None:
    ...         self.factor = factor
    >>> serialize(Gain(2.0))
    {'class_name': 'Gain', 'config': {'factor': 2.0}}
    """
    if not isinstance(obj, Configurable):
        raise TypeError(
            f"cannot serialize {obj!r}: only objects of gru_c's own classes and of their "
            "subclasses have a configuration"
        )
    return {"class_name": type(obj).__name__, "config": obj.get_config()}


def deserialize(
    kind: str, spec: object, table: Mapping[str, type[T]], base: type[T] | None = None
) -> T:
    """Make an object from a name, from the dict of `serialize`, or hand an instance back.

    Parameters
    ----------
    kind : str
        What is being made, for the messages.
    spec : str, dict or instance
        A name makes the object with its default arguments.
    table : mapping of str to class
        The only classes that can come out.
    base : class, optional
        Instances of it pass as they are; by default those of the classes in `table`.

    Raises
    ------
    TypeError
        If `spec` is something else, or the class does not take the arguments in ``config``.
    ValueError
        If the name is unknown or the dict has other keys than it should.

    Examples
    --------
    >>> class Gain(Configurable):
    ...     def __init__(self, factor: float = 1.0) -> None:
    ...         self.factor = factor
    >>> deserialize("gain", {"class_name": "Gain", "config": {"factor": 3.0}}, {"gain": Gain})
    Gain(factor=3.0)
    """
    if isinstance(spec, (base,) if base else tuple(set(table.values()))):
        return cast(T, spec)
    if isinstance(spec, str):
        return _construct(kind, spec, {}, table)
    if isinstance(spec, Mapping):
        return _construct(kind, *_name_and_config(kind, spec), table)
    if isinstance(spec, type):
        raise TypeError(
            f"{kind}: got the class {spec.__name__}, wanted an instance: {spec.__name__}(...)"
        )
    raise TypeError(
        f"{kind} must be a name, an instance or a dict with 'class_name' and 'config', "
        f"got {described(spec, table)}"
    )


def _name_and_config(kind: str, spec: Mapping[Any, Any]) -> tuple[str, dict[str, Any]]:
    given = set(spec) - _KERAS_KEYS
    if "class_name" not in given or not given <= {"class_name", "config"}:
        raise ValueError(
            f"a {kind} given as a dict has the keys 'class_name' and 'config', got {list(spec)}"
        )
    config = spec.get("config")
    if config is None:
        config = {}
    if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
        raise TypeError(f"the 'config' of a {kind} must be a dict with string keys, got {config!r}")
    return spec["class_name"], dict(config)


def _construct(kind: str, name: str, config: dict[str, Any], table: Mapping[str, type[T]]) -> T:
    make = cast(Callable[..., T], lookup(kind, name, table))
    config = renamed(make, config)
    try:
        # Bound first, so that a TypeError from inside the constructor keeps its own words.
        _signature(make).bind(**config)
    except TypeError as error:
        raise TypeError(f"{kind} {name!r}: {error}; its arguments are {_signature(make)}") from None
    return make(**config)
