"""Other names that Keras has had for the shape of a layer's input."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

_BATCH_SHAPES = ("batch_input_shape", "batch_shape")


def input_shape_from_keras(
    class_name: str, keywords: dict[str, Any], known: Collection[str], sequences: bool
) -> dict[str, Any]:
    """Return keywords with ``input_shape`` and ``batch_size`` in place of Keras 2's names.

    Parameters
    ----------
    class_name : str
        Class of the layer, for messages.
    keywords : dict
        Keywords of the constructor.
    known : collection of str
        Arguments of the constructor, which keep their meanings: ``input_dim`` of an `Embedding`.
    sequences : bool
        True if the layer takes sequences: ``input_dim=8, input_length=10`` is then
        ``input_shape=(10, 8)``, else ``input_dim=8`` is ``input_shape=(8,)``.

    Raises
    ------
    TypeError
        If the shape is given twice, or the batch shape is not a tuple with the batch size.

    Examples
    --------
    >>> input_shape_from_keras("GRU", {"units": 3, "batch_input_shape": (32, 10, 8)}, (), True)
    {'units': 3, 'input_shape': (10, 8), 'batch_size': 32}
    >>> input_shape_from_keras("GRU", {"units": 3, "input_dim": 8}, (), True)
    {'units': 3, 'input_shape': (None, 8)}
    """
    names = [name for name in (*_BATCH_SHAPES, "input_dim") if name not in known]
    shapes = [name for name in (*names, "input_shape") if keywords.get(name) is not None]
    if len(shapes) > 1:
        raise TypeError(f"{class_name}() got {' and '.join(shapes)}: give one of them")
    new = {name: value for name, value in keywords.items() if name not in names}
    if not shapes or shapes == ["input_shape"]:
        return new
    value = keywords[shapes[0]]
    if shapes[0] == "input_dim":
        length = (new.pop("input_length", None),) if sequences else ()
        return {**new, "input_shape": (*length, value)}
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise TypeError(
            f"{class_name}(): {shapes[0]} must be a tuple such as (32, 10, 8), whose first number "
            f"is the batch size, got {value!r}"
        )
    batch_size, *sample = value
    if new.get("batch_size") not in (None, batch_size):
        raise TypeError(
            f"{class_name}() got batch_size={new['batch_size']} and {shapes[0]}={tuple(value)}"
        )
    return {**new, "input_shape": tuple(sample), "batch_size": batch_size}
