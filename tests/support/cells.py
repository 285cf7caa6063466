"""The cells under one interface, for tests that run on all of them."""

from dataclasses import dataclass

import numpy as np
import specification

import gru_c


@dataclass(frozen=True)
class CellUnderTest:
    """A cell. Its states are one array (B, S H) here, of the LSTM h and behind it c."""

    kind: str  # of the layer's class
    name: str  # of the functions
    gates: int
    states: int = 1

    @property
    def layer(self):
        return getattr(gru_c, self.kind)

    @property
    def spec(self):
        return getattr(specification, self.name)

    def arguments(self, B, T, I, H, dtype=np.float64, bias=True, state=True, seed=0):
        """The arguments of a forward pass, states and bias None where they are not wanted."""
        rng = np.random.default_rng(seed)
        width = self.gates * H
        bias_shape = (2, width) if self.kind == "GRU" else (width,)
        scale = 1 / np.sqrt(H + 1)
        return {
            "x": rng.normal(size=(B, T, I)).astype(dtype),
            "kernel": rng.normal(size=(I, width)).astype(dtype) * dtype(scale),
            "recurrent_kernel": rng.normal(size=(H, width)).astype(dtype) * dtype(scale),
            "bias": rng.normal(size=bias_shape).astype(dtype) * dtype(scale) if bias else None,
            "initial_state": rng.normal(size=(B, self.states * H)).astype(dtype) if state else None,
        }

    def pair(self, states):
        """States as a user gives them."""
        if states is None or self.states == 1:
            return states
        return tuple(np.split(states, 2, axis=1))

    def joined(self, states):
        """States as one array."""
        return states if self.states == 1 else np.concatenate(states, axis=1)

    def forward(self, arguments, **options):
        given = {**arguments, "initial_state": self.pair(arguments["initial_state"])}
        output, state, tape = getattr(gru_c, f"{self.name}_forward")(**given, **options)
        return output, self.joined(state), tape

    def backward(self, tape, d_output=None, d_state=None, **options):
        """The gradients by their names, those of the states as one array."""
        backward = getattr(gru_c, f"{self.name}_backward")
        gradients = backward(tape, d_output, self.pair(d_state), **options)._asdict()
        return {**gradients, "initial_state": self.joined(gradients["initial_state"])}

    def step(self, x_t, state, *weights, **options):
        step = getattr(gru_c, f"{self.name}_step")
        return self.joined(step(x_t, self.pair(state), *weights, **options))

    def expected(self, arguments, **variant):
        return self.spec(*arguments.values(), **variant)


CELLS = [
    CellUnderTest("GRU", "gru", 3),
    CellUnderTest("LSTM", "lstm", 4, states=2),
    CellUnderTest("SimpleRNN", "rnn", 1),
]
