"""`Model`: the methods of all models that train and predict."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from functools import partial
from importlib import import_module
from typing import Any

import numpy.typing as npt

from gru_c.callbacks import CallbackList
from gru_c.common.keywords import checked_keywords
from gru_c.common.validation import check_flag
from gru_c.data import inputs
from gru_c.data.checks import build_for
from gru_c.data.class_weight import check_class_weight, weigh_classes
from gru_c.data.samples import check_batch_size, require_optimizer, require_samples
from gru_c.models.fit_request import FitRequest
from gru_c.models.keras2 import Keras2Model
from gru_c.training import evaluate, step
from gru_c.training.history import History
from gru_c.training.loss_warnings import doubts_of
from gru_c.training.processes import Distribution, start_group
from gru_c.training.run_identity import describe_evaluation


class Model(Keras2Model):
    """A graph of layers, or the base of `Sequential`: a network that trains and predicts.

    ``Model(inputs, outputs)`` makes a `Functional`, the model of all layers between symbolic
    tensors, with Keras's methods, arguments and defaults. `Functional` has the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GRU, Dense, Input, Model
    >>> from gru_c.layers import Concatenate
    >>> series, facts = Input((10, 8), name="series"), Input((3,), name="facts")
    >>> x = Concatenate()([GRU(16)(series), Dense(4, activation="relu")(facts)])
    >>> model = Model([series, facts], Dense(1)(x))
    >>> model.compile(optimizer="adam", loss="mse")
    >>> data = [np.zeros((20, 10, 8)), np.zeros((20, 3))]
    >>> history = model.fit(data, np.zeros(20), epochs=2, verbose=0)
    >>> model.predict(data, verbose=0).shape
    (20, 1)
    """

    _kind = False  # for the checks of attributes, `Network` is the base of the kind

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        """Return an object of the class; of `Functional` for ``Model(inputs, outputs)``."""
        if cls is Model:
            graphs = import_module("gru_c.models.functional")  # here, because few programs use it
            return object.__new__(graphs.Functional)
        if hasattr(cls, "call"):
            called = import_module("gru_c.models.called_model")
            return object.__new__(called.class_of(cls))
        return object.__new__(cls)

    # ---- training ----

    @checked_keywords
    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: object = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Collection[int] = 1,
        *,
        lengths: npt.ArrayLike | None = None,
        bucket: bool = False,
        bptt_steps: int | None = None,
        seed: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_interval: float | None = None,
        resume: bool = False,
        distribution: Distribution | None = None,
    ) -> History:
        """Train the model.

        Ctrl-C ends training after the current batch: `fit` prints a message and returns the history
        so far, with ``interrupted`` set. A second Ctrl-C during the same `fit`, or within two
        seconds, raises KeyboardInterrupt immediately; in the middle of an optimizer step it
        restores the model to the beginning of the epoch. This applies to the main thread of a
        program that does not handle SIGINT itself.

        Parameters
        ----------
        x : array_like of shape (samples, ...), list of ndarray, or source of batches
            Inputs. Sequences of different length are a list of arrays (time, features), one array
            with `lengths`, or the pair ``(x, lengths)``. An `np.memmap`, or another array in a
            file such as a dataset of h5py, is read and checked batch by batch.

            A source yields batches ``(x, y)`` or ``(x, y, sample_weight)`` of any sizes. It is a
            list of such tuples; an object with ``__len__`` and ``__getitem__``, whose
            ``on_epoch_end()`` is called if it has one; any other iterable; or a generator. All
            other lists, and objects with ``__array__``, are data.
        y : array_like, or list of ndarray
            Targets, of the output's shape; see the loss. A list like x if x is a list and each
            time step has an output. None with a source.
        batch_size : int, optional
            Samples per batch; 32 by default.
        epochs : int
            Number of the epoch at which training ends.
        verbose : {"auto", 0, 1, 2}
            0 prints nothing, 1 a bar per epoch (a line per epoch if stderr is a file), 2 a line per
            epoch. "auto" prints bars in a terminal, else lines.
        callbacks : Callback or list of Callback, optional
            See `gru_c.callbacks`.
        lengths : array_like of int, shape (samples,), optional
            Number of time steps of each sequence that count, from the first one on. The values of x
            and y in the other steps are ignored, also in the loss and the metrics.
        bucket : bool
            Put sequences of similar length into a batch, which is as long as its longest sequence.
        validation_split : float
            Share of the samples that is used for validation, in [0, 1): the last ones.
        validation_data : tuple (x, y) or (x, y, sample_weight), or source of batches, optional
            Data for validation, instead of a share of x and y.
        steps_per_epoch : int, optional
            Batches of a source per epoch; by default all. The next epoch continues in the source,
            and a source that can be iterated again is restarted at its end. Required for several
            epochs from a generator. If a generator ends too early, a warning is given and training
            ends. Arrays without batch_size are cut into so many batches; with it, the number must
            be that of the batches of an epoch.
        validation_steps : int, optional
            Batches per validation; arrays without batch_size are cut into so many. Each validation
            begins with the first batch, except that a generator continues.
        validation_batch_size : int, optional
            Samples per batch of the validation; by default batch_size. For arrays only.
        validation_freq : int or list of int
            Number of epochs from one validation to the next, or the epochs, from 1, after which
            there is a validation.
        shuffle : bool
            Use the samples in a new random order in every epoch; the batches, for a source with
            ``__getitem__``.
        class_weight : dict of int to float, optional
            Weights of the samples of a class, by the number of the class; 1 for other classes. Not
            for the validation, and not together with sample_weight. With one-hot targets, the
            class is the place of the largest; with targets for each time step, each has a weight.
        sample_weight : array_like, optional
            Weight of each sample (samples,), or of each time step (samples, T); a list if y is one.
            Another axis of length 1 may follow.
        initial_epoch : int
            Number of the first epoch, if training continues an earlier `fit`.
        bptt_steps : int, optional
            Truncated backpropagation through time: the sequence is cut into pieces of so many
            time steps; the last one may be shorter. The state passes from piece to piece, the
            gradient does not. If the output is a sequence, every piece is an optimizer step on
            its own outputs and targets, and the loss is the mean over the time steps. Otherwise the
            pieces before the last run as in `predict`, and the last one is trained on. Only for
            models in which all layers run from the first time step to the last.
        seed : int, optional
            Seed of this run's shuffling and dropout; by default they continue the sequence of the
            model's generator.
        checkpoint : path, optional
            A safetensors file that `fit` writes while it trains, with all that `resume` needs;
            `load_model` can read it, too. Only for arrays, and for a source with ``__getitem__``
            that returns the same batches again.
        checkpoint_interval : float, optional
            Seconds between two checkpoints within an epoch; 0 writes one after every batch. There
            is also one at the end of every epoch. By default 30, but writing never takes more than
            2% of the time.
        resume : bool
            Resume the run in the checkpoint, if the file exists. However that run ended, the result
            has the same bits as that of a run without interruption. Model, shapes of the data,
            arguments and callbacks with a state must be the same; only `epochs` may be larger. If
            the run had finished, nothing more is trained.
        distribution : gru_c.distributed.DataParallel, optional
            Train one model in several processes, each of which calls `fit`.

        Returns
        -------
        History
            Its attributes are ``history`` (for each name a list with a value per epoch), ``epoch``
            and ``interrupted``.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit, or the checkpoint is damaged or belongs to another run; the
            model is then unchanged. Also if a later batch of a source does not fit: the message
            says which, and weights and optimizer are restored to the beginning of that epoch (if
            the batch is of the validation, to the end of the epoch). They are restored in the same
            way if the source itself raises an exception.
        FloatingPointError
            If the loss becomes NaN or infinite. The message says at which batch, and weights and
            optimizer are restored to the beginning of that epoch. With the callback
            `TerminateOnNaN` training ends without an exception instead.
        """
        request = FitRequest(
            x=x,
            y=y,
            sample_weight=sample_weight,
            lengths=lengths,
            class_weight=class_weight,
            validation_split=validation_split,
            validation_data=validation_data,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
            batch_size=batch_size,
            epochs=epochs,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            shuffle=shuffle,
            bucket=bucket,
            verbose=verbose,
            bptt_steps=bptt_steps,
            checkpoint=checkpoint,
            checkpoint_interval=checkpoint_interval,
            resume=resume,
            seed=seed,
        )
        return request.run(self, callbacks, distribution)

    @checked_keywords
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: object = None,
        return_dict: bool = False,
        *,
        lengths: npt.ArrayLike | None = None,
        distribution: Distribution | None = None,
    ) -> float | list[float] | dict[str, float]:
        """Return the loss, or a list of the loss and the metrics if there are any.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, lengths, callbacks
            As in `fit`.
        steps : int, optional
            Number of batches to take, from the first one on; by default all. Arrays without
            batch_size are cut into so many.
        return_dict : bool
            Return a dict of names and values.
        distribution : gru_c.distributed.DataParallel, optional
            Evaluate in several processes, each of which calls `evaluate` and gets the result.

        Raises
        ------
        ValueError, TypeError
            As `fit`.
        """
        group = start_group(distribution)
        with group.session():
            with group.raise_together():
                check_flag("return_dict", return_dict)
                hooks = CallbackList(callbacks)
                data = inputs.check_pairs(
                    self,
                    inputs.UserData(x, y, sample_weight, lengths, batch_size),
                    inputs.SourceOptions("steps", steps, fraction=group.batch_fraction),
                )
                size = check_batch_size(inputs.size_for_steps(data, steps, batch_size))
                build_for(self, data.first)
                if group.is_first:
                    doubts_of(self).check(self, data.first)
            describe_call = partial(describe_evaluation, self, {"batch_size": size})
            whole = inputs.FitData(data, None)
            shard = group.shard(self, whole, size, False, describe_call).train
            logs = evaluate.evaluate(self, shard, size, verbose, hooks, group)
        return step.as_result(logs, return_dict)

    @checked_keywords
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
        *,
        lengths: npt.ArrayLike | None = None,
    ) -> float | list[float] | dict[str, float]:
        """Take one optimizer step on one batch; return loss and metrics as `evaluate` does.

        Raises
        ------
        ValueError, TypeError
            As `fit`.
        FloatingPointError
            If the loss, or a weight after the step, is NaN or infinite; the model is then
            unchanged.
        """
        check_flag("return_dict", return_dict)
        require_optimizer(self)
        weights = check_class_weight(class_weight, sample_weight)
        data = inputs.check_batch_pairs(self, x, y, sample_weight, lengths)
        if weights is not None:
            data = weigh_classes(self, data, weights)
        doubts_of(self).check(self, data)
        return step.as_result(step.train_on_batch(self, data), return_dict)

    @checked_keywords
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        *,
        lengths: npt.ArrayLike | None = None,
    ) -> float | list[float] | dict[str, float]:
        """Return loss and metrics of one batch, as `evaluate` does.

        Raises
        ------
        ValueError, TypeError
            As `evaluate`.
        """
        check_flag("return_dict", return_dict)
        data = inputs.check_batch_pairs(self, x, y, sample_weight, lengths)
        require_samples(data)
        build_for(self, data)
        doubts_of(self).check(self, data)
        hooks, group = CallbackList(), start_group(None)
        logs = evaluate.evaluate(self, data, len(data), 0, hooks, group)
        return step.as_result(logs, return_dict)
