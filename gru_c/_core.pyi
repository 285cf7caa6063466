from typing import Any, Protocol

import numpy.typing as npt

from gru_c.network.core_stage import CoreStage
from gru_c.optimizers.base import StepSettings
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.plain import GRUTape
from gru_c.recurrence.weights import Gradients, Weights

_Array = npt.NDArray[Any]

ENGINES: dict[str, int]
WEIGHT_FORMATS: dict[str, int]
CELLS: dict[str, int]
ACTIVATIONS: dict[str, int]
COMPILER: str
HAS_OPENMP: bool
HAS_THREADS: bool

def isa_names() -> list[str]: ...
def active_isa() -> str: ...
def select_isa(name: str) -> None: ...
def unbind_workers(cpus: list[int]) -> None: ...
def set_blas(capsules: dict[str, object] | None) -> None: ...
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
    state: object,
    cell: int,
    engine: int,
    threads: int,
) -> Any: ...
def pack(weights: Weights, cell: Cell, threads: int, weights_format: int = 0) -> _Array: ...
def tape_bytes(
    x: _Array, recurrent_kernel: _Array, cell: Cell, engine: int, masks_state: bool = False
) -> int: ...
def chunk_steps(
    x: _Array, recurrent_kernel: _Array, cell: Cell, engine: int, masks_state: bool = False
) -> int: ...
def forward(
    x: _Array,
    weights: Weights,
    state: _Array | None,
    output: _Array | None,
    memory: _Array | None,
    options: PassOptions,
    engine: int,
    threads: int,
) -> _Array: ...
def backward(
    tape: GRUTape,
    memory: _Array,
    d_output: _Array | None,
    d_state: _Array | None,
    d_x: _Array | None,
    gradients: Gradients,
    keep_tape: bool,
    threads: int,
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
def convolve(
    x: _Array,
    kernel: _Array,
    bias: _Array | None,
    out: _Array,
    stride: int,
    dilation: int,
    threads: int,
) -> None: ...
def column_sums(a: _Array, out: _Array, accumulate: bool) -> None: ...
def sigmoid(x: _Array, out: _Array) -> None: ...
def tanh(x: _Array, out: _Array) -> None: ...
def ctc(
    logits: _Array,
    targets: _Array,
    input_lengths: _Array,
    target_lengths: _Array,
    blank: int,
    losses: _Array,
    d_logits: _Array | None,
) -> None: ...
def transpose(x: _Array, out: _Array) -> None: ...
def sum_squares(x: _Array) -> float: ...

class _Adam(Protocol):
    beta_1: float
    beta_2: float
    epsilon: float

class _SGD(Protocol):
    momentum: float
    nesterov: bool

class _RMSprop(Protocol):
    rho: float
    epsilon: float
    momentum: float

def adam(
    parameters: _Array,
    gradients: _Array,
    m: _Array,
    v: _Array,
    method: _Adam,
    settings: StepSettings,
) -> None: ...
def sgd(
    parameters: _Array,
    gradients: _Array,
    m: _Array | None,
    method: _SGD,
    settings: StepSettings,
) -> None: ...
def rmsprop(
    parameters: _Array,
    gradients: _Array,
    v: _Array,
    a: _Array | None,
    m: _Array | None,
    method: _RMSprop,
    settings: StepSettings,
) -> None: ...
def layer_pack(
    stage: CoreStage, kernel: _Array, recurrent_kernel: _Array | None, bias: _Array | None
) -> _Array: ...

class Predictor:
    stages: tuple[Any, ...]
    def __init__(self, stages: list[Any], timed: bool, steps: int) -> None: ...
    def run(self, x: object, out: object, threads: int) -> Any: ...

class TrainingLayers:
    stages: tuple[Any, ...]
    def __init__(self, stages: list[Any], timed: bool) -> None: ...
    def forward(self, x: object, threads: int) -> _Array | None: ...
    def backward(
        self, d_output: object, first: int, input_gradient: bool, keep_tape: bool
    ) -> _Array | None: ...

class Stack:
    packed: tuple[_Array, ...]
    def __init__(self, stages: list[Any], batch: int) -> None: ...
    def step(self, x: object, out: object = None) -> Any: ...
    def step_back(self) -> None: ...
    def state_layers(self) -> list[int]: ...
    def get_states(self, states: list[_Array]) -> None: ...
    def set_states(self, states: list[_Array]) -> None: ...
