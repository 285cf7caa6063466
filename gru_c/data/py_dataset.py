"""The base class of batch sources that users write, with Keras's name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, TypedDict


class WorkerOptions(TypedDict, total=False):
    """Arguments of `PyDataset`."""

    workers: int
    use_multiprocessing: bool
    max_queue_size: int


class PyDataset:
    """Base of batch sources: a subclass defines ``__getitem__`` and ``__len__``.

    `fit`, `evaluate` and `predict` take any object with these two methods; this base class is for
    programs written for Keras, where it is also called ``keras.utils.Sequence``. A subclass may
    define `on_epoch_begin`, which is called before each pass over the batches, and
    `on_epoch_end`, which `fit` calls after each epoch.

    Parameters
    ----------
    workers, use_multiprocessing, max_queue_size
        Ignored: batches are made in the process that trains, one after the other.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, Sequential
    >>> from gru_c.utils import PyDataset
    >>> class Batches(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def __getitem__(self, index):
    ...         return np.full((4, 2), index), np.zeros((4, 1))
    >>> model = Sequential([Dense(1, input_shape=(2,))])
    >>> model.compile("sgd", "mse")
    >>> len(model.fit(Batches(), epochs=2, verbose=0).history["loss"])
    2
    """

    # Only programs read these; this package does not.
    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Return the batch of that number: ``(x, y)`` or ``(x, y, sample_weight)``."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index)")

    @property
    def num_batches(self) -> int | None:
        """Number of batches; None if the subclass has no ``__len__``."""
        return len(self) if hasattr(self, "__len__") else None

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches in order; without a known number of batches, without end."""
        count = self.num_batches
        numbers = itertools.count() if count is None else iter(range(count))
        return (self[number] for number in numbers)

    def on_epoch_begin(self) -> None:
        """Prepare for a pass over the batches, of `fit`, `evaluate` or `predict`."""

    def on_epoch_end(self) -> None:
        """Prepare for the next epoch of `fit`."""


Sequence = PyDataset
