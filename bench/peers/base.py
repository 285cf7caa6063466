"""Peer: a library that runs some of the workloads on the same arrays as gru_c."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Work(NamedTuple):
    """A workload that is ready to be timed.

    Attributes
    ----------
    call : callable
        The function to time.
    answer : callable
        Does the same, and returns arrays by name, in gru_c's shapes and gate order.
    """

    call: Callable[[], object]
    answer: Callable[[], dict[str, np.ndarray]]


class Peer:
    """A library to compare; a subclass has a method for each workload that it can run.

    The workloads are ``forward``, ``training`` and ``inference`` of a `cases.Problem`,
    ``vanilla_forward`` and ``vanilla_training`` of one with reset_after=False, ``step`` of its
    first time step, and ``demo`` and ``predict`` of a `cases.Demo`. Each takes the arrays and the
    number of threads, and returns a `Work`.

    Attributes
    ----------
    name : str
        Name on the command line and in results.json.
    label : str
        Name in tables and plots.
    needs : tuple of str
        The packages that must be installed.
    dtypes : tuple of str
        The dtypes that it computes in.
    reduced : bool
        True if it computes with fewer bits than the arrays have, on purpose.
    all_cores : bool
        True if it uses all cores for any number of threads.
    """

    name = ""
    label = ""
    needs: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ("float32",)
    reduced = False
    all_cores = False

    @classmethod
    def why_not(cls) -> str:
        """Return in one line why this peer cannot run here; empty if it can."""
        missing = [name for name in cls.needs if importlib.util.find_spec(name) is None]
        return f"not installed: {', '.join(missing)}" if missing else ""


def reset_first(weights: np.ndarray) -> np.ndarray:
    """Swap gates z and r of the last axis: from z, r, n to PyTorch's order r, z, n, or back."""
    z, r, n = np.split(weights, 3, axis=-1)
    return np.concatenate([r, z, n], axis=-1)
