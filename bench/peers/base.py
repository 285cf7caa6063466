"""What a peer is: a library that does some of the workloads, given the same arrays as gru_c."""

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
        What is timed.
    answer : callable
        Does the same and returns arrays by name, in gru_c's shapes and gate order.
    """

    call: Callable[[], object]
    answer: Callable[[], dict[str, np.ndarray]]


class Peer:
    """A library beside others; a subclass has a method for each workload that it can do.

    The workloads are ``forward``, ``training`` and ``inference`` of a `cases.Problem`, ``step`` of
    its first time step, and ``demo`` and ``predict`` of a `cases.Demo`. Each takes the arrays and
    the number of threads, and returns a `Work`.

    Attributes
    ----------
    name : str
        On the command line and in results.json.
    label : str
        In tables and plots.
    needs : tuple of str
        The packages that have to be installed.
    dtypes : tuple of str
        What it computes in.
    reduced : bool
        Whether it computes with fewer bits than it is given, on purpose.
    all_cores : bool
        Whether it takes all cores, whatever number of threads is wanted.
    """

    name = ""
    label = ""
    needs: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ("float32",)
    reduced = False
    all_cores = False

    @classmethod
    def why_not(cls) -> str:
        """Why this peer cannot be had here, in one line; empty when it can."""
        missing = [name for name in cls.needs if importlib.util.find_spec(name) is None]
        return f"not installed: {', '.join(missing)}" if missing else ""


def reset_first(weights: np.ndarray) -> np.ndarray:
    """Gates z, r, n of the last axis in PyTorch's order r, z, n; and back."""
    z, r, n = np.split(weights, 3, axis=-1)
    return np.concatenate([r, z, n], axis=-1)
