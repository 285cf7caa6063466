"""GRUClassifier: an estimator of scikit-learn for classes of sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.activations import sigmoid, softmax
from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.sklearn.base import GRUEstimator
from gru_c.sklearn.regressor import Self, metrics
from gru_c.sklearn.validation import WeightedSamples, check_y

ClassifierMixin: Any = require("sklearn.base", "sklearn").ClassifierMixin
multiclass = require("sklearn.utils.multiclass", "sklearn")


class GRUClassifier(ClassifierMixin, GRUEstimator):  # type: ignore[misc]
    """Stacked GRU layers that predict classes of sequences.

    **X** has the forms that `GRURegressor` takes.

    **y** is an array (n,) of two or more classes, numbers or strings; or an array (n, k) of 0 and
    1 for k labels, any number of which a sample may have.

    Parameters and attributes are those of `GRURegressor`, without the target's mean and scale, and:

    Attributes
    ----------
    classes_ : ndarray
        The classes, sorted; 0, ..., k - 1 for labels.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.sklearn import GRUClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.standard_normal((length, 2)) for length in rng.integers(3, 9, 80)]
    >>> y = ["up" if x[-1, 0] > 0 else "down" for x in X]
    >>> classifier = GRUClassifier(hidden_units=16, epochs=30, learning_rate=0.02, random_state=0)
    >>> bool(classifier.fit(X, y).score(X, y) > 0.9)
    True
    >>> classifier.predict_proba(X[:3]).shape
    (3, 2)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _encode(self, y: Any, weight: Array, classes: Any, first: bool) -> Array:
        labels = check_y(self, y, None)
        multiclass.check_classification_targets(labels)
        kind = multiclass.type_of_target(labels, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError(
                "y of several columns must hold 0 and 1, a column for each label; got "
                "multiclass-multioutput targets: fit a classifier for each column"
            )
        multilabel = labels.ndim == 2
        if not first:
            self._check_same(labels, multilabel, classes)
        else:
            self._multilabel = multilabel
            self.classes_ = self._find_classes(labels[weight > 0], multilabel, classes)
        if multilabel:
            return labels
        unknown = labels[(weight > 0) & ~np.isin(labels, self.classes_)]
        if len(unknown):
            raise ValueError(
                f"y holds {unknown[:1].tolist()[0]!r}, which is not among the classes "
                f"{self.classes_.tolist()}"
            )
        return np.searchsorted(self.classes_, labels)[:, None]

    def _find_classes(self, labels: Array, multilabel: bool, classes: Any) -> Array:
        if multilabel and classes is None:
            return np.arange(labels.shape[1])
        values = np.unique(labels if classes is None else np.asarray(classes))
        if multilabel and not np.array_equal(values, np.arange(labels.shape[1])):
            raise ValueError(
                f"classes of {labels.shape[1]} labels are 0, ..., {labels.shape[1] - 1}, got "
                f"{values.tolist()}"
            )
        if len(values) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes with a weight that is "
                f"not zero, but there is only one class: {values.tolist()}"
            )
        return values

    def _check_same(self, labels: Array, multilabel: bool, classes: Any) -> None:
        """Raise ValueError unless labels and classes are like those of the first fit."""
        if multilabel != self._multilabel or (multilabel and labels.shape[1] != self.n_outputs_):
            wanted = f"(n, {self.n_outputs_})" if self._multilabel else "(n,)"
            raise ValueError(f"y must have shape {wanted} as before, got {labels.shape}")
        if classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                "classes must be the same in every call: they were "
                f"{self.classes_.tolist()}, now {np.unique(classes).tolist()}"
            )

    def _head(self) -> tuple[int, str | None, str]:
        if self._multilabel:
            return len(self.classes_), "sigmoid", "binary_crossentropy"
        return len(self.classes_), "softmax", "sparse_categorical_crossentropy"

    def _decide(self, outputs: Array) -> Array:
        """Return the indices of the classes (n,), or 0 and 1 for each label (n, k)."""
        decisions: Array = outputs > 0 if self._multilabel else outputs.argmax(axis=1)
        return decisions.astype(np.intp)

    def _score_of(self, held_out: WeightedSamples, outputs: Array) -> float:
        targets = held_out.y if self._multilabel else held_out.y[:, 0]
        weight = held_out.weight
        return float(metrics.accuracy_score(targets, self._decide(outputs), sample_weight=weight))

    def partial_fit(
        self: Self,
        X: Any,
        y: Any,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch from the current weights and state of Adam.

        Other parameters and the exceptions are those of `fit`.

        Parameters
        ----------
        classes : array_like
            All classes that may occur in y, in any call; needed in the first call.
        """
        if classes is None and not hasattr(self, "model_"):
            raise ValueError("classes must be passed on the first call to partial_fit")
        return self._partial_fit(X, y, sample_weight, classes)

    def predict(self, X: Any) -> Array:
        """Return the class of each sequence (n,), or 0 and 1 for each label (n, k).

        Parameters and exceptions are those of `GRURegressor.predict`.
        """
        decisions = self._decide(self._predicted(X))
        return decisions if self._multilabel else self.classes_[decisions]

    def decision_function(self, X: Any) -> Array:
        """Return the inputs of the last activation: (n,) for two classes, else (n, k).

        For two classes it is the log odds of the second class: its input minus that of the first
        one. Parameters and exceptions are those of `GRURegressor.predict`.
        """
        outputs = self._predicted(X)
        is_binary = not self._multilabel and self.n_outputs_ == 2
        return outputs[:, 1] - outputs[:, 0] if is_binary else outputs

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes, which sum to 1, or of each label: (n, k).

        Parameters and exceptions are those of `GRURegressor.predict`.
        """
        outputs = self._predicted(X)
        return (sigmoid if self._multilabel else softmax)(outputs)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of the probabilities, exact even where these are rounded to 0."""
        outputs = self._predicted(X)
        if self._multilabel:
            return -np.logaddexp(0, -outputs)
        logs: Array = outputs - np.logaddexp.reduce(outputs, axis=1, keepdims=True)
        return logs
