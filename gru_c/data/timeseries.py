"""Windows of a series as batches, without copies of the series."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from gru_c.utils.arrays import Array, as_real
from gru_c.utils.validation import check_flag, check_integer, make_rng


class TimeseriesDataset:
    """What `timeseries_dataset` returns: batches by number, for `fit`, `evaluate` and `predict`.

    Attributes
    ----------
    windows : ndarray of shape (windows, sequence_length, ...)
        All windows, a view of the series.
    targets : ndarray of shape (windows, ...), or None
        The target of each, a view of what was given.
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
        """Return the number of batches; without a batch size, of windows."""
        return -(-len(self.windows) // (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        """Return a batch ``(windows, targets)``, or the windows alone where there are no targets.

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
    """Cut a series into windows: Keras's ``timeseries_dataset_from_array`` with its arguments.

    The windows are views. Neither they nor the batches of windows in chronological order take
    memory, and the series may be an `np.memmap` larger than that.

    Parameters
    ----------
    data : array_like of shape (steps, ...)
        The series, time first; (steps, features) for a model with a GRU.
    targets : array_like of shape (steps, ...), or None
        ``targets[i]`` is that of the window that begins with ``data[i]``. To forecast the step
        behind a window: ``timeseries_dataset(data[:-n], data[n:], sequence_length=n)``. Windows
        without a target, at the end, are left out. None for `predict`.
    sequence_length : int
        Steps of a window.
    sequence_stride : int
        Steps from the beginning of a window to that of the next.
    sampling_rate : int
        Steps of the series from one step of a window to the next.
    batch_size : int or None
        Windows of a batch, the last one may have fewer; with None each item is one window.
    shuffle : bool
        Draw the windows in a new order in every epoch; a batch is then a copy of its windows.
        Without it, `fit` still draws the order of the batches unless it is told
        ``shuffle=False``, as for all batches by number.
    seed : int, optional
        Of that order.
    start_index, end_index : int, optional
        Steps before the first, and from the second on, are not used.

    Returns
    -------
    TimeseriesDataset
        With ``len(dataset)`` batches ``dataset[i]``.

    Raises
    ------
    ValueError, TypeError
        When an argument is out of range or no integer, or not even one window fits.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import timeseries_dataset
    >>> series = np.arange(100)
    >>> dataset = timeseries_dataset(series[:-10], series[10:], sequence_length=10)
    >>> x, y = dataset[0]
    >>> x.shape, x[1], y[1], np.shares_memory(x, series)
    ((81, 10), array([ 1,  2,  3,  4,  5,  6,  7,  8,  9, 10]), np.int64(11), True)
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
    chosen = None
    if targets is not None:
        chosen = as_real("targets", targets)[start:end]
        windows = windows[: len(chosen)]
        if not len(windows):
            raise ValueError(f"targets has no target from start_index={start} on")
        chosen = chosen[: len(windows) : stride]
    size = check_integer("batch_size", batch_size, 1, optional=True)
    return TimeseriesDataset(windows[::stride], chosen, size, make_rng(seed) if shuffle else None)


def _check_below(name: str, value: object, steps: int) -> int:
    """Return a number of steps that leaves more than one."""
    count = check_integer(name, value, 1)
    if count >= steps:
        raise ValueError(f"{name} must be lower than the {steps} steps of data, got {count}")
    return count
