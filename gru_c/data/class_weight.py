"""Weights of classes, turned into weights of the samples that are trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Any, TypeVar, cast

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.validation import check_integer, check_real
from gru_c.data.array_file import StoredArray
from gru_c.data.batch_source import BatchSource
from gru_c.data.samples import Data
from gru_c.data.sequence_list import SequenceList
from gru_c.losses import OutputLosses
from gru_c.network.network import Network

T = TypeVar("T")

_ROWS = 65536  # number of labels that are read at a time from an array in a file


def check_class_weight(class_weight: object, sample_weight: object) -> dict[int, float] | None:
    """Return the weights of classes by their numbers; None if there are none.

    Raises
    ------
    TypeError, ValueError
        When it is not a dict of numbers, or there are weights of samples, too, as in Keras.
    """
    if class_weight is None:
        return None
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            "class_weight must be a dict of class numbers and weights such as {0: 1.0, 1: 10.0}, "
            f"got {class_weight!r}"
        )
    if sample_weight is not None:
        raise ValueError(
            "class_weight and sample_weight cannot be given together: multiply sample_weight by "
            "the weight of each sample's class"
        )
    weights = {}
    for label, weight in class_weight.items():
        whole = isinstance(label, Real) and float(label).is_integer()
        number = check_integer("a class in class_weight", int(label) if whole else label, None)
        weights[number] = check_real(f"class_weight[{label!r}]", weight)
    return weights


def weigh_classes(model: Network, data: T, class_weight: Mapping[int, float]) -> T:
    """Return data in which each sample, or time step, has the weight of its class.

    A class without a weight has the weight 1. Targets with several outputs are one-hot: the class
    is the place of the largest; other targets are rounded.

    Raises
    ------
    ValueError
        When a target is not of one class, or a batch of a source has weights of its own.
    """
    if isinstance(model.loss, OutputLosses):
        raise ValueError(
            "class_weight is for a model with one output: give sample_weight, with an array for "
            "each output"
        )
    if isinstance(data, BatchSource):
        data.change_batches(lambda batch: _weighed(model, batch, class_weight))
        return data
    assert isinstance(data, Data)
    weighed: Any = _weighed(model, data, class_weight)
    return cast(T, weighed)


def _weighed(model: Network, data: Data, class_weight: Mapping[int, float]) -> Data:
    if data.weight is not None:
        raise ValueError("class_weight and sample_weight cannot be given together")
    shape = data.first.shape(model.fixed_time)
    axes = len(model.compute_output_shape(shape))
    y = data.y
    if isinstance(y, SequenceList):
        steps = _weights_of(y.steps, axes - 1, class_weight)
        weight: Any = SequenceList(steps, y.begins, y.lengths)
    elif isinstance(y, StoredArray):
        parts = [y[slice(i, i + _ROWS)].read() for i in range(0, len(y), _ROWS)]
        weight = np.concatenate([_weights_of(part, axes, class_weight) for part in parts])
    else:
        weight = _weights_of(y, axes, class_weight, data.mask if data.per_step else None)
    sample = data.sample and _weighed(model, data.sample, class_weight)
    return replace(data, weight=weight, sample=sample)


def _weights_of(
    y: Array, axes: int, class_weight: Mapping[int, float], mask: Array | None = None
) -> Array:
    """Return the weights of targets, given the number of axes of the output."""
    classes = _classes(y, axes, mask)
    weights = np.ones(classes.shape, np.float64)
    for label, weight in class_weight.items():
        weights[classes == label] = weight
    return weights


def _classes(y: Array, axes: int, mask: Array | None) -> Array:
    """Return the class of each target, and 0 in time steps that do not count."""
    if y.ndim < axes or y.shape[-1] == 1:
        labels = y if y.ndim < axes else y[..., 0]
        labels = labels if mask is None else np.where(mask, labels, 0)
        if not np.isfinite(labels).all():
            raise ValueError("class_weight is for targets that are classes, y has NaN or infinity")
        return np.round(labels)
    largest = y == y.max(axis=-1, keepdims=True)
    several = largest.sum(axis=-1) != 1
    if mask is not None:
        several &= mask
    if several.any():
        place = ", ".join(map(str, np.argwhere(several)[0]))
        raise ValueError(
            f"class_weight wants one class for each target, and y[{place}] is "
            f"{y[tuple(np.argwhere(several)[0])].tolist()}: give sample_weight instead"
        )
    classes: Array = y.argmax(axis=-1)
    return classes
