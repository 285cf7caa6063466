"""Calls in which each allocation fails once; a program of its own, see test_failing_allocations."""

import ctypes
import gc
import sys

import numpy as np

import gru_c
from gru_c import GRU, Bidirectional, Dense, Sequential, gru_backward, gru_forward, gru_step

ALLOCATOR = ctypes.CDLL(None)
ALLOCATOR.failing_begin.argtypes = [ctypes.c_long]
ALLOCATOR.failing_end.restype = ctypes.c_long
RNG = np.random.default_rng(0)


def numbers(*shape):
    return (RNG.standard_normal(shape) * 0.3).astype(np.float32)


X, W, U, BIAS, STATE = (
    numbers(3, 5, 2),
    numbers(2, 12),
    numbers(4, 12),
    numbers(2, 12),
    numbers(3, 4),
)
D_OUTPUT, Y = numbers(3, 5, 4), numbers(3, 1)
ARRAYS = X, W, U, BIAS, STATE


def trained():
    layers = [GRU(4, input_shape=(5, 2), return_sequences=True), Bidirectional(GRU(3)), Dense(1)]
    model = Sequential(layers, seed=0)
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(X, Y)
    return model


MODEL = trained()
PREDICTOR = MODEL.freeze()
STREAM = Sequential([GRU(4, input_shape=(None, 2)), Dense(1)], seed=0).stream(3)
TAPE = gru_forward(*ARRAYS, training=True).tape
RAGGED = gru_forward(*ARRAYS, training=True, lengths=[5, 2, 0]).tape


def stream_steps():
    STREAM.reset()
    return STREAM.step(X[:, 0])


CALLS = {
    "forward": lambda: gru_forward(*ARRAYS).output,
    "blas": lambda: gru_forward(*ARRAYS, engine="blas").output,
    "converted": lambda: gru_forward(X.astype(float), *ARRAYS[1:]).output,
    "training": lambda: gru_forward(*ARRAYS, training=True).output,
    "lengths": lambda: gru_forward(*ARRAYS, training=True, lengths=[5, 2, 0]).output,
    "pieces": lambda: gru_forward(*ARRAYS, training=True, checkpoint_every=2).output,
    "int8": lambda: gru_forward(*ARRAYS, inference_weights="int8").output,
    "backward": lambda: gru_backward(TAPE, D_OUTPUT).kernel,
    "backward of lengths": lambda: gru_backward(RAGGED, D_OUTPUT, d_hidden=True).kernel,
    "step": lambda: gru_step(X[:, 0], STATE, *ARRAYS[1:4]),
    "predict": lambda: MODEL.predict(X, verbose=0),
    "frozen": lambda: PREDICTOR(X),
    "evaluate": lambda: np.array(MODEL.evaluate(X, Y, verbose=0)),
    "stream": stream_steps,
}


def state_of(model):
    return [
        *(weight.copy() for weight in model.get_weights()),
        *(slot.copy() for slot in model.optimizer.slots.values()),
        np.array(model.optimizer.iterations),
    ]


def equal(a, b):
    return all(map(np.array_equal, a, b))


def failed(call, at):
    """Run a call whose allocation number `at` fails; return the exception's type, or None."""
    try:
        ALLOCATOR.failing_begin(at)
        call()
    except Exception as error:
        ALLOCATOR.failing_end()
        return type(error)
    finally:
        ALLOCATOR.failing_end()
    return None


def allocations_of(call):
    for _ in range(3):
        call()
    ALLOCATOR.failing_begin(0)
    call()
    return ALLOCATOR.failing_end()


def check(name):
    """The call after a failure is right, and nothing has been changed or released."""
    call = CALLS[name]
    count, expected, before = allocations_of(call), call(), state_of(MODEL)
    held = [*ARRAYS, *MODEL.get_weights(), *(item.array for item in MODEL.parameters.items)]
    references = [sys.getrefcount(array) for array in held]
    kinds = [failed(call, at) for at in range(1, count + 5)]
    assert np.array_equal(call(), expected), name
    assert equal(state_of(MODEL), before), name
    gc.collect()
    assert [sys.getrefcount(array) for array in held] >= references, name
    assert kinds.count(MemoryError) >= count // 3, (name, count, kinds)


def check_training():
    """A step is taken as a whole or not at all."""
    model = trained()
    count = allocations_of(lambda: model.train_on_batch(X, Y))
    for at in range(1, count + 5):
        before = state_of(model)
        failed(lambda: model.train_on_batch(X, Y), at)
        after = state_of(model)
        if equal(before, after):
            continue
        twin = trained()
        restore(twin, before)
        twin.train_on_batch(X, Y)
        assert equal(state_of(twin), after), at


def restore(model, state):
    weights = model.get_weights()
    model.set_weights(state[: len(weights)])
    for slot, values in zip(model.optimizer.slots.values(), state[len(weights) : -1], strict=True):
        slot[...] = values
    model.optimizer.iterations = int(state[-1])


if __name__ == "__main__":
    gru_c.set_num_threads(1)
    for name in CALLS:
        check(name)
        print(name, flush=True)
    check_training()
    print("train_on_batch")
