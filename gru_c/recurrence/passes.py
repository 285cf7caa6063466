"""Passes over whole sequences: arrays that are known to fit, to the core and back.

`functional` is the face for users, with every check; the layers call this directly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gru_c import _core
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.tape import GRUTape, _threads_of, blas_held, tape_memory
from gru_c.runtime.threads import team_threads
from gru_c.utils.arrays import Array
from gru_c.utils.registry import lookup

AUTO: int = _core.ENGINES["auto"]
FULL_WEIGHTS: int = _core.WEIGHT_FORMATS["float32"]


def run_forward(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    initial_state: Array | None,
    output: Array | None = None,
    *,
    cell: Cell,
    go_backwards: bool = False,
    training: bool = False,
    engine: int = AUTO,
    num_threads: int | None = None,
    memory: Array | None = None,
    packed: Array | None = None,
    weights_format: int = FULL_WEIGHTS,
    state_mask: Array | None = None,
    draws: tuple[int, int] | None = None,
) -> tuple[Array, GRUTape | None]:
    """`gru_forward` for checked arrays of one dtype; output None: not wanted.

    `memory` is that of a tape that was used up, `packed` what `pack_weights` made of the weights;
    `state_mask` (B, H) multiplies the state in its products with the recurrent kernel; `draws` are
    the seed of zoneout's draws and the number of the first step; without them, zoneout's
    expectation is taken. Returns the last state and the tape.
    """
    if go_backwards:
        x = x[:, ::-1]
    state = np.empty((len(x), len(recurrent_kernel)), x.dtype)
    engine = _core.resolve_engine(x, recurrent_kernel, cell, engine, weights_format)
    tape = None
    if training:
        size = _core.tape_bytes(x, recurrent_kernel, cell, engine, state_mask is not None)
        tape = GRUTape(
            x,
            kernel,
            recurrent_kernel,
            None if bias is None else bias.shape,
            tape_memory(size, memory),
            cell=cell,
            go_backwards=go_backwards,
            engine=engine,
            num_threads=num_threads,
            state_mask=state_mask,
        )
    threads = _threads_of(engine, num_threads)
    with blas_held(engine):
        _core.forward(
            x,
            kernel,
            recurrent_kernel,
            bias,
            initial_state,
            output,
            state,
            None if tape is None else tape.memory,
            packed,
            cell,
            engine,
            threads,
            weights_format,
            state_mask,
            draws,
        )
    return state, tape


def pack_weights(
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    *,
    cell: Cell,
    engine: int = AUTO,
    weights_format: int = FULL_WEIGHTS,
) -> Array | None:
    """Return the weights as the packed engine reads them, for many calls of `run_forward`.

    None where the engine is another one. They are a copy: changed weights must be packed again.
    """
    engine = _core.auto_engine() if engine == AUTO else engine
    if not weights_format and engine != _core.ENGINES["packed"]:
        return None
    packed: Array = _core.pack(kernel, recurrent_kernel, bias, cell, team_threads(), weights_format)
    return packed


def weights_format_of(name: str, dtype: npt.DTypeLike) -> int:
    """Return the core's number of ``inference_weights``, for arrays of a dtype."""
    code: int = lookup("inference_weights", name, _core.WEIGHT_FORMATS)
    if code and np.dtype(dtype) != np.float32:
        raise ValueError(
            f"inference_weights={name!r} is for float32; in {np.dtype(dtype).name} everything is "
            "computed in full precision"
        )
    return code
