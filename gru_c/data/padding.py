"""Sequences of different length as one array, padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.utils.arrays import Array


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
