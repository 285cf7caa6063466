"""Attributes that a user sets: each takes effect, or is refused with a sentence that says why.

Python takes ``optimizer.learning_rat = 0.1`` without a word. `Guarded` is the base of all objects
that a user configures, and looks at each name that is set once the constructor has ended:

- an argument of the constructor is checked as there and takes effect at once; where it cannot
  change any more, an AttributeError says what to do instead;
- what the object works out by itself, what an object of the same kind has (momentum of `SGD`, set
  on `Adam`), and what means something in another library and nothing here, is refused;
- a method gives way to a function only;
- a name that differs from a known one by a slip of the keyboard is refused with the right one;
- any other name is the user's own.

The constructor's keywords are looked at in the same way.
"""

from __future__ import annotations

import dis
import functools
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from types import CodeType, FunctionType
from typing import Any, ClassVar

# Given an object, a name and a value: sets it, refuses it, or returns True where it is to be set.
Rule = Callable[[Any, str, Any], bool]

_PACKAGE = __name__.partition(".")[0]
_VARIABLE_KEYWORDS = 0x08  # of a code object's flags

INTERNAL = "cannot be set: {cls} keeps something of its own in it; take another name for yours"

# Names that users give, each one letter from a known one. So is a name with "_" at the end.
_USERS_WORDS = frozenset(
    (
        *("centers", "column", "columns", "dtypes", "epochs", "functions", "labels", "layer"),
        *("mode", "models", "names", "parameter", "ring", "scaler", "seeds", "shapes", "sizes"),
        *("threads", "windows"),
    )
)


class Guarded:
    """Base of objects whose attributes a user may set.

    A class that derives from this one outside of the package may set what it likes in its own
    methods; those names are known from then on.

    Attributes
    ----------
    _advice : dict of str to str
        Attributes that cannot be set, and the end of a sentence that begins with the name.
    _checks : dict of str to callable
        Attributes that are no arguments of the constructor, and what makes of a value the one to
        be kept, or raises.
    _derived : dict of str to tuple of str
        What the constructor works out from an argument, and is replaced with it.
    _keras_names : dict of str to str
        Names that mean something in Keras only, with advice; see `gru_c.utils.keras_names`.
    _renamed : dict of str to str
        Old names of the constructor's arguments.
    not_kept : set of str
        Arguments of the constructor that no attribute keeps.
    """

    _advice: ClassVar[Mapping[str, str]] = {}
    _checks: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    _derived: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    _keras_names: ClassVar[Mapping[str, str]] = {}
    _renamed: ClassVar[Mapping[str, str]] = {}
    not_kept: ClassVar[frozenset[str]] = frozenset()

    _kind = True  # whether classes that derive from this one are of one kind
    _made = False  # whether the constructor has ended
    _plain_constructor = False  # whether it is left as it is, and its attributes are looked at, too
    _rules: ClassVar[dict[str, Rule]] = {}  # what has been found out about names

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        cls._rules = {}
        init = vars(cls).get("__init__")
        if isinstance(init, FunctionType) and not cls._plain_constructor:
            setattr(cls, "__init__", _guarded_constructor(init))  # noqa: B010  # for mypy
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
        """Return why an argument of the constructor cannot change now; None where it can."""
        return None

    def _constructor_arguments(self) -> dict[str, Any]:
        """Return what the constructor was given: attributes of the same names."""
        names = _arguments(_constructor_class(type(self)))
        return {name: getattr(self, name) for name in names if name not in self.not_kept}

    def _change_argument(self, name: str, value: Any) -> None:
        """Set an argument of the constructor: what a new object makes of it is taken over."""
        reason = self._why_fixed(name)
        if reason is not None:
            raise AttributeError(f"{_label(self, name)} {reason}")
        fresh = _constructor_class(type(self))(**{**self._constructor_arguments(), name: value})
        names = (name, *self._derived.get(name, ()))
        assign(self, **{each: getattr(fresh, each) for each in names})


def assign(obj: Guarded, **values: Any) -> None:
    """Set attributes that the object sets itself, without a look at their names."""
    for name, value in values.items():
        object.__setattr__(obj, name, value)


def renamed(cls: Any, keywords: dict[str, Any], depth: int = 3) -> dict[str, Any]:
    """Return keywords for a constructor with old names replaced, each with a FutureWarning.

    `depth` is how many calls up the user's code is.
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
    """Warn with a FutureWarning that a name is the old one of another."""
    text = f"{cls.__name__}: {old} is the old name of {name}, write that"
    warnings.warn(text, FutureWarning, stacklevel=depth)


# ---- the constructor -----------------------------------------------------------------------------


def _guarded_constructor(init: FunctionType) -> Callable[..., None]:
    """Return a constructor that looks at its keywords and marks the object when it has ended."""
    known = frozenset(_argument_names(init.__code__))
    takes_any = bool(init.__code__.co_flags & _VARIABLE_KEYWORDS)

    @functools.wraps(init)
    def constructor(self: Any, *arguments: Any, **keywords: Any) -> None:
        if not takes_any and not keywords.keys() <= known:
            keywords = renamed(type(self), keywords)
            for name in keywords.keys() - known:
                raise TypeError(_about_unknown_keyword(type(self), name, known))
        outermost = type(self).__init__ is constructor
        if outermost and self._made:  # called once more
            object.__setattr__(self, "_made", False)
        init(self, *arguments, **keywords)
        if outermost:
            object.__setattr__(self, "_made", True)

    return constructor


def _about_unknown_keyword(cls: type[Guarded], name: str, known: frozenset[str]) -> str:
    start = f"{cls.__name__}() got an unexpected keyword argument {name!r}"
    if name in cls._keras_names:
        return f"{start}: {cls._keras_names[name]}"
    near = _nearest(name, sorted(known))
    question = f"did you mean {near!r}? " if near else ""
    return f"{start}; {question}Its arguments are: {', '.join(sorted(known))}"


def _argument_names(code: CodeType) -> tuple[str, ...]:
    """Return the names of a method's arguments, without the first."""
    return code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]


def _constructor_class(cls: type) -> Any:
    """Return the class of this package whose constructor has a class's settings."""
    kinds = (kind for kind in _classes(cls) if _is_ours(kind) and "__init__" in vars(kind))
    return next(kinds, Guarded)


def _arguments(cls: type) -> tuple[str, ...]:
    """Return the names of the arguments of the constructor that a class defines itself."""
    init = _unwrapped(vars(cls).get("__init__"))
    return _argument_names(init.__code__) if isinstance(init, FunctionType) else ()


def _classes(cls: type) -> list[type]:
    """Return a class and its bases, from the nearest, down to those that are `Guarded`."""
    return [kind for kind in cls.__mro__ if issubclass(kind, Guarded) and kind is not Guarded]


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == _PACKAGE


# ---- the rules -----------------------------------------------------------------------------------


def _find_rule(cls: type[Guarded], name: str) -> Rule:
    """Return what to do with an attribute of a class, and remember it."""
    rule = _rule_of_class(cls, name)
    if rule is None:
        is_like_one = _slip_for(cls, name, methods=True) is not None
        rule = _refuse_slip if is_like_one else _set_freely
    cls._rules[name] = rule
    return rule


def _rule_of_class(cls: type[Guarded], name: str) -> Rule | None:
    """Return what a class says about an attribute; None when it says nothing."""
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
    if any(name in _set_in_methods(kind) for kind in _classes(cls)):
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
    """Let an object have the name that it has already, or that is like a method's alone."""
    cls = type(obj)
    near = None if name in vars(obj) else _slip_for(cls, name, methods=callable(value))
    if near is not None:
        raise AttributeError(
            f"{cls.__name__} has no attribute {name!r}; did you mean {near!r}? (An attribute "
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
    """Return the attributes that are set in methods of classes outside of this package."""
    kinds = [kind for kind in cls.__mro__ if kind is not object and not _is_ours(kind)]
    return {name for kind in kinds for name in _set_in_methods(kind)}


def _others_with(cls: type[Guarded], name: str) -> list[str]:
    """Return the names of the classes of the same kind whose constructors have an argument.

    None for a class of the user's that derives from the base of the kind itself: what it has is
    for the user to say.
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
    """Return all classes of this package that derive from one."""
    every: list[type] = cls.__subclasses__()
    direct = {other for other in every if _is_ours(other)}
    return direct.union(*map(_subclasses, direct))


def _slip_for(cls: type[Guarded], name: str, methods: bool) -> str | None:
    """Return the attribute that a name is most likely a slip for, if there is one."""
    known = _candidates(cls, methods)
    if name in known or name in _USERS_WORDS:
        return None
    if name.endswith("_"):
        known = [each for each in known if each.endswith("_")]
    return _nearest(name, known)


def _candidates(cls: type[Guarded], methods: bool) -> list[str]:
    """Return the public names that a class knows; its methods only if they are asked for."""
    names = {name for name in dir(cls) if methods or not callable(getattr(cls, name, None))}
    for kind in _classes(cls):
        names |= {*_arguments(kind), *_set_in_methods(kind), *inspect.get_annotations(kind)}
    names |= {*cls._advice}
    return sorted(name for name in names - set(dir(Guarded)) if not name.startswith("_"))


@functools.lru_cache(maxsize=512)
def _set_in_methods(cls: type) -> frozenset[str]:
    """Return the names of the attributes that a class's own methods set, of whatever object."""
    names: set[str] = set()
    for member in vars(cls).values():
        for function in (member, getattr(member, "fget", None), getattr(member, "fset", None)):
            names |= set(_set_in_code(getattr(_unwrapped(function), "__code__", None)))
    return frozenset(names)


def _unwrapped(function: Any) -> Any:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _set_in_code(code: object) -> Iterator[str]:
    if not isinstance(code, CodeType):
        return
    for instruction in dis.get_instructions(code):
        if instruction.opname == "STORE_ATTR":
            yield instruction.argval
    for constant in code.co_consts:
        yield from _set_in_code(constant)


def _nearest(name: str, known: list[str]) -> str | None:
    """Return the name that this one is most likely a slip for, if there is one."""
    slips = {each: _slips(name, each) for each in known}
    near = [each for each, count in slips.items() if count is not None]
    return min(near, key=lambda each: slips[each] or 0, default=None)


def _slips(name: str, known: str) -> int | None:
    """Return how many slips lead from a known name to another; None for too many.

    Case and underscores do not count. One slip is allowed, two in eight letters and more. With less
    than six letters the first one must be right (``type`` is not ``dtype``), and none may stand in
    the place of another (``stage`` is not ``state``). A long name may also be another form of the
    known one (``learn_rate``), unless it has that within it (``my_learning_rate``). A number at the
    end of a name is no slip (``history2``).
    """
    a, b = (text.replace("_", "").lower() for text in (name, known))
    longest, more = max(len(a), len(b)), abs(len(a) - len(b))
    if a == b:
        return 0
    if min(len(a), len(b)) < 3 or more > 4 or a.rstrip("0123456789") == b:
        return None
    if longest < 6 and (a[0] != b[0] or (not more and sorted(a) != sorted(b))):
        return None
    count = _distance(a, b)
    slip = more <= 1 and count <= (2 if longest >= 8 else 1)
    other_form = longest >= 10 and b not in a and SequenceMatcher(None, a, b).ratio() >= 0.8
    return count if slip or other_form else None


def _distance(a: str, b: str) -> int:
    """Return the least number of letters left out, put in, replaced or exchanged with the next."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        above, before, row = before, row, [i]
        for j, other in enumerate(b, start=1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other)))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                row[j] = min(row[j], above[j - 2] + 1)
    return row[-1]
