"""The figures of samples: medians, ratios with their spread, shares of the peak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

OURS = "gru_c"


class Spread(NamedTuple):
    """A median and its quartiles."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median of values and their quartiles."""
    low, median, high = np.percentile(values, [25, 50, 75])
    return Spread(float(median), float(low), float(high))


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> Spread:
    """Return the ratio of two times: the median over rounds, and quartiles.

    Parameters
    ----------
    theirs, ours : sequence of float
        Seconds, round by round. Both are from the same rounds, so slow moments of the machine
        cancel.

    Raises
    ------
    ValueError
        When the numbers of rounds differ.
    """
    if len(theirs) != len(ours):
        raise ValueError(f"{len(theirs)} rounds beside {len(ours)}")
    return spread([a / b for a, b in zip(theirs, ours, strict=True)])


def share(seconds: Sequence[float], flops: int, peak: Sequence[float]) -> Spread:
    """Return the share of the peak that was measured in the same rounds.

    Parameters
    ----------
    seconds : sequence of float
        Seconds of a call, round by round.
    flops : int
        FLOPs of a call.
    peak : sequence of float
        FLOP/s of the probe, round by round.
    """
    return ratio([flops / p for p in peak], seconds)


def summarise(case: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a case of results.json: medians, ratios to ours, shares of the peak.

    Parameters
    ----------
    case : dict
        With "seconds" (samples by peer), "peak" (FLOP/s by round) and "flops".

    Returns
    -------
    dict
        "median" (seconds by peer), "ratio" (peer over ours) and "share", each as
        [median, lower quartile, upper quartile], and the median "gflops" of the probe.
    """
    seconds, ours = case["seconds"], case["seconds"][OURS]
    figures: dict[str, Any] = {
        "median": {peer: spread(values).median for peer, values in seconds.items()},
        "ratio": {peer: ratio(values, ours) for peer, values in seconds.items() if peer != OURS},
        "share": {},
        "peak_gflops": None,
    }
    if case["peak"] and case["flops"]:
        figures["peak_gflops"] = spread(case["peak"]).median / 1e9
        figures["share"] = {
            peer: share(values, case["flops"], case["peak"]) for peer, values in seconds.items()
        }
    return figures


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the slope of log(seconds) over log(sizes) at the last three points; 1 is linear."""
    x = [math.log(size) for size in sizes[-3:]]
    y = [math.log(second) for second in seconds[-3:]]
    return float(np.polyfit(x, y, 1)[0])
