"""How a model is trained: what Keras's ``compile`` was given, and what it would be given.

What is known here is kept. The rest is left out by name, and no exception loses the weights: a part
that is unknown, and also a loss or a metric with an unknown setting, whose numbers would be others.
Of an optimizer the setting alone is left out.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from gru_c import losses, metrics, optimizers, schedules
from gru_c.interop.keras.config import (
    Table,
    as_keras,
    options_of,
    read_spec,
    short,
)
from gru_c.models.sequential import Sequential

# Names that Keras has. Others in its files are those of somebody's own functions, even where gru_c
# has something of that name. Keras's name "accuracy" stands for AccuracyOfLoss here.
_LOSSES: Table = {
    "huber_loss": losses.Huber,  # Keras 2
    **{name: cls for name, cls in losses.LOSSES.items() if cls is not losses.QuantileLoss},
}
_METRICS: Table = {
    name: cls
    for name, cls in metrics.METRICS.items()
    if cls not in (metrics.AccuracyOfLoss, metrics.MeanOfLoss) and name != "rmse"
}
_CROSSENTROPIES = (
    losses.BinaryCrossentropy,
    losses.CategoricalCrossentropy,
    losses.SparseCategoricalCrossentropy,
)
_ACCURACY = ("accuracy", "acc")
_CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")
# Keras's wrappers of a function of its own, which the option `fn` names.
_WRAPPERS = ("LossFunctionWrapper", "MeanMetricWrapper", "SumOverBatchSizeMetricWrapper")
# Arguments of `compile` that say how to compute, and of how weights of steps are given.
_NO_EFFECT = {
    *("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"),
    *("sample_weight_mode", "pss_evaluation_shards", "from_serialized"),
}
_PARTS = {"optimizer", "optimizer_config", "loss", "metrics", "loss_weights", "weighted_metrics"}
_UNKNOWN = (ValueError, TypeError, RecursionError, OverflowError)


# ---- reading ------------------------------------------------------------------------------------


def compile_as(model: Sequential, spec: Any) -> list[str]:
    """Compile a model as Keras did, as far as gru_c has the parts; return what is left out."""
    left_out: list[str] = []
    if spec is None or spec == {}:
        return left_out
    if not isinstance(spec, dict):
        return [f"what compile was given, {short(spec)}"]
    optimizer = _kept(left_out, "optimizer", _optimizer_spec(spec), _optimizer, left_out)
    if "optimizer" in spec and spec.get("optimizer_config") not in (None, spec["optimizer"]):
        left_out.append(f"optimizer_config={short(spec['optimizer_config'])} beside an optimizer")
    loss = _kept(left_out, "loss", spec.get("loss"), _loss, left_out)
    if not _all_equal_one(spec.get("loss_weights")):
        left_out.append(f"loss_weights={short(spec['loss_weights'])}, and the loss with them")
        loss = None
    kept: dict[str, metrics.Metric] = {}
    for item in _kept(left_out, "metrics", spec.get("metrics"), _items) or []:
        metric = _kept(left_out, "metric", item, _metric, left_out)
        if metric is not None and metric.name == "loss":
            left_out.append(f"metric {_label(item)}, named 'loss' as the loss itself is")
        elif metric is not None and metric.name in kept:
            left_out.append(f"a second {metric.name!r} among the metrics")
        elif metric is not None:
            kept[metric.name] = metric
    for name in ("weighted_metrics", *sorted(set(spec) - _PARTS - _NO_EFFECT)):
        if spec.get(name) not in (None, False, [], {}):
            left_out.append(f"{name}={short(spec[name])}")
    model.compile(optimizer, loss, list(kept.values()))
    return left_out


def _optimizer_spec(spec: dict[str, Any]) -> Any:
    return spec["optimizer"] if "optimizer" in spec else spec.get("optimizer_config", {})


def _kept(
    left_out: list[str], what: str, spec: Any, make: Callable[..., Any], *others: Any
) -> Any | None:
    """Return what `make` makes of a part; None where it cannot, which is then left out."""
    try:
        return None if spec is None else make(spec, *others)
    except _UNKNOWN as error:
        left_out.append(f"{what} {_label(spec)} ({error})")
        return None


def _label(spec: Any) -> str:
    """Return what a part is called."""
    if isinstance(spec, dict) and isinstance(spec.get("class_name"), str):
        config = spec.get("config")
        spec = config if isinstance(config, str) else spec["class_name"]
    return short(spec)


def _class_and_config(spec: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of a class, or of a function, and the options, in any spelling of Keras's."""
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
    """Whether this names a function in the way of Keras 2.13 and later."""
    return (
        isinstance(spec, dict)
        and spec.get("class_name") == "function"
        and isinstance(spec.get("config"), str)
    )


def _find(name: str, table: Table) -> Callable[..., Any]:
    """Return the class of a name; ValueError that says which there are."""
    folded = {key.lower().replace("_", ""): cls for key, cls in table.items()}
    if name.lower().replace("_", "") not in folded:
        names = sorted({cls.__name__ for cls in table.values()})
        raise ValueError(f"gru_c has {', '.join(names)}")
    return folded[name.lower().replace("_", "")]


def _optimizer(spec: Any, left_out: list[str]) -> optimizers.Optimizer:
    """Make an optimizer; settings that are unknown, or cannot be, are left out.

    Raises
    ------
    ValueError, TypeError
        When there is no such optimizer here, or its learning rate is not known.
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
            taken = options_of({name: value}, inspect.signature(make).parameters)
        except ValueError:
            leave_out(f"{name}={short(value)}")
            continue
        try:
            make(**taken)
        except _UNKNOWN as error:
            leave_out(f"{name}={short(value)}", error)
        else:
            options |= taken
    clips = [name for name in _CLIPS if options.get(name) is not None]
    if len(clips) > 1:  # some versions clip by one of them, some by all
        words = " with ".join(f"{name}={options.pop(name)}" for name in clips)
        leave_out(words, "gru_c clips by one of them")
    decay = config.get("decay")
    if decay:
        rate = options.get("learning_rate", make().learning_rate)
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
    """Return the settings of an optimizer under their names of today, without `decay`.

    ``epsilon=None`` is Keras 2's default, which is the one here.
    """
    old, new = config.get("lr"), config.get("learning_rate")
    if "lr" in config and "learning_rate" in config and old != new:
        raise ValueError(f"it has lr={short(old)} and learning_rate={short(new)}")
    renamed = {"learning_rate" if name == "lr" else name: v for name, v in config.items()}
    if renamed.get("epsilon", 0) is None:
        del renamed["epsilon"]
    renamed.pop("decay", None)
    return renamed


def _rate(make: Callable[..., Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Take the learning rate out of the settings of an optimizer, and return it as an argument."""
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


def _all_equal_one(weights: Any) -> bool:
    """Whether weights of losses change nothing."""
    values = list(weights.values()) if isinstance(weights, dict) else weights
    return values is None or all(
        value is None or value == 1 for value in (values if isinstance(values, list) else [values])
    )


def _loss(spec: Any, left_out: list[str]) -> losses.Loss | None:
    """Make the loss of a model's only output; a setting that its file lacks is named."""
    while isinstance(spec, (list, dict)) and "class_name" not in spec:
        values = list(spec.values()) if isinstance(spec, dict) else spec
        if len(values) != 1:
            raise ValueError(f"{len(values)} losses, where the model has one output")
        spec = values[0]
    if spec is None:
        return None
    class_name, config = _class_and_config(spec)
    make = _find(class_name, _LOSSES)
    if (isinstance(spec, str) or _is_function(spec)) and class_name != "huber_loss":
        return losses.get(class_name)  # which keeps the name
    loss: losses.Loss = make(**_options(make, config, _LOSSES))
    _name_lost_delta(spec, config, loss, left_out)
    return loss


def _name_lost_delta(
    spec: Any, config: dict[str, Any], loss: losses.Loss, left_out: list[str]
) -> None:
    """Say of a Huber in a file without its `delta`, as Keras 3 writes it, that it is the default.

    A function has the arguments that its file says, so there the default is right.
    """
    function = isinstance(spec, str) or _is_function(spec) or spec.get("class_name") in _WRAPPERS
    if isinstance(loss, losses.Huber) and "delta" not in config and not function:
        left_out.append(f"delta of the loss 'Huber' (the file lacks it, here it is {loss.delta})")


def _options(make: Callable[..., Any], config: dict[str, Any], table: Table) -> dict[str, Any]:
    """Return the arguments for a class; ValueError where an option asks for something else."""
    function = config.get("fn")
    if function is not None and _find(_class_and_config(function)[0], table) is not make:
        raise ValueError(f"its function is {_label(function)}")
    others = {name: value for name, value in config.items() if name != "fn"}
    return options_of(others, inspect.signature(make).parameters)


def _items(spec: Any) -> list[Any]:
    """Return the metrics of the only output: of lists in lists, or under the output's name."""
    if isinstance(spec, dict) and "class_name" not in spec:
        spec = list(spec.values())
    if isinstance(spec, list):
        return [metric for item in spec for metric in _items(item)]
    return [] if spec is None else [spec]


def _metric(spec: Any, left_out: list[str]) -> metrics.Metric:
    """Make a metric; as in Keras, the loss has no part in it."""
    if isinstance(spec, str) and spec.lower() in _ACCURACY:
        return metrics.get(spec)
    class_name, config = _class_and_config(spec)
    table: Table = {**_LOSSES, **_METRICS}
    make: Any = _find(class_name, table)
    name = config.get("name") or class_name
    if not isinstance(name, str):
        raise ValueError(f"its name is {short(name)}")
    options = _options(make, {k: v for k, v in config.items() if k != "name"}, table)
    if issubclass(make, losses.Loss):
        loss = make(**options)
        _name_lost_delta(spec, config, loss, left_out)
        return metrics.MeanOfLoss(loss, name=name)
    metric: metrics.Metric = make(**options, name=name)
    return metric


# ---- writing ------------------------------------------------------------------------------------


def compile_config(model: Sequential) -> tuple[dict[str, Any] | None, list[str]]:
    """Return what Keras's ``compile`` would be given, and what of that Keras has not.

    Without an optimizer there is nothing for it, since Keras would take its default one.
    """
    left_out: list[str] = []
    optimizer = _written(left_out, "the optimizer", model.optimizer, _optimizer_as_keras)
    if optimizer is None:
        if model.loss is not None:
            left_out.append("loss and metrics, which Keras does not load without an optimizer")
        return None, left_out
    loss = _written(left_out, "the loss", model.loss, _loss_as_keras)
    items = [
        _written(left_out, f"the metric {metric.name!r}", metric, _metric_as_keras)
        for metric in model.metrics
    ]
    written = [item for item in items if item is not None]
    return {"optimizer": optimizer, "loss": loss, "metrics": written}, left_out


def _written(
    left_out: list[str], what: str, item: Any, write: Callable[[Any], Any]
) -> dict[str, Any] | str | None:
    """Return a part as Keras writes it; None where Keras has none such, which is then left out."""
    if item is None:
        return None
    try:
        config: dict[str, Any] | str = write(item)
        json.dumps(config)
    except (ValueError, TypeError):
        left_out.append(f"{what} {short(item)}")
        return None
    return config


def _as_keras(module: str, item: Any, table: Table) -> dict[str, Any]:
    if type(item) not in table.values():
        raise ValueError(f"Keras has none of {module} such as {item!r}")
    return as_keras(f"keras.{module}", type(item).__name__, item.get_config())


def _optimizer_as_keras(optimizer: optimizers.Optimizer) -> dict[str, Any]:
    return _as_keras("optimizers", optimizer, optimizers.OPTIMIZERS)


def _loss_as_keras(loss: losses.Loss) -> dict[str, Any]:
    return _as_keras("losses", loss, _LOSSES)


def _metric_as_keras(metric: metrics.Metric) -> dict[str, Any] | str:
    """Return a metric's configuration: of an accuracy, that of the one which goes with the loss."""
    if type(metric) is metrics.MeanOfLoss and type(metric.loss) in _CROSSENTROPIES:
        config = _as_keras("metrics", metric.loss, _LOSSES)
        return {**config, "config": {**config["config"], "name": metric.name}}
    if type(metric) is metrics.AccuracyOfLoss:
        loss, name = metric.loss, metric.name
        if isinstance(loss, losses.BinaryCrossentropy):
            metric = metrics.BinaryAccuracy(0.0 if loss.from_logits else 0.5, name)
        elif isinstance(loss, losses.SparseCategoricalCrossentropy):
            metric = metrics.SparseCategoricalAccuracy(name)
        elif isinstance(loss, losses.CategoricalCrossentropy):
            metric = metrics.CategoricalAccuracy(name)
        elif name.lower() in _ACCURACY:
            return name
    return _as_keras("metrics", metric, _METRICS)
