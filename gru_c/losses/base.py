"""Base class of the losses: checks of targets, weights of samples, and the mean."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any, ClassVar, TypedDict

import numpy as np
import numpy.typing as npt

from gru_c.common import keras_names
from gru_c.common.arrays import Array
from gru_c.common.registry import Configurable, snake_case
from gru_c.losses import targets
from gru_c.losses.reduction import REDUCTIONS, quiet, reduce, require_finite, spread, weighted


class LossOptions(TypedDict, total=False):
    """Arguments of all losses; see `Loss`."""

    reduction: str | None
    name: str | None


class Loss(Configurable):
    """Base of all losses.

    A subclass defines ``call``, as for Keras, with functions of `gru_c.ops`; or `per_sample` and
    `per_sample_gradient`. It keeps each constructor argument in an attribute of the same name. The
    arrays that its methods get are read-only. The results are checked: they must be real numbers of
    the right shape, and the gradient of a finite loss must be finite.

    Parameters
    ----------
    reduction : str, optional
        The loss of a batch, from the weighted values of its samples: their mean
        ("sum_over_batch_size" or "mean"), their "sum", or their sum over the sum of the weights
        ("mean_with_sample_weight"). With None, or "none", a call returns the values; a model cannot
        be trained on that.
    name : str, optional
        The name of the loss in messages.

    Attributes
    ----------
    name : str
        The name given to the constructor or to `get`, else the name of the class in snake case.
    """

    _keras_names = keras_names.LOSS
    _advice: ClassVar = {"name": "cannot be set: it is the name that the loss was asked for by"}
    _derived: ClassVar = {"function": ("_asked_name",)}
    _seldom_given: ClassVar = frozenset(("reduction", "name", "label_smoothing"))
    _asked_name: str | None = None
    _given_name: str | None = None
    _shape_hint = ""
    reduction: str | None = "sum_over_batch_size"

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Let a user's class that defines Keras's ``call`` derive from `CalledLoss`."""
        super().__init_subclass__(**arguments)
        if "call" in vars(cls) and cls.per_sample is Loss.per_sample and Loss in cls.__bases__:
            called = import_module("gru_c.losses.called_loss").CalledLoss  # a subclass of this one
            cls.__bases__ = tuple(called if base is Loss else base for base in cls.__bases__)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        self.reduction = None if reduction == "none" else reduction
        if self.reduction not in REDUCTIONS:
            known = ", ".join(map(repr, REDUCTIONS))
            raise ValueError(
                f"{type(self).__name__}: reduction must be one of {known}, got {reduction!r}"
            )
        if name is not None and not isinstance(name, str):
            raise TypeError(f"the name of a loss must be a string, got {name!r}")
        self._given_name = name

    def _argument(self, name: str) -> Any:
        return self._given_name if name == "name" else super()._argument(name)

    @property
    def name(self) -> str:
        """The name of the loss in messages and in the history."""
        return self._given_name or self._asked_name or snake_case(type(self).__name__)

    @property
    def paired_activation(self) -> str | None:
        """The activation with which this loss has the gradient p - y, or None."""
        return None

    @property
    def _owner(self) -> str:
        return f"loss {self.name!r}"

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the values of the samples.

        Parameters
        ----------
        y_true : ndarray
            Targets of the shape of `y_pred`; labels lack its last axis.
        y_pred : ndarray of float64, shape (n, ..., outputs)
            Predictions; the method must not change them.

        Returns
        -------
        ndarray of float64, shape (n, ...)
        """
        raise NotImplementedError(f"{type(self).__name__} must define per_sample(y_true, y_pred)")

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative of each sample's value by its predictions, in their shape.

        The arguments are those of `per_sample`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define per_sample_gradient(y_true, y_pred)"
        )

    def pre_activation_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by the input of `paired_activation`.

        `y_pred` is the output of the activation. Otherwise the same as `per_sample_gradient`.
        """
        raise ValueError(f"{self._owner} has no paired activation, so logits=True has no meaning")

    def check(
        self,
        y_true: npt.ArrayLike,
        output_shape: tuple[int, ...],
        sample_weight: npt.ArrayLike | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array | None]:
        """Check all targets and weights, before anything is computed or changed.

        Parameters
        ----------
        y_true : array_like
            Targets of shape `output_shape`, or without its last axis if that is 1. Labels of a
            sparse loss lack the last axis, or have 1 in its place.
        output_shape : tuple of int
            The shape of the predictions, (n, ..., outputs).
        sample_weight : array_like, optional
            Weights of shape (n,), or of `output_shape` without its last axis; one number is the
            weight of all samples.
        mask : ndarray of bool, optional
            True for the time steps that count, (n, T); targets of the others are not checked.

        Returns
        -------
        y_true : ndarray
            The targets in the first of these shapes, copied only to convert labels.
        sample_weight : ndarray or None

        Raises
        ------
        TypeError
            If a dtype is not bool, integer or float.
        ValueError
            If a shape does not fit, a label is not a class, a target of a cross-entropy is not in
            [0, 1], or a weight is not finite. NaN is a valid target of a regression.
        """
        output_shape = targets.output_shape(self._owner, output_shape)
        y = self._shaped(y_true, output_shape)
        weight = self._weights(sample_weight, output_shape)
        if weight is not None:
            targets.check_finite_weights(self._owner, weight)
        if mask is None:
            y = self._labels(y, output_shape)
            self._check_values(y)
        else:
            (counting,) = targets.counting(self._owner, mask, y)
            self._check_values(self._labels(counting, output_shape))
        return y, weight

    def __call__(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: Array | None = None,
    ) -> Any:
        """Return the loss as a float, 0.0 without samples; with ``reduction=None`` the values.

        Parameters and errors are those of `check`; `y_pred` has the shape (n, ..., outputs). The
        values have its shape without the last axis, with zeros where the mask is False.
        """
        if hasattr(y_pred, "_record"):
            from gru_c.losses.traced_function import of_tensors  # imports gru_c.ops

            return of_tensors(self, y_true, y_pred, sample_weight, mask)
        if mask is None:
            return self._value(y_true, y_pred, sample_weight)
        value = self._value(*self._counting(y_true, y_pred, sample_weight, mask))
        if self.reduction is not None:
            return value
        values = np.zeros(np.shape(y_pred)[:-1])
        values[mask] = value
        return values

    def _value(
        self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, sample_weight: npt.ArrayLike | None
    ) -> Any:
        """Return the loss of samples whose time steps all count."""
        p = targets.predictions(self._owner, y_pred)
        y, weight = self.check(y_true, p.shape, sample_weight)
        with quiet():
            values = self._call("per_sample", y, p.astype(np.float64, copy=False))
            if self.reduction is None:
                return weighted(values, weight)
            return reduce(values, weight, self._divisor(p.shape, weight))

    def _divisor(self, output_shape: tuple[int, ...], weight: Array | None) -> float:
        """Return the number by which the sum of the samples' weighted values is divided."""
        count = max(1, math.prod(output_shape[:-1]))
        if self.reduction in ("sum_over_batch_size", "mean"):
            return count
        if self.reduction == "mean_with_sample_weight":
            if weight is None:
                return count
            weights = np.broadcast_to(spread(weight, len(output_shape) - 1), output_shape[:-1])
            return float(weights.sum()) or 1.0
        self.require_reduction()
        return 1.0

    def require_reduction(self) -> None:
        """Raise ValueError for a loss that returns values instead of their mean or sum."""
        if self.reduction is None:
            raise ValueError(
                f"{self._owner} with reduction=None has a value for each sample and no gradient; "
                "to train on it, write reduction='sum_over_batch_size' or 'sum'"
            )

    def require_mean(self, purpose: str) -> None:
        """Raise ValueError unless the loss is the mean over the samples, for a purpose."""
        if self.reduction not in ("sum_over_batch_size", "mean"):
            raise ValueError(
                f"{self._owner} with reduction={self.reduction!r} cannot be put together from the "
                f"parts of a batch, as {purpose} does: write reduction='sum_over_batch_size'"
            )

    def sample_values(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        """Return the values of the samples without weights, float64 of shape (n, ...).

        Arguments and checks are those of `value_and_gradient`.
        """
        p = targets.predictions(self._owner, y_pred)
        y = self._fit(y_true, p.shape)
        with quiet():
            return self._call("per_sample", y, p.astype(np.float64, copy=False))

    def value_and_gradient(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        logits: bool = False,
        mask: Array | None = None,
    ) -> tuple[float, Array]:
        """Return the loss and its gradient.

        Dtypes, shapes and labels are checked here, too; other values are only checked by `check`.

        Parameters
        ----------
        y_true, sample_weight : array_like
            See `check`.
        y_pred : array_like, shape (n, ..., outputs)
            Predictions.
        logits : bool
            True if `y_pred` is the output of `paired_activation` and the gradient by its input is
            wanted: (p - y) * weight / count, which is right even where p was rounded to 0 or 1.
        mask : ndarray of bool, optional
            True for the time steps that count, (n, T). The loss is the one of these steps, and the
            gradient of the others is zero.

        Returns
        -------
        value : float
        gradient : ndarray
            A new array of the shape and dtype of `y_pred` (float64 if that contains integers).

        Raises
        ------
        ValueError
            If `logits` is true for a loss without `paired_activation`; and see `check`.
        """
        if mask is not None:
            return self._of_counting(y_true, y_pred, sample_weight, logits, mask)
        return self._value_and_gradient(y_true, y_pred, sample_weight, logits)

    def _value_and_gradient(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        logits: bool,
    ) -> tuple[float, Array]:
        """Return the loss and the gradient of samples whose time steps all count."""
        p = targets.predictions(self._owner, y_pred)
        y = self._fit(y_true, p.shape)
        weight = self._weights(sample_weight, p.shape)
        p64 = p.astype(np.float64, copy=False)
        derivative = "pre_activation_gradient" if logits else "per_sample_gradient"
        with quiet():
            count = self._divisor(p.shape, weight)
            value = reduce(self._call("per_sample", y, p64), weight, count)
            scale = 1 / count if weight is None else spread(weight, p.ndim) / count
            gradient = self._call(derivative, y, p64) * scale
            if self._by_user:
                require_finite(self._method(derivative), value, gradient)
            dtype = p.dtype if p.dtype.kind == "f" else np.dtype(np.float64)
            return value, gradient.astype(dtype, copy=False)

    def _method(self, name: str) -> str:
        return f"{self._owner}: {type(self).__name__}.{name}"

    def _call(self, name: str, y: Array, p: Array) -> Array:
        """Return the result of a method, which is checked for a user's class."""
        method = getattr(self, name)
        if not self._by_user:
            result: Array = method(y, p)
            return result
        result = targets.real_result(
            self._method(name), method(targets.read_only(y), targets.read_only(p))
        )
        wanted = p.shape[:-1] if name == "per_sample" else p.shape
        if result.shape != wanted:
            meaning = "a value for each sample" if name == "per_sample" else "the shape of y_pred"
            raise ValueError(
                f"{self._method(name)} must return an array of shape {wanted}, {meaning}, got "
                f"{result.shape} for y_pred of shape {p.shape}"
            )
        return result

    def _of_counting(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        logits: bool,
        mask: Array,
    ) -> tuple[float, Array]:
        """Return the loss of the time steps that count, and its gradient."""
        y, p, weight = self._counting(y_true, y_pred, sample_weight, mask)
        value, counting = self._value_and_gradient(y, p, weight, logits)
        gradient = np.zeros(np.shape(y_pred), counting.dtype)
        gradient[mask] = counting
        return value, gradient

    def _counting(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        mask: Array,
    ) -> tuple[Array, Array, Array | None]:
        """Return targets, predictions and weights of the steps that count, one row for each."""
        p = targets.predictions(self._owner, y_pred)
        y, p_counting = targets.counting(self._owner, mask, self._shaped(y_true, p.shape), p)
        weight = self._weights(sample_weight, p.shape)
        if weight is not None:
            weight = np.broadcast_to(spread(weight, p.ndim - 1), p.shape[:-1])[mask]
        return y, p_counting, weight

    def _weights(
        self, sample_weight: npt.ArrayLike | None, output_shape: tuple[int, ...]
    ) -> Array | None:
        if sample_weight is None:
            return None
        weight = targets.fit_weights(self._owner, sample_weight, output_shape[:-1])
        if self.reduction == "mean_with_sample_weight":
            targets.require_several_weights(self._owner, sample_weight)
        return weight

    def _fit(self, y_true: npt.ArrayLike, output_shape: tuple[int, ...]) -> Array:
        return self._labels(self._shaped(y_true, output_shape), output_shape)

    def _shaped(self, y_true: npt.ArrayLike, output_shape: tuple[int, ...]) -> Array:
        """Return targets in the first of the shapes of `_shapes`."""
        y = targets.real_array(self._owner, "y", y_true)
        return targets.fit_shape(self._owner, y, self._shapes(output_shape), self._shape_hint)

    def _labels(self, y: Array, output_shape: tuple[int, ...]) -> Array:
        """Return targets in the form that `per_sample` takes; other than `y` only for labels."""
        return y

    def _shapes(self, output_shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Return the shapes that targets may have; the first is the one that `per_sample` gets."""
        return targets.value_shapes(output_shape)

    def _check_values(self, y: Array) -> None:
        """Check the values of targets, after `_fit` has checked dtype, shape and labels."""
