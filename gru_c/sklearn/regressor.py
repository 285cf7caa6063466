"""GRURegressor: an estimator of scikit-learn for numbers predicted from sequences."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.sklearn.base import GRUEstimator
from gru_c.sklearn.validation import WeightedSamples, check_y

RegressorMixin: Any = require("sklearn.base", "sklearn").RegressorMixin
metrics = require("sklearn.metrics", "sklearn")

Self = TypeVar("Self", bound=GRUEstimator)


class GRURegressor(RegressorMixin, GRUEstimator):  # type: ignore[misc]
    """Stacked GRU layers that predict numbers for sequences.

    **X** is an array (n, T, features); a list of n arrays (T_i, features), or (T_i,) for one
    feature, whose lengths may differ; or an array (n, T): n series of one feature. After a fit with
    one form, X may have any of these forms in `predict`. The number of features must be the same. T
    may differ, except between 2-D arrays, whose columns are features to scikit-learn. X is not
    scaled: put a ``StandardScaler`` before (n, T), or divide (n, T, features) by
    ``X.std(axis=(0, 1))``.

    **y** is an array (n,), or (n, k) for several outputs. It is standardised internally.

    The result depends on the total weight of each sample, copies included, and not on their order.
    An epoch goes over all distinct samples.

    Parameters
    ----------
    hidden_units : int or sequence of int
        Units of each GRU layer.
    bidirectional : bool
        Each layer reads the sequences in both directions, which doubles its outputs.
    dropout : float
        Share of the outputs of each GRU layer that training drops; in [0, 1).
    learning_rate : float
        Learning rate of Adam; gradients with a norm above 1 are scaled down to 1.
    batch_size : int
        Samples in an optimizer step. Sequences in a list share a batch with others of similar
        length.
    epochs : int
        Largest number of times that training goes over the data.
    early_stopping : bool
        Hold out a part of the data (with the same share of each class), stop when `score` on it has
        not grown by `tol` for `n_iter_no_change` epochs, and use the weights of the best epoch.
    validation_fraction : float
        The share that is held out; in (0, 1).
    n_iter_no_change : int
    tol : float
    random_state : int, RandomState or None
        An int gives the same bits in every run, on any number of threads.
    num_threads : int, optional
        Number of threads of this estimator; by default that of `gru_c.set_num_threads`. Each of the
        processes that joblib starts (backend "loky", its default) uses its share of the CPUs, and
        so does each task of a Dask worker (backend "dask"). If several Python threads fit at the
        same time (backend "threading"), give 1.
    verbose : bool
        Print a line for each epoch.
    warm_start : bool
        Another `fit` continues from the weights and the state of Adam.

    Attributes
    ----------
    model_ : Sequential
        The trained model. A regressor trains it on ``(y - target_mean_) / target_scale_``.
    n_features_in_ : int
        Number of features; after a fit with 2-D X the number of its columns.
    n_steps_in_ : int or None
        Number of columns that 2-D X must have; None after a fit with another form.
    feature_names_in_ : ndarray of str
        Names of the columns, after a fit with a data frame.
    n_outputs_ : int
        Units of the last layer.
    n_iter_ : int
        Number of epochs trained.
    loss_curve_ : list of float
        Loss of each epoch.
    validation_scores_ : list of float, or None
        Score after each epoch of ``early_stopping=True``.
    best_validation_score_ : float or None
        The best score of the last `fit`.
    target_mean_, target_scale_ : ndarray of shape (k,)
        Mean and standard deviation of the first y.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.sklearn import GRURegressor
    >>> X = np.random.default_rng(0).standard_normal((100, 8))
    >>> y = 100 + 10 * X[:, -1]
    >>> regressor = GRURegressor(hidden_units=16, epochs=40, learning_rate=0.02, random_state=0)
    >>> bool(regressor.fit(X, y).score(X, y) > 0.9)
    True
    >>> regressor.predict([[0.5, -0.2, 1.0], X[0]]).shape  # sequences of other lengths
    (2,)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _encode(self, y: Any, weight: Array, classes: Any, first: bool) -> Array:
        numbers = check_y(self, y, np.float64)
        numbers = numbers.reshape(len(numbers), -1)
        if not first and numbers.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {numbers.shape[1]} outputs, the model {self.n_outputs_}")
        return numbers

    def _begin(self, train: WeightedSamples) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.average(train.y, axis=0, weights=train.weight)
            variance = np.average((train.y - mean) ** 2, axis=0, weights=train.weight)
        if not np.isfinite(variance).all():
            raise ValueError("the squares of y are infinite: divide it by a large number")
        scale = np.sqrt(variance)
        scale[scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)] = 1  # constant
        self.target_mean_, self.target_scale_ = mean, scale

    def _as_trained(self, y: Array) -> Array:
        standard: Array = (y - self.target_mean_) / self.target_scale_
        return standard

    def _head(self) -> tuple[int, str | None, str]:
        return len(self.target_mean_), None, "mse"

    def _score_of(self, held_out: WeightedSamples, outputs: Array) -> float:
        targets = self._as_trained(held_out.y)
        return float(metrics.r2_score(targets, outputs, sample_weight=held_out.weight))

    def partial_fit(self: Self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train for one epoch from the current weights and state of Adam.

        Parameters and exceptions are those of `fit`. The first call sets the scale of y.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> Array:
        """Return the predictions, (n,) or (n, k).

        Parameters
        ----------
        X : array_like or list of array_like
            Sequences; see the class.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            When there was no `fit`, or X is not valid.
        """
        predictions = self._predicted(X) * self.target_scale_ + self.target_mean_
        single: Array = predictions[:, 0]
        return single if self.n_outputs_ == 1 else predictions
