"""The cases that are measured: shapes, the passes over them, and arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np


class Shape(NamedTuple):
    """Sizes of a problem: batch rows, time steps, input features, hidden units."""

    B: int
    T: int
    I: int  # noqa: E741
    H: int

    def __str__(self) -> str:
        return ",".join(map(str, self))

    @property
    def flops(self) -> int:
        """The multiplications and additions in the matmuls of a forward pass."""
        return 2 * self.T * self.B * 3 * self.H * (self.I + self.H)


# The sizes of the README's demo, of single series, and of models in practice.
FORWARD = [
    Shape(1, 1, 8, 50),
    Shape(1, 100, 8, 50),
    Shape(32, 10, 8, 50),
    Shape(32, 100, 8, 50),
    Shape(1, 100, 64, 64),
    Shape(32, 100, 64, 128),
    Shape(64, 50, 256, 256),
    Shape(64, 50, 512, 512),
    Shape(32, 25, 1024, 1024),
    Shape(1, 100, 512, 512),
    Shape(1, 100, 1024, 1024),
]
LARGE = [Shape(64, 50, 256, 256), Shape(64, 50, 512, 512), Shape(32, 25, 1024, 1024)]
TRAINING = [Shape(32, 10, 8, 50), Shape(32, 100, 64, 128), *LARGE]
ISA = [Shape(32, 100, 64, 128), *LARGE]
INFERENCE = [Shape(1, 100, 1024, 1024), Shape(64, 50, 512, 512)]
SINGLE_SMALL = [Shape(1, 100, *sizes) for sizes in product((1, 8, 64), (16, 32, 48))]
SINGLE_MEDIUM = [Shape(1, 100, *sizes) for sizes in product((1, 8, 64), (64, 96, 128))]
STEP = Shape(1, 1, 8, 50)
DEMO = Shape(100, 10, 8, 50)

GRID = [
    Shape(*sizes)
    for sizes in product(
        (1, 2, 4, 8, 32, 128),
        (1, 10, 100),
        (1, 8, 64, 512),
        (4, 16, 50, 100, 128, 200, 256, 500, 512),
    )
]
QUICK_GRID = [Shape(*sizes) for sizes in product((1, 32), (1, 10), (8, 64), (16, 128))]

# One size grows, the others stay the same. In the last series I is H, so H * (I + H) is 2 H**2.
GROWTH = {
    "T": [Shape(1, T, 8, 50) for T in (10, 100, 1_000, 10_000, 100_000)],
    "B": [Shape(B, 20, 64, 128) for B in (1, 4, 16, 64, 256, 1_024, 4_096)],
    "H": [Shape(32, 10, H, H) for H in (16, 32, 64, 128, 256, 512, 1_024, 2_048)],
}

PASSES = (
    "forward",
    "single",
    "training",
    "vanilla",
    "demo",
    "step",
    "float64",
    "isa",
    "inference-weights",
    "growth",
    "grid",
)

# The cell with reset_after=False: a single sequence whose weights fit no cache, and large batches.
VANILLA = [Shape(1, 50, 512, 512), Shape(64, 50, 512, 512), Shape(512, 83, 92, 256)]

# Passes whose shapes `--shapes` replaces.
_SHAPED = {
    "forward": [("forward", FORWARD, "float32")],
    "single": [("forward", [*SINGLE_SMALL, *SINGLE_MEDIUM], "float32")],
    "training": [("training", TRAINING, "float32")],
    "vanilla": [
        ("vanilla_forward", VANILLA, "float32"),
        ("vanilla_training", VANILLA, "float32"),
    ],
    "float64": [("forward", LARGE, "float64"), ("training", LARGE, "float64")],
    "isa": [("forward", ISA, "float32"), ("training", ISA, "float32")],
    "inference-weights": [("inference", INFERENCE, "float32")],
}

# FLOPs of a workload relative to its forward pass: the backward pass has twice as many matmuls.
PASS_FLOPS = {"forward": 1, "training": 3, "vanilla_forward": 1, "vanilla_training": 3}


@dataclass(frozen=True)
class Case:
    """A workload of one shape, which is measured for all peers in the same rounds.

    Attributes
    ----------
    what : str
        The pass that the case belongs to, from `PASSES`.
    workload : str
        The name of the method of the peers that is called.
    shape : Shape
    dtype : str
        "float32" or "float64".
    threads : int
    series : str
        The size that grows, in the pass "growth"; else empty.
    """

    what: str
    workload: str
    shape: Shape
    dtype: str = "float32"
    threads: int = 1
    series: str = ""

    def __str__(self) -> str:
        thread = "thread" if self.threads == 1 else "threads"
        workload = "" if self.workload == self.what else f" {self.workload}"
        return f"{self.what}{workload} {self.shape} {self.dtype} {self.threads} {thread}"

    @property
    def flops(self) -> int:
        """The FLOPs of a call; 0 for workloads without a share of the peak."""
        return PASS_FLOPS.get(self.workload, 0) * self.shape.flops

    def as_dict(self) -> dict[str, Any]:
        """Return the case for JSON."""
        return {**asdict(self), "shape": list(self.shape), "flops": self.flops}


def cases_of(
    what: str, threads: Sequence[int], shapes: Sequence[Shape] | None = None, quick: bool = False
) -> Iterator[Case]:
    """Yield the cases of a pass, for each number of threads."""
    for n in threads:
        if what in _SHAPED:
            for workload, default, dtype in _SHAPED[what]:
                for shape in shapes or default:
                    yield Case(what, workload, shape, dtype, n)
        elif what == "demo":
            yield Case(what, "demo", DEMO, threads=n)
            yield Case(what, "predict", DEMO._replace(B=1), threads=n)
        elif what == "grid":
            for shape in QUICK_GRID if quick else GRID:
                yield Case(what, "forward", shape, threads=n)
    if what == "step":  # has too little work for a second thread
        yield Case(what, "step", STEP)
    if what == "growth":
        yield from _growth(quick)


def _growth(quick: bool) -> Iterator[Case]:
    for series, shapes in GROWTH.items():
        for shape in shapes[:-2] if quick else shapes:
            yield Case("growth", "forward", shape, series=series)


@dataclass(frozen=True)
class Problem:
    """The arrays of a case, gates in the order z, r, n.

    Attributes
    ----------
    x : ndarray of shape (B, T, I)
    kernel : ndarray of shape (I, 3H)
    recurrent_kernel : ndarray of shape (H, 3H)
    bias : ndarray of shape (2, 3H), or (3H) for the cell with reset_after=False
    d_output : ndarray of shape (B, T, H)
        The gradient that a training step starts from.
    """

    x: np.ndarray
    kernel: np.ndarray
    recurrent_kernel: np.ndarray
    bias: np.ndarray
    d_output: np.ndarray

    @property
    def shape(self) -> Shape:
        """The sizes of the arrays."""
        return Shape(*self.x.shape, len(self.recurrent_kernel))

    @property
    def reset_after(self) -> bool:
        """The variant of the cell."""
        return self.bias.ndim == 2


def make_problem(shape: Shape, dtype: str, *, reset_after: bool = True) -> Problem:
    """Return normally distributed inputs, and weights initialised as in PyTorch."""
    B, T, I, H = shape  # noqa: E741
    rng, size = np.random.default_rng(0), H**-0.5
    weights = (rng.uniform(-size, size, s) for s in [(I, 3 * H), (H, 3 * H), (2, 3 * H)])
    arrays = [rng.standard_normal((B, T, I)), *weights, rng.standard_normal((B, T, H))]
    problem = Problem(*(array.astype(dtype) for array in arrays))
    return problem if reset_after else replace(problem, bias=problem.bias[0])


@dataclass(frozen=True)
class Demo:
    """The tutorial's regression: data, and initial weights in Keras's order.

    Attributes
    ----------
    x : ndarray of shape (100, 10, 8)
    y : ndarray of shape (100,)
    weights : list of ndarray
        Kernel, recurrent kernel and bias of two GRU layers, kernel and bias of the head.
    """

    x: np.ndarray
    y: np.ndarray
    weights: list[np.ndarray]


def make_demo(shape: Shape) -> Demo:
    """Return random data and weights for the demo."""
    B, T, I, H = shape  # noqa: E741
    rng, size = np.random.default_rng(0), H**-0.5
    layer = [(H, 3 * H), (2, 3 * H)]
    shapes: Iterable[tuple[int, ...]] = [(I, 3 * H), *layer, (H, 3 * H), *layer, (H, 1), (1,)]
    weights = [rng.uniform(-size, size, s).astype(np.float32) for s in shapes]
    x, y = rng.standard_normal((B, T, I)), rng.standard_normal(B)
    return Demo(x.astype(np.float32), y.astype(np.float32), weights)
