"""The forms in which users give the inputs and outputs of a graph: one, a list or a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gru_c.layers.base.tensor import SymbolicValue, Tensor


class Structure(NamedTuple):
    """The names of inputs or outputs, and the form in which the user gave their tensors.

    Attributes
    ----------
    kind : {"input", "output"}
    form : {"one", "list", "dict"}
    names : list of str
        Names of the layers.
    keys : list of str
        Keys of the dict; the names otherwise.
    """

    kind: str
    form: str
    names: list[str]
    keys: list[str]

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.names)

    def packed(self, values: Sequence[Any]) -> Any:
        """Return the values in the user's form."""
        if self.form == "dict":
            return dict(zip(self.keys, values, strict=True))
        return values[0] if self.size == 1 else list(values)

    def ordered(self, what: str, values: Any, *, missing: Any = ...) -> list[Any]:
        """Return the values of a user in their order.

        Parameters
        ----------
        what : str
            Name of the argument, for messages.
        values : object
            A list in this order, or a dict by the names or keys; for one input or output the value
            itself, too.
        missing : object, optional
            Taken for names that a dict does not have; without it they are an error.

        Raises
        ------
        ValueError
            If there are too few or too many values, or a name does not exist.
        """
        if isinstance(values, Mapping):
            return self._of_dict(what, values, missing)
        if isinstance(values, (list, tuple)):
            if len(values) != self.size:
                raise ValueError(f"{what} has {len(values)} items, the model has {self._words()}")
            return list(values)
        if self.size == 1:
            return [values]
        raise ValueError(
            f"{what} must be a list or a dict of {self.size} items, for {self._words()}, got "
            f"{type(values).__name__}"
        )

    def _of_dict(self, what: str, values: Mapping[str, Any], missing: Any) -> list[Any]:
        known = self.names if set(values) <= set(self.names) else self.keys
        unknown = [key for key in values if key not in known]
        lacking = [key for key in known if key not in values] if missing is ... else []
        if unknown or lacking:
            problem = f"has {unknown[0]!r}" if unknown else f"lacks {lacking[0]!r}"
            raise ValueError(f"{what} {problem}, the model has {self._words()}")
        return [values.get(key, missing) for key in known]

    def _words(self) -> str:
        names = ", ".join(map(repr, self.keys))
        return f"{self.size} {self.kind}{'' if self.size == 1 else 's'}: {names}"


def structure_of(kind: str, values: Any) -> tuple[list[Tensor], Structure]:
    """Return the tensors that a user gave, and their form.

    Raises
    ------
    TypeError, ValueError
        If they are not tensors, or there are none.
    """
    form = "dict" if isinstance(values, Mapping) else "list"
    if isinstance(values, SymbolicValue):
        form, values = "one", [values]
    items = list(values.values()) if isinstance(values, Mapping) else values
    if not isinstance(items, (list, tuple)) or not all(
        isinstance(item, SymbolicValue) for item in items
    ):
        raise TypeError(
            f"{kind}s of a Model are symbolic tensors, such as gru_c.Input((10, 8)) and what "
            f"layers return for it, one or a list or dict of them: got {values!r}"
        )
    if not items:
        raise ValueError(f"a Model wants at least one {kind}")
    tensors = [item.tensor for item in items]
    names = unique_names([tensor.name for tensor in tensors])
    keys = [str(key) for key in values] if isinstance(values, Mapping) else names
    return tensors, Structure(kind, form, names, keys)


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names in which repeated ones have numbers, as Keras gives them."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        number = seen[name] = seen.get(name, -1) + 1
        unique.append(f"{name}_{number}" if number else name)
    return unique
