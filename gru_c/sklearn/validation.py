"""Checks of X, y and weights, and the set of weighted samples that an estimator trains on."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.data.sequence_list import SequenceList

utils = require("sklearn.utils", "sklearn")
validation = require("sklearn.utils.validation", "sklearn")

Sequences = Array | list[Array]  # (n, T, features), or n arrays (T_i, features); float32


@dataclass(frozen=True)
class WeightedSamples:
    """Sequences with targets and weights.

    Attributes
    ----------
    x : ndarray of shape (n, T, features), or list of n ndarrays (T_i, features)
        Contiguous float32 arrays.
    y : ndarray of shape (n, k)
        A contiguous float64 array.
    weight : ndarray of shape (n,)
    """

    x: Sequences
    y: Array
    weight: Array

    def take(self, rows: Array) -> WeightedSamples:
        """Return some of the samples."""
        x = [self.x[i] for i in rows] if isinstance(self.x, list) else self.x[rows]
        return WeightedSamples(x, self.y[rows], self.weight[rows])

    def distinct(self) -> WeightedSamples:
        """Return each sample once, with the total weight of equal samples, sorted by a hash.

        A fit therefore depends only on the total weight of each sample: a weight of 2 is the same
        as the sample twice, and the order of the samples does not matter.
        """
        pairs = zip(self.x, self.y, strict=True)
        digests = np.array([_digest(x, y) for x, y in pairs], "S16")
        _, first, number = np.unique(digests, return_index=True, return_inverse=True)
        samples = self.take(first)
        return WeightedSamples(samples.x, samples.y, np.bincount(number, self.weight))


def _digest(x: Array, y: Array) -> bytes:
    digest = blake2b(x.data.cast("B"), digest_size=16)
    digest.update(y.data)
    return digest.digest()


# ---- X ------------------------------------------------------------------------------------------


def check_x(estimator: Any, X: Any, *, reset: bool) -> Sequences:
    """Return X as float32; ValueError or TypeError if it is not valid.

    With `reset` the estimator stores the shape of X: ``n_features_in_``, ``n_steps_in_`` and, for a
    data frame, ``feature_names_in_``. Without `reset` X must agree with them.
    """
    rows = _rows_of(X)
    if rows is not None:
        sequences = _check_list(rows)
        _check_features(estimator, sequences[0].shape[1], reset)
        return sequences
    with np.errstate(over="ignore", invalid="ignore"):  # infinite results are refused
        array: Array = utils.check_array(
            X, dtype=np.float32, order="C", allow_nd=True, estimator=estimator, input_name="X"
        )
    if array.ndim == 2 and (reset or estimator.n_steps_in_ is not None):
        validation.validate_data(estimator, X, reset=reset, skip_check_array=True)
        if reset:
            estimator.n_steps_in_ = array.shape[1]
    elif array.ndim in (2, 3) and array.size:
        _check_features(estimator, 1 if array.ndim == 2 else array.shape[2], reset)
    else:
        raise ValueError(
            "X must be an array (n, T, features) or (n, T), none of them 0, or a list of arrays "
            f"(T_i, features) or (T_i,), got an array of shape {array.shape}"
        )
    return array[..., None] if array.ndim == 2 else array


def _check_features(estimator: Any, features: int, reset: bool) -> None:
    """Compare the number of features of sequences with the stored one; store it with `reset`."""
    if reset:
        estimator.n_features_in_, estimator.n_steps_in_ = features, None
        vars(estimator).pop("feature_names_in_", None)
    wanted = 1 if estimator.n_steps_in_ is not None else estimator.n_features_in_
    if features != wanted:
        raise ValueError(
            f"X has {features} features, but {type(estimator).__name__} is expecting {wanted} "
            "features as input"
        )


def _rows_of(X: Any) -> list[Any] | None:
    """Return the sequences if X is a list of them; None if it is one array.

    Lists of numbers of equal length are one array, as elsewhere in scikit-learn.
    """
    in_one_axis = getattr(X, "ndim", None) == 1 and str(X.dtype) == "object"
    if not isinstance(X, (list, tuple)) and not in_one_axis:
        return None
    rows = list(X)
    if not rows or not all(isinstance(r, (list, tuple)) or getattr(r, "ndim", 0) for r in rows):
        return None
    are_arrays = any(hasattr(row, "ndim") for row in rows)
    return rows if are_arrays or len({len(row) for row in rows}) > 1 else None


def _check_list(rows: list[Any]) -> Sequences:
    sequences = SequenceList.checked("X", rows)
    if sequences.steps.ndim > 2 or sequences.steps.shape[1:] == (0,):
        raise ValueError(
            "X must be a list of arrays (T_i, features) or (T_i,) with at least one feature, got "
            f"X[0] of shape {np.shape(rows[0])}"
        )
    if not sequences.lengths.all():
        raise ValueError(
            f"X[{sequences.lengths.argmin()}] has no time steps, a minimum of 1 is needed"
        )
    with np.errstate(over="ignore"):
        steps = sequences.steps.reshape(len(sequences.steps), -1).astype(np.float32, order="C")
    bad = np.argwhere(~np.isfinite(steps))
    if len(bad):
        row = int(np.searchsorted(sequences.begins, bad[0, 0], side="right")) - 1
        raise ValueError(
            f"Input X contains NaN, infinity or a value too large for float32: X[{row}] does at "
            f"time step {bad[0, 0] - sequences.begins[row]}"
        )
    if (sequences.lengths == sequences.lengths[0]).all():
        return steps.reshape(len(rows), -1, steps.shape[1])
    return np.split(steps, sequences.begins[1:])


# ---- y and weights ------------------------------------------------------------------------------


def check_y(estimator: Any, y: Any, dtype: npt.DTypeLike | None) -> Array:
    """Return finite y of shape (n,) or (n, k); a single column becomes (n,) with a warning."""
    array: Array = utils.check_array(
        y, dtype=dtype, ensure_2d=False, allow_nd=True, estimator=estimator, input_name="y"
    )
    if array.ndim not in (1, 2):
        raise ValueError(f"y must have shape (n,) or (n, outputs), got {array.shape}")
    if array.ndim == 2 and array.shape[1] == 1:
        array = utils.column_or_1d(array, warn=True)
    return array


def check_weight(sample_weight: Any, count: int) -> Array:
    """Return a weight for each of `count` samples; by default 1."""
    if sample_weight is None:
        return np.ones(count)
    weight: Array = utils.check_array(
        sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight"
    )
    if weight.shape != (count,):
        raise ValueError(f"sample_weight must have shape ({count},), got {weight.shape}")
    if (weight < 0).any():
        raise ValueError(f"sample_weight must be >= 0, got {weight.min()}")
    with np.errstate(over="ignore"):
        total = weight.sum()
    if not 0 < total < np.inf:
        raise ValueError(f"the sum of sample_weight must be finite and not zero, got {total}")
    return weight
