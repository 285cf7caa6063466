"""gru_c itself: its engines, and its layers with reduced weights."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

import gru_c
from bench.cases import Demo, Problem
from bench.peers.base import Peer, Work
from gru_c import GRU, Dense, Input, Sequential, gru_backward, gru_forward, gru_step


class GruC(Peer):
    """gru_c with the engine "auto"."""

    name = "gru_c"
    label = "gru_c"
    dtypes = ("float32", "float64")
    engine = "auto"

    @classmethod
    def why_not(cls) -> str:
        """Return a sentence if this build lacks the engine, else an empty string."""
        if cls.engine in gru_c._core.ENGINES:
            return ""
        return f"gru_c {gru_c.__version__} has no engine {cls.engine!r}"

    def forward(self, problem: Problem, threads: int) -> Work:
        """Run `gru_forward`."""
        arrays = problem.x, problem.kernel, problem.recurrent_kernel, problem.bias
        options = self._options(problem, threads)

        def call():
            return gru_forward(*arrays, **options)

        return Work(call, lambda: {"output": call().output})

    def training(self, problem: Problem, threads: int) -> Work:
        """Run `gru_forward` with a tape, and `gru_backward`."""
        arrays = problem.x, problem.kernel, problem.recurrent_kernel, problem.bias
        options = self._options(problem, threads)

        def call():
            result = gru_forward(*arrays, training=True, **options)
            return result.output, gru_backward(result.tape, problem.d_output, keep_tape=False)

        def answer():
            output, gradients = call()
            names = ("x", "kernel", "recurrent_kernel", "bias")
            return {"output": output, **{f"d_{name}": getattr(gradients, name) for name in names}}

        return Work(call, answer)

    vanilla_forward, vanilla_training = forward, training

    def _options(self, problem: Problem, threads: int) -> dict[str, Any]:
        after = problem.reset_after
        return {"engine": self.engine, "num_threads": threads, "reset_after": after}


class Packed(GruC):
    """gru_c with the engine "packed"."""

    name = engine = "packed"
    label = "gru_c packed"


class Blas(GruC):
    """gru_c with the engine "blas"."""

    name = engine = "blas"
    label = "gru_c blas"


class GruCDefault(GruC):
    """gru_c with its defaults; only this peer runs the calls that do not take an engine."""

    def step(self, problem: Problem, threads: int) -> Work:
        """Run `gru_step` from a state that is not zero."""
        gru_c.set_num_threads(threads)
        weights = problem.kernel, problem.recurrent_kernel, problem.bias
        x, state = problem.x[:, 0].copy(), problem.d_output[:, 0].copy()

        def call():
            return gru_step(x, state, *weights)

        return Work(call, lambda: {"state": call()})

    def demo(self, demo: Demo, threads: int) -> Work:
        """Run an epoch of `fit`."""
        gru_c.set_num_threads(threads)
        model = _demo_model(demo)

        def answer():
            model.fit(demo.x, demo.y, verbose=0, shuffle=False)
            return {"prediction": model.predict(demo.x, verbose=0)}

        return Work(lambda: model.fit(demo.x, demo.y, verbose=0), answer)

    def predict(self, demo: Demo, threads: int) -> Work:
        """Run `predict` of one sequence."""
        gru_c.set_num_threads(threads)
        model = _demo_model(demo)

        def call():
            return model.predict(demo.x, verbose=0)

        return Work(call, lambda: {"prediction": call()})

    def inference(self, problem: Problem, threads: int) -> Work:
        """Run one layer on a batch, with float32 weights."""
        return _inference(problem, threads)


class ReducedWeights(Peer):
    """A layer with weights of fewer bits, in `predict`."""

    reduced = True
    weights = ""

    @classmethod
    def why_not(cls) -> str:
        """Return a sentence if the layer lacks the argument, else an empty string."""
        if "inference_weights" in inspect.signature(GRU).parameters:
            return ""
        return f"the GRU layer of gru_c {gru_c.__version__} takes no inference_weights"

    def inference(self, problem: Problem, threads: int) -> Work:
        """Run one layer on a batch."""
        return _inference(problem, threads, inference_weights=self.weights)


class Bfloat16(ReducedWeights):
    """Weights in bfloat16."""

    name, weights = "gru_c-bfloat16", "bfloat16"
    label = "gru_c, bfloat16 weights"


class Int8(ReducedWeights):
    """Weights in int8."""

    name, weights = "gru_c-int8", "int8"
    label = "gru_c, int8 weights"


def _demo_model(demo: Demo) -> Sequential:
    """Return the tutorial's model with the demo's weights."""
    _, T, I = demo.x.shape  # noqa: E741
    H = len(demo.weights[1])
    model = Sequential(
        [GRU(H, input_shape=(T, I), return_sequences=True), GRU(H), Dense(1)], seed=0
    )
    model.compile(optimizer="adam", loss="mse")
    model.set_weights(demo.weights)
    return model


def _inference(problem: Problem, threads: int, **options: str) -> Work:
    """Run a batch through a layer with packed weights, as in a `predict` of many batches."""
    gru_c.set_num_threads(threads)
    shape = problem.shape
    model = Sequential(
        [Input((None, shape.I)), GRU(shape.H, return_sequences=True, **options)], seed=0
    )
    model.set_weights([problem.kernel, problem.recurrent_kernel, problem.bias])

    model.layers[0].hold_weights(True)

    def call() -> np.ndarray:
        return model.predict_on_batch(problem.x)

    return Work(call, lambda: {"output": call()})
