"""GRUEstimator: the parameters, the model and the training of both estimators."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from gru_c import optimizers
from gru_c.callbacks import Callback, Logs
from gru_c.common.arrays import Array
from gru_c.common.attributes import Guarded, assign
from gru_c.common.optional import require
from gru_c.common.progress import LINE, SILENT
from gru_c.common.validation import check_integer, check_real
from gru_c.distributed.thread_shares import share_of_task
from gru_c.layers import GRU, Activation, Bidirectional, Dense, Dropout, Input
from gru_c.models.sequential import Sequential
from gru_c.runtime.threads import use_threads
from gru_c.sklearn.validation import WeightedSamples, check_weight, check_x

BaseEstimator: Any = require("sklearn.base", "sklearn").BaseEstimator
model_selection = require("sklearn.model_selection", "sklearn")
utils = require("sklearn.utils", "sklearn")
validation = require("sklearn.utils.validation", "sklearn")

Self = TypeVar("Self", bound="GRUEstimator")


class _Judge(Callback):
    """Scores the held-out samples after each epoch, and stops when the score has stopped growing.

    An epoch with a score that grew by less than `tol` counts as one without progress, as in
    `EarlyStopping` with its min_delta; but here its weights are the best ones nevertheless.

    Attributes
    ----------
    scores : list of float
        The score after each epoch.
    waited : int
        Number of epochs without progress.
    weights : list of ndarray, or None
        The weights of the best epoch.
    """

    def __init__(self, estimator: GRUEstimator, held_out: WeightedSamples) -> None:
        self.estimator = estimator
        self.held_out = held_out
        self.scores: list[float] = []
        self.waited = 0
        self.weights: list[Array] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Score the held-out samples, and stop if there is no progress."""
        score = self.estimator.score_held_out(self.held_out)
        best = max(self.scores, default=-np.inf)
        self.scores.append(score)
        self.waited = 0 if score > best + self.estimator.tol else self.waited + 1
        if score > best:
            self.weights = self.model.get_weights()
        if logs is not None:
            logs["validation_score"] = score
        self.model.stop_training = self.waited == self.estimator.n_iter_no_change

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights."""
        if self.weights is not None:
            self.model.set_weights(self.weights)


_BATCH_SIZE = 256  # samples in a batch of a prediction
_LARGEST_GRADIENT = 1.0  # norm that gradients are scaled down to: recurrent losses have cliffs


class GRUEstimator(Guarded, BaseEstimator):  # type: ignore[misc]
    """GRU layers with a `Dense` layer, as an estimator of scikit-learn."""

    _plain_constructor = True  # scikit-learn wants it to store its arguments unchecked

    def _change_argument(self, name: str, value: Any) -> None:
        assign(self, **{name: value})  # fit checks it

    def __init__(
        self,
        hidden_units: int | Sequence[int] = (50, 50),
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        learning_rate: float = 0.003,
        batch_size: int = 32,
        epochs: int = 100,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        random_state: Any = None,
        num_threads: int | None = None,
        verbose: bool | int = False,
        warm_start: bool = False,
    ) -> None:
        self.hidden_units = hidden_units
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.random_state = random_state
        self.num_threads = num_threads
        self.verbose = verbose
        self.warm_start = warm_start

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        return tags

    # ---- defined by subclasses ----

    def _encode(self, y: Any, weight: Array, classes: Any, first: bool) -> Array:
        """Return checked targets as numbers (n, k); if `first`, store the kind of targets."""
        raise NotImplementedError

    def _head(self) -> tuple[int, str | None, str]:
        """Return the units of the last layer, its activation, and the loss."""
        raise NotImplementedError

    def _begin(self, train: WeightedSamples) -> None:
        """Store statistics of the first training data."""

    def _as_trained(self, y: Array) -> Array:
        """Return targets in the form that the model is trained on."""
        return y

    def _score_of(self, held_out: WeightedSamples, outputs: Array) -> float:
        """Return the score of the model's outputs."""
        raise NotImplementedError

    def score_held_out(self, held_out: WeightedSamples) -> float:
        """Return the score of the model on held-out samples."""
        return self._score_of(held_out, self._outputs(held_out.x))

    # ---- fitting ----

    def fit(self: Self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train on sequences and their targets.

        Parameters
        ----------
        X : array_like of shape (n, T, features) or (n, T), or list of array_like
            Sequences; see the class.
        y : array_like of shape (n,) or (n, k)
            Targets; see the class.
        sample_weight : array_like of shape (n,), optional
            The weight of each sample: 2 is the same as the sample twice, 0 as leaving it out.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            When a parameter, X, y or sample_weight is not valid.
        FloatingPointError
            When the loss became infinite: the learning rate is too high.
            After any exception the estimator is the same as before.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            continues=self.warm_start,
            epochs=self.epochs,
            early_stopping=self.early_stopping,
        )

    def _partial_fit(
        self: Self, X: Any, y: Any, sample_weight: npt.ArrayLike | None, classes: Any = None
    ) -> Self:
        if self.early_stopping:
            raise ValueError(
                "partial_fit takes one epoch, so there is nothing to stop early: give "
                "early_stopping=False"
            )
        return self._fit(
            X, y, sample_weight, continues=True, epochs=1, early_stopping=False, classes=classes
        )

    def _fit(
        self: Self,
        X: Any,
        y: Any,
        sample_weight: npt.ArrayLike | None,
        *,
        continues: bool,
        epochs: int,
        early_stopping: bool,
        classes: Any = None,
    ) -> Self:
        """Fit a copy of the estimator, and take over its attributes if all goes well.

        With `continues` training continues from the model of the last fit, if there is one.
        """
        self._check_parameters()
        rng = utils.check_random_state(self.random_state)
        first = not (continues and hasattr(self, "model_"))
        new = copy.copy(self)
        train = new._check_samples(X, y, sample_weight, classes, first)
        seed, held_out = rng.randint(np.iinfo(np.int32).max), None
        if early_stopping:
            train, held_out = new._split(train, rng)
        if first:
            new._begin(train)
            new._make_model(seed)
        else:
            new._copy_model()
        with self._use_threads():
            new._train(train, held_out, epochs)
        self._take_over(new)
        return self

    def _take_over(self: Self, new: Self) -> None:
        """Take over the attributes of a fitted copy, and remove those that it does not have."""
        for name in vars(self).keys() - vars(new).keys():
            object.__delattr__(self, name)
        assign(self, **vars(new))

    def _check_parameters(self) -> None:
        owner = type(self).__name__
        for name in ("bidirectional", "early_stopping", "warm_start"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise TypeError(f"{owner}: {name} must be a bool, got {getattr(self, name)!r}")
        if not isinstance(self.verbose, (bool, int, np.integer, np.bool_)):
            raise TypeError(f"{owner}: verbose must be a bool or an int, got {self.verbose!r}")
        for name in ("batch_size", "epochs", "n_iter_no_change"):
            check_integer(f"{owner}: {name}", getattr(self, name), 1)
        check_integer(f"{owner}: num_threads", self.num_threads, 1, optional=True)
        check_real(f"{owner}: learning_rate", self.learning_rate, "> 0")
        check_real(f"{owner}: tol", self.tol, ">= 0")
        check_real(f"{owner}: validation_fraction", self.validation_fraction, "(0, 1)")
        self._architecture()

    def _architecture(self) -> tuple[tuple[int, ...], bool, float]:
        """Return the checked arguments of the layers: units, bidirectional, dropout."""
        owner, units = type(self).__name__, self.hidden_units
        layers = units if isinstance(units, (list, tuple, np.ndarray)) else (units,)
        if not len(layers):
            raise ValueError(f"{owner}: hidden_units must have a number for each layer, got none")
        counts = tuple(check_integer(f"{owner}: hidden_units", count, 1) for count in layers)
        dropout = check_real(f"{owner}: dropout", self.dropout, "[0, 1)")
        return counts, bool(self.bidirectional), dropout

    def _check_samples(
        self, X: Any, y: Any, sample_weight: Any, classes: Any, first: bool
    ) -> WeightedSamples:
        """Return the checked samples; the `first` fit stores the shapes and the kind of targets."""
        x = check_x(self, X, reset=first)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        weight = check_weight(sample_weight, len(x))
        utils.check_consistent_length(x, y)
        targets = self._encode(y, weight, classes, first)
        samples = WeightedSamples(x, np.ascontiguousarray(targets, np.float64), weight)
        return samples.take(np.flatnonzero(weight)).distinct()

    def _split(
        self, samples: WeightedSamples, rng: np.random.RandomState
    ) -> tuple[WeightedSamples, WeightedSamples]:
        """Return the samples to train on, and those that are held out."""
        by_class = hasattr(self, "classes_") and samples.y.shape[1] == 1
        train, held_out = model_selection.train_test_split(
            np.arange(len(samples.weight)),
            test_size=self.validation_fraction,
            stratify=samples.y[:, 0] if by_class else None,
            random_state=rng,
        )
        if len(held_out) < 2:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {len(samples.weight)} distinct "
                "samples is one; early_stopping=True needs at least two"
            )
        return samples.take(train), samples.take(held_out)

    def _make_model(self, seed: int) -> None:
        (*lower, last), bidirectional, dropout = self._architecture()
        layers: list[Any] = [Input((None, 1 if self.n_steps_in_ else self.n_features_in_))]
        for units, sequences in [*((units, True) for units in lower), (last, False)]:
            layer = GRU(units, return_sequences=sequences)
            layers.append(Bidirectional(layer) if bidirectional else layer)
            layers += [Dropout(dropout)] if dropout else []
        self.n_outputs_, activation, loss = self._head()
        layers += [Dense(self.n_outputs_), *([Activation(activation)] if activation else [])]
        self.model_ = Sequential(layers, seed=seed)
        adam = optimizers.Adam(self.learning_rate, global_clipnorm=_LARGEST_GRADIENT)
        self.model_.compile(adam, loss)
        self.loss_curve_: list[float] = []
        self.validation_scores_: list[float] | None = None
        self._made_from = self._architecture()

    def _copy_model(self) -> None:
        """Continue with a copy of the model, at the current learning rate."""
        if self._made_from != self._architecture():
            raise ValueError(
                "hidden_units, bidirectional and dropout must not change when training continues: "
                f"the model was made with {self._made_from}, they are {self._architecture()}"
            )
        self.model_ = copy.deepcopy(self.model_)
        assert self.model_.optimizer is not None
        self.model_.optimizer.learning_rate = self.learning_rate
        self.loss_curve_ = [*self.loss_curve_]

    def _train(self, train: WeightedSamples, held_out: WeightedSamples | None, epochs: int) -> None:
        """Train for all epochs, or until the score of the held-out samples stops growing."""
        judge = None if held_out is None else _Judge(self, held_out)
        history = self.model_.fit(
            train.x,
            self._as_trained(train.y),
            sample_weight=train.weight / train.weight.mean(),
            batch_size=self.batch_size,
            bucket=isinstance(train.x, list),
            epochs=epochs,
            verbose=LINE if self.verbose else SILENT,
            callbacks=judge,
        )
        if history.interrupted:  # re-raised, so that a search over many fits ends, too
            raise KeyboardInterrupt
        if judge is not None:
            self.validation_scores_ = [*(self.validation_scores_ or []), *judge.scores]
        self.best_validation_score_ = None if judge is None else max(judge.scores)
        self.loss_curve_ += history.history["loss"]
        self.n_iter_ = len(self.loss_curve_)

    # ---- predicting ----

    def _outputs(self, x: Any) -> Array:
        """Return the inputs of the last activation for checked sequences, (n, k)."""
        layers = self.model_.layers
        model = Sequential(layers[:-1]) if isinstance(layers[-1], Activation) else self.model_
        outputs = cast(Array, model.predict(x, _BATCH_SIZE, verbose=0, bucket=isinstance(x, list)))
        return outputs.astype(np.float64)

    def _predicted(self, X: Any) -> Array:
        validation.check_is_fitted(self)
        x = check_x(self, X, reset=False)
        with self._use_threads():
            return self._outputs(x)

    def _use_threads(self) -> AbstractContextManager[None]:
        """Let calls from this Python thread use `num_threads`, or the share of a Dask task."""
        return use_threads(share_of_task() if self.num_threads is None else self.num_threads)
