"""Ctrl-C while a model trains."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType

_AT_ONCE = 2.0  # seconds: a second Ctrl-C within them is for more than this run


class Interrupt:
    """Take note of Ctrl-C instead of raising, so that no step is left half done.

    The first one is left to the loop to look at. A second one raises KeyboardInterrupt at once, in
    the same run or within two seconds, so that a program that trains many models can be ended, too.
    Only where Python's own handler is in place, in the main thread: else Ctrl-C is someone else's.

    Attributes
    ----------
    requested : bool
        Whether Ctrl-C was pressed.
    """

    _last = -_AT_ONCE  # when Ctrl-C was pressed, of all runs

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Interrupt:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            signal.signal(signal.SIGINT, self._take_note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if signal.getsignal(signal.SIGINT) == self._take_note:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _take_note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        again = self.requested or now - Interrupt._last < _AT_ONCE
        Interrupt._last, self.requested = now, True
        if again:
            raise KeyboardInterrupt
