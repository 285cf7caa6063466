"""Sequences and series: padding, windows and pairs of words, with Keras's names."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.keywords import checked_function
from gru_c.common.validation import check_flag, check_integer, check_real
from gru_c.data.padding import pad_sequences
from gru_c.data.py_dataset import PyDataset, WorkerOptions
from gru_c.data.timeseries import TimeseriesDataset, timeseries_dataset

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "TimeseriesGenerator",
    "make_sampling_table",
    "pad_sequences",
    "skipgrams",
    "timeseries_dataset_from_array",
]


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a series, each with the target of the step behind it.

    `fit` takes it as a batch source. `gru_c.timeseries_dataset` makes the same windows without
    copies.

    Parameters
    ----------
    data : array_like of shape (steps, ...)
        The series.
    targets : array_like of shape (steps, ...)
        ``targets[i]`` belongs to the window that ends before ``data[i]``.
    length : int
        Steps of the series that a window spans.
    sampling_rate : int
        Steps of the series from one step of a window to the next.
    stride : int
        Steps from one window to the next.
    start_index, end_index : int, optional
        The first step of the first window, and the last step that has a window before it.
    shuffle : bool
        Draw the windows of each batch at random with NumPy's legacy generator, so that some may
        occur several times and some never. Without it they are in their order.
    reverse : bool
        Reverse the steps in each window.
    batch_size : int
        Windows of a batch.
    **options
        See `PyDataset`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, data and targets differ in length, or no window fits.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.preprocessing.sequence import TimeseriesGenerator
    >>> series = np.arange(10)
    >>> batches = TimeseriesGenerator(series, series, length=3, batch_size=2)
    >>> len(batches)
    4
    >>> x, y = batches[0]
    >>> x.tolist(), y.tolist()
    ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **options: Unpack[WorkerOptions],
    ) -> None:
        super().__init__(**options)
        if len(data) != len(targets):
            raise ValueError(
                f"data and targets must have the same length, got {len(data)} and {len(targets)}"
            )
        self.data = data
        self.targets = targets
        self.length = check_integer("length", length, 1)
        self.sampling_rate = check_integer("sampling_rate", sampling_rate, 1)
        self.stride = check_integer("stride", stride, 1)
        self.start_index = check_integer("start_index", start_index) + self.length
        last = check_integer("end_index", end_index, 0, len(data) - 1, optional=True)
        self.end_index = len(data) - 1 if last is None else last
        self.shuffle = check_flag("shuffle", shuffle)
        self.reverse = check_flag("reverse", reverse)
        self.batch_size = check_integer("batch_size", batch_size, 1)
        if self.start_index > self.end_index:
            raise ValueError(
                f"no window fits: start_index + length is {self.start_index}, which is beyond "
                f"end_index={self.end_index}"
            )

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-(self.end_index - self.start_index + 1) // (self.batch_size * self.stride))

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        """Return a batch: windows (batch_size, steps, ...) and targets (batch_size, ...)."""
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"there are {len(self)} batches, got number {index}")
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)  # noqa: NPY002
        else:
            first = self.start_index + self.batch_size * self.stride * number
            end = min(first + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(first, end, self.stride)
        windows = [self.data[row - self.length : row : self.sampling_rate] for row in rows]
        samples, targets = np.array(windows), np.array([self.targets[row] for row in rows])
        return (samples[:, ::-1] if self.reverse else samples), targets


def timeseries_dataset_from_array(
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
    format: str = "tf",  # noqa: A002  # Keras's name
) -> TimeseriesDataset:
    """Cut a series into windows: `gru_c.timeseries_dataset` under Keras's name.

    Parameters
    ----------
    data, targets, sequence_length, sequence_stride, sampling_rate, batch_size, shuffle, seed
        See `gru_c.timeseries_dataset`.
    start_index, end_index
        See `gru_c.timeseries_dataset`.
    format : {"tf", "grain"}
        Ignored: the data set is gru_c's in either case.

    Returns
    -------
    TimeseriesDataset

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.preprocessing import timeseries_dataset_from_array
    >>> series = np.arange(8)
    >>> dataset = timeseries_dataset_from_array(series, series[5:], sequence_length=5)
    >>> [(x.tolist(), y.tolist()) for x, y in dataset]
    [([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5, 6]], [5, 6, 7])]
    """
    if format not in ("tf", "grain"):
        raise ValueError(f"format must be 'tf' or 'grain', got {format!r}")
    return timeseries_dataset(
        data,
        targets,
        sequence_length,
        sequence_stride,
        sampling_rate,
        batch_size,
        shuffle,
        seed,
        start_index,
        end_index,
    )


@checked_function
def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> Array:
    """Return the probabilities with which `skipgrams` keeps the words of each rank.

    The frequencies of words are taken to follow Zipf's law, as word2vec does.

    Parameters
    ----------
    size : int
        Number of ranks.
    sampling_factor : float
        Frequency above which words are left out more often.

    Returns
    -------
    ndarray of shape (size,)
    """
    count = check_integer("size", size, 1)
    factor = check_real("sampling_factor", sampling_factor, "> 0")
    rank = np.maximum(np.arange(count), 1)
    inverse_frequency = rank * (np.log(rank) + 0.577) + 0.5 - 1 / (12 * rank)
    ratio = factor * inverse_frequency
    return np.minimum(1.0, ratio / np.sqrt(ratio))


@checked_function
def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: npt.ArrayLike | None = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Return pairs of words that are near each other, and pairs of random words.

    Random numbers come from Python's `random`, in the order of Keras.

    Parameters
    ----------
    sequence : list of int
        Numbers of words; 0 stands for no word.
    vocabulary_size : int
        Numbers are below this.
    window_size : int
        Greatest distance of two words that are a pair.
    negative_samples : float
        Number of random pairs, relative to that of the others.
    shuffle : bool
        Mix the pairs.
    categorical : bool
        Labels ``[0, 1]`` and ``[1, 0]`` instead of 1 and 0.
    sampling_table : array_like of shape (vocabulary_size,), optional
        Probability with which each word is kept; see `make_sampling_table`.
    seed : int, optional
        Seed of the mixing. As in Keras it seeds Python's `random`.

    Returns
    -------
    couples : list of [int, int]
    labels : list
        1 for words near each other, 0 for random ones.
    """
    table = None if sampling_table is None else np.asarray(sampling_table)
    couples: list[list[int]] = []
    for i, word in enumerate(sequence):
        if not word or (table is not None and table[word] < random.random()):
            continue
        near = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        couples += [[word, sequence[j]] for j in near if j != i and sequence[j]]
    positive, negative = ([0, 1], [1, 0]) if categorical else (1, 0)
    labels: list[Any] = [positive] * len(couples)
    if negative_samples > 0:
        count = int(len(labels) * negative_samples)
        words = [couple[0] for couple in couples]
        random.shuffle(words)
        largest = vocabulary_size - 1
        couples += [[words[i % len(words)], random.randint(1, largest)] for i in range(count)]
        labels += [negative] * count
    if shuffle:
        number = random.randint(0, 10**7) if seed is None else seed
        for items in (couples, labels):
            random.seed(number)
            random.shuffle(items)
    return couples, labels
