"""Sequential: a chain of layers that trains and predicts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy.typing as npt

from gru_c.callbacks import CallbackList
from gru_c.data import checks, inputs
from gru_c.data.samples import check_batch_size, require_optimizer
from gru_c.layers import Layer
from gru_c.models import profile
from gru_c.models.summary import summary_lines
from gru_c.network.network import Network
from gru_c.saving import contents
from gru_c.streaming.stream import Stream
from gru_c.training import evaluate, fit, fit_settings, predict, step
from gru_c.training.checkpoint import CheckpointFile
from gru_c.training.doubts import doubts_of
from gru_c.training.history import History
from gru_c.training.processes import Distribution, start_group
from gru_c.training.run_identity import (
    describe_evaluation,
    describe_run,
    describe_training,
)
from gru_c.utils.validation import check_flag, check_flags, check_integer, make_rng


class Sequential(Network):
    """A chain of layers, with Keras's methods, arguments and defaults.

    Parameters
    ----------
    layers : sequence of Layer, optional
        As if given to `add` one by one.
    name : str
        For `summary` and saved files.
    dtype : {"float32", "float64"}, optional
        Of all weights and results; by default that of the first layer, or float32.
    seed : int, optional
        Makes everything random repeatable to the bit: initial weights, shuffling and dropout.
    trainable : bool
        With False nothing is trained.

    Attributes
    ----------
    layers : list of Layer
    optimizer, loss, metrics
        What `compile` set; None, None and [] before.
    history : History or None
        Of the last `fit`, kept also when it ended in an exception.
    stop_training : bool
        Set by a callback, it ends `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, GRU, Sequential
    >>> model = Sequential(seed=0)
    >>> model.add(GRU(50, input_shape=(10, 8), return_sequences=True))
    >>> model.add(GRU(50))
    >>> model.add(Dense(1))
    >>> model.compile(optimizer="adam", loss="mse")
    >>> X, y = np.random.randn(100, 10, 8), np.random.randn(100)
    >>> history = model.fit(X, y, epochs=2, verbose=0)
    >>> len(history.history["loss"])
    2
    >>> model.predict(np.random.randn(1, 10, 8), verbose=0).shape
    (1, 1)
    """

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        *,
        name: str = "sequential",
        dtype: npt.DTypeLike | None = None,
        seed: int | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(layers, name, dtype, seed, trainable)

    # ---- predicting ----

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        *,
        lengths: npt.ArrayLike | None = None,
        bucket: bool = False,
        steps: int | None = None,
        callbacks: object = None,
    ) -> Any:
        """Return the outputs for x, batch by batch.

        Parameters
        ----------
        x, lengths
            As in `fit`. A source gives x, or tuples that begin with it.
        batch_size : int, optional
            Samples at a time; 32 by default.
        verbose : {"auto", 0, 1, 2}
            1 shows a bar; "auto" does in a terminal or notebook when there are several batches.
        bucket : bool
            Take sequences of similar length together. The outputs keep their order.
        steps : int, optional
            Batches to take from a source; by default all.
        callbacks : Callback or list of Callback, optional
            See `gru_c.callbacks`.

        Returns
        -------
        ndarray of shape (samples, ...), or list of ndarray
            A list where x is one and each time step has an output, or where the outputs of a
            source's batches differ in length: an array for each sequence.

        Raises
        ------
        ValueError
            When the model has no weights yet, or x or lengths do not fit.
        """
        return predict.predict(
            self,
            x,
            batch_size=batch_size,
            verbose=verbose,
            lengths=lengths,
            bucket=bucket,
            steps=steps,
            callbacks=callbacks,
        )

    def predict_on_batch(self, x: Any, lengths: npt.ArrayLike | None = None) -> Any:
        """Return the outputs for x, taken as one batch; see `predict`."""
        self.require_built("predict_on_batch")
        count = max(len(inputs.check_batch_inputs(self, x, lengths)), 1)
        return predict.predict(self, x, batch_size=count, verbose=0, lengths=lengths)

    def stream(self, batch_size: int = 1) -> Stream:
        """Return the model as a machine that takes one time step after the other.

        Parameters
        ----------
        batch_size : int
            Sequences that go in step.

        Returns
        -------
        Stream
            With the weights of now, all states zero.

        Raises
        ------
        ValueError
            When the model has no weights yet, or a layer needs more than one step of its input at
            a time.
        TypeError
            When batch_size is no integer.

        Examples
        --------
        >>> import numpy as np
        >>> from gru_c import Dense, GRU, Sequential
        >>> model = Sequential([GRU(50, input_shape=(None, 8)), Dense(1)], seed=0)
        >>> stream = model.stream()
        >>> x = np.random.randn(1, 10, 8).astype(np.float32)
        >>> for t in range(10):
        ...     y = stream.step(x[:, t])
        >>> bool((y == model.predict(x, verbose=0)).all())
        True
        """
        return Stream(self, batch_size)

    def profile(
        self,
        x: Any,
        *,
        lengths: npt.ArrayLike | None = None,
        training: bool = False,
        repeats: int = 10,
    ) -> profile.Profile:
        """Measure how long each layer takes for x, taken as one batch.

        The layers run one after the other, each with what the ones before it make of x; nothing
        that counts is changed. Operations are estimated as in `summary`.

        Parameters
        ----------
        x, lengths
            As in `fit`.
        training : bool
            Measure the passes of a training step, forward and backward (without the loss and the
            optimizer), rather than the forward pass of `predict`.
        repeats : int
            Rounds over all layers, of which medians are taken.

        Returns
        -------
        Profile
            With ``rows``; ``print`` shows them as a table of time, GFLOP/s and share of the total.
            Each direction of a `Bidirectional` is also measured alone.

        Raises
        ------
        ValueError, TypeError
            When the model has no weights yet, or something given does not fit.

        Examples
        --------
        >>> import numpy as np
        >>> from gru_c import Dense, GRU, Sequential
        >>> model = Sequential([GRU(50, input_shape=(None, 8)), Dense(1)], seed=0)
        >>> profile = model.profile(np.random.randn(32, 10, 8), training=True)
        >>> [(row.layer, row.direction, row.flops) for row in profile.rows[:2]]
        [('gru', 'forward', 5568000), ('gru', 'backward', 10368000)]
        """
        check_flag("training", training)
        self.require_built("profile")
        batch = inputs.check_batch_inputs(self, x, lengths)
        if not len(batch):
            raise ValueError("x has no samples: there is nothing to measure")
        batch = batch.batch(self, slice(None))
        rounds = check_integer("repeats", repeats, 1)
        return profile.profile(self, batch.x, batch.mask, training, rounds)

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print the layers with their output shapes, numbers of weights and estimated FLOPs.

        Below them the number of all weights, of those that training changes and of the others.

        FLOPs are those of the forward pass of a sample, or of a time step of it where the number
        of steps is open; a training step takes three times as many. Counted are multiplications
        with kernels and the additions with them: 2 * 3H * (I + H) for a step of a GRU of H units
        on I features, 2 * I * O for a Dense.

        Parameters
        ----------
        print_fn : callable
            Given the table's lines one by one.
        """
        for line in summary_lines(self):
            print_fn(line)

    # ---- training ----

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: object = None,
        *,
        lengths: npt.ArrayLike | None = None,
        bucket: bool = False,
        validation_split: float = 0.0,
        validation_data: Any = None,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        shuffle: bool = True,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        bptt_steps: int | None = None,
        seed: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_interval: float | None = None,
        resume: bool = False,
        distribution: Distribution | None = None,
    ) -> History:
        """Train.

        Ctrl-C ends the run after the batch at hand: the history so far is returned, with
        ``interrupted`` set, and a line says so. Pressed again, within two seconds or in the same
        run, it raises KeyboardInterrupt at once; where that comes in the middle of a step, the
        model is as it was at the beginning of the epoch. All this in the main thread, and unless
        the program handles SIGINT itself.

        Parameters
        ----------
        x : array_like of shape (samples, ...), list of ndarray, or source of batches
            Inputs. Sequences of different length are a list of arrays (time, features), or one
            array with `lengths`; also as the pair ``(x, lengths)``. An `np.memmap`, or another
            array in a file such as a dataset of h5py, is read and checked batch by batch.

            A source gives batches ``(x, y)`` or ``(x, y, sample_weight)`` of any sizes: a list of
            such tuples; an object with ``__len__`` and ``__getitem__``, whose ``on_epoch_end()``
            is called if there is one; any other iterable; or a generator. Lists of anything else
            and objects with ``__array__`` are data.
        y : array_like, or list of ndarray
            Targets, of the output's shape; see the loss. A list like x where x is one and each
            time step has an output. None with a source.
        batch_size : int, optional
            Samples of a step; 32 by default.
        epochs : int
            Epoch at which to end.
        verbose : {"auto", 0, 1, 2}
            0 is silent, 1 a bar per epoch (where stderr is a file, a line there), 2 a line per
            epoch; "auto" a bar in a terminal, else
            lines.
        callbacks : Callback or list of Callback, optional
            See `gru_c.callbacks`.
        lengths : array_like of int, shape (samples,), optional
            How many time steps of each sequence count: the first ones. What x and y hold in the
            others does not matter; they enter neither loss nor metrics.
        bucket : bool
            Draw batches of sequences of similar length, each as long as its longest one.
        validation_split : float
            Share of the samples, the last ones, that is kept for validation; in [0, 1).
        validation_data : tuple (x, y) or (x, y, sample_weight), or source of batches, optional
            Validate on these instead.
        steps_per_epoch : int, optional
            Batches of an epoch from a source; by default all. The next epoch goes on from there,
            and a source that can be begun anew is, at its end. Needed for several epochs from a
            generator; one that gives too few is warned of, and ends the training.
        validation_steps : int, optional
            Batches of a validation from a source, from its beginning; those of a generator go on.
        shuffle : bool
            Draw the samples in a new order in every epoch; of a source with ``__getitem__`` the
            batches.
        sample_weight : array_like, optional
            Weight of each sample (samples,), or of each step (samples, T); a list like y.
        initial_epoch : int
            Number of the first epoch, to go on counting.
        bptt_steps : int, optional
            Truncated backpropagation: take the time steps in pieces of so many, the last one
            shorter; the state goes on from piece to piece, the gradient does not. Where the output
            is a sequence, every piece is an optimizer step on its own outputs and targets, and the
            loss is the mean over the time steps. Else the pieces before the last are run as in
            `predict`, and the last one is trained on. For models whose layers all go from the first
            step to the last.
        seed : int, optional
            Makes this run's shuffling and dropout repeatable by themselves; by default they go on
            from the model's seed.
        checkpoint : path, optional
            A safetensors file that is written while the model trains, with all that is needed to go
            on; `load_model` reads the model in it, too. For arrays, and for a source with
            ``__getitem__`` that gives the same batches again.
        checkpoint_interval : float, optional
            Seconds between two writes within an epoch; 0: after every batch. There is one at the
            end of every epoch, too. By default 30, and writing takes no more than 2% of the time.
        resume : bool
            Go on with the run in the file, if there is one: the result has the bits that the run
            without an interruption would have had, however it was ended. The run must be the
            same: model, shapes of the data, arguments, callbacks that keep something; only the
            epochs may be more. A run that had come to its end does nothing more.
        distribution : gru_c.distributed.DataParallel, optional
            Train one model in several processes, each of which calls this.

        Returns
        -------
        History
            With ``.history`` (a list per name, a value per epoch), ``.epoch`` and ``.interrupted``.

        Raises
        ------
        ValueError, TypeError
            When something given does not fit, or the file to go on with is damaged or that of
            another run; nothing has been changed then. When a later batch of a source does not: it
            says which, and weights and optimizer are as they were at the beginning of that epoch
            (of its validation: as the epoch left them). So it is, too, where the source raises.
        FloatingPointError
            When the loss became NaN or infinite: it says at which batch, and weights and
            optimizer are as they were at the beginning of that epoch. With the callback
            `TerminateOnNaN` the run ends quietly instead.
        """

        def checked() -> tuple[inputs.FitData, fit_settings.FitSettings, CallbackList]:
            check_flags(bucket=bucket, shuffle=shuffle, resume=resume)
            require_optimizer(self)
            fraction = group.batch_fraction
            train = inputs.check_pairs(
                self,
                inputs.UserData(x, y, sample_weight, lengths, batch_size, bucket),
                inputs.SourceOptions(
                    "steps_per_epoch", steps_per_epoch, bptt_steps, True, fraction
                ),
            )
            data = inputs.FitData.checked(
                self, train, validation_split, validation_data, validation_steps, fraction
            )
            settings = fit_settings.FitSettings.checked(
                batch_size,
                epochs,
                initial_epoch,
                shuffle,
                verbose if group.is_first else 0,
                checks.check_bptt_steps(self, train.first, bptt_steps),
                train.first.check_bucket(self, bucket),
            )
            data.require_epochs(settings.epochs - settings.initial_epoch)
            if checkpoint is not None:
                data.require_repeatable()
            elif resume or checkpoint_interval is not None:
                raise ValueError("resume and checkpoint_interval need a file: give checkpoint=path")
            if group.is_first:
                for part in data.parts:
                    doubts_of(self).check(self, part.first)
            return data, settings, CallbackList(callbacks)

        group = start_group(distribution)
        with group.session():
            with group.raise_together():
                data, settings, hooks = checked()
                rng = None if seed is None else make_rng(seed)
            arguments = {**settings.deciding, "seed": seed}
            describe_call = partial(describe_training, self, hooks, arguments)
            data = group.shard(self, data, settings.batch_size, True, describe_call)
            with group.raise_together():
                file = None
                if checkpoint is not None and group.is_first:
                    identity = describe_run(self, data, hooks, arguments)
                    file = CheckpointFile(checkpoint, checkpoint_interval, resume, identity)
            return fit.fit(self, data, settings, rng, hooks, file, group)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        *,
        lengths: npt.ArrayLike | None = None,
        steps: int | None = None,
        callbacks: object = None,
        return_dict: bool = False,
        distribution: Distribution | None = None,
    ) -> float | list[float] | dict[str, float]:
        """Return the loss, and the metrics after it when there are any.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, lengths, callbacks
            As in `fit`.
        steps : int, optional
            Batches to take from a source; by default all.
        return_dict : bool
            Return names and values.
        distribution : gru_c.distributed.DataParallel, optional
            Evaluate in several processes, each of which calls this and gets the result.

        Raises
        ------
        ValueError, TypeError
            As `fit`; also when the model has no weights yet.
        """
        group = start_group(distribution)
        with group.session():
            with group.raise_together():
                check_flag("return_dict", return_dict)
                self.require_built("evaluate")
                hooks, size = CallbackList(callbacks), check_batch_size(batch_size)
                data = inputs.check_pairs(
                    self,
                    inputs.UserData(x, y, sample_weight, lengths, batch_size),
                    inputs.SourceOptions("steps", steps, fraction=group.batch_fraction),
                )
                if group.is_first:
                    doubts_of(self).check(self, data.first)
            describe_call = partial(describe_evaluation, self, {"batch_size": size})
            whole = inputs.FitData(data, None)
            shard = group.shard(self, whole, size, False, describe_call).train
            logs = evaluate.evaluate(self, shard, size, verbose, hooks, group)
        return step.as_result(logs, return_dict)

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        lengths: npt.ArrayLike | None = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Take one optimizer step on one batch; return its loss and metrics as `evaluate` does.

        Raises
        ------
        ValueError, TypeError
            As `fit`.
        FloatingPointError
            When the loss, or a weight after the step, is NaN or infinite; nothing has been changed
            then.
        """
        check_flag("return_dict", return_dict)
        require_optimizer(self)
        data = inputs.check_batch_pairs(self, x, y, sample_weight, lengths)
        doubts_of(self).check(self, data)
        return step.as_result(step.train_on_batch(self, data), return_dict)

    # ---- files ----

    def save(self, path: str | os.PathLike[str], include_optimizer: bool = False) -> None:
        """Write the model to a safetensors file; `load_model` reads it back.

        Which layers are frozen is written, too. Initial values that are arrays
        (``initializers.Constant(array)``) are not, as the weights are.

        Parameters
        ----------
        path : path
            An existing file is replaced at once, when the new one is complete.
        include_optimizer : bool
            Write the optimizer's state too, so that training can go on.

        Raises
        ------
        ValueError
            When there are no weights yet, or something cannot be described in a file.
        """
        contents.save_model(self, path, check_flag("include_optimizer", include_optimizer))
