"""oneDNN's GRU primitives, called through the C functions of its shared library."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np

from bench.cases import Problem
from bench.peers.base import Peer, Work

# Packages whose wheels hold the library, by the OpenMP runtime that it is linked with.
DISTRIBUTIONS = ("onednn-cpu-gomp", "onednn-cpu-iomp")
LIBRARY = "libdnnl.so.3"

# Numbers of oneDNN's C interface, version 3.
CPU, FLOAT32, IN_ORDER, LEFT_TO_RIGHT, OVERWRITE = 1, 3, 1, 1, 1
INFERENCE, TRAINING, BACKWARD = 96, 64, 128
# Layouts: the library's choice, and plain arrays of three, four and five axes.
ANY, PLAIN = 1, {3: 4, 4: 5, 5: 6}
WEIGHTS, D_WEIGHTS, WORKSPACE = 131, 132, 135  # queries
ARGUMENTS = {
    "x": 1,
    "state": 2,
    "output": 17,
    "last": 18,
    "kernel": 33,
    "recurrent_kernel": 34,
    "bias": 41,
    "workspace": 64,
}
GRADIENT = 128  # an argument's gradient has its number and this one


class OneDnnError(RuntimeError):
    """A function of oneDNN has failed; the message has its name."""


class _Argument(ctypes.Structure):
    _fields_ = (("number", ctypes.c_int), ("memory", ctypes.c_void_p))


class Memory:
    """A flat array and the object by which the library knows it.

    Parameters
    ----------
    library : Library
    description : ctypes.c_void_p
        Memory descriptor.
    array : ndarray, optional
        Copied into the memory, which otherwise holds zeros.
    """

    def __init__(self, library: Library, description, array: np.ndarray | None = None) -> None:
        size = library.call("memory_desc_get_size", description, result=ctypes.c_size_t)
        self.array, self.description = _aligned_zeros(size), description
        if array is not None:
            self.array[...] = array.ravel()
        data = ctypes.c_void_p(self.array.ctypes.data)
        self.handle = library.create("memory", description, library.engine, data)


class Library:
    """The functions of the library that the peer needs, on one engine and stream."""

    def __init__(self, path: str) -> None:
        self.functions = ctypes.CDLL(path)
        self.engine = self.create("engine", CPU, ctypes.c_size_t(0))
        self.stream = self.create("stream", self.engine, IN_ORDER)

    def call(self, name: str, *arguments, result=ctypes.c_int):
        """Call a function by its name without the prefix."""
        function = getattr(self.functions, f"dnnl_{name}")
        function.restype = result
        return function(*arguments)

    def create(self, name: str, *arguments):
        """Return the object that a function of the name `name`_create makes.

        Raises
        ------
        OneDnnError
            When the function fails.
        """
        handle = ctypes.c_void_p()
        status = self.call(f"{name}_create", ctypes.byref(handle), *arguments)
        if status:
            raise OneDnnError(f"dnnl_{name}_create returned the status {status}")
        return handle

    def describe(self, *shape: int, layout: int | None = None):
        """Return the memory descriptor of a float32 array."""
        handle, axes = ctypes.c_void_p(), len(shape)
        sizes = (ctypes.c_int64 * 12)(*shape)
        tag = PLAIN[axes] if layout is None else layout
        status = self.call(
            "memory_desc_create_with_tag", ctypes.byref(handle), axes, sizes, FLOAT32, tag
        )
        if status:
            raise OneDnnError(f"no descriptor of the shape {shape}: status {status}")
        return handle

    def query(self, primitive, what: int, index: int = 0):
        """Return a memory descriptor that a primitive asks for."""
        description = self.call(
            "primitive_desc_query_md", primitive, what, index, result=ctypes.c_void_p
        )
        return ctypes.c_void_p(description)

    def runner(self, primitive, memories: dict[int, Memory]) -> Callable[[], None]:
        """Return a function that runs a primitive on memories by the numbers of its arguments."""
        execute, wait = self.functions.dnnl_primitive_execute, self.functions.dnnl_stream_wait
        handle = self.create("primitive", primitive)
        arguments = (_Argument * len(memories))(
            *(_Argument(number, memory.handle) for number, memory in memories.items())
        )
        count = len(memories)

        def run(alive=memories) -> None:
            if execute(handle, self.stream, count, arguments) or wait(self.stream):
                raise OneDnnError("dnnl_primitive_execute failed")

        return run

    def reorder(self, source: Memory, target: Memory) -> None:
        """Copy an array into another layout."""
        primitive = self.create(
            "reorder_primitive_desc",
            *(source.description, self.engine, target.description, self.engine),
            None,
        )
        self.runner(primitive, {1: source, 17: target})()


class OneDnn(Peer):
    """oneDNN's primitives of the GRU: "linear before reset", or the vanilla cell for a bias (3H).

    The layouts of the weights are the library's choice. They are prepared before a call, as are
    its arrays, so that the calls allocate no memory.
    """

    name = "onednn"
    label = "oneDNN"

    @classmethod
    def why_not(cls) -> str:
        """Return in one line why the library cannot be loaded; empty if it can."""
        try:
            Library(library_path())
        except (OSError, OneDnnError) as error:
            return f"{error}; {DISTRIBUTIONS[0]} has it"
        return ""

    def __init__(self) -> None:
        self.library = Library(library_path())

    def forward(self, problem: Problem, threads: int) -> Work:
        """Run the primitive of inference."""
        set_threads(threads)
        gru = _Gru(self.library, problem)
        run, memories = gru.forward(INFERENCE)
        return Work(run, lambda: run() or gru.answer(memories, {}))

    def training(self, problem: Problem, threads: int) -> Work:
        """Run the primitives of training: forward, then backward."""
        set_threads(threads)
        gru = _Gru(self.library, problem)
        forward, memories = gru.forward(TRAINING)
        backward, gradients = gru.backward(memories)

        def call() -> None:
            forward()
            backward()

        return Work(call, lambda: call() or gru.answer(memories, gradients))

    vanilla_forward, vanilla_training, inference = forward, training, forward


class _Gru:
    """The primitives of one problem, with its arrays."""

    def __init__(self, library: Library, problem: Problem) -> None:
        B, T, I, H = problem.shape  # noqa: E741
        self.library, self.problem, self.hint = library, problem, None
        self.reset_after = problem.reset_after
        self.cell = "lbr_gru" if self.reset_after else "gru"
        self.shapes = {
            "x": (T, B, I),
            "state": (1, 1, B, H),
            "kernel": (1, 1, I, 3, H),
            "recurrent_kernel": (1, 1, H, 3, H),
            "bias": (1, 1, 4 if self.reset_after else 3, H),
            "output": (T, B, H),
            "last": (1, 1, B, H),
        }

    def forward(self, kind: int) -> tuple[Callable[[], None], dict[str, Memory]]:
        """Return a function that runs the forward pass, and its memories by name."""
        library, problem = self.library, self.problem
        descriptions = self.describe()
        self.hint = primitive = library.create(
            f"{self.cell}_forward_primitive_desc",
            *(library.engine, kind, LEFT_TO_RIGHT, *descriptions.values(), 0, None),
        )
        memories = {
            "x": self.memory("x", _time_first(problem.x)),
            "bias": self.memory("bias", _joint_bias(problem.bias)),
            **self.weights(primitive, WEIGHTS, filled=True),
        }
        for name in ("state", "output", "last"):
            memories[name] = self.memory(name)
        if kind == TRAINING:
            memories["workspace"] = Memory(library, library.query(primitive, WORKSPACE))
        numbered = {ARGUMENTS[name]: memory for name, memory in memories.items()}
        return library.runner(primitive, numbered), memories

    def backward(self, memories: dict[str, Memory]) -> tuple[Callable[[], None], dict[str, Memory]]:
        """Return a function that runs the backward pass, and the memories of its gradients."""
        library = self.library
        descriptions = self.describe().values()
        primitive = library.create(
            f"{self.cell}_backward_primitive_desc",
            *(library.engine, BACKWARD, LEFT_TO_RIGHT, *descriptions, *self.describe().values()),
            *(OVERWRITE, self.hint, None),
        )
        gradients = {name: self.memory(name) for name in ("x", "state", "bias", "last")}
        gradients["output"] = self.memory("output", _time_first(self.problem.d_output))
        gradients |= self.weights(primitive, D_WEIGHTS, filled=False)
        inputs = {**memories, **self.weights(primitive, WEIGHTS, filled=True)}
        numbered = {ARGUMENTS[name]: memory for name, memory in inputs.items()}
        for name, memory in gradients.items():
            numbered[ARGUMENTS[name] + GRADIENT] = memory
        return library.runner(primitive, numbered), gradients

    def describe(self) -> dict[str, ctypes.c_void_p]:
        """Return the descriptors of all arrays, in the order of the library's arguments."""
        order = ("x", "state", "kernel", "recurrent_kernel", "bias", "output", "last")
        return {
            name: self.library.describe(
                *self.shapes[name], layout=ANY if "kernel" in name else None
            )
            for name in order
        }

    def memory(self, name: str, array: np.ndarray | None = None) -> Memory:
        """Return the memory of an array in the plain layout."""
        return Memory(self.library, self.library.describe(*self.shapes[name]), array)

    def weights(self, primitive, what: int, *, filled: bool) -> dict[str, Memory]:
        """Return memories for the weights in the layouts that a primitive asks for."""
        memories = {}
        for index, name in enumerate(("kernel", "recurrent_kernel")):
            memories[name] = Memory(self.library, self.library.query(primitive, what, index))
            if filled:
                plain = self.memory(name, getattr(self.problem, name))
                self.library.reorder(plain, memories[name])
        return memories

    def answer(self, memories, gradients) -> dict[str, np.ndarray]:
        """Return the output and the gradients in gru_c's shapes."""
        answer = {"output": _time_first(memories["output"].array.reshape(self.shapes["output"]))}
        if not gradients:
            return answer
        answer["d_x"] = _time_first(gradients["x"].array.reshape(self.shapes["x"]))
        for name in ("kernel", "recurrent_kernel"):
            plain = self.memory(name)
            self.library.reorder(gradients[name], plain)
            answer[f"d_{name}"] = plain.array.reshape(getattr(self.problem, name).shape)
        bias = gradients["bias"].array
        if self.reset_after:  # z and r have one bias instead of two
            z, r, n, hn = np.split(bias, 4)
            bias = np.stack([np.concatenate([z, r, n]), np.concatenate([z, r, hn])])
        return answer | {"d_bias": bias}


def library_path() -> str:
    """Return the path of the shared library, or the name by which the system finds it."""
    for distribution in DISTRIBUTIONS:
        try:
            files = metadata.files(distribution) or []
        except metadata.PackageNotFoundError:
            continue
        for file in files:
            if file.name == LIBRARY:
                return str(Path(file.locate()).resolve())
    return LIBRARY


def set_threads(threads: int) -> None:
    """Set the number of threads of the OpenMP runtime that the library is linked with."""
    ctypes.CDLL("libgomp.so.1").omp_set_num_threads(threads)


def _aligned_zeros(size: int) -> np.ndarray:
    """Return a float32 array of `size` bytes that begins on a page."""
    page = 4096
    memory = np.zeros(size + page, np.uint8)
    begin = -memory.ctypes.data % page
    return memory[begin : begin + size // 4 * 4].view(np.float32)


def _time_first(array: np.ndarray) -> np.ndarray:
    """Swap the first two axes: from (B, T, n) to (T, B, n), or back."""
    return np.ascontiguousarray(array.swapaxes(0, 1))


def _joint_bias(bias: np.ndarray) -> np.ndarray:
    """Return a bias (2, 3H) as z, r, n and the recurrent n; a bias (3H) as it is."""
    if bias.ndim == 1:
        return bias
    z, r, n = np.split(bias, 3, axis=1)
    return np.concatenate([z.sum(axis=0), r.sum(axis=0), n[0], n[1]])
