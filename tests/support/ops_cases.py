"""Calls of the functions of gru_c.ops by their names: for values, dtypes and gradients."""

from __future__ import annotations

import numpy as np


def normal(*shape):
    """Return numbers away from 0, 1 and -1, where some functions have no derivative."""
    rng = np.random.default_rng(sum(shape) + 31 * len(shape))
    x = rng.normal(size=shape)
    return np.where(np.abs(np.abs(x) - 1) < 0.05, x + 0.1, np.where(np.abs(x) < 0.05, 0.3, x))


def positive(*shape):
    return np.abs(normal(*shape)) + 0.2


def unit(*shape):
    return np.tanh(normal(*shape)) * 0.9


INDICES = np.array([[2, 0], [1, 2]])
UNARY = [
    "abs",
    "negative",
    "square",
    "exp",
    "expm1",
    "sin",
    "cos",
    "tan",
    "arctan",
    "sinh",
    "cosh",
    "erf",
    "tanh",
    "sigmoid",
    "relu",
    "relu6",
    "selu",
    "softplus",
    "softsign",
    "silu",
    "hard_sigmoid",
    "hard_silu",
    "log_sigmoid",
    "leaky_relu",
    "elu",
    "gelu",
]
POSITIVE = ["sqrt", "rsqrt", "reciprocal", "log", "log1p", "log2", "log10"]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]
# (name, arrays, further arguments) of functions with gradients by all of the arrays.
CASES = [
    *((name, [normal(2, 3)], {}) for name in UNARY),
    *((name, [positive(2, 3)], {}) for name in POSITIVE),
    *((name, [unit(2, 3)], {}) for name in ("arcsin", "arccos")),
    *((name, [normal(2, 3), normal(3)], {}) for name in BINARY),
    *((name, [normal(2, 1, 3), normal(4, 1)], {}) for name in BINARY),
    ("power", [positive(2, 3), normal(3)], {}),
    ("mod", [normal(2, 3), positive(3)], {}),
    ("gelu", [normal(2, 3)], {"approximate": False}),
    ("leaky_relu", [normal(5)], {"negative_slope": 0.4}),
    ("elu", [normal(5)], {"alpha": 0.7}),
    ("clip", [normal(3, 4)], {"x_min": -0.4, "x_max": 0.9}),
    *(
        (name, [normal(2, 3, 4)], arguments)
        for name in ("sum", "mean", "max", "min", "prod", "var", "std", "logsumexp")
        for arguments in (
            {},
            {"axis": 1},
            {"axis": -1, "keepdims": True},
            *([] if name == "prod" else [{"axis": (0, 2)}]),
        )
    ),
    ("norm", [normal(2, 3)], {}),
    *(("norm", [normal(2, 3)], {"axis": -1, "ord": p}) for p in (None, 1, 2, 3, np.inf, -np.inf)),
    ("normalize", [normal(2, 3)], {}),
    ("softmax", [normal(2, 3)], {}),
    ("softmax", [normal(2, 3)], {"axis": 0}),
    ("softmax", [normal(2, 3, 4)], {"axis": (1, 2)}),
    ("log_softmax", [normal(2, 3)], {}),
    ("cumsum", [normal(2, 3)], {"axis": 1}),
    ("cumsum", [normal(2, 3)], {}),
    ("cumprod", [normal(2, 3)], {"axis": 0}),
    ("sort", [normal(2, 5)], {}),
    ("matmul", [normal(2, 3), normal(3, 4)], {}),
    ("matmul", [normal(5, 2, 3), normal(3, 4)], {}),
    ("matmul", [normal(5, 2, 3), normal(5, 3, 4)], {}),
    ("matmul", [normal(2, 3), normal(5, 3, 4)], {}),
    ("matmul", [normal(6, 1, 2, 3), normal(5, 3, 4)], {}),
    ("matmul", [normal(3), normal(3)], {}),
    ("matmul", [normal(3), normal(3, 4)], {}),
    ("matmul", [normal(2, 3), normal(3)], {}),
    ("matmul", [normal(3), normal(5, 3, 4)], {}),
    ("matmul", [normal(5, 2, 3), normal(3)], {}),
    ("dot", [normal(2, 3), normal(3, 4)], {}),
    ("dot", [normal(2, 3), normal(3)], {}),
    ("outer", [normal(3), normal(4)], {}),
    ("tensordot", [normal(2, 3, 4), normal(3, 4, 5)], {"axes": 2}),
    ("tensordot", [normal(2, 3, 4), normal(4, 2)], {"axes": [[0, 2], [1, 0]]}),
    ("reshape", [normal(2, 3)], {"newshape": (3, -1)}),
    ("transpose", [normal(2, 3)], {}),
    ("transpose", [normal(2, 3, 4)], {"axes": (1, 2, 0)}),
    ("swapaxes", [normal(2, 3, 4)], {"axis1": 0, "axis2": -1}),
    ("moveaxis", [normal(2, 3, 4)], {"source": 0, "destination": 2}),
    ("squeeze", [normal(2, 1, 3)], {"axis": 1}),
    ("expand_dims", [normal(2, 3)], {"axis": 1}),
    ("repeat", [normal(2, 3)], {"repeats": 2, "axis": 1}),
    ("tile", [normal(2, 3)], {"repeats": (2, 3)}),
    ("tile", [normal(3)], {"repeats": (2, 2)}),
    ("flip", [normal(2, 3)], {"axis": 1}),
    ("roll", [normal(2, 3)], {"shift": 1, "axis": 1}),
    ("pad", [normal(2, 3)], {"pad_width": ((1, 0), (0, 2))}),
    ("broadcast_to", [normal(3)], {"shape": (2, 3)}),
    ("take", [normal(4, 3)], {"indices": INDICES, "axis": 0}),
    ("take", [normal(4, 3)], {"indices": INDICES, "axis": 1}),
    ("take", [normal(4, 3)], {"indices": INDICES}),
    ("take_along_axis", [normal(2, 3)], {"indices": INDICES, "axis": 1}),
    ("slice", [normal(4, 3)], {"start_indices": (1, 0), "shape": (2, 3)}),
    ("tril", [normal(3, 4)], {}),
    ("triu", [normal(3, 4)], {"k": 1}),
    ("diagonal", [normal(3, 4)], {}),
]
# Functions of a list of arrays, and other forms of a call.
FORMS = {
    "concatenate": lambda ops, a, b: ops.concatenate([a, b], axis=-1),
    "stack": lambda ops, a, b: ops.stack([a, b, a], axis=1),
    "hstack": lambda ops, a, b: ops.hstack([a, b]),
    "vstack": lambda ops, a, b: ops.vstack([a, b]),
    "split": lambda ops, a, b: ops.split(a, 3, axis=1)[1] * b[:, :1],
    "split at": lambda ops, a, b: ops.split(a, [1], axis=1)[1] * b[:, 1:],
    "unstack": lambda ops, a, b: ops.unstack(a, axis=1)[2] * b[:, 0],
    "where": lambda ops, a, b: ops.where(a > b, a * 2, b),
    "items": lambda ops, a, b: a[:, None, ::2] * b[..., 1:, None],
    "operators": lambda ops, a, b: -(2 - a) * b / (1 + a**2) - 3 * abs(b) + (a - 1) @ b.T @ b,
    "einsum of two": lambda ops, a, b: ops.einsum("ij,kj->ik", a, b),
    "einsum of sums": lambda ops, a, b: ops.einsum("ij,kl->jl", a, b),
    "einsum of batches": lambda ops, a, b: ops.einsum("...j,...j->...", a, b),
    "einsum of one": lambda ops, a, b: ops.einsum("ij->j", a) + ops.einsum("ij->ji", b)[0, 0],
    "clip by arrays": lambda ops, a, b: ops.clip(a, b - 0.2, b + 0.3),
    "cast": lambda ops, a, b: ops.cast(ops.cast(a, "float32"), "float64") * b,
    "stop_gradient": lambda ops, a, b: ops.stop_gradient(a) * a + b,
    "shape": lambda ops, a, b: ops.reshape(a, (ops.shape(a)[0], -1)) * ops.ones_like(b) * 2 + b,
    "constants": lambda ops, a, b: ops.where(ops.equal(a, 0), 1.0, a) * ops.one_hot(1, 3) + b,
    "used twice": lambda ops, a, b: (lambda c: c * c + ops.exp(c))(a * b),
    "max and initial": lambda ops, a, b: ops.max(a, axis=1, initial=0.5) + ops.sum(b),
}
