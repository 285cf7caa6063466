"""Keras: its GRU layer and the tutorial's model, on any installed backend."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator

import numpy as np

from bench.cases import Demo, Problem
from bench.peers.base import Peer, Work

BACKENDS = ("tensorflow", "jax", "torch")


class Keras(Peer):
    """Keras on the backend in KERAS_BACKEND, or else on TensorFlow, JAX or PyTorch."""

    name = "keras"
    needs = ("keras",)
    all_cores = True

    @classmethod
    def why_not(cls) -> str:
        """Return what is missing, Keras or a backend; empty if nothing is."""
        return super().why_not() or ("" if _backend() else f"none of {', '.join(BACKENDS)}")

    def __init__(self) -> None:
        os.environ["KERAS_BACKEND"] = _backend()
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        with _quiet_stderr():
            import keras

            keras.ops.zeros(1)  # TensorFlow looks for a GPU at its first operation
        self.keras = keras
        self.label = f"Keras ({keras.backend.backend()})"

    def forward(self, problem: Problem, threads: int) -> Work:
        """Run `predict_on_batch` of one layer; `threads` has no effect."""
        layers, (_, T, I, H) = self.keras.layers, problem.shape  # noqa: E741
        model = self.keras.Sequential([layers.Input((T, I)), layers.GRU(H, return_sequences=True)])
        model.set_weights([problem.kernel, problem.recurrent_kernel, problem.bias])

        def call():
            return model.predict_on_batch(problem.x)

        return Work(call, lambda: {"output": np.asarray(call())})

    def demo(self, demo: Demo, threads: int) -> Work:
        """Run an epoch of `fit`; `threads` has no effect."""
        model = self._demo_model(demo)

        def answer():
            model.fit(demo.x, demo.y, verbose=0, shuffle=False)
            return {"prediction": model.predict(demo.x, verbose=0)}

        return Work(lambda: model.fit(demo.x, demo.y, verbose=0), answer)

    def predict(self, demo: Demo, threads: int) -> Work:
        """Run `predict` of one sequence; `threads` has no effect."""
        model = self._demo_model(demo)

        def call():
            return model.predict(demo.x, verbose=0)

        return Work(call, lambda: {"prediction": call()})

    def _demo_model(self, demo: Demo):
        """Return the tutorial's model with the demo's weights."""
        layers, (T, I) = self.keras.layers, demo.x.shape[1:]  # noqa: E741
        H = len(demo.weights[1])
        stack = [layers.GRU(H, return_sequences=True), layers.GRU(H), layers.Dense(1)]
        model = self.keras.Sequential([layers.Input((T, I)), *stack])
        model.compile(optimizer="adam", loss="mse")
        model.set_weights(demo.weights)
        return model


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Drop TensorFlow's messages about GPUs, which ignore its log level."""
    sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _backend() -> str:
    """Return the name of the backend; empty if none is installed."""
    wanted = os.environ.get("KERAS_BACKEND")
    known = [wanted] if wanted else BACKENDS
    return next((name for name in known if importlib.util.find_spec(name)), "")
