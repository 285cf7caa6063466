"""Every entry point of the core that is given arrays, with arguments that it takes."""

from dataclasses import dataclass, field
from typing import NamedTuple

import core_calls
import numpy as np
import pytest

from gru_c import _core
from gru_c.network.core_stage import CoreStage
from gru_c.recurrence.cell import Cell
from gru_c.runtime.blas_threads import blas_held

B, T, I, H = 2, 3, 4, 5
BLAS, PACKED = _core.ENGINES["blas"], _core.ENGINES["packed"]


def numbers(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def aligned_bytes(size):
    memory = np.zeros(size + 64, np.uint8)
    begin = -memory.ctypes.data % 64
    return memory[begin : begin + size]


@dataclass
class Entry:
    """A way to call an entry point."""

    call: object
    arrays: dict
    others: dict = field(default_factory=dict)
    written: tuple = ()
    shapes_only: bool = False  # no array becomes a pointer
    declines: bool = False  # by returning None
    returns: bool = False  # an array, besides those that it writes
    names: dict = field(default_factory=dict)  # in messages

    def run(self, **changes):
        with blas_held(self.others.get("engine")):
            return self.call(**{**self.arrays, **self.others, **changes})


def gru_arrays(reset_after=True):
    bias = numbers(2, 3 * H) if reset_after else numbers(3 * H)
    return {"kernel": numbers(I, 3 * H), "recurrent_kernel": numbers(H, 3 * H), "bias": bias}


def forward_entry(reset_after, engine, *, training=False):
    cell, weights = Cell(reset_after), gru_arrays(reset_after)
    x, U = numbers(B, T, I), weights["recurrent_kernel"]
    arrays = {
        "x": x,
        **weights,
        "state": numbers(B, H),
        "output": numbers(B, T, H),
        "memory": None,
        "packed": None,
        "state_mask": numbers(B, H),
    }
    if training:
        arrays["memory"] = aligned_bytes(_core.tape_bytes(x, U, cell, engine, True))
    else:
        arrays["packed"] = core_calls.pack(**weights, cell=cell, threads=1)
    others = {"cell": cell, "engine": engine, "threads": 1}
    return Entry(core_calls.forward, arrays, others, ("output", "memory"), returns=True)


def backward_entry(reset_after, engine, *, keep_tape=False):
    forward = forward_entry(reset_after, engine, training=True)
    forward.run()
    given = forward.arrays
    arrays = {name: given[name] for name in ("x", "kernel", "recurrent_kernel", "memory")}
    arrays |= {
        "d_output": numbers(B, T, H),
        "d_state": numbers(B, H),
        "d_x": numbers(B, T, I),
        "d_kernel": numbers(I, 3 * H),
        "d_recurrent_kernel": numbers(H, 3 * H),
        "d_bias": np.zeros_like(given["bias"]),
        "d_initial_state": numbers(B, H),
        "state_mask": given["state_mask"],
        "d_hidden": numbers(B, T, H),
    }
    others = {**forward.others, "keep_tape": keep_tape, "accumulate": True}
    written = tuple(name for name in arrays if name.startswith("d_"))[2:]
    return Entry(core_calls.backward, arrays, others, written + (() if keep_tape else ("memory",)))


def pack_entry(reset_after):
    others = {"cell": Cell(reset_after), "threads": 1}
    return Entry(core_calls.pack, gru_arrays(reset_after), others)


def shape_entry(function):
    arrays = {"x": numbers(B, T, I), "recurrent_kernel": numbers(H, 3 * H)}
    return Entry(function, arrays, {"cell": Cell(), "engine": BLAS}, shapes_only=True)


def plain_entry():
    arrays = {"x": numbers(B, T, I), **gru_arrays(), "state": numbers(B, H)}
    others = {"cell": 1, "engine": PACKED, "threads": 1}
    return Entry(_core.forward_plain, arrays, others, declines=True)


def update_entry(function, *slots, **options):
    names = ("parameters", "gradients", *slots)
    arrays = {name: abs(numbers(6)) for name in names}
    rest = {"rate": 0.1, "decay": 0.0, "scale": 1.0, "clip": np.inf, "threads": 1}
    written = ("parameters", *slots)
    return Entry(function, arrays, options | rest, written)


def stage(**changes):
    return CoreStage(False, I, H, np.dtype(np.float32).num, Cell())._replace(**changes)


def dense_stage(**changes):
    return stage(dense=True, cell=_core.ACTIVATIONS["tanh"], **changes)


def stack():
    return _core.Stack([stage(packed=_core.layer_pack(stage(), *gru_arrays().values()))], B)


def stack_entry(method, *names, written=(), **options):
    arrays = {"x": numbers(B, I), "out": numbers(B, H), "states": numbers(B, H)}
    arrays = {name: arrays[name] for name in names}
    names = {"states": "state of layer 0"}
    return Entry(getattr(stack(), method), arrays, written=written, names=names, **options)


def states_entry(method, **options):
    entry = stack_entry(method, "states", **options)
    method = entry.call
    entry.call = lambda states: method([states])
    return entry


def predictor(**changes):
    """Return a predictor of a GRU whose weights are `gru_arrays`, apart from changes."""
    packed = _core.layer_pack(stage(), *gru_arrays().values())
    arrays = {"packed": packed, **gru_arrays(), **changes}
    layer = (stage(packed=arrays.pop("packed")), *arrays.values(), False, False)
    return _core.Predictor([layer], True, -1)


class Weight(NamedTuple):
    """A weight as `TrainingLayers` reads it."""

    array: np.ndarray
    gradient: np.ndarray


def training_layers(**changes):
    """Return a GRU and a dense layer to train, whose weights are `gru_arrays`, but for changes."""
    weights = {name: Weight(array, np.zeros_like(array)) for name, array in gru_arrays().items()}
    weights = [changes.get(name, weight) for name, weight in weights.items()]
    dense = [Weight(array, np.zeros_like(array)) for array in (numbers(H, 2), numbers(2))]
    linear = stage(dense=True, features=H, units=2, cell=_core.ACTIVATIONS["linear"])
    return _core.TrainingLayers(
        [(stage(), weights, True, False), (linear, dense, False, False)], True
    )


def back(d_output):
    """Return the gradient of the input of `training_layers`."""
    layers = training_layers()
    layers.forward(numbers(B, T, I), 1)
    return layers.backward(d_output, 0, True, False)


MATRICES = {"a": numbers(3, 4), "b": numbers(4, 2), "out": numbers(3, 2)}
TURNED = {"a": numbers(4, 3), "b": numbers(2, 4), "out": numbers(3, 2)}
UNTURNED = {"transpose_a": False, "transpose_b": False, "accumulate": True, "threads": 1}
LINES = {"x": numbers(2, 3), "out": numbers(2, 3)}

ENTRIES = {
    "forward": forward_entry(True, PACKED),
    "forward training": forward_entry(True, PACKED, training=True),
    "forward reset before, blas": forward_entry(False, BLAS, training=True),
    "backward": backward_entry(True, PACKED),
    "backward kept": backward_entry(True, PACKED, keep_tape=True),
    "backward reset before, blas": backward_entry(False, BLAS),
    "forward_plain": plain_entry(),
    "pack": pack_entry(True),
    "pack reset before": pack_entry(False),
    "resolve_engine": shape_entry(_core.resolve_engine),
    "tape_bytes": shape_entry(_core.tape_bytes),
    "chunk_steps": shape_entry(_core.chunk_steps),
    "matmul": Entry(_core.matmul, MATRICES, UNTURNED, ("out",)),
    "matmul transposed": Entry(
        _core.matmul, TURNED, {**UNTURNED, "transpose_a": True, "transpose_b": True}, ("out",)
    ),
    "convolve": Entry(
        _core.convolve,
        {
            "x": numbers(2, 9, 4),
            "kernel": numbers(3, 4, 5),
            "bias": numbers(5),
            "out": numbers(2, 7, 5),
        },
        {"stride": 1, "dilation": 1, "threads": 1},
        ("out",),
    ),
    "ctc": Entry(
        _core.ctc,
        {
            "logits": numbers(4, 5, 4),
            "targets": np.array([[1, 2, 0], [3, 0, 0], [1, 1, 0], [2, 3, 0]], np.int32),
            "input_lengths": np.array([5, 4, 3, 5], np.int32),
            "target_lengths": np.array([2, 1, 2, 0], np.int32),
            "losses": np.zeros(4),
            "d_logits": numbers(4, 5, 4),
        },
        {"blank": 0},
        ("losses", "d_logits"),
    ),
    "column_sums": Entry(
        _core.column_sums, {"a": numbers(3, 4), "out": numbers(4)}, {"accumulate": True}, ("out",)
    ),
    "sigmoid": Entry(_core.sigmoid, LINES, written=("out",)),
    "tanh": Entry(_core.tanh, LINES, written=("out",)),
    "transpose": Entry(
        _core.transpose, {"x": numbers(3, 4), "out": numbers(4, 3)}, written=("out",)
    ),
    "sum_squares": Entry(_core.sum_squares, {"x": numbers(3, 4)}),
    "order_steps": Entry(
        _core.order_steps,
        {
            "counts": np.ones((2, 5), bool),
            "ranks": np.arange(2),
            "begins": 2 * np.arange(5),
            "numbers": np.zeros((2, 5), np.intp),
            "shown": np.zeros((2, 5), np.intp),
            "places": np.zeros(10, np.intp),
        },
        written=("numbers", "shown", "places"),
    ),
    "take_steps": Entry(
        _core.take_steps,
        {
            "source": numbers(2, 3, 4),
            "index": np.array([[5, 0, -1, 2]]),
            "numbers": np.full((2, 3), -1),
            "out": numbers(1, 4, 4),
        },
        {"threads": 1},
        ("out",),
    ),
    "adam": update_entry(core_calls.adam, "m", "v", beta_1=0.9, beta_2=0.9, epsilon=1e-7),
    "sgd": update_entry(core_calls.sgd, "m", momentum=0.9, nesterov=False),
    "rmsprop": update_entry(core_calls.rmsprop, "v", "a", "m", rho=0.9, epsilon=1.0, momentum=0.9),
    "layer_pack": Entry(_core.layer_pack, gru_arrays(), {"stage": stage()}),
    "layer_pack dense": Entry(
        _core.layer_pack,
        {"kernel": numbers(I, H), "recurrent_kernel": None, "bias": numbers(H)},
        {"stage": dense_stage()},
    ),
    "Predictor": Entry(
        lambda stages: predictor(packed=stages),
        {"stages": _core.layer_pack(stage(), *gru_arrays().values())},
        names={"stages": "packed of stage 0"},
    ),
    "Predictor kernel": Entry(
        lambda stages: predictor(kernel=stages),
        {"stages": numbers(I, 3 * H)},
        names={"stages": "kernel"},
    ),
    "Predictor.run": Entry(
        predictor().run,
        {"x": numbers(B, T, I), "out": numbers(B, T, H)},
        {"threads": 1},
        written=("out",),
        declines=True,
    ),
    "TrainingLayers": Entry(
        lambda stages: training_layers(kernel=Weight(stages, stages)).forward(numbers(B, T, I), 1),
        {"stages": numbers(I, 3 * H)},
        names={"stages": "kernel"},
        returns=True,
    ),
    "TrainingLayers.forward": Entry(
        training_layers().forward, {"x": numbers(B, T, I)}, {"threads": 1}, declines=True
    ),
    "TrainingLayers.backward": Entry(back, {"d_output": numbers(B, 2)}, returns=True),
    "Stack": Entry(
        lambda stages: _core.Stack([stage(packed=stages)], B),
        {"stages": _core.layer_pack(stage(), *gru_arrays().values())},
        names={"stages": "packed of stage 0"},
    ),
    "Stack.step": stack_entry("step", "x", "out", written=("out",), declines=True),
    "Stack.get_states": states_entry("get_states", written=("states",)),
    "Stack.set_states": states_entry("set_states"),
}
EACH = pytest.mark.parametrize("key", ENTRIES)


def arrays_of(key):
    """The entry, and the names of the arrays that it is given."""
    return ENTRIES[key], [name for name, a in ENTRIES[key].arrays.items() if a is not None]
