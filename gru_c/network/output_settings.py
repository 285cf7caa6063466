"""The losses and metrics of a graph with several outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gru_c import losses
from gru_c.common.array_group import ArrayGroup
from gru_c.common.arrays import Array, as_real
from gru_c.common.attributes import assign
from gru_c.common.validation import check_real
from gru_c.losses import Loss, OutputLosses
from gru_c.metrics import Metric
from gru_c.network import compiling
from gru_c.network.structure import Structure


class OutputLossMean(Metric):
    """The mean of the loss of one output over all samples, which `fit` and `evaluate` report.

    Parameters
    ----------
    name : str
    """

    direction = "min"

    def add(self, value: float, samples: int) -> None:
        """Add the loss of a batch."""
        self._sum += value * samples
        self._count += samples

    def result(self) -> float:
        """Return the mean."""
        return self._sum / self._count if self._count else float("nan")


class OutputMetrics:
    """The metrics of each output.

    Attributes
    ----------
    means : list of OutputLossMean or None
        Of each output; None if only one output has a loss, or this one has none.
    plain, weighted : list of list of Metric
        Of each output.
    """

    def __init__(
        self,
        means: list[OutputLossMean | None],
        plain: list[list[Metric]],
        weighted: list[list[Metric]],
    ) -> None:
        self.means, self.plain, self.weighted = means, plain, weighted

    @property
    def all(self) -> list[Metric]:
        """All metrics, in the order in which `evaluate` returns their results."""
        means: list[Metric] = [mean for mean in self.means if mean is not None]
        rows = zip(self.plain, self.weighted, strict=True)
        return [*means, *(item for plain, weighted in rows for item in [*plain, *weighted])]

    def update(
        self, loss: OutputLosses, y: Any, outputs: ArrayGroup, weight: Any, mask: Any
    ) -> None:
        """Add a batch."""
        nothing = [None] * len(self.means)
        weights, masks = nothing if weight is None else weight, nothing if mask is None else mask
        rows = zip(self.means, self.plain, self.weighted, y, outputs, weights, masks, strict=True)
        for i, (mean, plain, weighted, target, output, row_weight, row_mask) in enumerate(rows):
            value = loss.values[i]
            if mean is not None and value is not None:
                mean.add(value, len(output))
            if target is None:
                continue
            options: dict[str, Any] = {} if row_mask is None else {"mask": row_mask}
            for metric in plain:
                metric.update(target, output, **options)
            if row_weight is not None:
                options["sample_weight"] = row_weight
            for metric in weighted:
                metric.update(target, output, **options)


def losses_of(structure: Structure, loss: Any, weights: Any) -> OutputLosses:
    """Return the losses of the outputs; one loss stands for all of them.

    Raises
    ------
    ValueError, TypeError
        If a name does not exist, or no output has a loss.
    """
    single = not isinstance(loss, (list, tuple, Mapping)) or (
        isinstance(loss, Mapping) and "class_name" in loss
    )
    specs = [loss] * structure.size if single else structure.ordered("loss", loss, missing=None)
    made: list[Loss | None] = [None if spec is None else losses.get(spec) for spec in specs]
    if not any(item is not None for item in made):
        raise ValueError("no output has a loss: give at least one of them one")
    factors = [1.0] * structure.size
    if weights is not None:
        given = structure.ordered("loss_weights", weights, missing=1.0)
        factors = [1.0 if w is None else check_real("loss_weights", w) for w in given]
    result = OutputLosses(structure.keys, made, factors)
    result.require_reduction()
    return result


def metrics_of(
    structure: Structure, loss: OutputLosses, specs: Any, weighted_specs: Any
) -> OutputMetrics:
    """Return the metrics of the outputs; their names begin with those of the outputs."""
    plain = _specs("metrics", structure, specs)
    weighted = _specs("weighted_metrics", structure, weighted_specs)
    several = sum(item is not None for item in loss.losses) > 1
    means: list[OutputLossMean | None] = []
    rows = ([], [])  # type: tuple[list[list[Metric]], list[list[Metric]]]
    for name, one, mine, heavy in zip(structure.keys, loss.losses, plain, weighted, strict=True):
        means.append(OutputLossMean(f"{name}_loss") if several and one is not None else None)
        made = compiling.all_metrics(mine, heavy, one)
        for row, items in zip(rows, made, strict=True):
            for metric in items:
                assign(metric, name=f"{name}_{metric.name}")
            row.append(items)
    return OutputMetrics(means, *rows)


def _specs(what: str, structure: Structure, specs: Any) -> list[list[Any]]:
    if specs is None:
        return [[] for _ in structure.names]
    items = structure.ordered(what, specs, missing=None)
    return [
        [] if item is None else list(item) if isinstance(item, (list, tuple)) else [item]
        for item in items
    ]


def checked_targets(
    structure: Structure,
    loss: OutputLosses,
    y: Any,
    weight: Any,
    shapes: list[tuple[int, ...]],
    count: int,
) -> tuple[ArrayGroup, ArrayGroup | None]:
    """Return the targets and weights of the outputs, each checked against its loss."""
    optional = any(item is None for item in loss.losses)
    given = structure.ordered("y", y, missing=None if optional else ...)
    weights: list[Any] = [None] * structure.size
    if weight is not None:
        whole = not isinstance(weight, (list, tuple, Mapping))
        weights = (
            [weight] * structure.size
            if whole
            else structure.ordered("sample_weight", weight, missing=None)
        )
    targets: list[Any] = []
    checked_weights: list[Array | None] = []
    rows = zip(structure.keys, loss.losses, given, weights, shapes, strict=True)
    for name, one, target, row_weight, shape in rows:
        if target is None:
            if one is not None:
                raise ValueError(f"y has None for output {name!r}, which has a loss")
            targets.append(None)
            checked_weights.append(None)
            continue
        array = as_real(f"y of output {name!r}", target)
        if array.ndim == 0 or len(array) != count:
            raise ValueError(f"x has {count} samples, y of output {name!r} shape {array.shape}")
        if one is not None:
            try:
                array, row_weight = one.check(array, shape, row_weight)
            except (ValueError, TypeError) as error:
                raise type(error)(f"output {name!r}: {error}") from None
        targets.append(array)
        checked_weights.append(row_weight)
    has_weights = any(item is not None for item in checked_weights)
    return ArrayGroup(targets), ArrayGroup(checked_weights) if has_weights else None


def require_one_number(every: OutputMetrics, shapes: list[Any]) -> None:
    """Raise ValueError for a metric whose result is not one number."""
    for plain, weighted, shape in zip(every.plain, every.weighted, shapes, strict=True):
        for metric in [*plain, *weighted]:
            metric.require_number(shape)
