from typing import Any

import numpy.typing as npt

from gru_c.recurrence.cell import Cell
from gru_c.streaming.stages import CoreStage

_Array = npt.NDArray[Any]

ENGINES: dict[str, int]
WEIGHT_FORMATS: dict[str, int]
ACTIVATIONS: dict[str, int]
COMPILER: str
HAS_OPENMP: bool

def isa_names() -> list[str]: ...
def active_isa() -> str: ...
def select_isa(name: str) -> None: ...
def unbind_workers(cpus: list[int]) -> None: ...
def set_blas(capsule: object) -> None: ...
def auto_engine() -> int: ...
def resolve_engine(
    x: _Array,
    recurrent_kernel: _Array,
    cell: Cell,
    engine: int,
    weights_format: int = 0,
) -> int: ...
def forward_plain(
    x: object,
    kernel: object,
    recurrent_kernel: object,
    bias: object,
    initial_state: object,
    reset_after: bool,
    engine: int,
    threads: int,
) -> Any: ...
def pack(
    kernel: _Array,
    recurrent_kernel: _Array,
    bias: _Array | None,
    cell: Cell,
    threads: int,
    weights_format: int = 0,
) -> _Array: ...
def tape_bytes(
    x: _Array, recurrent_kernel: _Array, cell: Cell, engine: int, masks_state: bool = False
) -> int: ...
def chunk_steps(
    x: _Array, recurrent_kernel: _Array, cell: Cell, engine: int, masks_state: bool = False
) -> int: ...
def forward(
    x: _Array,
    kernel: _Array,
    recurrent_kernel: _Array,
    bias: _Array | None,
    initial_state: _Array | None,
    output: _Array | None,
    state: _Array,
    tape: _Array | None,
    packed: _Array | None,
    cell: Cell,
    engine: int,
    threads: int,
    weights_format: int = 0,
    state_mask: _Array | None = None,
    draws: tuple[int, int] | None = None,
) -> None: ...
def backward(
    x: _Array,
    kernel: _Array,
    recurrent_kernel: _Array,
    tape: _Array,
    keep_tape: bool,
    d_output: _Array | None,
    d_state: _Array | None,
    d_x: _Array | None,
    d_kernel: _Array,
    d_recurrent_kernel: _Array,
    d_bias: _Array | None,
    d_initial_state: _Array | None,
    accumulate: bool,
    cell: Cell,
    engine: int,
    threads: int,
    state_mask: _Array | None = None,
    d_hidden: _Array | None = None,
) -> None: ...
def order_steps(
    counts: _Array,
    ranks: _Array,
    begins: _Array,
    numbers: _Array,
    shown: _Array | None,
    places: _Array,
) -> None: ...
def take_steps(
    source: _Array, index: _Array, numbers: _Array | None, out: _Array, threads: int
) -> None: ...
def matmul(
    a: _Array,
    transpose_a: bool,
    b: _Array,
    transpose_b: bool,
    out: _Array,
    accumulate: bool,
    threads: int,
) -> None: ...
def column_sums(a: _Array, out: _Array, accumulate: bool) -> None: ...
def sigmoid(x: _Array, out: _Array) -> None: ...
def tanh(x: _Array, out: _Array) -> None: ...
def transpose(x: _Array, out: _Array) -> None: ...
def sum_squares(x: _Array) -> float: ...
def adam(
    parameters: _Array,
    gradients: _Array,
    m: _Array,
    v: _Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    learning_rate: float,
    decay: float,
    scale: float,
    clip: float,
    threads: int,
) -> None: ...
def sgd(
    parameters: _Array,
    gradients: _Array,
    m: _Array | None,
    momentum: float,
    nesterov: bool,
    learning_rate: float,
    decay: float,
    scale: float,
    clip: float,
    threads: int,
) -> None: ...
def rmsprop(
    parameters: _Array,
    gradients: _Array,
    v: _Array,
    a: _Array | None,
    m: _Array | None,
    rho: float,
    epsilon: float,
    momentum: float,
    learning_rate: float,
    decay: float,
    scale: float,
    clip: float,
    threads: int,
) -> None: ...
def stream_pack(
    stage: CoreStage, kernel: _Array, recurrent_kernel: _Array | None, bias: _Array | None
) -> _Array: ...

class Stack:
    packed: tuple[_Array, ...]
    def __init__(self, stages: list[Any], batch: int) -> None: ...
    def step(self, x: object, out: object = None) -> Any: ...
    def step_back(self) -> None: ...
    def state_layers(self) -> list[int]: ...
    def get_states(self, states: list[_Array]) -> None: ...
    def set_states(self, states: list[_Array]) -> None: ...
