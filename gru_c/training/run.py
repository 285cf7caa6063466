"""The state of a training run: epoch and batch, history, callbacks and checkpoint file."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from gru_c.callbacks import CallbackList, TerminateOnNaN
from gru_c.common.progress import say
from gru_c.metrics import reset_all
from gru_c.network.network import Network
from gru_c.training import snapshot
from gru_c.training.checkpoint import CheckpointFile, SavedRun
from gru_c.training.history import History
from gru_c.training.interrupt import Interrupt
from gru_c.training.non_finite import NonFiniteSamples
from gru_c.training.processes import ProcessGroup, results
from gru_c.training.snapshot import Snapshot

TRAINED = "the model is trained on them as they are"


class RunEnded(Exception):  # noqa: N818  # a normal end, not an error
    """Ends a run in the middle of an epoch."""


@dataclass
class Totals:
    """The batches of an epoch so far.

    Attributes
    ----------
    batches, samples : int
        Their numbers.
    loss : float
        Sum of the losses of all samples.
    """

    batches: int = 0
    samples: int = 0
    loss: float = 0.0

    @property
    def mean_loss(self) -> float:
        """Mean loss of the samples; NaN before the first."""
        return self.loss / self.samples if self.samples else math.nan

    def add(self, loss: float, samples: int) -> None:
        """Add a batch with its mean loss."""
        self.batches += 1
        self.samples += samples
        self.loss += loss * samples


class Run:
    """A run of `fit`.

    Parameters
    ----------
    model : Sequential
    callbacks : CallbackList
    file : CheckpointFile or None
        The file that this process writes, if any.
    interrupt : Interrupt
    epoch : int
        The first epoch.
    group : ProcessGroup
        The processes that train together.

    Attributes
    ----------
    epoch : int
        The current epoch.
    totals : Totals
        The batches of the current epoch so far.
    non_finite, non_finite_in_validation : NonFiniteSamples
        The samples with NaN or infinities in training and in validation.
    has_local_samples : bool
        True if the metrics of this process hold samples of the current epoch.
    """

    def __init__(
        self,
        model: Network,
        callbacks: CallbackList,
        file: CheckpointFile | None,
        interrupt: Interrupt,
        epoch: int,
        group: ProcessGroup,
    ) -> None:
        self.model = model
        self.callbacks = callbacks
        self.file = file
        self.interrupt = interrupt
        self.group = group
        self.epoch = epoch
        self.totals = Totals()
        self.has_local_samples = False
        self.non_finite = NonFiniteSamples(TRAINED, model.dtype, targets=bool(model.metrics))
        consequence = "they are part of the validation's loss and metrics"
        self.non_finite_in_validation = NonFiniteSamples(consequence, model.dtype)
        self.history = model.history = History()
        self._logs: dict[str, Any] = {}  # logs of the last epoch
        # States of the model's generator: before it drew the order of this epoch, and, when a run
        # is resumed within an epoch, at the batch where it resumes.
        self._state_before_order: Any = None
        self._state_to_restore: Any = None
        self._metric_states: list[dict[str, Any]] | None = None  # before the validation
        # True if a process has such a callback, or such a file: then all must communicate there.
        self._calls_at_begin = group.any_process(callbacks.calls("on_train_batch_begin"))
        self._calls_at_end = group.any_process(callbacks.calls("on_train_batch_end"))
        self._has_file = group.any_process(file is not None)
        group.register_requests(self._requests)

    def _requests(self) -> tuple[bool, bool]:
        """Return this process's requests: to end the epoch, and to write the file."""
        due = self.file is not None and self.file.due(epoch_ended=False)
        return self.interrupt.requested or self.model.stop_training, due

    # ---- an epoch ----

    def begin_epoch(self) -> Snapshot:
        """Begin an epoch, or resume it; return a snapshot of the model.

        The callbacks' `on_epoch_begin` is not called again in an epoch that is resumed.
        """
        if self.totals.batches == 0:
            with self.group.raise_together():
                self.callbacks.call("on_epoch_begin", self.epoch)
                reset_all(self.model.metrics)
            self.has_local_samples = False
            self.group.agree_on_trainable(self.model)
            if self._has_file:
                self._state_before_order = self.model.rng.bit_generator.state
            return Snapshot(self.model, "at the beginning of this epoch")
        self.group.agree_on_trainable(self.model)
        self.model.rng.bit_generator.state = self._state_before_order
        return Snapshot(self.model, "when this run was resumed")

    def restore_generator(self) -> None:
        """Restore the generator of a resumed run, after it has drawn the epoch's order again."""
        if self._state_to_restore is not None:
            self.model.rng.bit_generator.state = self._state_to_restore
            self._state_to_restore = None

    def begin_batch(self) -> None:
        """Call the callbacks' `on_train_batch_begin`."""
        if self._calls_at_begin:
            with self.group.raise_together():
                self.callbacks.call("on_train_batch_begin", self.totals.batches)

    def end_batch(self) -> bool:
        """Call the callbacks' `on_train_batch_end` and write the file if it is due.

        Return True to end the epoch.
        """
        stopped = False
        if self._calls_at_end:
            logs = self.logs()
            with self.group.raise_together():
                self.callbacks.call("on_train_batch_end", self.totals.batches - 1, logs=logs)
            stopped = self.should_stop()
        stop, write = self.group.take_requests()
        if stop or stopped:
            return True
        if write:
            self._write()
        return False

    def should_stop(self) -> bool:
        """Return True if `stop_training` is set in one process, and set it in all."""
        if self.group.any_process(self.model.stop_training):
            self.model.stop_training = True
        return self.model.stop_training

    def logs(self) -> dict[str, Any]:
        """Return the mean loss and the metrics of the epoch so far."""
        return {"loss": self.totals.mean_loss, **self.group.merge_metrics(self.model.metrics)}

    def local_logs(self) -> dict[str, Any]:
        """Return the mean loss, and the metrics over the samples of this process if it has any."""
        metrics = results(self.model.metrics) if self.has_local_samples else {}
        return {"loss": self.totals.mean_loss, **metrics}

    def end_training(self) -> None:
        """Save the states of the metrics before the validation of this epoch uses them."""
        self.end_if_interrupted()
        if self._has_file:
            with self.group.raise_together():
                self._metric_states = self._get_metric_states()

    def _get_metric_states(self) -> list[dict[str, Any]]:
        return [metric.get_state() for metric in self.model.metrics]

    def end_epoch(self, logs: dict[str, Any]) -> dict[str, Any]:
        """Call the callbacks' `on_epoch_end`; record and return the logs that they may change."""
        with self.group.raise_together():
            self.callbacks.call("on_epoch_end", self.epoch, logs=logs)
        logs = self.group.broadcast(lambda: logs)
        self.group.check_weights_equal(self.model)
        self.should_stop()
        self.history.append(self.epoch, logs)
        self._logs = logs
        return logs

    def start_next_epoch(self) -> None:
        """Count the epoch, and write the file if it is due."""
        self._set_epoch(self.epoch + 1)
        self.end_if_interrupted()
        if self._has_file and self.group.any_process(self._due_after_epoch()):
            self._write()

    def _due_after_epoch(self) -> bool:
        return self.file is not None and self.file.due(epoch_ended=True)

    def _set_epoch(self, epoch: int) -> None:
        self.epoch, self.totals, self._metric_states = epoch, Totals(), None

    # ---- the end of the run ----

    def end_if_interrupted(self) -> None:
        """Raise RunEnded after Ctrl-C."""
        if self.group.any_process(self.interrupt.requested):
            self.interrupt.requested = True
            raise RunEnded

    def end_validation_if_interrupted(self) -> None:
        """Raise RunEnded after Ctrl-C, between two batches of the validation of a single process.

        Several processes may be at different batches, so they end after the validation.
        """
        if self.group.size == 1:
            self.end_if_interrupted()

    def abort(self, before: Snapshot, problem: str) -> NoReturn:
        """Restore the snapshot and end the run because of a value that is not finite.

        Raises
        ------
        RunEnded
            If there is a `TerminateOnNaN`, which reports the problem.
        FloatingPointError
            If there is none.
        """
        before.restore()
        problem = f"{problem}; weights and optimizer are as they were {before.when}"
        callbacks = self.callbacks.callbacks
        terminating = [item for item in callbacks if isinstance(item, TerminateOnNaN)]
        with self.group.raise_together():
            for callback in terminating:
                callback.terminate(problem)
        if not self.group.any_process(bool(terminating)):
            with self.group.raise_together():
                raise FloatingPointError(problem)
        self._set_epoch(self.epoch)
        raise RunEnded

    def finish(self) -> History:
        """Write the file, call the callbacks' `on_train_end`, and return the history."""
        if self.group.any_process(self.interrupt.requested):
            self.history.interrupted = True
            where = f"batch {self.totals.batches} of epoch" if self.totals.batches else "epoch"
            epoch = self.epoch + (1 if self.totals.batches else 0)
            say(f"Interrupted after {where} {epoch}: fit ends. Ctrl-C again within 2 s raises.")
        if self._has_file:
            self._write()  # before a callback restores earlier weights
        if self.model.optimizer is not None:
            self.model.optimizer.finalize(self.model.parameters)
        with self.group.raise_together():
            self.callbacks.call("on_train_end", logs=self._logs)
        self.group.check_weights_equal(self.model)
        return self.history

    # ---- the checkpoint file ----

    def _write(self) -> None:
        with self.group.raise_together():
            metrics = self._metric_states or self._get_metric_states()
            local = {**snapshot.capture(self.model), "metrics": metrics}
            callback_states = [callback.get_state() for callback in self.callbacks.keeping]
        model, *others = self.group.gather(local)
        state = {
            "model": model,
            "others": others,  # the states of the models and metrics in other processes
            "learning_rate": model["learning_rate"],
            "epoch": self.epoch,
            "stopped": bool(self.model.stop_training),
            "totals": asdict(self.totals),
            "order": self._state_before_order if self.totals.batches else None,
            "history": self.history.get_state(),
            "logs": self._logs,
            "callbacks": callback_states,
        }
        with self.group.raise_together():
            if self.file is not None:
                self.file.write(self.model, state)

    def resume(self, saved: SavedRun) -> None:
        """Continue a saved run; ValueError if its state does not fit this one."""
        path, state, tensors = saved
        try:
            self._restore_position(state)
            states = zip(self.callbacks.keeping, state["callbacks"], strict=True)
            for callback, callback_state in states:
                callback.set_state(callback_state)
            captured = [state["model"], *state.get("others", [])]
            local = snapshot.state_for_process(self.model, captured, self.group)
            snapshot.restore(self.model, local, tensors)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ValueError(f"{path}: the run's state is damaged: {error}") from error
        if self.totals.batches:
            self._state_to_restore = self.model.rng.bit_generator.state
            self.has_local_samples = True

    def _restore_position(self, state: dict[str, Any]) -> None:
        """Restore the epoch, the batch, the logs and the history."""
        self.totals = Totals(*(state["totals"][name] for name in ("batches", "samples", "loss")))
        numbers = (state["epoch"], self.totals.batches, self.totals.samples)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"epoch, batches and samples are {numbers}")
        if self.totals.batches:
            order = snapshot.check_generator_state(self.model.rng, state["order"])
            self._state_before_order = order
        self.epoch, self._logs = state["epoch"], dict(state["logs"])
        self.history.set_state(state["history"])
        self.model.stop_training = state["stopped"] is True
