"""Padding of sequences of different length to one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, refuse_masked
from gru_c.common.keywords import checked_function


@checked_function
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
        Arrays of shapes (T_i, ...), which differ in their first axis only.
    maxlen : int, optional
        Length of the result; by default that of the longest sequence.
    dtype : dtype
        Dtype of the result.
    padding, truncating : {"pre", "post"}
        The side on which short sequences are filled and long ones cut. The ``lengths=`` of this
        package need "post".
    value : number or str
        The value that fills the gaps; a str needs a dtype that holds it.

    Returns
    -------
    ndarray of shape (n, maxlen, ...)

    Raises
    ------
    ValueError
        When sequences is not a list of sequences, their shapes do not match, padding or truncating
        is neither "pre" nor "post", or the dtype cannot hold the value.

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
    refuse_masked("sequences", sequences)
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
        count = min(lengths[i], maxlen)
        if count == 0:
            continue
        first = lengths[i] - count if truncating == "pre" else 0
        steps = np.asarray(sequence[first : first + count], dtype=dtype)  # type: ignore[index]
        if steps.shape[1:] != shape:
            raise ValueError(
                f"Shape of sample {steps.shape[1:]} of sequence at position {i} is different from "
                f"expected shape {shape}"
            )
        begin = maxlen - count if padding == "pre" else 0
        padded[i, begin : begin + count] = steps
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
