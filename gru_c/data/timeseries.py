"""Windows of a series as batches, without copies of the series."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from gru_c.common.arrays import Array, as_real
from gru_c.common.validation import check_flag, check_integer, make_rng


class TimeseriesDataset:
    """Batches of windows of a series, made by `timeseries_dataset`.

    `fit`, `evaluate` and `predict` take it as a source of batches.

    Attributes
    ----------
    windows : ndarray of shape (windows, sequence_length, ...)
        All windows, as a view of the series.
    targets : ndarray of shape (windows, ...), or None
        The target of each window, as a view of the user's targets.
    batch_size : int or None
    """

    def __init__(
        self,
        windows: Array,
        targets: Array | None,
        batch_size: int | None,
        rng: np.random.Generator | None,
    ) -> None:
        self.windows = windows
        self.targets = targets
        self.batch_size = batch_size
        self._rng = rng  # draws the windows' order; None: chronological
        self._order: Array | None = None
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Draw a new order of the windows, with ``shuffle=True``."""
        if self._rng is not None:
            self._order = self._rng.permutation(len(self.windows))

    def __len__(self) -> int:
        """Return the number of batches; without a batch size, the number of windows."""
        return -(-len(self.windows) // (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        """Return a batch ``(windows, targets)``, or only the windows if there are no targets.

        In chronological order both are views.
        """
        number = operator.index(index)
        number += len(self) if number < 0 else 0
        if not 0 <= number < len(self):
            raise IndexError(f"there are {len(self)} batches, got number {index}")
        where: Any = number
        if self.batch_size is not None:
            where = slice(number * self.batch_size, (number + 1) * self.batch_size)
        if self._order is not None:
            where = self._order[where]
        x = self.windows[where]
        return x if self.targets is None else (x, self.targets[where])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} batches, windows {self.windows.shape}>"


def timeseries_dataset(
    data: npt.ArrayLike,
    targets: npt.ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> TimeseriesDataset:
    """Cut a series into windows; arguments as in Keras's ``timeseries_dataset_from_array``.

    The windows are views: neither they nor the batches in chronological order take memory. The
    series may be an `np.memmap` that is larger than the memory.

    Parameters
    ----------
    data : array_like of shape (steps, ...)
        The series, time first; (steps, features) for a model with a GRU.
    targets : array_like of shape (steps, ...), or None
        ``targets[i]`` is the target of the window that begins with ``data[i]``. To forecast the
        step behind a window, call ``timeseries_dataset(data, data[n:], sequence_length=n)``; with
        ``data[n + k:]`` the target is k steps later. Windows at the end that have no target are
        left out. None for `predict`.
    sequence_length : int
        Number of time steps in a window.
    sequence_stride : int
        Distance between the beginnings of two windows, in steps of the series.
    sampling_rate : int
        Distance between two time steps of a window, in steps of the series.
    batch_size : int or None
        Number of windows in a batch; the last batch may have fewer. With None each item is one
        window.
    shuffle : bool
        Draw the windows in a new order in every epoch; a batch is then a copy of its windows.
        Without it, `fit` still draws the order of the batches, as of any source that is indexed,
        unless it is called with ``shuffle=False``.
    seed : int, optional
        Seed of the order of the windows.
    start_index, end_index : int, optional
        The first step of the series to use, and the first one behind the steps to use.

    Returns
    -------
    TimeseriesDataset
        An object with ``len(dataset)`` batches ``dataset[i]``.

    Raises
    ------
    ValueError, TypeError
        When an argument is out of range or not an integer, or the series is shorter than a window.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import timeseries_dataset
    >>> series = np.arange(100)
    >>> dataset = timeseries_dataset(series, series[10:], sequence_length=10)
    >>> x, y = dataset[0]
    >>> x.shape, x[1], y[1], y[-1], np.shares_memory(x, series)
    ((90, 10), array([ 1,  2,  3,  4,  5,  6,  7,  8,  9, 10]), np.int64(11), np.int64(99), True)
    """
    check_flag("shuffle", shuffle)
    series = as_real("data", data)
    if series.ndim == 0:
        raise ValueError(f"data must have shape (steps, ...), got {series.shape}")
    steps = len(series)
    length = check_integer("sequence_length", sequence_length, 1)
    stride = _check_below("sequence_stride", sequence_stride, steps)
    rate = _check_below("sampling_rate", sampling_rate, steps)
    start = check_integer("start_index", start_index, 0, steps - 1, optional=True) or 0
    end = check_integer("end_index", end_index, start + 1, steps - 1, optional=True)
    part = series[start:end]
    span = (length - 1) * rate + 1
    if span > len(part):
        raise ValueError(
            f"a window of {length} steps with sampling_rate={rate} spans {span} steps, "
            f"there are {len(part)}"
        )
    windows = np.moveaxis(sliding_window_view(part, span, axis=0)[..., ::rate], -1, 1)
    window_targets = None
    if targets is not None:
        window_targets = as_real("targets", targets)[start:end]
        windows = windows[: len(window_targets)]
        if not len(windows):
            raise ValueError(f"targets has no target from start_index={start} on")
        window_targets = window_targets[: len(windows) : stride]
    size = check_integer("batch_size", batch_size, 1, optional=True)
    rng = make_rng(seed) if shuffle else None
    return TimeseriesDataset(windows[::stride], window_targets, size, rng)


def _check_below(name: str, value: object, steps: int) -> int:
    """Return a positive number of steps that is lower than the length of the series."""
    count = check_integer(name, value, 1)
    if count >= steps:
        raise ValueError(f"{name} must be lower than the {steps} steps of data, got {count}")
    return count
