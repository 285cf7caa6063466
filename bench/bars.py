"""The speed that this package promises, and the check of a run of `bench.compare` against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bench.cases import (
    FORWARD,
    GRID,
    INFERENCE,
    LARGE,
    SINGLE_MEDIUM,
    SINGLE_SMALL,
    STEP,
    TRAINING,
    Shape,
)
from bench.summary import OURS, spread, summarise

RUNTIMES = ("onnxruntime", "openvino")


@dataclass(frozen=True)
class Bar:
    """A promised figure.

    Attributes
    ----------
    text : str
        Description for the table.
    what, workload, dtype, threads, shapes
        The cases that the promise covers, each of which must hold it; no shapes stand for all.
    metric : str
        "share" (of the peak), "ratio" (time of the fastest of `peers` over ours), "gain" (our
        float32 time over that of the single peer), "error" (difference of the second peer from our
        float32 over that of the first peer) or "seconds".
    wanted : float
        The smallest figure that holds; the largest for "seconds".
    peers : tuple of str
        The peers that must be measured in the same case.
    """

    text: str
    what: str
    workload: str
    metric: str
    wanted: float
    threads: int
    shapes: tuple[Shape, ...] = ()
    peers: tuple[str, ...] = ()
    dtype: str = "float32"


class Verdict(NamedTuple):
    """The result of a run for a bar.

    Attributes
    ----------
    status : str
        "holds", "misses", "incomplete" (all measured cases hold, but a shape or a peer is missing)
        or "not measured".
    figure : float or None
        The worst of the cases.
    where : Shape or None
        The shape of that case.
    """

    status: str
    figure: float | None = None
    where: Shape | None = None


def judge(bar: Bar, cases: Iterable[dict[str, Any]]) -> Verdict:
    """Return the verdict on a bar from the cases of results.json."""
    figures, complete = [], True
    for case in cases:
        shape = Shape(*case["shape"])
        if not _covers(bar, case, shape):
            continue
        figure, all_there = _figure(bar, case)
        complete = complete and all_there
        if figure is not None:
            figures.append((figure, shape))
    if not figures:
        return Verdict("not measured")
    figure, where = max(figures) if bar.metric == "seconds" else min(figures)
    if not (figure <= bar.wanted if bar.metric == "seconds" else figure >= bar.wanted):
        return Verdict("misses", figure, where)
    complete = complete and {shape for _, shape in figures} >= set(bar.shapes)
    return Verdict("holds" if complete else "incomplete", figure, where)


def _covers(bar: Bar, case: dict[str, Any], shape: Shape) -> bool:
    keys = ("what", "workload", "dtype", "threads")
    same = all(case[key] == getattr(bar, key) for key in keys)
    return same and (not bar.shapes or shape in bar.shapes)


def _figure(bar: Bar, case: dict[str, Any]) -> tuple[float | None, bool]:
    """Return the figure of a case (None without one), and True if all peers are measured."""
    if bar.metric == "seconds":
        return spread(case["seconds"][OURS]).median, True
    figures = summarise(case)
    if bar.metric == "share":
        return (figures["share"][OURS].median, True) if figures["share"] else (None, False)
    if bar.metric == "error":
        errors = [case["differences"].get(peer) for peer in bar.peers]
        return (None, False) if None in errors else (errors[1] / max(errors[0], 1e-30), True)
    ratios = [figures["ratio"][peer].median for peer in bar.peers if peer in figures["ratio"]]
    if not ratios:
        return None, False
    fastest = min(ratios)
    return (1 / fastest if bar.metric == "gain" else fastest), len(ratios) == len(bar.peers)


# ---- the bars -----------------------------------------------------------------------------------

_BY_H = {shape.H: shape for shape in TRAINING}
_H50 = (Shape(32, 100, 8, 50),)
_H128 = (Shape(32, 100, 64, 128),)
_H256_512, _H1024 = tuple(LARGE[:2]), tuple(LARGE[2:])

# Shapes, with the wanted figures on one thread and on two.
_FORWARD_SHARES = [(_H256_512, 0.90, 0.88), (_H1024, 0.85, 0.82), (_H128, 0.88, 0.80)]
_FORWARD_SHARES += [(_H50, 0.68, 0.50)]
_FORWARD_RATIOS = [
    (Shape(1, 1, 8, 50), 3, 3),
    (Shape(1, 100, 8, 50), 3, 3),
    (Shape(32, 10, 8, 50), 2.2, 3),
    (Shape(1, 100, 64, 64), 2.4, 2.4),
    (Shape(32, 100, 64, 128), 1.45, 1.4),
    (Shape(64, 50, 256, 256), 1.12, 1.12),
    (Shape(64, 50, 512, 512), 1.12, 1.12),
    (Shape(32, 25, 1024, 1024), 1.15, 1.15),
    (Shape(1, 100, 512, 512), 1.25, 1.4),
    (Shape(1, 100, 1024, 1024), 1.25, 1.4),
]
# On one thread; bench/single_sequence.py compares the cycles of a step with what the core allows.
_SINGLE_RATIOS = [(SINGLE_SMALL, 1.8), (SINGLE_MEDIUM, 1.3)]
_REDUCED = [
    ("gru_c-bfloat16", INFERENCE[0], 1.8, 2),
    ("gru_c-int8", INFERENCE[0], 3.5, 4),
    ("gru_c-bfloat16", INFERENCE[1], 1.4, 1.4),
]
_TRAINING_SHARES = [(tuple(LARGE), 0.80, 0.75), (_H128, 0.74, 0.65)]
_TRAINING_SHARES += [((Shape(32, 10, 8, 50),), 0.42, 0.33)]
_TRAINING_RATIOS = {50: (8, 10), 128: (4, 5), 256: (2.3, 3), 512: (2.2, 2.5), 1024: (2.4, 2.8)}
_OTHER_PEAKS = [
    ("float64", "forward", 0.85, 0.80),
    ("float64", "training", 0.75, 0.70),
    ("isa", "forward", 0.93, 0.82),
    ("isa", "training", 0.82, 0.75),
]


def _on_each(values: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Yield (threads, wanted) for a row with a column for each number of threads."""
    return enumerate(values, 1)


def _forward() -> Iterator[Bar]:
    for shapes, *wanted in _FORWARD_SHARES:
        for n, value in _on_each(wanted):
            yield Bar("share of peak", "forward", "forward", "share", value, n, shapes)
    text = "times faster than the better of onnxruntime and OpenVINO"
    for shape, *wanted in _FORWARD_RATIOS:
        for n, value in _on_each(wanted):
            yield Bar(text, "forward", "forward", "ratio", value, n, (shape,), RUNTIMES)
    for shapes, value in _SINGLE_RATIOS:
        yield Bar(text, "single", "forward", "ratio", value, 1, tuple(shapes), RUNTIMES)


def _inference() -> Iterator[Bar]:
    what = ("inference-weights", "inference")
    for peer, shape, *wanted in _REDUCED:
        text = f"{peer.removeprefix('gru_c-')} weights, times our float32"
        for n, value in _on_each(wanted):
            yield Bar(text, *what, "gain", value, n, (shape,), (peer,))
    text, peers = "OpenVINO's bfloat16 error over ours", ("gru_c-bfloat16", "openvino-bfloat16")
    for n in (1, 2):
        yield Bar(text, *what, "error", 1, n, INFERENCE[1:], peers)


def _training() -> Iterator[Bar]:
    what = ("training", "training")
    for shapes, *wanted in _TRAINING_SHARES:
        for n, value in _on_each(wanted):
            yield Bar("share of peak", *what, "share", value, n, shapes)
    for H, wanted in _TRAINING_RATIOS.items():
        for n, value in _on_each(wanted):
            shapes = (_BY_H[H],)
            yield Bar("times faster than PyTorch", *what, "ratio", value, n, shapes, ("torch",))
    yield Bar("times faster than JAX", *what, "ratio", 2, 2, tuple(TRAINING), ("jax",))


def _others() -> Iterator[Bar]:
    for what, workload, *wanted in _OTHER_PEAKS:
        text = "share of float64's peak" if what == "float64" else "AVX2 forced: share of its peak"
        dtype = "float64" if what == "float64" else "float32"
        for n, value in _on_each(wanted):
            yield Bar(text, what, workload, "share", value, n, tuple(LARGE), dtype=dtype)
    for peer, label, wanted in [("torch", "PyTorch", 10), ("keras", "Keras", 40)]:
        text = f"an epoch, times faster than {label}"
        yield Bar(text, "demo", "demo", "ratio", wanted, 1, peers=(peer,))
    yield Bar("gru_step from Python", "step", "step", "seconds", 1.5e-6, 1, (STEP,))
    text = "every point of the grid: not slower than onnxruntime, OpenVINO and PyTorch"
    for n in (1, 2):
        peers = (*RUNTIMES, "torch")
        yield Bar(text, "grid", "forward", "ratio", 1, n, tuple(GRID), peers)


BARS = [*_forward(), *_inference(), *_training(), *_others()]
assert {shape for bar in BARS if bar.what == "forward" for shape in bar.shapes} <= set(FORWARD)
