"""The base class of callbacks that monitor a quantity in the logs."""

from __future__ import annotations

from typing import ClassVar

from gru_c.callbacks.base import Callback, Logs
from gru_c.common.validation import check_real

_MODES = ("auto", "min", "max")


class MonitorCallback(Callback):
    """Base class of callbacks that act on the improvement of a quantity.

    Parameters
    ----------
    monitor : str
        Name of the quantity in the logs, such as "val_loss".
    mode : {"auto", "min", "max"}
        The better direction; "auto" knows that of the loss and of this package's metrics.
    min_delta : float
        A change counts as an improvement if it is larger than this.
    """

    _advice: ClassVar = dict.fromkeys(
        ("monitor", "mode"), "cannot change after the callback was made: make a new {cls}(...)"
    )

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        owner = type(self).__name__
        if not isinstance(monitor, str):
            raise TypeError(f"{owner}: monitor must be the name of a log, got {monitor!r}")
        if mode not in _MODES:
            raise ValueError(f"{owner}: mode must be one of {', '.join(_MODES)}, got {mode!r}")
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(check_real(f"{owner}: min_delta", min_delta))
        self.best: float | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Find out the better direction, and check that the quantity will be in the logs."""
        name = self.monitor.removeprefix("val_")
        directions = {"loss": "min", **{m.name: m.direction for m in self.model.metrics}}
        if name != self.monitor and name in directions and not self._validates:
            raise ValueError(
                f"{type(self).__name__} monitors {self.monitor!r}, but there is no validation: "
                f"give fit validation_data or validation_split, or monitor {name!r}"
            )
        direction = directions.get(name) if self.mode == "auto" else self.mode
        if direction is None:
            known = ", ".join(key for key, value in directions.items() if value)
            raise ValueError(
                f"{type(self).__name__} cannot know whether less or more of {self.monitor!r} is "
                f"better: give mode='min' or mode='max', or monitor one of {known}"
            )
        self._sign = 1 if direction == "max" else -1

    @property
    def _validates(self) -> bool:
        return self.params is None or bool(self.params.get("validation", True))

    def waits(self, logs: Logs | None) -> bool:
        """Return True after an epoch without a validation, if its quantities are monitored."""
        return (
            self.monitor.startswith("val_")
            and self.params is not None
            and bool(self.params.get("validation"))
            and not any(name.startswith("val_") for name in logs or ())
        )

    def value(self, logs: Logs | None) -> float:
        """Return the quantity; ValueError if it is not in the logs."""
        if not logs or self.monitor not in logs:
            raise ValueError(
                f"{type(self).__name__} monitors {self.monitor!r}, which is not among the logs: "
                f"there are {', '.join(logs or ()) or 'none'}"
            )
        return float(logs[self.monitor])

    def improves(self, value: float, reference: float | None) -> bool:
        """Return True if a value is better than the reference; None is worse than all but NaN."""
        if reference is None:
            return value == value
        return self._sign * (value - self._sign * self.min_delta) > self._sign * reference
