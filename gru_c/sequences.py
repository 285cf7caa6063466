"""Sequences of different length: as a list, padded to one array, and in batches of like length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.arrays import Array, as_real
from gru_c.steps import mask_of


@dataclass(frozen=True, eq=False)
class SequenceList:
    """Sequences (T_i, ...), all of whose steps lie one after the other in one array.

    Attributes
    ----------
    steps : ndarray of shape (sum of lengths, ...)
        The steps of all.
    begins, lengths : ndarray of shape (n,)
        Where each sequence begins, and how many steps it has.
    """

    steps: Array
    begins: Array
    lengths: Array

    @classmethod
    def of(cls, name: str, values: Sequence[npt.ArrayLike]) -> SequenceList:
        """Check a user's list: ValueError or TypeError unless all differ in length only."""
        arrays = [as_real(f"{name}[{i}]", value) for i, value in enumerate(values)]
        for i, array in enumerate(arrays):
            if array.ndim == 0 or array.shape[1:] != arrays[0].shape[1:]:
                raise ValueError(
                    f"{name} must be a list of arrays that differ in their first axis only: "
                    f"{name}[0] has shape {arrays[0].shape}, {name}[{i}] {array.shape}"
                )
        lengths = np.array([len(array) for array in arrays], np.intp)
        return cls(np.concatenate(arrays), lengths.cumsum() - lengths, lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, where: slice | Array) -> SequenceList:
        return SequenceList(self.steps, self.begins[where], self.lengths[where])

    def pad(self, time: int | None = None) -> Array:
        """Return an array (n, time, ...), zero behind each sequence; by default to the longest."""
        time = int(self.lengths.max(initial=0)) if time is None else time
        places = self.begins[:, None] + np.arange(time)
        shape = (len(self), time, *self.steps.shape[1:])
        if not len(self.steps):
            return np.zeros(shape, self.steps.dtype)
        padded = self.steps.take(places.reshape(-1), axis=0, mode="clip").reshape(shape)
        padded[~mask_of(self.lengths, time)] = 0
        return padded


def is_list(values: object) -> bool:
    """Say whether that is a list of sequences, and no array in the form of a list."""
    if not isinstance(values, (list, tuple)) or not values:
        return False
    if not all(isinstance(value, np.ndarray) and value.ndim for value in values):
        return False
    return bool(values[0].ndim > 1 or len({len(value) for value in values}) > 1)


def split_pair(x: Any, lengths: npt.ArrayLike | None) -> tuple[Any, npt.ArrayLike | None]:
    """Return x and lengths, also where x is the pair of both."""
    if lengths is not None or not isinstance(x, tuple) or len(x) != 2 or np.ndim(x[1]) != 1:
        return x, lengths
    ndim = len(x[0].shape) if hasattr(x[0], "shape") else np.ndim(x[0])  # reads nothing
    return x if is_list(x[0]) or ndim > 1 else (x, None)


def pad_sequences(
    sequences: Sequence[npt.ArrayLike],
    maxlen: int | None = None,
    dtype: npt.DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Pad sequences to one length, with Keras's arguments and defaults.

    Parameters
    ----------
    sequences : list of array_like
        Of shapes (T_i, ...), the same but for the first axis.
    maxlen : int, optional
        Length of the result; by default that of the longest sequence.
    dtype : dtype
        Of the result.
    padding, truncating : {"pre", "post"}
        Whether to fill, and to cut longer sequences, before or behind. Behind is what ``lengths=``
        of this package means.
    value : number or str
        What to fill with; a str needs a dtype that holds it.

    Returns
    -------
    ndarray of shape (n, maxlen, ...)

    Raises
    ------
    ValueError
        When sequences are no list of sequences or do not fit each other, when padding or truncating
        is neither "pre" nor "post", or value does not go with the dtype.

    Examples
    --------
    >>> from gru_c import pad_sequences
    >>> pad_sequences([[1], [2, 3], [4, 5, 6]])
    array([[0, 0, 1],
           [0, 2, 3],
           [4, 5, 6]], dtype=int32)
    >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2, padding="post", truncating="post")
    array([[1, 0],
           [2, 3],
           [4, 5]], dtype=int32)
    """
    _check_sides(padding, truncating)
    lengths = _lengths(sequences)
    maxlen = max(lengths, default=0) if maxlen is None else maxlen
    shape = next(
        (np.asarray(s).shape[1:] for s, n in zip(sequences, lengths, strict=True) if n), ()
    )
    if isinstance(value, str) and np.dtype(dtype).kind not in "OSU":
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\nYou should set "
            "`dtype=object` for variable length strings."
        )
    padded = np.full((len(lengths), maxlen, *shape), value, dtype=dtype)
    for i, sequence in enumerate(sequences):
        kept = min(lengths[i], maxlen)
        if kept == 0:
            continue
        first = lengths[i] - kept if truncating == "pre" else 0
        steps = np.asarray(sequence[first : first + kept], dtype=dtype)  # type: ignore[index]
        if steps.shape[1:] != shape:
            raise ValueError(
                f"Shape of sample {steps.shape[1:]} of sequence at position {i} is different from "
                f"expected shape {shape}"
            )
        begin = maxlen - kept if padding == "pre" else 0
        padded[i, begin : begin + kept] = steps
    return padded


def _check_sides(padding: str, truncating: str) -> None:
    for name, side in (("Truncating", truncating), ("Padding", padding)):
        if side not in ("pre", "post"):
            raise ValueError(f'{name} type "{side}" not understood')


def _lengths(sequences: Sequence[npt.ArrayLike]) -> list[int]:
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable.")
    lengths = []
    sequence: Any
    for sequence in sequences:
        if not hasattr(sequence, "__len__"):
            raise ValueError(
                f"`sequences` must be a list of iterables. Found non-iterable: {sequence}"
            )
        lengths.append(len(sequence))
    return lengths
