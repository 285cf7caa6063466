"""The time of each phase of a training step: python -m bench.phases [--shapes B,T,I,H ...]

Prints a table for each variant of the cell: milliseconds on one thread in float32, and, behind a
slash, the share of the peak rate of multiply-adds, for the phases that multiply. A phase is timed
by the difference of passes with it and without it; dU is the time of dW where x has H features.
"cells, dh" and "dx" include the packing of U and W for the backward pass. Times are CPU time of the
thread, the least of all rounds, so that other programs disturb them little.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

import gru_c
from bench.cases import Problem, Shape, make_problem
from bench.probe import Probe
from gru_c import _core
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.plain import pack_weights, run_plain
from gru_c.recurrence.weights import Gradients, Weights

SHAPES = [
    Shape(32, 100, 64, 128),
    Shape(64, 50, 256, 256),
    Shape(64, 50, 512, 512),
    Shape(64, 10, 1760, 1760),
    Shape(512, 20, 92, 256),
    Shape(1, 1, 1024, 1024),
]
HEADS = ["B,T,I,H", "pack", "x W", "h U, cells", "tape", "fresh tape"]
HEADS += ["cells, dh", "dU", "dW", "dx", "step"]
SECONDS, FEWEST = 2.0, 4
ONE = 1  # threads


class Passes:
    """The passes over one problem, in memory that is kept from call to call.

    Parameters
    ----------
    problem : Problem
    features : int
        Number of input features, instead of the problem's.
    """

    def __init__(self, problem: Problem, features: int) -> None:
        B, T, _, H = problem.shape
        rng = np.random.default_rng(1)
        self.x = rng.standard_normal((B, T, features)).astype(np.float32)
        kernel = rng.standard_normal((features, 3 * H)).astype(np.float32) * H**-0.5
        self.cell = Cell(problem.reset_after)
        self.weights = Weights(kernel, problem.recurrent_kernel, problem.bias)
        self.packed = pack_weights(self.weights, self.cell)
        self.d_output = problem.d_output
        self.output, self.d_x = np.empty((B, T, H), np.float32), np.empty_like(self.x)
        self.gradients: Gradients = self.weights.empty_gradients()
        size = _core.tape_bytes(self.x, problem.recurrent_kernel, self.cell, 0)
        self.memory = np.empty(size, np.uint8)

    def pack(self) -> None:
        """Pack the weights for the forward pass."""
        pack_weights(self.weights, self.cell)

    def forward(self, memory: np.ndarray | None = None):
        """Run the forward pass with packed weights, with a tape if it has memory."""
        options = PassOptions(
            self.cell, training=memory is not None, packed=self.packed, num_threads=ONE
        )
        return run_plain(self.x, self.weights, None, self.output, options, memory)[1]

    def fresh(self) -> None:
        """Run the forward pass with a tape in new memory."""
        self.forward(np.empty(self.memory.size, np.uint8))

    def backward(self, with_x: bool) -> Callable[[], float]:
        """Return a function that runs both passes, and returns the seconds of the backward pass."""
        gradients = replace(self.gradients, x=self.d_x if with_x else None)

        def run() -> float:
            tape = self.forward(self.memory)
            begin = time.thread_time()
            tape.backward(self.d_output, None, gradients, keep_tape=False)
            return time.thread_time() - begin

        return run


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all shapes; return the exit status."""
    parser = argparse.ArgumentParser("python -m bench.phases", description=__doc__)
    parser.add_argument("--shapes", nargs="+", type=_shape, default=SHAPES, metavar="B,T,I,H")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for a shape")
    options = parser.parse_args(arguments)
    gru_c.set_num_threads(ONE)
    probe = Probe(_core.active_isa())
    for reset_after in (True, False):
        print(f"\nreset_after={reset_after}\n\n| {' | '.join(HEADS)} |")
        print("| --- " * len(HEADS) + "|")
        for shape in options.shapes:
            problem = make_problem(shape, "float32", reset_after=reset_after)
            print(_line(problem, probe, options.seconds), flush=True)
    return 0


def _line(problem: Problem, probe: Probe, seconds: float) -> str:
    """Return the table's line of a problem."""
    B, T, I, H = shape = problem.shape  # noqa: E741
    whole, without, wide = (Passes(problem, features) for features in (I, 0, H))
    times = _least(
        {
            "pack": _timed(whole.pack),
            "forward": _timed(whole.forward),
            "recurrent": _timed(without.forward),
            "tape": _timed(lambda: whole.forward(whole.memory)),
            "fresh": _timed(whole.fresh),
            "backward": whole.backward(True),
            "no d_x": whole.backward(False),
            "no input": without.backward(False),
            "wide": wide.backward(False),
        },
        seconds,
    )
    peak = max(probe("float32", ONE) for _ in range(5))
    d_u = times["wide"] - times["no input"]
    product = 6 * B * T * H  # FLOPs for each line of a weight
    phases = [
        (times["pack"], 0),
        (times["forward"] - times["recurrent"], product * I),
        (times["recurrent"], product * H),
        (times["tape"] - times["forward"], 0),
        (times["fresh"] - times["tape"], 0),
        (times["no input"] - d_u, product * H),
        (d_u, product * H),
        (times["no d_x"] - times["no input"], product * I),
        (times["backward"] - times["no d_x"], product * I),
        (times["pack"] + times["tape"] + times["backward"], 3 * shape.flops),
    ]
    cells = [
        f"{t * 1e3:.1f}" + (f" / {f / max(t, 1e-9) / peak:.2f}" if f else "") for t, f in phases
    ]
    return f"| {shape} | {' | '.join(cells)} |"


def _timed(call: Callable[[], object]) -> Callable[[], float]:
    """Return a function that calls another one and returns the seconds that it took."""

    def run() -> float:
        begin = time.thread_time()
        call()
        return time.thread_time() - begin

    return run


def _least(calls: dict[str, Callable[[], float]], seconds: float) -> dict[str, float]:
    """Return the least time of each call, which are made in turn."""
    least = {name: call() for name, call in calls.items()}
    stop, rounds = time.perf_counter() + seconds, 0
    while rounds < FEWEST or time.perf_counter() < stop:
        rounds += 1
        for name, call in calls.items():
            least[name] = min(least[name], call())
    return least


def _shape(text: str) -> Shape:
    sizes = [int(part) for part in text.split(",")]
    if len(sizes) != 4 or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"not four sizes B,T,I,H: {text!r}")
    return Shape(*sizes)


if __name__ == "__main__":
    sys.exit(main())
