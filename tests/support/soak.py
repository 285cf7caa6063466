"""Minutes of mixed work in one process, with forks, signals and a limit of memory.

In rounds of some seconds, threads train, predict, stream, differentiate and save, and compare
each result with the process's first one, bit by bit. Meanwhile a timer sends signals, the main
thread forks children that compute, and calls that the limit of memory forbids fail. Between two
rounds the process is quiet, and its memory is measured. The program fails if a result differs, a
thread or child fails, or memory, threads or open files have grown.

    python tests/support/soak.py [minutes]
"""

import ctypes
import gc
import os
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from itertools import starmap
from pathlib import Path

import numpy as np

import gru_c
from gru_c import GRU, Bidirectional, Dense, Dropout, Sequential, gru_backward, gru_forward

ROUND_SECONDS = 5
LIMIT = 3 << 30  # bytes of addresses beyond those that the process begins with
LARGE = 1 << 21  # rows of a batch whose outputs alone are more
RNG = np.random.default_rng(0)
X = RNG.standard_normal((48, 12, 6)).astype(np.float32)
Y = RNG.standard_normal((48, 1)).astype(np.float32)
WEIGHTS = [(RNG.standard_normal(shape) / 4).astype(np.float32) for shape in [(6, 96), (32, 96)]]
LENGTHS = RNG.integers(0, 13, 48)
counts: Counter[str] = Counter()


def build(seed=0):
    layers = [
        GRU(24, input_shape=(None, 6), return_sequences=True),
        Bidirectional(GRU(9)),
        Dropout(0.2),
        Dense(1),
    ]
    model = Sequential(layers, seed=seed)
    model.compile(("adam", "sgd", "rmsprop")[seed % 3], "mse", metrics=["mae"])
    return model


def weights_of(model):
    return b"".join(weight.tobytes() for weight in model.get_weights())


def train(seed):
    model = build(seed)
    model.fit(X, Y, epochs=2, batch_size=16, validation_split=0.25, verbose=0)
    return weights_of(model)


def predict(seed):
    return SHARED.predict(X[: 1 + 15 * seed], batch_size=(7, 48, 20)[seed], verbose=0).tobytes()


def stream(seed):
    model = Sequential([GRU(20 + seed, input_shape=(None, 6)), Dense(2)], seed=seed)
    steps = model.stream(48)
    return b"".join(steps.step(X[:, t]).tobytes() for t in range(12))


def differentiate(seed):
    options = [{}, {"lengths": LENGTHS}, {"checkpoint_every": 5}][seed]
    result = gru_forward(X, *WEIGHTS, training=True, num_threads=1 + seed, **options)
    gradients = gru_backward(result.tape, np.ones_like(result.output))
    return b"".join(array.tobytes() for array in gradients if array is not None)


def save(seed):
    """Save a model over the file of the last one, which another thread may be reading."""
    path = Path(FOLDER, f"model_{seed}.safetensors")
    model = build(seed)
    model.save(path)
    return weights_of(gru_c.load_model(path))


def exceed_memory(seed):
    """Ask for more memory than the limit allows; the model stays as it was."""
    x = np.broadcast_to(X[:1], (LARGE, 12, 6))
    layers = [GRU(40, input_shape=(None, 6), return_sequences=True)]
    try:
        Sequential(layers, seed=seed).predict(x, verbose=0, batch_size=LARGE)
    except MemoryError:
        return b""
    raise AssertionError("a call has got more memory than there is")


WORK = [train, predict, stream, differentiate, save, exceed_memory]
THREADS = [*WORK, predict, save]  # two at once use the same model, and the same files


def check(work, seed):
    if work(seed) != EXPECTED[work, seed]:
        raise AssertionError(f"{work.__name__} {seed} has other bits")
    counts[work.__name__] += 1


def repeat(work, leave, errors):
    seed = 0
    while not leave.is_set() and not errors:
        try:
            check(work, seed % 3)
        except BaseException:
            errors.append(traceback.format_exc())
        seed += 1
        if work is exceed_memory:
            leave.wait(0.5)


def fork(errors):
    """A child, forked while threads compute, computes the same and exits."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(120)  # ends a child that hangs
            code = int(any(work(1) != EXPECTED[work, 1] for work in (predict, train, stream)))
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        errors.append(f"a child has ended with {code}")
    counts["forks"] += 1


def interrupt():
    """Ctrl-C during a run of training in the main thread."""
    model = build()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        stopped = model.fit(X, Y, epochs=10**8, verbose=0).interrupted
    except KeyboardInterrupt:  # not the first one within two seconds
        stopped = True
    if not stopped:
        raise AssertionError("Ctrl-C has not ended a run")
    counts["interrupts"] += 1


def run_round(seconds):
    leave, errors = threading.Event(), []
    threads = [threading.Thread(target=repeat, args=(work, leave, errors)) for work in THREADS]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and not errors:
        fork(errors)
        interrupt()
    leave.set()
    for thread in threads:
        thread.join()
    if errors:
        raise SystemExit("\n".join(errors))


class Info(ctypes.Structure):
    """The struct of glibc's mallinfo2."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def measure():
    """Return what the quiet process holds, by name."""
    while threading.active_count() > 1:  # the timers of `interrupt`
        time.sleep(0.01)
    gc.collect()
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Info
    info = libc.mallinfo2()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return {
        "malloc MB": (info.uordblks + info.hblkhd) / 1e6,
        "Python blocks": sys.getallocatedblocks(),
        "resident MB": resident / 1e6,
        "threads": len(os.listdir("/proc/self/task")),
        "files": len(os.listdir("/proc/self/fd")),
    }


def prepare():
    """The results that all rounds are compared with, and the surroundings of the work."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # of forks with threads
    for work in WORK[:-1]:
        EXPECTED.update({(work, seed): work(seed) for seed in range(3)})
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT, resource.RLIM_INFINITY))
    EXPECTED.update({(exceed_memory, seed): b"" for seed in range(3)})
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def count_signal(*_):
        counts["signals"] += 1

    signal.signal(signal.SIGALRM, count_signal)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)


def growth(rows, name):
    """The least value of the last third less that of the third before it.

    The first third is left out: Python and the allocator fill their caches then.
    """
    third = len(rows) // 3
    values = [row[name] for row in rows]
    return min(values[2 * third :]) - min(values[third : 2 * third])


def main(minutes=1.0):
    prepare()
    begin, rows, shown = time.monotonic(), [], 0.0
    print("minutes", *measure(), sep="  ")
    while time.monotonic() - begin < 60 * minutes or len(rows) < 6:
        run_round(ROUND_SECONDS)
        rows.append(measure())
        passed = (time.monotonic() - begin) / 60
        if passed >= shown:
            print(f"{passed:7.1f}", *(f"{value:.2f}" for value in rows[-1].values()), sep="  ")
            sys.stdout.flush()
            shown += max(minutes / 15, 0.2)
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(", ".join(starmap("{1:,} {0}".format, counts.items())))
    grown = {name: growth(rows, name) for name in rows[0]}
    print("growth from the second third to the last:", grown)
    # A hundredth of a megabyte is room for caches that are keyed by sizes and seldom grow.
    limits = {"malloc MB": 0.01, "Python blocks": 200, "resident MB": 1, "threads": 0, "files": 0}
    bad = [name for name, limit in limits.items() if grown[name] > limit]
    sys.exit(f"these have grown: {', '.join(bad)}" if bad else 0)


if __name__ == "__main__":
    EXPECTED: dict = {}
    SHARED = build()
    with tempfile.TemporaryDirectory() as FOLDER:
        main(*map(float, sys.argv[1:2]))
