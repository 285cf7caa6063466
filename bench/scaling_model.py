"""A cost model of a data-parallel step: compute, Allreduce, optimizer, the slowest rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gru_c.distributed.gradient_message import LARGEST_PIECE


class Network(NamedTuple):
    """The seconds of a message between two ranks: alpha, and beta for each byte."""

    alpha: float
    beta: float


class Cost(NamedTuple):
    """The seconds that a rank spends in a step, and the bytes that it sends.

    Attributes
    ----------
    fixed, per_sample : float
        Seconds of the forward and backward pass.
    optimizer : float
        Seconds of the optimizer.
    spread : float
        Standard deviation of a pass, as a share of it.
    size : int
        Bytes of the gradients.
    """

    fixed: float
    per_sample: float
    optimizer: float
    spread: float
    size: int

    def compute(self, local: float) -> float:
        """Return the seconds of the passes over `local` samples."""
        return self.fixed + self.per_sample * local


def allreduce(size: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the seconds of an Allreduce; gamma is the number of seconds to add a byte.

    They are those of the faster algorithm: recursive doubling, or a reduce-scatter by recursive
    halving with an allgather (Thakur, Rabenseifner and Gropp, doi:10.1177/1094342005051521, for
    powers of two).
    """
    steps = math.ceil(math.log2(ranks))
    doubling = steps * (network.alpha + size * (network.beta + gamma))
    part = (ranks - 1) / ranks * size
    return min(doubling, 2 * steps * network.alpha + part * (2 * network.beta + gamma))


def gradients(size: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the seconds in which gru_c adds up gradients, one piece after the other."""
    whole, last = divmod(size, LARGEST_PIECE)
    piece = allreduce(LARGEST_PIECE, ranks, network, gamma)
    return whole * piece + (allreduce(last, ranks, network, gamma) if last else 0.0)


def ring(size: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the seconds of an Allreduce in a ring: Patarasuk and Yuan 2009."""
    part = (ranks - 1) / ranks * size
    return 2 * (ranks - 1) * network.alpha + part * (2 * network.beta + gamma)


def slowest(ranks: int) -> float:
    """Return the expected maximum of `ranks` standard normal numbers (Blom 1958)."""
    return NormalDist().inv_cdf((ranks - 0.375) / (ranks + 0.25))


def step(cost: Cost, local: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the seconds of a step in which each rank has `local` samples."""
    compute = cost.compute(local) * (1 + cost.spread * slowest(ranks))
    return compute + gradients(cost.size, ranks, network, gamma) + cost.optimizer


def efficiency(cost: Cost, local: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the time with one rank over that with many, for the same samples per rank."""
    alone = step(cost, local, 1, network, gamma)
    return alone / step(cost, local, ranks, network, gamma)


def local_batch(cost: Cost, ranks: int, sent: float, wanted: float) -> float:
    """Return the samples that each rank needs for an efficiency; inf if no number is enough.

    `sent` is the number of seconds in a step in which the ranks only communicate.
    """
    # (c + o) >= wanted * (c * slow + o + a) is linear in c, the compute.
    slow = 1 + cost.spread * slowest(ranks)
    if wanted * slow >= 1:
        return math.inf
    fixed = wanted * sent - (1 - wanted) * cost.optimizer
    return max(1.0, (fixed / (1 - wanted * slow) - cost.fixed) / cost.per_sample)


def paying_ranks(cost: Cost, batch: int, most: int, network: Network, gamma: float) -> int:
    """Return the largest number of ranks up to which each doubling makes a step 10% faster."""
    ranks, seconds = 1, step(cost, batch, 1, network, gamma)
    while 2 * ranks <= min(batch, most):
        doubled = step(cost, batch / (2 * ranks), 2 * ranks, network, gamma)
        if seconds < 1.1 * doubled:
            break
        ranks, seconds = 2 * ranks, doubled
    return ranks


def fit_line(x: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """Return start and slope of the line with the least relative squares; start is at least 0."""
    a = np.stack([np.ones(len(x)), np.asarray(x, float)], axis=1) / np.asarray(seconds)[:, None]
    start, slope = np.linalg.lstsq(a, np.ones(len(x)), rcond=None)[0]
    if start < 0:
        start, slope = 0.0, a[:, 1].sum() / (a[:, 1] ** 2).sum()
    return float(start), float(slope)
