"""The default seed, for objects that draw random numbers and are made without a seed."""

from __future__ import annotations

import numpy as np

_LARGEST = 2**32 - 1  # the largest seed of NumPy's legacy generator

_root: np.random.SeedSequence | None = None


def set_random_seed(seed: int) -> None:
    """Make everything that follows and draws random numbers without a seed repeatable.

    Seeds Python's `random`, NumPy's legacy generator (``np.random.shuffle`` and others) and gru_c:
    models, layers, initializers and data sets that are made without a ``seed`` draw the same
    numbers in every run of the program, if they are made in the same order. An explicit ``seed``
    takes precedence.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1.

    Raises
    ------
    ValueError
        If the seed is not such an integer. Nothing is seeded then.

    Examples
    --------
    >>> from gru_c import GRU, Sequential
    >>> from gru_c.utils import set_random_seed
    >>> set_random_seed(42)
    >>> first = Sequential([GRU(2, input_shape=(None, 1))])
    >>> set_random_seed(42)
    >>> again = Sequential([GRU(2, input_shape=(None, 1))])
    >>> bool((first.get_weights()[0] == again.get_weights()[0]).all())
    True
    """
    global _root
    is_integer = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not is_integer or not 0 <= seed <= _LARGEST:
        raise ValueError(f"seed must be an integer from 0 to {_LARGEST}, got {seed!r}")
    import random  # imported here, because it takes milliseconds and most programs do not need it

    number = int(seed)
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002  # the generator of np.random.rand and others
    _root = np.random.SeedSequence(number)


def fresh_rng() -> np.random.Generator:
    """Return a random generator that differs from all others; after `set_random_seed`, repeatably.

    Each call after `set_random_seed` returns the next generator of the sequence that the seed
    determines.
    """
    return np.random.default_rng(None if _root is None else _root.spawn(1)[0])
