"""Attributes that users set: each takes effect, or is refused with a sentence that says why.

Python accepts ``optimizer.learning_rat = 0.1`` silently. `Guarded` is the base of all objects that
users configure. Once the constructor has returned, it checks each name that is set:

- an argument of the constructor is checked as in the constructor and takes effect at once; if it
  can no longer change, an AttributeError says what to do instead;
- three kinds of names are refused: attributes that the object computes itself, arguments of another
  class of the same kind (momentum, of `SGD`, set on `Adam`), and names that mean something only in
  another library;
- a method can only be replaced by a function;
- a typing error for a known name is refused, and the message gives the known name;
- any other name is free for the user.

The keywords of the constructor are checked in the same way; see `gru_c.common.keywords`.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, ClassVar

from gru_c.common import keras_names
from gru_c.common.code_names import (
    argument_names,
    set_in_methods,
    takes_any_keyword,
    unwrapped,
    with_base_options,
)
from gru_c.common.keywords import about_unknown_keyword
from gru_c.common.misspellings import USERS_WORDS, nearest
from gru_c.common.owners import name_owner

# Called with an object, a name and a value. Sets the attribute or refuses it; or returns True, and
# then the caller sets it.
Rule = Callable[[Any, str, Any], bool]

_PACKAGE = __name__.partition(".")[0]

INTERNAL = "cannot be set: {cls} keeps something of its own in it; take another name for yours"


class Guarded:
    """Base of objects whose attributes a user may set.

    The methods of a subclass outside this package may set any attribute; users may set the same
    names.

    Attributes
    ----------
    _advice : dict of str to str
        Attributes that cannot be set, each with the end of a sentence that begins with its name.
    _checks : dict of str to callable
        Attributes besides the constructor's arguments, each with a function that returns the value
        to keep, or raises.
    _derived : dict of str to tuple of str
        For an argument, the attributes that the constructor derives from it; they are replaced
        together with it.
    _keras_names : dict of str to str
        Names that mean something only in Keras, with advice; see `gru_c.common.keras_names`.
    _renamed : dict of str to str
        Old names of the constructor's arguments, each with the new one.
    not_kept : set of str
        Arguments of the constructor that no attribute keeps.
    """

    _advice: ClassVar[Mapping[str, str]] = {}
    _checks: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    _derived: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    _keras_names: ClassVar[Mapping[str, str]] = {}
    _renamed: ClassVar[Mapping[str, str]] = {}
    not_kept: ClassVar[frozenset[str]] = frozenset()

    _kind = True  # True if the subclasses are of one kind
    _made = False  # True once the constructor has returned
    _named_in_errors = (
        False  # True if the messages about arguments of the constructor name the class
    )
    _plain_constructor = (
        False  # True if the constructor is not wrapped; names in it are checked too
    )
    _rules: ClassVar[dict[str, Rule]] = {}  # the rules of names that have been set

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        cls._rules = {}
        init = vars(cls).get("__init__")
        if isinstance(init, FunctionType) and not cls._plain_constructor:
            setattr(cls, "__init__", _guarded_constructor(cls, init))  # noqa: B010  # for mypy
            cls._made = False
        elif cls._plain_constructor or cls.__init__ is object.__init__:
            cls._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        rule = self._rules.get(name)
        if rule is not _set_freely and self._made:
            rule = rule or _find_rule(type(self), name)
            if not rule(self, name, value):
                return
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if self._made and _rule_of_class(type(self), name) not in _CAN_BE_DELETED:
            raise AttributeError(f"{_label(self, name)} belongs to it and cannot be deleted")
        super().__delattr__(name)

    def _why_fixed(self, name: str) -> str | None:
        """Return the reason why an argument cannot change now, or None if it can."""
        return None

    @classmethod
    def _from_keras(cls, keywords: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
        """Return the keywords of a constructor with other names of Keras replaced by ours.

        `known` are the arguments of the constructor, which keep their meanings.
        """
        return keywords

    def _constructor_arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor, from the attributes of the same names."""
        names = _arguments(_constructor_class(type(self)))
        return {name: self._kept(name) for name in names if name not in self.not_kept}

    def _kept(self, name: str) -> Any:
        """Return the attribute that keeps an argument of the constructor."""
        return getattr(self, name)

    def _change_argument(self, name: str, value: Any) -> None:
        """Set an argument of the constructor to the value that a new object makes of it."""
        reason = self._why_fixed(name)
        if reason is not None:
            raise AttributeError(f"{_label(self, name)} {reason}")
        fresh = _constructor_class(type(self))(**{**self._constructor_arguments(), name: value})
        names = (name, *self._derived.get(name, ()))
        assign(self, **{each: getattr(fresh, each) for each in names})


def assign(obj: Guarded, **values: Any) -> None:
    """Set attributes without checking their names; for attributes that users cannot set."""
    for name, value in values.items():
        object.__setattr__(obj, name, value)


def renamed(cls: Any, keywords: dict[str, Any], depth: int = 3) -> dict[str, Any]:
    """Return a constructor's keywords with old names replaced; a FutureWarning for each.

    `depth` is the number of calls between this function and the user's code.
    """
    new = dict(keywords)
    for old, name in getattr(cls, "_renamed", {}).items():
        if old in new and name in new:
            raise TypeError(f"{cls.__name__}: {old} is the old name of {name}: give one of them")
        if old in new:
            new[name] = new.pop(old)
            warn_of_old_name(cls, old, name, depth + 1)
    return new


def warn_of_old_name(cls: type, old: str, name: str, depth: int) -> None:
    """Warn with a FutureWarning that `old` is the old name of `name`."""
    text = f"{cls.__name__}: {old} is the old name of {name}, write that"
    warnings.warn(text, FutureWarning, stacklevel=depth)


# ---- the constructor -----------------------------------------------------------------------------


def _guarded_constructor(cls: Any, init: FunctionType) -> Callable[..., None]:
    """Return a constructor that checks its keywords and marks the object when it returns."""
    signature = with_base_options(cls, init)
    takes_any = signature is None and takes_any_keyword(init.__code__)
    names = argument_names(init.__code__) if signature is None else [*signature.parameters][1:]
    known = frozenset(names)

    @functools.wraps(init)
    def constructor(self: Any, *arguments: Any, **keywords: Any) -> None:
        if not takes_any and not keywords.keys() <= known:
            keywords = _known_keywords(type(self), keywords, known)
        outermost = type(self).__init__ is constructor
        if outermost and self._made:  # called once more
            object.__setattr__(self, "_made", False)
        try:
            init(self, *arguments, **keywords)
        except (TypeError, ValueError) as error:
            if outermost and self._named_in_errors:
                name = type(self).__name__
                name_owner(error, {name: f"{name}()"})
            raise
        if outermost:
            object.__setattr__(self, "_made", True)

    if signature is not None:
        vars(constructor)["__signature__"] = signature
    return constructor


def _known_keywords(
    cls: type[Guarded], keywords: dict[str, Any], known: frozenset[str]
) -> dict[str, Any]:
    """Return the keywords of a constructor by their names here; TypeError if one is unknown."""
    keywords = cls._from_keras(renamed(cls, keywords, depth=4), known)
    owners = [kind.__name__ for kind in _classes(cls)]
    for name in [name for name in keywords if name not in known]:
        if not keras_names.is_without_effect(owners, name, keywords[name]):
            advice = {**keras_names.KERAS1} if "Layer" in owners else {}
            advice |= cls._keras_names
            raise TypeError(about_unknown_keyword(f"{cls.__name__}()", name, known, advice))
        del keywords[name]
    return keywords


def _constructor_class(cls: type) -> Any:
    """Return the nearest class of this package, of a class and its bases, with a constructor."""
    kinds = (kind for kind in _classes(cls) if _is_ours(kind) and "__init__" in vars(kind))
    return next(kinds, Guarded)


def _arguments(cls: type) -> tuple[str, ...]:
    """Return the arguments of the constructor in the class's own body; none if there is none."""
    init = vars(cls).get("__init__")
    signature: inspect.Signature | None = getattr(init, "__signature__", None)
    if signature is not None:
        return tuple(signature.parameters)[1:]
    init = unwrapped(init)
    return argument_names(init.__code__) if isinstance(init, FunctionType) else ()


def _classes(cls: type) -> list[type]:
    """Return a class and its bases, nearest first, that are subclasses of `Guarded`."""
    return [kind for kind in cls.__mro__ if issubclass(kind, Guarded) and kind is not Guarded]


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == _PACKAGE


# ---- the rules -----------------------------------------------------------------------------------


def _find_rule(cls: type[Guarded], name: str) -> Rule:
    """Return the rule for an attribute of a class, and keep it in the class's table."""
    rule = _rule_of_class(cls, name)
    if rule is None:
        is_slip = _slip_for(cls, name, methods=True) is not None
        rule = _refuse_slip if is_slip else _set_freely
    cls._rules[name] = rule
    return rule


def _rule_of_class(cls: type[Guarded], name: str) -> Rule | None:
    """Return the rule that a class has for an attribute; None if the class does not know it."""
    if name.startswith("_") or name in _set_by_users(cls):
        return _set_freely
    if name in cls._advice or hasattr(Guarded, name):
        return _refuse
    if name in cls._checks:
        return _check
    attribute = getattr(cls, name, None)
    if hasattr(attribute, "__set__"):
        return _refuse if getattr(attribute, "fset", True) is None else _set_freely
    if name in _arguments(_constructor_class(cls)):
        return _change
    if any(name in _arguments(kind) for kind in _classes(cls) if _is_ours(kind)):
        return _refuse
    ours = [kind for kind in cls.__mro__ if _is_ours(kind) and name in vars(kind)]
    if any(callable(getattr(kind, name)) for kind in ours):
        return _replace_method
    if hasattr(cls, name) or any(name in inspect.get_annotations(k) for k in cls.__mro__):
        return _set_freely
    if name in cls._keras_names:
        return _refuse
    if any(name in set_in_methods(kind) for kind in _classes(cls)):
        return _set_freely
    return _refuse if _others_with(cls, name) else None


def _set_freely(obj: Any, name: str, value: Any) -> bool:
    return True


def _change(obj: Any, name: str, value: Any) -> bool:
    obj._change_argument(name, value)
    return False


def _check(obj: Any, name: str, value: Any) -> bool:
    assign(obj, **{name: obj._checks[name](value)})
    return False


def _replace_method(obj: Any, name: str, value: Any) -> bool:
    if not callable(value):
        raise AttributeError(
            f"{_label(obj, name)} is a method, in whose place only a function can be set, got "
            f"{value!r}; take another name for an attribute of your own"
        )
    return True


def _refuse_slip(obj: Any, name: str, value: Any) -> bool:
    """Refuse a slip for a known name, unless the object has the attribute already.

    A slip for the name of a method is refused only if the value is a function.
    """
    cls = type(obj)
    intended = None if name in vars(obj) else _slip_for(cls, name, methods=callable(value))
    if intended is not None:
        raise AttributeError(
            f"{cls.__name__} has no attribute {name!r}; did you mean {intended!r}? (An attribute "
            "of your own needs a name that differs more.)"
        )
    return True


def _refuse(obj: Any, name: str, value: Any) -> bool:
    cls = type(obj)
    advice = INTERNAL if hasattr(Guarded, name) else cls._advice.get(name)
    if advice is None and name in cls._keras_names:
        advice = f"cannot be set: {cls._keras_names[name]}"
    elif advice is None and hasattr(cls, name):
        advice = "cannot be set: it follows from other attributes"
    elif advice is None:
        others = _others_with(cls, name)
        have = f" ({', '.join(others)} {'has' if len(others) == 1 else 'have'} it)"
        advice = f"cannot be set: {cls.__name__} has no such argument{have if others else ''}"
    raise AttributeError(f"{_label(obj, name)} {advice.format(cls=cls.__name__, name=name)}")


_CAN_BE_DELETED = (None, _set_freely, _replace_method)


def _label(obj: object, name: str) -> str:
    return f"{type(obj).__name__}.{name}"


# ---- names ---------------------------------------------------------------------------------------


def _set_by_users(cls: type[Guarded]) -> set[str]:
    """Return the attributes that methods of classes outside this package set."""
    kinds = [kind for kind in cls.__mro__ if kind is not object and not _is_ours(kind)]
    return {name for kind in kinds for name in set_in_methods(kind)}


def _others_with(cls: type[Guarded], name: str) -> list[str]:
    """Return the names of the classes of the same kind whose constructors have that argument.

    The list is empty for a user's class that derives directly from the base class of the kind: its
    attributes are the user's choice.
    """
    kinds = [kind for kind in _classes(cls) if _is_ours(kind) and vars(kind).get("_kind", True)]
    if len(kinds) < 2:
        return []
    return sorted(
        other.__name__
        for other in _subclasses(kinds[-1])
        if not other.__name__.startswith("_") and name in _arguments(_constructor_class(other))
    )


def _subclasses(cls: type) -> set[type]:
    """Return all subclasses of a class, at any depth, that this package defines."""
    every: list[type] = cls.__subclasses__()
    direct = {other for other in every if _is_ours(other)}
    return direct.union(*map(_subclasses, direct))


def _slip_for(cls: type[Guarded], name: str, methods: bool) -> str | None:
    """Return the attribute that a name is most likely a slip for, or None."""
    known = _candidates(cls, methods)
    if name in known or name in USERS_WORDS:
        return None
    if name.endswith("_"):
        known = [item for item in known if item.endswith("_")]
    return nearest(name, known)


def _candidates(cls: type[Guarded], methods: bool) -> list[str]:
    """Return the public attributes that a class knows, with its methods if `methods` is true."""
    names = {name for name in dir(cls) if methods or not callable(getattr(cls, name, None))}
    for kind in _classes(cls):
        names |= {*_arguments(kind), *set_in_methods(kind), *inspect.get_annotations(kind)}
    names |= {*cls._advice}
    return sorted(name for name in names - set(dir(Guarded)) if not name.startswith("_"))
