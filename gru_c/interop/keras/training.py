"""Conversion of the arguments of ``compile`` from Keras's configurations.

Unknown parts are left out, and a warning names them; they never prevent the loading of weights. A
loss or a metric with an unknown setting is left out, since it would have other values. Of an
optimizer only the unknown setting is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from gru_c import losses, metrics, optimizers, schedules
from gru_c.interop.keras.config import (
    Table,
    options_of,
    read_spec,
    short,
)
from gru_c.layers.base.tensor import flattened
from gru_c.network.compiling import weight_of_loss

# The names that Keras has. Any other name in its files is that of a user's function, even if gru_c
# has something of that name. Keras's "accuracy" is AccuracyOfLoss in gru_c.
KERAS_LOSSES: Table = {
    "huber_loss": losses.Huber,  # Keras 2
    **{name: cls for name, cls in losses.LOSSES.items() if cls is not losses.QuantileLoss},
}
KERAS_METRICS: Table = {
    name: cls
    for name, cls in metrics.METRICS.items()
    if cls not in (metrics.AccuracyOfLoss, metrics.MeanOfLoss) and name != "rmse"
}
_METRICS_READ: Table = {  # a cross-entropy among the metrics becomes the mean of a loss
    name: cls
    for name, cls in KERAS_METRICS.items()
    if name not in ("binary_crossentropy", "categorical_crossentropy")
    and name != "sparse_categorical_crossentropy"
}
_MEANS = ("auto", "sum_over_batch_size", "mean")
ACCURACY = ("accuracy", "acc")
_CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")
# Keras's classes that wrap one of its functions, which the option `fn` names.
_WRAPPERS = ("LossFunctionWrapper", "MeanMetricWrapper", "SumOverBatchSizeMetricWrapper")
# Arguments of `compile` that do not change results.
_NO_EFFECT = {
    *("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"),
    *("sample_weight_mode", "pss_evaluation_shards", "from_serialized"),
}
_PARTS = {"optimizer", "optimizer_config", "loss", "metrics", "loss_weights", "weighted_metrics"}
WEIGHTED = "weighted_metrics"
_UNKNOWN = (ValueError, TypeError, RecursionError, OverflowError)


def compile_as(model: Any, spec: Any) -> list[str]:
    """Compile a model as Keras did, with the parts that gru_c has; return those left out."""
    left_out: list[str] = []
    if spec is None or spec == {}:
        return left_out
    if not isinstance(spec, dict):
        return [f"what compile was given, {short(spec)}"]
    if isinstance(model.output_shape, (list, dict)):
        return _compile_outputs(model, spec)
    optimizer = _make_or_none(left_out, "optimizer", _optimizer_spec(spec), _optimizer, left_out)
    if "optimizer" in spec and spec.get("optimizer_config") not in (None, spec["optimizer"]):
        left_out.append(f"optimizer_config={short(spec['optimizer_config'])} beside an optimizer")
    loss = _make_or_none(left_out, "loss", spec.get("loss"), _loss, left_out)
    weight = _make_or_none(left_out, "loss_weights", spec.get("loss_weights"), weight_of_loss)
    if weight is None and spec.get("loss_weights") is not None:
        left_out.append("the loss with them")
        loss = None
    names: set[str] = set()
    plain, weighted = (
        _metrics_of(part, spec.get(part), names, left_out) for part in ("metrics", WEIGHTED)
    )
    for name in sorted(set(spec) - _PARTS - _NO_EFFECT):
        if spec.get(name) not in (None, False, [], {}):
            left_out.append(f"{name}={short(spec[name])}")
    model.compile(optimizer, loss, plain, weight, weighted)
    return left_out


def _compile_outputs(model: Any, spec: dict[str, Any]) -> list[str]:
    """Compile a model with several outputs, without metrics; return the parts left out."""
    left_out: list[str] = []
    optimizer = _make_or_none(left_out, "optimizer", _optimizer_spec(spec), _optimizer, left_out)
    given, weights = spec.get("loss"), spec.get("loss_weights")
    if isinstance(given, (list, dict)) and not (isinstance(given, dict) and "class_name" in given):
        keys = list(given) if isinstance(given, dict) else range(len(given))
        read = {key: _make_or_none(left_out, "loss", given[key], _loss, left_out) for key in keys}
        loss: Any = read if isinstance(given, dict) else list(read.values())
    else:
        loss = _make_or_none(left_out, "loss", given, _loss, left_out)
    left_out += [
        f"the {part} of several outputs" for part in ("metrics", WEIGHTED) if spec.get(part)
    ]
    if loss is None or (left_out and all(item is None for item in flattened(loss))):
        return [*left_out, "the optimizer without a loss"]
    try:
        model.compile(optimizer, loss, loss_weights=weights)
    except (ValueError, TypeError) as error:
        left_out.append(f"what compile was given ({error})")
    return left_out


def _metrics_of(part: str, specs: Any, names: set[str], left_out: list[str]) -> list[Any]:
    """Return the metrics of an argument of `compile`; `names` are taken, and new ones are added."""
    made = []
    for item in _make_or_none(left_out, part, specs, _items) or []:
        metric = _make_or_none(left_out, "metric", item, _metric, left_out)
        name = None if metric is None else metric.name
        if name in names and part == WEIGHTED:
            name = f"weighted_{name}"  # as `compile` calls it
        if name is None:
            continue
        if name == "loss":
            left_out.append(f"metric {_label(item)}, named 'loss' as the loss itself is")
        elif name in names:
            left_out.append(f"a second {name!r} among the metrics")
        else:
            names.add(name)
            made.append(metric)
    return made


def _optimizer_spec(spec: dict[str, Any]) -> Any:
    return spec["optimizer"] if "optimizer" in spec else spec.get("optimizer_config", {})


def _make_or_none(
    left_out: list[str], part: str, spec: Any, make: Callable[..., Any], *others: Any
) -> Any | None:
    """Return the result of `make` for a part; None if it fails, and the part is left out."""
    try:
        return None if spec is None else make(spec, *others)
    except _UNKNOWN as error:
        left_out.append(f"{part} {_label(spec)} ({error})")
        return None


def _label(spec: Any) -> str:
    """Return the name of a part for messages."""
    if isinstance(spec, dict) and isinstance(spec.get("class_name"), str):
        config = spec.get("config")
        spec = config if isinstance(config, str) else spec["class_name"]
    return short(spec)


def _class_and_config(spec: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of a class or a function, and its options, from any of Keras's spellings."""
    if isinstance(spec, str):
        return spec, {}
    if _is_function(spec):
        return spec["config"], {}
    class_name, config = read_spec(spec)
    if class_name in _WRAPPERS:
        function, _ = _class_and_config(config.get("fn"))
        return function, {name: value for name, value in config.items() if name != "fn"}
    return class_name, config


def _is_function(spec: Any) -> bool:
    """Return True for the name of a function as Keras 2.13 and later write it."""
    return (
        isinstance(spec, dict)
        and spec.get("class_name") == "function"
        and isinstance(spec.get("config"), str)
    )


def _find(name: str, table: Table) -> Callable[..., Any]:
    """Return the class of a name; raise ValueError, which lists the known ones."""
    folded = {key.lower().replace("_", ""): cls for key, cls in table.items()}
    if name.lower().replace("_", "") not in folded:
        names = sorted({cls.__name__ for cls in table.values()})
        raise ValueError(f"gru_c has {', '.join(names)}")
    return folded[name.lower().replace("_", "")]


def _optimizer(spec: Any, left_out: list[str]) -> optimizers.Optimizer:
    """Return the optimizer; unknown and invalid settings are left out.

    Raises
    ------
    ValueError, TypeError
        When gru_c lacks the optimizer, or its learning rate is unknown.
    """
    if spec == {}:
        raise ValueError("the file names none")
    if isinstance(spec, dict) and "module" not in spec and isinstance(spec.get("class_name"), str):
        # Keras 2 calls its own "Custom>Adam".
        spec = {**spec, "class_name": spec["class_name"].removeprefix("Custom>")}
    class_name, config = _class_and_config(spec)
    make = _find(class_name, optimizers.OPTIMIZERS)
    settings = _renamed(config)
    options = _rate(make, settings)
    unknown = []

    def leave_out(words: str, error: object = None) -> None:
        reason = "" if error is None else f" ({error})"
        unknown.append(f"{words} of the optimizer {class_name}{reason}")

    for name, value in settings.items():
        try:
            arguments = options_of({name: value}, inspect.signature(make).parameters)
        except ValueError:
            leave_out(f"{name}={short(value)}")
            continue
        try:
            make(**arguments)
        except _UNKNOWN as error:
            leave_out(f"{name}={short(value)}", error)
        else:
            options |= arguments
    clips = [name for name in _CLIPS if options.get(name) is not None]
    if len(clips) > 1:  # Keras's versions differ: some clip by one of them, some by all
        words = " with ".join(f"{name}={options.pop(name)}" for name in clips)
        leave_out(words, "gru_c clips by one of them")
    decay = config.get("decay")
    if decay:
        rate = options.get("learning_rate", make().rate_or_schedule)
        try:
            if isinstance(rate, schedules.Schedule):
                raise ValueError("beside a schedule")
            options["learning_rate"] = schedules.InverseTimeDecay(rate, 1, decay)
        except _UNKNOWN as error:
            leave_out(f"decay={short(decay)}", error)
    optimizer: optimizers.Optimizer = make(**options)
    left_out += unknown
    return optimizer


def _renamed(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of an optimizer under their current names, without `decay`.

    ``epsilon=None`` stands for Keras 2's default, which is that of gru_c.
    """
    old, new = config.get("lr"), config.get("learning_rate")
    if "lr" in config and "learning_rate" in config and old != new:
        raise ValueError(f"it has lr={short(old)} and learning_rate={short(new)}")
    renamed = {"learning_rate" if name == "lr" else name: v for name, v in config.items()}
    if renamed.get("epsilon", 0) is None:
        del renamed["epsilon"]
    renamed.pop("decay", None)
    renamed.pop("name", None)  # it changes nothing
    return renamed


def _rate(make: Callable[..., Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Remove the learning rate from the settings of an optimizer, and return it as an argument."""
    rate = settings.pop("learning_rate", None)
    if rate is None:
        return {}
    if not isinstance(rate, (int, float)):
        try:
            rate = _schedule(rate)
        except _UNKNOWN as error:
            raise ValueError(f"its learning_rate {_label(rate)}: {error}") from error
    make(learning_rate=rate)
    return {"learning_rate": rate}


def _schedule(spec: Any) -> schedules.Schedule:
    class_name, config = _class_and_config(spec)
    make = _find(class_name, schedules.SCHEDULES)
    schedule: schedules.Schedule = make(**options_of(config, inspect.signature(make).parameters))
    return schedule


def _loss(spec: Any, left_out: list[str]) -> losses.Loss | None:
    """Return the loss of the model's only output; a setting that the file lacks is reported."""
    while isinstance(spec, (list, dict)) and "class_name" not in spec:
        values = list(spec.values()) if isinstance(spec, dict) else spec
        if len(values) != 1:
            raise ValueError(f"{len(values)} losses, where the model has one output")
        spec = values[0]
    if spec is None:
        return None
    class_name, config = _class_and_config(spec)
    make = _find(class_name, KERAS_LOSSES)
    if (isinstance(spec, str) or _is_function(spec)) and class_name != "huber_loss":
        return losses.get(class_name)  # so that the model's loss keeps its name
    loss: losses.Loss = make(**_options(make, config, KERAS_LOSSES))
    loss.require_reduction()
    _report_lost_delta(spec, config, loss, left_out)
    return loss


def _report_lost_delta(
    spec: Any, config: dict[str, Any], loss: losses.Loss, left_out: list[str]
) -> None:
    """Report a Huber loss whose `delta` is not in the file: gru_c uses the default.

    Keras 3 does not write the `delta` of the class. A function has the arguments that the file
    gives, so its default is right.
    """
    function = isinstance(spec, str) or _is_function(spec) or spec.get("class_name") in _WRAPPERS
    if isinstance(loss, losses.Huber) and "delta" not in config and not function:
        left_out.append(f"delta of the loss 'Huber' (the file lacks it, here it is {loss.delta})")


def _options(make: Any, config: dict[str, Any], table: Table) -> dict[str, Any]:
    """Return the arguments for a class; raise ValueError for an option it lacks."""
    function = config.get("fn")
    if function is not None and _find(_class_and_config(function)[0], table) is not make:
        raise ValueError(f"its function is {_label(function)}")
    others = {name: value for name, value in config.items() if name != "fn"}
    if issubclass(make, losses.Loss):  # its name is the one in messages; "auto" is Keras 2's mean
        others.pop("name", None)
        if others.get("reduction") in _MEANS:
            del others["reduction"]
    return options_of(others, inspect.signature(make).parameters)


def _items(spec: Any) -> list[Any]:
    """Return the metrics of the only output, from nested lists or a dict by the output's name."""
    if isinstance(spec, dict) and "class_name" not in spec:
        spec = list(spec.values())
    if isinstance(spec, list):
        return [metric for item in spec for metric in _items(item)]
    return [] if spec is None else [spec]


def _metric(spec: Any, left_out: list[str]) -> metrics.Metric:
    """Return the metric; as in Keras, it does not depend on the loss."""
    if isinstance(spec, str) and spec.lower() in ACCURACY:
        return metrics.get(spec)
    class_name, config = _class_and_config(spec)
    table: Table = {**KERAS_LOSSES, **_METRICS_READ}
    make: Any = _find(class_name, table)
    name = config.get("name") or class_name
    if not isinstance(name, str):
        raise ValueError(f"its name is {short(name)}")
    options = _options(make, {k: v for k, v in config.items() if k != "name"}, table)
    if issubclass(make, losses.Loss):
        loss = make(**options)
        _report_lost_delta(spec, config, loss, left_out)
        return metrics.MeanOfLoss(loss, name=name)
    metric: metrics.Metric = make(**options, name=name)
    return metric
