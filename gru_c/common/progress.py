"""Progress of loops, shown as a bar, as a line, or not at all."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import TracebackType
from typing import Any

import numpy as np

SILENT, BAR, LINE = 0, 1, 2


def check_verbose(verbose: str | int) -> int:
    """Return 0, 1 or 2; "auto" means bars in a terminal or notebook, and lines elsewhere."""
    if isinstance(verbose, str) and verbose == "auto":
        return BAR if bars_are_shown() else LINE
    return check_level(verbose, "'auto', 0, 1 or 2")


def check_level(verbose: object, wanted: str = "0, 1 or 2") -> int:
    """Return 0, 1 or 2; ValueError for other values."""
    if np.isscalar(verbose) and verbose in (SILENT, BAR, LINE):
        return (SILENT, BAR, LINE).index(verbose)
    raise ValueError(f"verbose must be {wanted}, got {verbose!r}")


def bars_are_shown() -> bool:
    """Return True in a terminal and in a Jupyter notebook, where a bar can be redrawn in place."""
    terminal = sys.stderr is not None and sys.stderr.isatty()  # a service may have none
    return terminal or "ipykernel.zmqshell" in sys.modules


def _bar(total: int | None, title: str, unit: str) -> Any:
    """Return a tqdm bar for the terminal or notebook; None where tqdm is not installed."""
    if find_spec("tqdm") is None:
        return None
    with warnings.catch_warnings():
        # In a notebook without ipywidgets tqdm warns, and shows the bar of a terminal.
        warnings.simplefilter("ignore")
        from tqdm.autonotebook import tqdm

    return tqdm(total=total, desc=title, unit=unit, dynamic_ncols=True)


class Progress:
    """The display of a loop over batches or other units; their number is None if unknown.

    Mode 1 shows a tqdm bar on stderr with the remaining time, mode 2 a line on stdout at the end.
    Both show the samples per second. If stderr is a file or a pipe, where a bar would add a new
    line for every batch, or if tqdm is not installed, mode 1 writes one line to stderr at the end.
    """

    def __init__(self, mode: int, title: str, batches: int | None, unit: str = "batch") -> None:
        self.mode = mode
        self.title = title
        self._samples = 0
        self._bar: Any = None
        if mode == BAR and bars_are_shown():
            self._bar = _bar(batches, title, unit)
        self._begin = self._last = time.perf_counter()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, samples: int, logs: Callable[[], dict[str, float]] | None = None) -> None:
        """Count a batch; `logs` is only called when the bar is redrawn."""
        if self.mode == SILENT:
            return
        self._samples += samples
        self._last = time.perf_counter()
        if self._bar is not None and self._bar.update():
            self._show({} if logs is None else logs(), refresh=False)

    def finish(self, logs: dict[str, float]) -> None:
        """Show the final values."""
        if self._bar is not None:
            if self._bar.total is None:
                self._bar.total = self._bar.n
            self._show(logs, refresh=True)
        elif self.mode != SILENT:
            parts = [f"{name}: {value}" for name, value in _rounded(logs).items()]
            if self._samples:
                seconds = time.perf_counter() - self._begin
                parts.insert(0, f"{seconds:.1f}s, {self._speed} samples/s")
            stream = sys.stderr if self.mode == BAR else sys.stdout
            if stream is not None:
                print(" - ".join([self.title, *parts]), file=stream, flush=True)

    def _show(self, logs: dict[str, float], *, refresh: bool) -> None:
        self._bar.set_postfix({**_rounded(logs), "samples/s": self._speed}, refresh=refresh)

    @property
    def _speed(self) -> str:
        """Samples per second up to the last batch, without a validation after it."""
        return f"{self._samples / max(self._last - self._begin, 1e-9):,.0f}"


def _rounded(logs: dict[str, float]) -> dict[str, str]:
    """Return every value with four digits; final zeros keep lines aligned."""
    return {name: f"{value:#.4g}".rstrip(".") for name, value in logs.items()}


_mutes = 0


@contextmanager
def muted(wanted: bool) -> Iterator[None]:
    """Silence `say` in this context if `wanted` is true."""
    global _mutes
    _mutes += wanted
    try:
        yield
    finally:
        _mutes -= wanted


def say(message: str) -> None:
    """Print a line; while a bar is shown, print it above the bar."""
    if _mutes:
        return
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:
        print(message, flush=True)
    else:
        tqdm.tqdm.write(message)
