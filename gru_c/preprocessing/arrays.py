"""Functions on arrays of ``keras.utils``: classes as rows of 0 and 1, norms, splits."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_indices, as_real
from gru_c.common.keywords import checked_function
from gru_c.common.validation import check_flag, check_integer, check_real


@checked_function
def to_categorical(x: npt.ArrayLike, num_classes: int | None = None) -> Array:
    """Return numbers of classes as rows with a 1 in the column of the class, else 0.

    Parameters
    ----------
    x : array_like of int
        Numbers of classes, from 0. A last axis of size 1 is left out.
    num_classes : int, optional
        Number of columns; by default one more than the largest number.

    Returns
    -------
    ndarray of float64, shape (..., num_classes)

    Raises
    ------
    ValueError
        If an entry is not an integer from 0 to ``num_classes - 1``.

    Examples
    --------
    >>> from gru_c.utils import to_categorical
    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """
    numbers = as_real("x", x)
    if not num_classes and not numbers.size:
        raise ValueError("x has no entries: give num_classes, the number of columns")
    largest = numbers.max(initial=0)
    if not np.isfinite(largest):
        raise ValueError(f"x must hold numbers of classes, got {largest}")
    count = check_integer("num_classes", num_classes or int(largest) + 1, 1)
    shape = numbers.shape[:-1] if numbers.ndim > 1 and numbers.shape[-1] == 1 else numbers.shape
    classes = as_indices("to_categorical", "class", "x", np.atleast_1d(numbers), count).reshape(-1)
    rows = np.zeros((classes.size, count))
    rows[np.arange(classes.size), classes] = 1
    return rows.reshape(*shape, count)


@checked_function
def normalize(x: npt.ArrayLike, axis: int | None = -1, order: float = 2) -> Array:
    """Return an array divided by its norms along an axis; norms of 0 count as 1.

    Parameters
    ----------
    x : array_like
    axis : int or None
        None: one norm of the whole array, the one that `np.linalg.norm` computes of it.
    order : float
        See `np.linalg.norm`.

    Returns
    -------
    ndarray
        Of the shape of `x`.

    Examples
    --------
    >>> from gru_c.utils import normalize
    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    array = as_real("x", x)
    norm = np.asarray(np.linalg.norm(array, order, axis, keepdims=True))
    result: Array = array / np.where(norm == 0, norm.dtype.type(1), norm)
    return result


@checked_function
def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: None = None,
) -> tuple[Any, Any]:
    """Split arrays into two parts, such as one to train on and one to validate on.

    Parameters
    ----------
    dataset : ndarray, or list or tuple of ndarray
        Arrays of the same length.
    left_size, right_size : float or int, optional
        Share (float, between 0 and 1) or number (int) of the samples in the first part, from the
        beginning, and in the second, up to the end. By default one of them is the remainder of the
        other.
    shuffle : bool
        Mix the samples first.
    seed : int, optional
        Seed of the mixing, which is that of Keras.
    preferred_backend : None
        Keras's choice between data sets of other libraries; here parts are arrays.

    Returns
    -------
    left, right : ndarray, or tuple of ndarray

    Raises
    ------
    ValueError, TypeError
        If the sizes do not fit the data, or the data is something else.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.utils import split_dataset
    >>> x, y = np.arange(5.0), np.arange(5)
    >>> (x_train, y_train), (x_test, y_test) = split_dataset((x, y), left_size=0.8)
    >>> y_train, y_test
    (array([0, 1, 2, 3]), array([4]))
    """
    if preferred_backend is not None:
        raise ValueError(
            f"preferred_backend={preferred_backend!r}: gru_c has no data sets of other libraries, "
            "the parts are arrays"
        )
    arrays = [dataset] if isinstance(dataset, np.ndarray) else _arrays(dataset)
    count = len(arrays[0])
    left, right = _part_sizes(left_size, right_size, count)
    order: Any = slice(None)
    if check_flag("shuffle", shuffle):
        order = list(range(count))
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(order)
    mixed = [array[order] for array in arrays]
    parts = tuple(array[:left] for array in mixed), tuple(array[-right:] for array in mixed)
    return (parts[0][0], parts[1][0]) if isinstance(dataset, np.ndarray) else parts


def _arrays(dataset: Any) -> list[Array]:
    """Return the arrays of a list; an exception unless they have the same length."""
    is_list = isinstance(dataset, (list, tuple)) and len(dataset) > 0
    if not is_list or not all(isinstance(item, np.ndarray) and item.ndim for item in dataset):
        raise TypeError(
            "dataset must be an array, or a list or tuple of arrays of the same length, got "
            f"{type(dataset).__name__}"
            + (f" of {', '.join(type(item).__name__ for item in dataset[:3])}" if is_list else "")
        )
    lengths = [len(array) for array in dataset]
    if len(set(lengths)) > 1:
        raise ValueError(f"the arrays of dataset must have the same length, got {lengths}")
    return list(dataset)


def _part_sizes(left: Any, right: Any, count: int) -> tuple[int, int]:
    """Return the numbers of samples in both parts."""
    if left is None and right is None:
        raise ValueError("give left_size or right_size, a share or a number of samples")
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise ValueError(f"left_size + right_size must be at most 1, got {left + right}")
    sizes = [_part_size(*item, count) for item in (("left_size", left), ("right_size", right))]
    first = count - sizes[1] if sizes[0] is None else sizes[0]  # type: ignore[operator]
    second = count - first if sizes[1] is None else sizes[1]
    if first + second > count or not first or not second:
        raise ValueError(
            f"left_size={left} and right_size={right} make parts of {first} and {second} of "
            f"{count} samples: both must have some, and together at most all"
        )
    return first, second


def _part_size(name: str, size: Any, count: int) -> int | None:
    if size is None:
        return None
    if isinstance(size, (float, np.floating)):
        return round(check_real(name, size, "(0, 1)") * count)
    return check_integer(name, size, 1, count - 1)
