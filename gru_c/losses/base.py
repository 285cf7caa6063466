"""The base of all losses: what is checked, how samples are weighted and summed.

The losses themselves are in `regression` and `crossentropy`, those that are functions in
`function`.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from gru_c.losses import targets
from gru_c.utils import keras_names
from gru_c.utils.arrays import Array, is_finite
from gru_c.utils.registry import Configurable, snake_case


class Loss(Configurable):
    """Base of all losses.

    A subclass defines `per_sample` and `per_sample_gradient`, and keeps each constructor argument
    in an attribute of the same name. What its methods return is checked: real numbers of the right
    shape, and a gradient that is finite where the loss is. The arrays that they are given are
    read-only.

    Attributes
    ----------
    name : str
        The name it was asked for by (`get`), else its class name in snake case.
    """

    _keras_names = keras_names.LOSS
    _advice: ClassVar = {"name": "cannot be set: it is the name that the loss was asked for by"}
    _derived: ClassVar = {"function": ("_asked_name",)}
    _asked_name: str | None = None
    _shape_hint = ""

    def __init__(self) -> None:
        pass

    @property
    def name(self) -> str:
        """Name, as it stands in messages."""
        return self._asked_name or snake_case(type(self).__name__)

    @property
    def paired_activation(self) -> str | None:
        """Activation with which this loss has the gradient p - y, or None."""
        return None

    @property
    def _owner(self) -> str:
        return f"loss {self.name!r}"

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the values of the samples.

        Parameters
        ----------
        y_true : ndarray
            Targets of the shape of `y_pred`; labels: without its last axis.
        y_pred : ndarray of float64, shape (n, ..., outputs)
            Predictions; not to be changed.

        Returns
        -------
        ndarray of float64, shape (n, ...)
        """
        raise NotImplementedError(f"{type(self).__name__} must define per_sample(y_true, y_pred)")

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative of each sample's value by its own predictions.

        Arguments are those of `per_sample`; the result has the shape of `y_pred`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define per_sample_gradient(y_true, y_pred)"
        )

    def pre_activation_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by what went into `paired_activation`.

        `y_pred` is what came out of it; the rest is as for `per_sample_gradient`.
        """
        raise ValueError(f"{self._owner} has no paired activation, so logits=True has no meaning")

    def check(
        self,
        y_true: npt.ArrayLike,
        output_shape: tuple[int, ...],
        sample_weight: npt.ArrayLike | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array | None]:
        """Check whole data once, before anything is computed or changed.

        Parameters
        ----------
        y_true : array_like
            Shape `output_shape`, or without its last axis where that is 1. Labels of a sparse loss:
            without the last axis, or with 1 in its place.
        output_shape : tuple of int
            (n, ..., outputs), the number of samples included.
        sample_weight : array_like, optional
            Shape (n,) or `output_shape` without its last axis.
        mask : ndarray of bool, optional
            Which steps count, (n, T); what the others hold is not looked at.

        Returns
        -------
        y_true : ndarray
            In the plain shape; a copy only where labels are not of NumPy's index type.
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
            (some,) = targets.counting(self._owner, mask, y)
            self._check_values(self._labels(some, output_shape))
        return y, weight

    def __call__(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: Array | None = None,
    ) -> float:
        """Return the loss, 0.0 for no samples.

        Parameters and errors are those of `check`, with `y_pred` of shape (n, ..., outputs).
        """
        if mask is not None:
            return self(*self._counting(y_true, y_pred, sample_weight, mask))
        p = targets.predictions(self._owner, y_pred)
        y, weight = self.check(y_true, p.shape, sample_weight)
        with _quiet():
            return _reduce(self._call("per_sample", y, p.astype(np.float64, copy=False)), weight)

    def sample_values(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        """Return the values before weights and sum, float64 of shape (n, ...).

        Arguments are those of `value_and_gradient`, and so is what is checked.
        """
        p = targets.predictions(self._owner, y_pred)
        y = self._fit(y_true, p.shape)
        with _quiet():
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

        Dtypes, shapes and labels are checked here, too; the other values only by `check`.

        Parameters
        ----------
        y_true, sample_weight : array_like
            See `check`.
        y_pred : array_like, shape (n, ..., outputs)
            Predictions.
        logits : bool
            `y_pred` came out of `paired_activation`, and the gradient is wanted by what went in:
            (p - y) * weight / count, right even where p has been rounded to 0 or 1.
        mask : ndarray of bool, optional
            Which steps count, (n, T): the loss is that of these steps alone, as if there were no
            others, and the gradient of the others is zero.

        Returns
        -------
        value : float
        gradient : ndarray
            New, with the shape and dtype of `y_pred` (float64 if that holds integers).

        Raises
        ------
        ValueError
            If `logits` is asked of a loss without `paired_activation`; and see `check`.
        """
        if mask is not None:
            return self._of_counting(y_true, y_pred, sample_weight, logits, mask)
        p = targets.predictions(self._owner, y_pred)
        y = self._fit(y_true, p.shape)
        weight = self._weights(sample_weight, p.shape)
        p64 = p.astype(np.float64, copy=False)
        derivative = "pre_activation_gradient" if logits else "per_sample_gradient"
        with _quiet():
            value = _reduce(self._call("per_sample", y, p64), weight)
            count = max(1, math.prod(p.shape[:-1]))
            scale = 1 / count if weight is None else _spread(weight, p.ndim) / count
            gradient = self._call(derivative, y, p64) * scale
            if self._by_user:
                require_finite_gradient(self._method(derivative), value, gradient)
            dtype = p.dtype if p.dtype.kind == "f" else np.dtype(np.float64)
            return value, gradient.astype(dtype, copy=False)

    def _method(self, name: str) -> str:
        return f"{self._owner}: {type(self).__name__}.{name}"

    def _call(self, name: str, y: Array, p: Array) -> Array:
        """Return what a method makes of targets and predictions, checked if it is a user's."""
        method = getattr(self, name)
        if not self._by_user:
            result: Array = method(y, p)
            return result
        result = targets.real_result(
            self._method(name), method(targets.read_only(y), targets.read_only(p))
        )
        wanted = p.shape[:-1] if name == "per_sample" else p.shape
        if result.shape != wanted:
            what = "a value for each sample" if name == "per_sample" else "the shape of y_pred"
            raise ValueError(
                f"{self._method(name)} must return an array of shape {wanted}, {what}, got "
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
        """Return loss and gradient of the steps that count."""
        y, p, weight = self._counting(y_true, y_pred, sample_weight, mask)
        value, some = self.value_and_gradient(y, p, weight, logits=logits)
        gradient = np.zeros(np.shape(y_pred), some.dtype)
        gradient[mask] = some
        return value, gradient

    def _counting(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        mask: Array,
    ) -> tuple[Array, Array, Array | None]:
        """Return targets, predictions and weights of the steps that count, one after the other."""
        p = targets.predictions(self._owner, y_pred)
        y, p_some = targets.counting(self._owner, mask, self._shaped(y_true, p.shape), p)
        weight = self._weights(sample_weight, p.shape)
        if weight is not None:
            weight = np.broadcast_to(_spread(weight, p.ndim - 1), p.shape[:-1])[mask]
        return y, p_some, weight

    def _weights(
        self, sample_weight: npt.ArrayLike | None, output_shape: tuple[int, ...]
    ) -> Array | None:
        if sample_weight is None:
            return None
        return targets.fit_weights(self._owner, sample_weight, output_shape[:-1])

    def _fit(self, y_true: npt.ArrayLike, output_shape: tuple[int, ...]) -> Array:
        return self._labels(self._shaped(y_true, output_shape), output_shape)

    def _shaped(self, y_true: npt.ArrayLike, output_shape: tuple[int, ...]) -> Array:
        """Return targets of the plain shape."""
        y = targets.real_array(self._owner, "y", y_true)
        return targets.fit_shape(self._owner, y, self._shapes(output_shape), self._shape_hint)

    def _labels(self, y: Array, output_shape: tuple[int, ...]) -> Array:
        """Return targets as `per_sample` takes them: only labels are something else."""
        return y

    def _shapes(self, output_shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Shapes that targets may have, the plain one first."""
        return targets.value_shapes(output_shape)

    def _check_values(self, y: Array) -> None:
        """Check what takes a pass over the data; `_fit` has done the rest."""


def _quiet() -> np.errstate:
    """No warnings of overflow: the value says it, as inf or NaN."""
    return np.errstate(over="ignore", invalid="ignore")


def _spread(weight: Array, ndim: int) -> Array:
    """Give a weight trailing axes of length 1 up to `ndim`, in float64."""
    return weight.reshape(weight.shape + (1,) * (ndim - weight.ndim)).astype(np.float64)


def _reduce(values: Array, weight: Array | None) -> float:
    if values.size == 0:
        return 0.0
    if weight is not None:
        values = values * _spread(weight, values.ndim)
    return float(values.sum() / values.size)


def require_finite_gradient(owner: str, value: float, gradient: Array) -> None:
    """Raise FloatingPointError for a gradient with NaN or infinities of a loss that is finite.

    `owner` is the function or method that returned it.
    """
    if math.isfinite(value) and not is_finite(gradient, np.dtype(np.float64)):
        index = ", ".join(map(str, np.argwhere(~np.isfinite(gradient))[0]))
        raise FloatingPointError(
            f"{owner} returned a gradient that is not finite, at [{index}], for a loss of {value}"
        )
