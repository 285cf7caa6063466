"""Names and configurations: objects from strings and from the dicts of files, and back.

Losses, metrics, initializers, schedules, optimizers and layers are named in the same way, so that a
model can be written as plain JSON. Reading it back looks names up in tables of this package's own
classes; nothing is imported and no text is executed.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy as np

from gru_c.common import keras_names
from gru_c.common.attributes import Guarded, renamed
from gru_c.common.user_classes import class_of_user

T = TypeVar("T")
Self = TypeVar("Self", bound="Configurable")

_LIBRARIES = ("keras", "tf_keras", "tensorflow", "torch")
# Keys that Keras writes next to class_name and config; nothing here needs them.
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
    """Return the entry of a table for a name such as ``GlorotUniform`` or ``glorot_uniform``.

    Parameters
    ----------
    kind : str
        The kind of thing named, for the message: ``"loss"``, ``"optimizer"``.
    name : str
        The name to look up, in upper or lower case.
    table : mapping
        The known names.

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If it is not in the table. The message lists the known names, and suggests the nearest one
        unless the name is one that only Keras has.

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
        article = "an" if kind[:1] in tuple("aeiou") else "a"
        raise TypeError(f"the name of {article} {kind} must be a string, got {type(name).__name__}")
    if name in table:
        return table[name]
    folded = {key.lower(): value for key, value in table.items()}
    for key in (name.lower(), snake_case(name)):
        if key in folded:
            return folded[key]
    import difflib  # only needed for the message

    nearest = difflib.get_close_matches(name.lower(), folded, n=1)
    remark = f"; did you mean {nearest[0]!r}?" if nearest else "."
    if name.lower().replace("_", "") in keras_names.OTHERS:
        remark = ", which Keras has and gru_c does not."
    raise ValueError(f"unknown {kind} {name!r}{remark} Known: {', '.join(sorted(folded))}")


def public_classes(module: Mapping[str, Any], base: type[T]) -> list[type[T]]:
    """Return the subclasses of a class that a module's ``__all__`` lists, each once.

    Parameters
    ----------
    module : mapping
        The ``globals()`` of the module.
    base : type
        The class, which is left out itself.
    """
    public = (module[name] for name in module["__all__"] if name in module)
    classes = [value for value in public if isinstance(value, type) and issubclass(value, base)]
    return [cls for cls in dict.fromkeys(classes) if cls is not base]


def library_of(spec: object) -> str | None:
    """Return the library that an object comes from, if its classes have the same names as here."""
    library = (getattr(spec, "__module__", None) or "").partition(".")[0]
    return library if library in _LIBRARIES else None


def described(spec: object, table: Mapping[str, Any]) -> str:
    """Return the name of an object of another package, and what to give instead of it."""
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
    """Base of classes whose constructors keep each argument in an attribute of the same name.

    Subclasses that follow this rule get `get_config` and ``repr`` from here. A class lists the
    arguments that it does not keep in `not_kept`.

    Attributes
    ----------
    _seldom_given : set of str
        Arguments that the configuration and ``repr`` leave out while they have their defaults.
    """

    _seldom_given: ClassVar[frozenset[str]] = frozenset()
    _kind = False  # its subclasses are of different kinds
    _by_user = False  # True for classes outside this package: the results of methods are checked

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        cls._by_user = not cls.__module__.startswith("gru_c.")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments in a form that JSON can hold.

        Returns
        -------
        dict
            Arguments that are `Configurable` themselves become the dict of `serialize`.

        Raises
        ------
        AttributeError
            If the object does not keep one of them.
        """
        return {name: _plain(self._argument(name)) for name in self._described_arguments()}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return a new object with the arguments that `get_config` returned.

        Parameters
        ----------
        config : dict
            Arguments of the constructor by their names.

        Raises
        ------
        TypeError, ValueError
            If it is not a dict, or the constructor does not take an argument or its value.
        """
        if not isinstance(config, Mapping):
            raise TypeError(
                f"{cls.__name__}.from_config: wanted the dict of get_config, got {config!r}"
            )
        return cls(**config)

    def _described_arguments(self) -> list[str]:
        """Return the arguments that belong to the configuration and to ``repr``."""
        parameters = _signature(cast(Any, type(self))).parameters

        def has_default(name: str) -> bool:
            value, default = self._argument(name), parameters[name].default
            return value is default or value == default

        names = _arguments(type(self))
        return [name for name in names if name not in self._seldom_given or not has_default(name)]

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
        """Return the call that makes the object, with "..." for arguments that it does not keep."""
        cls = type(self)
        arguments = []
        for name in self._described_arguments():
            try:
                arguments.append(f"{name}={self._argument(name)!r}")
            except AttributeError:
                arguments.append(f"{name}=...")
        return f"{cls.__name__}({', '.join(arguments)})"


@cache
def _signature(cls: Any) -> inspect.Signature:
    """Return the constructor's signature; cached, because inspect takes 100 us.

    The further keywords of a user's class are those of the class that it is derived from.
    """
    signature = inspect.signature(cls)
    parameters = list(signature.parameters.values())
    if not getattr(cls, "_by_user", False) or parameters[-1:] == []:
        return signature
    base = next((c for c in cls.__mro__[1:] if "__init__" in vars(c)), object)
    if parameters[-1].kind is not inspect.Parameter.VAR_KEYWORD or base is object:
        return signature
    known = {item.name for item in parameters}
    more = [
        item.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for item in _signature(base).parameters.values()
        if item.name not in known
        and item.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    ]
    return signature.replace(parameters=[*parameters[:-1], *more])


def _with_effect(cls: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return a constructor's arguments without those that only Keras has and that change nothing.

    A dict of Keras has them all. The constructor would pass over them, too, but is bound before.
    """
    parameters = _signature(cls).parameters
    if any(item.kind is item.VAR_KEYWORD for item in parameters.values()):
        return config
    owners = [base.__name__ for base in inspect.getmro(cls)]
    return {
        name: value
        for name, value in config.items()
        if name in parameters or not keras_names.is_without_effect(owners, name, value)
    }


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
    """Return an object's description ``{"class_name": ..., "config": ...}`` for JSON.

    Raises
    ------
    TypeError
        For a plain function: a file could hold its name but not its code.

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


@dataclass(frozen=True)
class Registry(Generic[T]):
    """The classes of one kind by name; `get` returns the object that a user's argument stands for.

    Attributes
    ----------
    kind : str
        The kind of object, for the messages.
    table : mapping of str to class
        The only classes that a name or a dict can stand for.
    base : class or None
        Instances of it are returned unchanged; None: instances of the classes in `table`.
    instead_of_function : str
        For the message when a function is given: why it is refused and what to do instead. Empty if
        a function gets the general message.
    """

    kind: str
    table: Mapping[str, type[T]]
    base: type[T] | None = None
    instead_of_function: str = ""

    def get(self, spec: object) -> T:
        """Return the object that a name, the dict of `serialize` or an instance stands for.

        Parameters
        ----------
        spec : str, dict or instance
            A name makes the object with its default arguments.

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
        >>> Registry("gain", {"gain": Gain}).get({"class_name": "Gain", "config": {"factor": 3.0}})
        Gain(factor=3.0)
        """
        if isinstance(spec, (self.base,) if self.base else tuple(set(self.table.values()))):
            return cast(T, spec)
        if isinstance(spec, str):
            return self._construct(spec, {})
        if isinstance(spec, Mapping):
            return self._construct(*self._name_and_config(spec))
        if isinstance(spec, type):
            raise TypeError(
                f"{self.kind}: got the class {spec.__name__}, wanted an instance: "
                f"{spec.__name__}(...)"
            )
        if self.instead_of_function and callable(spec) and not isinstance(spec, Configurable):
            raise TypeError(f"{self.kind} {spec!r} is a function{self.instead_of_function}")
        raise TypeError(
            f"{self.kind} must be a name, an instance or a dict with 'class_name' and 'config', "
            f"got {described(spec, self.table)}"
        )

    def get_optional(self, spec: object) -> T | None:
        """Return None for None, else the same as `get`."""
        return None if spec is None else self.get(spec)

    def find(self, name: str) -> type[T]:
        """Return the class of that name: the user's within `classes_of_user`, else see `lookup`."""
        cls = class_of_user(name, self.base)
        return cls or lookup(self.kind, name, self.table)

    def _name_and_config(self, spec: Mapping[Any, Any]) -> tuple[str, dict[str, Any]]:
        keys = set(spec) - _KERAS_KEYS
        if "class_name" not in keys or not keys <= {"class_name", "config"}:
            raise ValueError(
                f"a {self.kind} given as a dict has the keys 'class_name' and 'config', "
                f"got {list(spec)}"
            )
        config = spec.get("config")
        if config is None:
            config = {}
        if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
            raise TypeError(
                f"the 'config' of a {self.kind} must be a dict with string keys, got {config!r}"
            )
        return spec["class_name"], dict(config)

    def _construct(self, name: str, config: dict[str, Any]) -> T:
        make = cast(Callable[..., T], self.find(name))
        signature = _signature(make)
        config = _with_effect(make, renamed(make, config))
        try:
            # Bound first, so that a TypeError from inside the constructor keeps its own words.
            signature.bind(**config)
        except TypeError as error:
            raise TypeError(
                f"{self.kind} {name!r}: {error}; its arguments are {signature}"
            ) from None
        return make(**config)
