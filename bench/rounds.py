"""Time several callables in turn, so that all run in the same states of the machine."""

from __future__ import annotations

import gc
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# A sample repeats its call for at least this long, so that clock and loop take less than 1%.
SHORTEST_SAMPLE = 200e-6
# A call shorter than this is made once before its sample, because other calls have since used the
# caches and the memory that it had freed.
WARMED = 50e-3
FEWEST_ROUNDS = 3
Clock = Callable[[], float]


@dataclass
class Samples:
    """The samples that `measure` took.

    Attributes
    ----------
    seconds : dict of str to list of float
        Seconds of a call in each round, by name.
    repeats : dict of str to int
        Number of calls in a sample.
    peak : list of float
        The result of the probe in each round; empty without a probe.
    """

    seconds: dict[str, list[float]]
    repeats: dict[str, int]
    peak: list[float]


def wait_until_idle(shortest: float = 2e-3, longest: float = 0.2) -> None:
    """Sleep until the threads of this process are idle.

    Workers of thread pools spin for a while after their work (30 ms in OpenBLAS), and would take
    the core from the call that is timed next.
    """
    stop = time.perf_counter() + longest
    while True:
        used, begin = time.process_time(), time.perf_counter()
        time.sleep(shortest)
        now = time.perf_counter()
        if time.process_time() - used < 0.2 * (now - begin) or now > stop:
            return


def time_call(call: Callable[[], object], repeats: int, clock: Clock = time.perf_counter) -> float:
    """Return the mean seconds of `repeats` calls."""
    counter = range(repeats)
    begin = clock()
    for _ in counter:
        call()
    return (clock() - begin) / repeats


def choose_repeats(call: Callable[[], object]) -> int:
    """Return the number of calls in a sample; the calls that this takes are the warm-up."""
    time_call(call, 1)
    once = time_call(call, 1)
    if once < SHORTEST_SAMPLE:
        once = min(time_call(call, 20), time_call(call, 20))
    return max(1, math.ceil(SHORTEST_SAMPLE / max(once, 1e-9)))


def measure(
    calls: Mapping[str, Callable[[], object]],
    probe: Callable[[], float] | None,
    rounds: int,
    seconds: float,
    clock: Clock = time.perf_counter,
) -> Samples:
    """Time all calls once in each round, in an order that changes from round to round.

    The order is shuffled, not rotated. After a rotation each call would still follow the same
    neighbour, and always see the caches and the memory as that leaves them.

    Parameters
    ----------
    calls : mapping of str to callable
        The callables to time, by name.
    probe : callable, optional
        Returns the current peak of the machine; called once in each round.
    rounds : int
        Largest number of rounds.
    seconds : float
        Rounds do not begin after this time, except for the first `FEWEST_ROUNDS`.
    clock : callable
        Returns the seconds that samples are differences of. `time.thread_time` leaves out the time
        in which other programs have the CPU, and the work of other threads.

    Returns
    -------
    Samples
    """
    repeats = {name: choose_repeats(call) for name, call in calls.items()}
    samples = Samples({name: [] for name in calls}, repeats, [])
    turns = [*calls, *([] if probe is None else [None])]
    shuffle = random.Random(0).shuffle  # the same orders in every run
    stop = time.perf_counter() + seconds
    collecting = gc.isenabled()
    gc.disable()
    try:
        for i in range(rounds):
            if i >= FEWEST_ROUNDS and time.perf_counter() > stop:
                break
            shuffle(turns)
            for name in turns:
                wait_until_idle()
                if name is None:
                    samples.peak.append(probe())
                else:
                    samples.seconds[name].append(_sample(calls[name], samples, name, clock))
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    return samples


def _sample(call: Callable[[], object], samples: Samples, name: str, clock: Clock) -> float:
    """Return a sample of a call, after a call that is not timed if calls are short."""
    earlier, repeats = samples.seconds[name], samples.repeats[name]
    if repeats > 1 or not earlier or earlier[-1] < WARMED:
        call()
    return time_call(call, repeats, clock)
