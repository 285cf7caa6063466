"""Ctrl-C while a model trains."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType

_AT_ONCE = 2.0  # seconds within which a second Ctrl-C ends more than this run


class Interrupt:
    """A context manager that records Ctrl-C instead of raising, so that each step is completed.

    The training loop reads `requested` and ends. A second Ctrl-C, in the same run or within two
    seconds, raises KeyboardInterrupt at once; so a program that trains many models can be ended,
    too. All this holds only in the main thread and while Python's own handler is installed:
    otherwise the program handles Ctrl-C itself.

    Attributes
    ----------
    requested : bool
        True after Ctrl-C.
    """

    _last = -_AT_ONCE  # time of the last Ctrl-C in any run

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Interrupt:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            signal.signal(signal.SIGINT, self._record)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if signal.getsignal(signal.SIGINT) == self._record:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _record(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        again = self.requested or now - Interrupt._last < _AT_ONCE
        Interrupt._last, self.requested = now, True
        if again:
            raise KeyboardInterrupt
