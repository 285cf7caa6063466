"""Hashes of results of the packed engine, for a table of configurations and each instruction set.

``python tests/support/bits.py`` writes those of this machine's instruction sets to the table. A
change of bits is a decision: it belongs into the changelog.
"""

import hashlib
import json
import platform
from itertools import product
from pathlib import Path

import numpy as np
from cells import CELLS

from gru_c import _core, gru_backward, gru_forward, gru_step

STORED = Path(__file__).parent / "data" / "bits.json"

SIZES = [
    (1, 1, 1, 1),
    (3, 7, 5, 9),
    (1, 20, 8, 50),
    (33, 11, 16, 64),
    (2, 300, 3, 17),
    (5, 4, 130, 140),
]
OPTIONS = {
    "plain": {},
    "backwards": {"go_backwards": True},
    "activations": {"activation": "softsign", "recurrent_activation": "hard_sigmoid", "clip": 1.5},
    "softplus": {"activation": "softplus", "recurrent_activation": ("elu", 0.5)},
    "lengths": {"lengths": True},
}


# Few rows, and many rows of many units: other ways through the backward pass.
LARGE = [(2, 1, 300, 310), (3, 4, 300, 310), (40, 3, 270, 300)]


def numbers(dtype, *shape, scale=1.0):
    """Return numbers that look random and are the same everywhere: no generator, no rounding."""
    count = int(np.prod(shape))
    places = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**20)
    values = (places.astype(np.float64) / 2**19 - 1) * scale
    return values.reshape(shape).astype(dtype)


def hash_of(*arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(str((array.dtype, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def arguments_of(sizes, dtype, reset_after):
    B, T, I, H = sizes
    bias = (2, 3 * H) if reset_after else (3 * H,)
    weights = [numbers(dtype, *shape, scale=0.25) for shape in ((I, 3 * H), (H, 3 * H), bias)]
    return [numbers(dtype, B, T, I), *weights, numbers(dtype, B, H)]


def of_passes(sizes, dtype, reset_after, options):
    """Return the hashes of a forward pass, and of the gradients."""
    B, T, _, H = sizes
    arrays, options = arguments_of(sizes, dtype, reset_after), dict(options)
    if "lengths" in options:
        options["lengths"] = np.arange(B) * 7 % (T + 1)
    options |= {"reset_after": reset_after, "engine": "packed"}
    result = gru_forward(*arrays, **options, training=True)
    gradients = gru_backward(result.tape, numbers(dtype, B, T, H), numbers(dtype, B, H))
    return hash_of(result.output, result.state), hash_of(*gradients)


def of_cell(cell, sizes, dtype, options):
    """Return the hash of a forward pass and of the gradients of any cell."""
    B, T, I, H = sizes
    width = cell.gates * H
    names = "x", "kernel", "recurrent_kernel", "bias", "initial_state"
    bias = (2, width) if cell.name == "gru" else (width,)
    shapes = (B, T, I), (I, width), (H, width), bias, (B, cell.states * H)
    arguments = {
        name: numbers(dtype, *shape, scale=1 if name in ("x", "initial_state") else 0.25)
        for name, shape in zip(names, shapes, strict=True)
    }
    output, state, tape = cell.forward(arguments, training=True, engine="packed", **options)
    d_state = numbers(dtype, B, cell.states * H)
    gradients = cell.backward(tape, numbers(dtype, B, T, H), d_state)
    return hash_of(output, state, *gradients.values())


def of_formats(sizes):
    arrays = arguments_of(sizes, "float32", True)
    formats = ("bfloat16", "int8")
    return [hash_of(gru_forward(*arrays, inference_weights=name).output) for name in formats]


def of_step(sizes, dtype, reset_after):
    x, *weights, state = arguments_of(sizes, dtype, reset_after)
    return hash_of(gru_step(x[:, 0], state, *weights, reset_after=reset_after))


def of_functions(dtype):
    x = numbers(dtype, 1000, scale=30)
    results = [np.empty_like(x), np.empty_like(x)]
    _core.sigmoid(x, results[0])
    _core.tanh(x, results[1])
    return hash_of(*results)


def table():
    """Return the hashes of the instruction set in use, by configuration.

    Bits that depend on more of the CPU are left out: without fused multiply-adds `gru_step` calls
    BLAS, and AVX-512 has extensions for weights of fewer bits.
    """
    hashes: dict[str, str] = {}
    packed_steps = _core.auto_engine() == _core.ENGINES["packed"]
    for dtype in ("float32", "float64"):
        for sizes, reset_after in product(SIZES, (True, False)):
            for name, options in OPTIONS.items():
                forward, backward = of_passes(sizes, dtype, reset_after, options)
                key = f"{dtype} {sizes} reset_after={reset_after} {name}"
                hashes[f"forward {key}"], hashes[f"backward {key}"] = forward, backward
            if packed_steps:
                hashes[f"step {dtype} {sizes} {reset_after}"] = of_step(sizes, dtype, reset_after)
        hashes[f"sigmoid and tanh {dtype}"] = of_functions(dtype)
        for cell, sizes in [*product(CELLS[1:], SIZES), *product(CELLS, LARGE)]:
            for options in ({}, {"go_backwards": True, "clip": 0.5}):
                key = f"{cell.name} {dtype} {sizes} {' '.join(options)}".strip()
                hashes[key] = of_cell(cell, sizes, dtype, options)
    for sizes in SIZES[1:4] if _core.active_isa() != "avx512" else ():
        hashes[f"bfloat16 {sizes}"], hashes[f"int8 {sizes}"] = of_formats(sizes)
    return hashes


def name_of(isa):
    """Return the name of an instruction set in the table; "baseline" is another on each machine."""
    return f"{platform.machine()} {isa}"


def stored():
    return json.loads(STORED.read_text()) if STORED.exists() else {}


if __name__ == "__main__":
    tables = stored()
    for isa in _core.isa_names():
        _core.select_isa(isa)
        tables[name_of(isa)] = table()
    STORED.write_text(json.dumps(tables, indent=0, sort_keys=True) + "\n")
