"""What a data-parallel step costs: compute, Allreduce, optimizer, waiting for the slowest rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gru_c.distributed.gradient_message import LARGEST_PIECE


class Network(NamedTuple):
    """Seconds of a message between two ranks: alpha, and beta for each byte."""

    alpha: float
    beta: float


class Cost(NamedTuple):
    """What a rank spends in a step: seconds, and the bytes of the message.

    Attributes
    ----------
    fixed, per_sample : float
        Of forward and backward pass.
    optimizer : float
    spread : float
        Standard deviation of a pass, as a share of it.
    size : int
        Bytes.
    """

    fixed: float
    per_sample: float
    optimizer: float
    spread: float
    size: int

    def compute(self, local: float) -> float:
        """Of the passes over so many samples."""
        return self.fixed + self.per_sample * local


def allreduce(size: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the seconds of an Allreduce; gamma are those of adding a byte.

    The better one of recursive doubling, and of a reduce-scatter by recursive halving with an
    allgather: Thakur, Rabenseifner and Gropp, doi:10.1177/1094342005051521, for powers of two.
    """
    steps = math.ceil(math.log2(ranks))
    doubling = steps * (network.alpha + size * (network.beta + gamma))
    part = (ranks - 1) / ranks * size
    return min(doubling, 2 * steps * network.alpha + part * (2 * network.beta + gamma))


def gradients(size: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the seconds in which gru_c adds up gradients, one piece after the other."""
    whole, rest = divmod(size, LARGEST_PIECE)
    piece = allreduce(LARGEST_PIECE, ranks, network, gamma)
    return whole * piece + (allreduce(rest, ranks, network, gamma) if rest else 0.0)


def ring(size: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the seconds of an Allreduce in a ring: Patarasuk and Yuan 2009."""
    part = (ranks - 1) / ranks * size
    return 2 * (ranks - 1) * network.alpha + part * (2 * network.beta + gamma)


def slowest(ranks: int) -> float:
    """Return where the largest of so many normal numbers is expected, in deviations: Blom 1958."""
    return NormalDist().inv_cdf((ranks - 0.375) / (ranks + 0.25))


def step(cost: Cost, local: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the seconds of a step of ranks with so many samples each."""
    compute = cost.compute(local) * (1 + cost.spread * slowest(ranks))
    return compute + gradients(cost.size, ranks, network, gamma) + cost.optimizer


def efficiency(cost: Cost, local: float, ranks: int, network: Network, gamma: float) -> float:
    """Return the time of one rank over that of many with as many samples each (weak scaling)."""
    alone = step(cost, local, 1, network, gamma)
    return alone / step(cost, local, ranks, network, gamma)


def local_batch(cost: Cost, ranks: int, sent: float, wanted: float) -> float:
    """Return the samples that each rank needs for an efficiency; inf where none is enough.

    `sent` are the seconds of a step in which the ranks only communicate.
    """
    # (c + o) >= wanted * (c * slow + o + a) is linear in c, the compute.
    slow = 1 + cost.spread * slowest(ranks)
    if wanted * slow >= 1:
        return math.inf
    rest = wanted * sent - (1 - wanted) * cost.optimizer
    return max(1.0, (rest / (1 - wanted * slow) - cost.fixed) / cost.per_sample)


def paying_ranks(cost: Cost, batch: int, most: int, network: Network, gamma: float) -> int:
    """Return up to how many ranks, at most so many, each doubling makes a step 10% faster."""
    ranks, seconds = 1, step(cost, batch, 1, network, gamma)
    while 2 * ranks <= min(batch, most):
        doubled = step(cost, batch / (2 * ranks), 2 * ranks, network, gamma)
        if seconds < 1.1 * doubled:
            break
        ranks, seconds = 2 * ranks, doubled
    return ranks


def fit_line(x: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """Return the line of least relative squares: its start, at least 0, and its slope."""
    a = np.stack([np.ones(len(x)), np.asarray(x, float)], axis=1) / np.asarray(seconds)[:, None]
    start, slope = np.linalg.lstsq(a, np.ones(len(x)), rcond=None)[0]
    if start < 0:
        start, slope = 0.0, a[:, 1].sum() / (a[:, 1] ** 2).sum()
    return float(start), float(slope)
