"""Keras's configurations of objects: a class, and its options.

Class names are looked up in this package's tables. An option is read if the class of this package
has it, ignored if it does not change results, and otherwise named in an exception.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

from gru_c.common.registry import lookup
from gru_c.common.user_classes import class_of_user
from gru_c.constraints import CONSTRAINTS
from gru_c.initializers import INITIALIZERS
from gru_c.regularizers import REGULARIZERS
from gru_c.schedules import SCHEDULES

Table = Mapping[str, Callable[..., Any]]

# Options that hold an object, by their last word: its kind, its module in Keras, our classes.
_KINDS: dict[str, tuple[str, str, Table]] = {
    "initializer": ("initializer", "keras.initializers", INITIALIZERS),
    "regularizer": ("regularizer", "keras.regularizers", REGULARIZERS),
    "constraint": ("constraint", "keras.constraints", CONSTRAINTS),
    "learning_rate": ("learning-rate schedule", "keras.optimizers.schedules", SCHEDULES),
}

# Options of Keras that do not change results: names, ways to compute, origins of objects.
_IGNORED = {
    *("name", "dtype", "batch_shape", "batch_input_shape", "input_length", "optional", "seed"),
    "vocabulary_size",
    *(
        "unroll",
        "implementation",
        "use_cudnn",
        "supports_masking",
        "jit_compile",
        "is_legacy_optimizer",
    ),
    # parts of use_ema, lora_rank, renorm
    *("ema_momentum", "ema_overwrite_frequency", "lora_alpha", "renorm_momentum"),
}
# Options that only Keras has, with the values that have no effect. For all other options these are
# None and False, the usual defaults of new options.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "trainable": (True,),
    "data_format": ("channels_last", None),
    "reduction": ("sum_over_batch_size", "auto", "mean"),
    "label_smoothing": (0,),
    "axis": (-1,),
    "attention_axes": ([1], (1,), None),
    "oov_method": ("floormod",),
}


def last_word(option: str) -> str:
    """Return "initializer" for "kernel_initializer"."""
    return option.rpartition("_")[2]


def kind_of(option: str) -> tuple[str, str, Table] | None:
    """Return the kind of object that an option holds, with its module and classes, or None."""
    return _KINDS.get(option) or _KINDS.get(last_word(option))


def read_spec(spec: object) -> tuple[str, dict[str, Any]]:
    """Return the class name and the options of one of Keras's own classes.

    Raises
    ------
    ValueError
        When `spec` is damaged, a function, or a class that is not Keras's.
    """
    if not isinstance(spec, dict):
        raise ValueError(f"a configuration must be a dict, got {short(spec)}")
    class_name, config = spec.get("class_name"), spec.get("config")
    if not isinstance(class_name, str) or not isinstance(config, dict):
        raise ValueError(
            f"no 'class_name' with a 'config' of one of Keras's classes: {short(spec)}"
        )
    module = str(spec.get("module") or "keras").partition(".")[0]
    if module not in ("keras", "tf_keras") or spec.get("registered_name") not in (None, class_name):
        raise ValueError(
            f"{class_name!r} is a class of somebody's own, from {spec.get('module')!r}"
        )
    return class_name, config


def options_of(config: Mapping[str, Any], known_names: Collection[str]) -> dict[str, Any]:
    """Return the options with known names; raise ValueError for another one that has an effect."""
    options = {}
    for name, value in config.items():
        if name in known_names:
            options[name] = value
        elif name not in _IGNORED:
            require_neutral(name, value)
    return options


def require_neutral(name: str, value: object) -> None:
    """Raise ValueError if an option that only Keras has is set to a value with an effect."""
    if value not in _NEUTRAL[name] if name in _NEUTRAL else value not in (None, False):
        raise ValueError(f"gru_c has nothing for {name}={short(value)}")


def known(kind: str, spec: Any, table: Table) -> Any:
    """Return Keras's configuration of an object as `gru_c` writes it; names and None stay."""
    if spec is None or isinstance(spec, (str, int, float)):
        return spec
    class_name, config = read_spec(spec)
    cls = class_of_user(class_name, object) or lookup(kind, class_name, table)
    options = options_of(config, inspect.signature(cls).parameters)
    return {
        "class_name": class_name,
        "config": {name: nested(name, value) for name, value in options.items()},
    }


def nested(option: str, value: Any) -> Any:
    """Return the value of an option as `gru_c` writes it, also if it is an object."""
    kind = kind_of(option)
    return value if kind is None else known(kind[0], value, kind[2])


def as_keras(module: str, class_name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return Keras's configuration of an object, given that of `registry.serialize`."""
    return {
        "module": module,
        "class_name": class_name,
        "config": {name: _value_as_keras(name, value) for name, value in config.items()},
        "registered_name": None,
    }


def _value_as_keras(option: str, value: Any) -> Any:
    kind = kind_of(option)
    if kind is None or not isinstance(value, dict):
        return value
    return as_keras(kind[1], value["class_name"], value["config"])


def short(value: object) -> str:
    """Return the representation of a value, cut to at most 80 characters."""
    try:
        text = repr(value)
    except RecursionError:
        return "a list in lists, too deep to write"
    return text if len(text) <= 80 else f"{text[:77]}..."
