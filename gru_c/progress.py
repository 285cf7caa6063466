"""What a person sees while a loop runs: a bar, a line, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

SILENT, BAR, LINE = 0, 1, 2


def check_verbose(verbose: str | int) -> int:
    """Return 0, 1 or 2; "auto" is a bar in a terminal, else lines."""
    if verbose == "auto":
        return BAR if sys.stderr.isatty() else LINE
    if verbose in (SILENT, BAR, LINE):
        return int(verbose)
    raise ValueError(f"verbose must be 'auto', 0, 1 or 2, got {verbose!r}")


class Progress:
    """A loop of so many batches (units): 1 a tqdm bar on stderr, 2 a line on stdout at its end."""

    def __init__(self, mode: int, title: str, batches: int, unit: str = "batch") -> None:
        self.mode = mode
        self.title = title
        self._bar: Any = None
        if mode == BAR:
            from tqdm import tqdm

            self._bar = tqdm(total=batches, desc=title, unit=unit, dynamic_ncols=True)

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

    def update(self, logs: Callable[[], dict[str, float]] | None = None) -> None:
        """Count a batch; `logs` is only called when the bar is drawn anew."""
        if self._bar is not None and self._bar.update() and logs is not None:
            self._bar.set_postfix(_rounded(logs()), refresh=False)

    def finish(self, logs: dict[str, float]) -> None:
        """Show the final values."""
        if self._bar is not None:
            self._bar.set_postfix(_rounded(logs))
        elif self.mode == LINE:
            values = " - ".join(f"{name}: {value}" for name, value in _rounded(logs).items())
            print(f"{self.title} - {values}", flush=True)


def _rounded(logs: dict[str, float]) -> dict[str, str]:
    """Four digits of every value, final zeros kept so that lines stay aligned."""
    return {name: f"{value:#.4g}".rstrip(".") for name, value in logs.items()}
