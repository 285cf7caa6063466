"""Where a training run is: its epoch and batch, and what happens around each of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from gru_c.callbacks import CallbackList, TerminateOnNaN
from gru_c.metrics import reset_all
from gru_c.training import snapshot
from gru_c.training.checkpoint import Found, RunFile
from gru_c.training.history import History
from gru_c.training.missing import Missing
from gru_c.training.processes import ProcessGroup, results
from gru_c.training.snapshot import Snapshot
from gru_c.utils.progress import say

if TYPE_CHECKING:
    from gru_c.network.network import Network
    from gru_c.training.interrupt import Interrupt


TRAINED = "the model is trained on them as they are"


class RunEnded(Exception):  # noqa: N818  # it is no error
    """The run ends here, in the middle of an epoch."""


@dataclass
class Totals:
    """What an epoch has seen so far.

    Attributes
    ----------
    batches, samples : int
        How many.
    loss : float
        Sum over the samples.
    """

    batches: int = 0
    samples: int = 0
    loss: float = 0.0

    @property
    def mean_loss(self) -> float:
        """Of the samples; NaN before the first."""
        return self.loss / self.samples if self.samples else math.nan

    def add(self, loss: float, samples: int) -> None:
        """Count a batch of a mean loss."""
        self.batches += 1
        self.samples += samples
        self.loss += loss * samples


class Run:
    """A run of `fit`.

    Parameters
    ----------
    model : Sequential
    callbacks : CallbackList
    file : RunFile or None
        To be written, if the run can be gone on with.
    interrupt : Interrupt
    epoch : int
        The first one.
    group : ProcessGroup
        The processes that train together.

    Attributes
    ----------
    epoch : int
        That of now.
    totals : Totals
        Of this epoch.
    missing, missing_in_validation : Missing
        Samples with NaN or infinities that the training and the validation have seen.
    seen : bool
        Whether this process's metrics have seen a sample of it.
    """

    def __init__(
        self,
        model: Network,
        callbacks: CallbackList,
        file: RunFile | None,
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
        self.seen = False
        self.missing = Missing(TRAINED, model.dtype, targets=bool(model.metrics))
        part = "they are part of the validation's loss and metrics"
        self.missing_in_validation = Missing(part, model.dtype)
        self.history = model.history = History()
        self._logs: dict[str, Any] = {}  # of the last epoch
        self._order: Any = None  # state of the generator that drew this epoch's
        self._drawn: Any = None  # ... and where it is, in an epoch gone on with
        self._metrics: list[dict[str, Any]] | None = None  # before the validation uses them
        # Whether a process calls something at batches: what is there for all.
        self._at_begin = group.any(callbacks.calls("on_train_batch_begin"))
        self._at_end = group.any(callbacks.calls("on_train_batch_end"))
        self._keeps = group.any(file is not None)  # whether a file is written by any process
        group.listen(self._wishes)

    def _wishes(self) -> tuple[bool, bool]:
        """Return whether this process wants to end the epoch, and to write the file."""
        due = self.file is not None and self.file.due(epoch_ended=False)
        return self.interrupt.requested or self.model.stop_training, due

    # ---- an epoch ----

    def begin_epoch(self) -> Snapshot:
        """Begin an epoch, unless the run goes on in the middle of it; what to go back to."""
        if self.totals.batches == 0:
            with self.group.together():
                self.callbacks.call("on_epoch_begin", self.epoch)
                reset_all(self.model.metrics)
            self.seen = False
            self.group.agree_on_trained(self.model)
            if self._keeps:
                self._order = self.model.rng.bit_generator.state
            return Snapshot(self.model, "at the beginning of this epoch")
        self.group.agree_on_trained(self.model)
        self.model.rng.bit_generator.state = self._order
        return Snapshot(self.model, "when this run was taken up again")

    def ordered(self) -> None:
        """Go on drawing where the run was, once the order of the epoch has been drawn again."""
        if self._drawn is not None:
            self.model.rng.bit_generator.state = self._drawn
            self._drawn = None

    def begin_batch(self) -> None:
        """Call what is to be called."""
        if self._at_begin:
            with self.group.together():
                self.callbacks.call("on_train_batch_begin", self.totals.batches)

    def end_batch(self) -> bool:
        """Call what is to be called, and write the file if it is due; whether to end the epoch."""
        stopped = False
        if self._at_end:
            logs = self.logs()
            with self.group.together():
                self.callbacks.call("on_train_batch_end", self.totals.batches - 1, logs=logs)
            stopped = self.stops()
        stop, write = self.group.signals()
        if stop or stopped:
            return True
        if write:
            self._write()
        return False

    def stops(self) -> bool:
        """Return whether training is to stop, in all processes when it is in one."""
        if self.group.any(self.model.stop_training):
            self.model.stop_training = True
        return self.model.stop_training

    def logs(self) -> dict[str, Any]:
        """Return the mean loss and the metrics of the epoch so far."""
        return {"loss": self.totals.mean_loss, **self.group.merged(self.model.metrics)}

    def own_logs(self) -> dict[str, Any]:
        """Return the same with the metrics over the samples of this process, if it had any."""
        found = results(self.model.metrics) if self.seen else {}
        return {"loss": self.totals.mean_loss, **found}

    def end_training(self) -> None:
        """End the batches of an epoch: its validation uses the same metrics."""
        self.end_if_interrupted()
        if self._keeps:
            with self.group.together():
                self._metrics = self._of_metrics()

    def _of_metrics(self) -> list[dict[str, Any]]:
        return [metric.get_state() for metric in self.model.metrics]

    def end_epoch(self, logs: dict[str, Any]) -> dict[str, Any]:
        """Call what is to be called, and record the epoch; what is recorded."""
        with self.group.together():
            self.callbacks.call("on_epoch_end", self.epoch, logs=logs)
        logs = self.group.first_of(lambda: logs)
        self.group.check_even(self.model)
        self.stops()
        self.history.append(self.epoch, logs)
        self._logs = logs
        return logs

    def go_on(self) -> None:
        """Go to the next epoch, and write the file if it is due."""
        self._to_epoch(self.epoch + 1)
        self.end_if_interrupted()
        if self._keeps and self.group.any(self._due_after_epoch()):
            self._write()

    def _due_after_epoch(self) -> bool:
        return self.file is not None and self.file.due(epoch_ended=True)

    def _to_epoch(self, epoch: int) -> None:
        self.epoch, self.totals, self._metrics = epoch, Totals(), None

    # ---- its end ----

    def end_if_interrupted(self) -> None:
        """Raise RunEnded after Ctrl-C."""
        if self.group.any(self.interrupt.requested):
            self.interrupt.requested = True
            raise RunEnded

    def end_validation_if_interrupted(self) -> None:
        """Raise RunEnded between two batches of a validation, unless others are at other ones."""
        if self.group.size == 1:
            self.end_if_interrupted()

    def give_up(self, before: Snapshot, problem: str) -> NoReturn:
        """Go back, and end the run: with FloatingPointError unless a callback takes it."""
        before.restore()
        problem = f"{problem}; weights and optimizer are as they were {before.when}"
        ending = [one for one in self.callbacks.callbacks if isinstance(one, TerminateOnNaN)]
        with self.group.together():
            for callback in ending:
                callback.terminate(problem)
        if not self.group.any(bool(ending)):
            with self.group.together():
                raise FloatingPointError(problem)
        self._to_epoch(self.epoch)
        raise RunEnded

    def finish(self) -> History:
        """End the run; the history."""
        if self.group.any(self.interrupt.requested):
            self.history.interrupted = True
            where = f"batch {self.totals.batches} of epoch" if self.totals.batches else "epoch"
            epoch = self.epoch + (1 if self.totals.batches else 0)
            say(f"Interrupted after {where} {epoch}: fit ends. Ctrl-C again within 2 s raises.")
        if self._keeps:
            self._write()  # before a callback goes back to other weights
        with self.group.together():
            self.callbacks.call("on_train_end", logs=self._logs)
        self.group.check_even(self.model)
        return self.history

    # ---- its file ----

    def _write(self) -> None:
        with self.group.together():
            own = {**snapshot.capture(self.model), "metrics": self._metrics or self._of_metrics()}
            kept = [one.get_state() for one in self.callbacks.keeping]
        model, *others = self.group.gather(own)
        state = {
            "model": model,
            "others": others,  # what the other processes' models and metrics hold
            "learning_rate": model["learning_rate"],
            "epoch": self.epoch,
            "stopped": bool(self.model.stop_training),
            "totals": asdict(self.totals),
            "order": self._order if self.totals.batches else None,
            "history": {"history": self.history.history, "epoch": self.history.epoch},
            "logs": self._logs,
            "callbacks": kept,
        }
        with self.group.together():
            if self.file is not None:
                self.file.write(self.model, state)

    def take_up(self, found: Found) -> None:
        """Go on with the run of a file; ValueError where it does not fit."""
        path, state, tensors = found
        try:
            self._take_position(state)
            for callback, kept in zip(self.callbacks.keeping, state["callbacks"], strict=True):
                callback.set_state(kept)
            captured = [state["model"], *state.get("others", [])]
            mine = snapshot.of_process(self.model, captured, self.group)
            snapshot.restore(self.model, mine, tensors)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ValueError(f"{path}: the run's state is damaged: {error}") from error
        if self.totals.batches:
            self._drawn = self.model.rng.bit_generator.state
            self.seen = True

    def _take_position(self, state: dict[str, Any]) -> None:
        self.totals = Totals(*(state["totals"][name] for name in ("batches", "samples", "loss")))
        numbers = (state["epoch"], self.totals.batches, self.totals.samples)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"epoch, batches and samples are {numbers}")
        if self.totals.batches:
            self._order = snapshot.check_drawn(self.model.rng, state["order"])
        self.epoch, self._logs = state["epoch"], dict(state["logs"])
        self.history.history = {k: list(v) for k, v in state["history"]["history"].items()}
        self.history.epoch = list(state["history"]["epoch"])
        self.model.stop_training = state["stopped"] is True
