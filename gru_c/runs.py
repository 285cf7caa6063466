"""Where a training run is: its epoch and batch, and what happens around each of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from gru_c import run_state
from gru_c.callbacks import CallbackList, TerminateOnNaN
from gru_c.history import History
from gru_c.progress import say
from gru_c.run_file import RunFile, Tensors
from gru_c.run_state import Snapshot

if TYPE_CHECKING:
    from gru_c.interrupts import Interrupt
    from gru_c.model import Sequential

Found = tuple[dict[str, Any], Tensors]  # what a `RunFile` was read to


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

    Attributes
    ----------
    epoch : int
        That of now.
    totals : Totals
        Of this epoch.
    """

    def __init__(
        self,
        model: Sequential,
        callbacks: CallbackList,
        file: RunFile | None,
        interrupt: Interrupt,
        epoch: int,
    ) -> None:
        self.model = model
        self.callbacks = callbacks
        self.file = file
        self.interrupt = interrupt
        self.epoch = epoch
        self.totals = Totals()
        self.history = model.history = History()
        self._logs: dict[str, Any] = {}  # of the last epoch
        self._order: Any = None  # state of the generator that drew this epoch's
        self._drawn: Any = None  # ... and where it is, in an epoch gone on with
        self._metrics: list[dict[str, Any]] | None = None  # before the validation uses them

    # ---- an epoch ----

    def begin_epoch(self) -> Snapshot:
        """Begin an epoch, unless the run goes on in the middle of it; what to go back to."""
        if self.totals.batches == 0:
            self.callbacks.call("on_epoch_begin", self.epoch)
            for metric in self.model.metrics:
                metric.reset()
            if self.file is not None:
                self._order = self.model.rng.bit_generator.state
            return Snapshot(self.model, "at the beginning of this epoch")
        self.model.rng.bit_generator.state = self._order
        return Snapshot(self.model, "when this run was taken up again")

    def ordered(self) -> None:
        """Go on drawing where the run was, once the order of the epoch has been drawn again."""
        if self._drawn is not None:
            self.model.rng.bit_generator.state = self._drawn
            self._drawn = None

    def begin_batch(self) -> None:
        """Call what is to be called."""
        if self.callbacks.callbacks:
            self.callbacks.call("on_train_batch_begin", self.totals.batches)

    def end_batch(self) -> bool:
        """Call what is to be called, and write the file if it is due; whether to end the epoch."""
        if self.callbacks.callbacks:
            self.callbacks.call("on_train_batch_end", self.totals.batches - 1, logs=self.logs)
        if self.model.stop_training or self.interrupt.requested:
            return True
        if self.file is not None and self.file.due(epoch_ended=False):
            self._write()
        return False

    def logs(self) -> dict[str, Any]:
        """Return the mean loss and the metrics of the epoch so far."""
        metrics = {metric.name: metric.result() for metric in self.model.metrics}
        return {"loss": self.totals.mean_loss, **metrics}

    def end_training(self) -> None:
        """End the batches of an epoch: its validation uses the same metrics."""
        self.end_if_interrupted()
        if self.file is not None:
            self._metrics = [metric.get_state() for metric in self.model.metrics]

    def end_epoch(self, logs: dict[str, Any]) -> None:
        """Record an epoch, and write the file if it is due."""
        self.history.append(self.epoch, logs)
        self._logs = logs
        self._to_epoch(self.epoch + 1)
        self.end_if_interrupted()
        if self.file is not None and self.file.due(epoch_ended=True):
            self._write()

    def _to_epoch(self, epoch: int) -> None:
        self.epoch, self.totals, self._metrics = epoch, Totals(), None

    # ---- its end ----

    def end_if_interrupted(self) -> None:
        """Raise RunEnded after Ctrl-C."""
        if self.interrupt.requested:
            raise RunEnded

    def give_up(self, before: Snapshot, problem: str) -> NoReturn:
        """Go back, and end the run: with FloatingPointError unless a callback takes it."""
        before.restore()
        problem = f"{problem}; weights and optimizer are as they were {before.when}"
        ending = [one for one in self.callbacks.callbacks if isinstance(one, TerminateOnNaN)]
        if not ending:
            raise FloatingPointError(problem)
        for callback in ending:
            callback.terminate(problem)
        self._to_epoch(self.epoch)
        raise RunEnded

    def finish(self) -> History:
        """End the run; the history."""
        if self.interrupt.requested:
            self.history.interrupted = True
            where = f"batch {self.totals.batches} of epoch" if self.totals.batches else "epoch"
            epoch = self.epoch + (1 if self.totals.batches else 0)
            say(f"Interrupted after {where} {epoch}: fit ends. Ctrl-C again within 2 s raises.")
        if self.file is not None:
            self._write()  # before a callback goes back to other weights
        self.callbacks.call("on_train_end", logs=self._logs)
        return self.history

    # ---- its file ----

    def _write(self) -> None:
        assert self.file is not None
        model = run_state.capture(self.model)
        state = {
            "model": model,
            "learning_rate": model["learning_rate"],
            "epoch": self.epoch,
            "stopped": bool(self.model.stop_training),
            "totals": asdict(self.totals),
            "order": self._order if self.totals.batches else None,
            "metrics": self._metrics or [metric.get_state() for metric in self.model.metrics],
            "history": {"history": self.history.history, "epoch": self.history.epoch},
            "logs": self._logs,
            "callbacks": [one.get_state() for one in self.callbacks.keeping],
        }
        self.file.write(self.model, state)

    def take_up(self, found: Found) -> None:
        """Go on with the run of a file; ValueError where it does not fit."""
        assert self.file is not None
        state, tensors = found
        try:
            self._take_position(state)
            for callback, kept in zip(self.callbacks.keeping, state["callbacks"], strict=True):
                callback.set_state(kept)
            run_state.restore(self.model, state["model"], tensors)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ValueError(f"{self.file.path}: the run's state is damaged: {error}") from error
        if self.totals.batches:
            self._drawn = self.model.rng.bit_generator.state

    def _take_position(self, state: dict[str, Any]) -> None:
        self.totals = Totals(*(state["totals"][name] for name in ("batches", "samples", "loss")))
        numbers = (state["epoch"], self.totals.batches, self.totals.samples)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"epoch, batches and samples are {numbers}")
        if self.totals.batches:
            self._order = run_state.check_drawn(self.model.rng, state["order"])
        self.epoch, self._logs = state["epoch"], dict(state["logs"])
        for metric, kept in zip(self.model.metrics, state["metrics"], strict=True):
            metric.set_state(kept)
        self.history.history = {k: list(v) for k, v in state["history"]["history"].items()}
        self.history.epoch = list(state["history"]["epoch"])
        self.model.stop_training = state["stopped"] is True
