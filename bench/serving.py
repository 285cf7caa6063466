"""Serving: predictions a second on many Python threads, and cold starts: python -m bench.serving

The model is the tutorial's: two GRUs and a Dense, one sequence of 8 features, one thread a call.
Cold starts are those of fresh processes, which import the package, load the model from a file and
predict once: seconds, and the largest memory that was resident.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import gru_c
from gru_c import GRU, Dense, Input, Sequential

SHAPES = [(10, 50), (1, 50), (50, 64)]  # time steps and units
THREADS = (1, 2, 16)
SECONDS, ROUNDS, STARTS = 1.0, 5, 7

_START = """
import sys, time
begin = time.perf_counter()
import numpy as np
x = np.ones((1, 10, 8), np.float32)
{work}
seconds = time.perf_counter() - begin
with open("/proc/self/status") as file:  # getrusage tells the peak of the parent, if that is larger
    peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
print(seconds, peak / 1024)
"""
_WORK = {
    "NumPy alone": "x.sum()",
    "gru_c": "import gru_c; gru_c.load_predictor(sys.argv[1] + '.safetensors')(x)",
    "gru_c, load_model": "import gru_c; gru_c.load_model(sys.argv[1] + '.safetensors').predict(x)",
    "onnxruntime": (
        "import onnxruntime; session = onnxruntime.InferenceSession(sys.argv[1] + '.onnx')\n"
        "session.run(None, {session.get_inputs()[0].name: x})"
    ),
}


def make_model(units: int) -> Sequential:
    """Return the tutorial's model with so many units."""
    layers = [Input((None, 8)), GRU(units, return_sequences=True), GRU(units), Dense(1)]
    return Sequential(layers, seed=0)


def onnx_session(model: Sequential, path: Path) -> Callable[[Any], Any]:
    """Return onnxruntime's prediction of the model, on one thread."""
    import onnxruntime

    import gru_c.interop.onnx

    gru_c.interop.onnx.export(model, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options)
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})


def torch_twin(units: int) -> Callable[[Any], Any]:
    """Return PyTorch's prediction by a model of this size."""
    import torch

    gru = torch.nn.GRU(8, units, num_layers=2, batch_first=True)
    head = torch.nn.Linear(units, 1)

    def predict(x: Any) -> Any:
        with torch.inference_mode():
            return head(gru(torch.from_numpy(x))[1][-1])

    return predict


def calls_a_second(function: Callable[[], object], threads: int) -> float:
    """Return how many calls so many threads make in a second together."""
    counts = [0] * threads
    end = threading.Event()

    def work(number: int) -> None:
        while not end.is_set():
            for _ in range(10):
                function()
            counts[number] += 10

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    begin = time.perf_counter()
    for worker in workers:
        worker.start()
    time.sleep(SECONDS)
    end.set()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - begin)


def print_threads(folder: Path) -> None:
    """Print calls a second by threads: the best of rounds in which all take turns."""
    print("| T, H | | " + " | ".join(f"{n} threads" for n in THREADS) + " |")
    print("| --- " * (2 + len(THREADS)) + "|")
    for time_steps, units in SHAPES:
        model = make_model(units)
        x = np.ones((1, time_steps, 8), np.float32)
        predictor = model.freeze()
        functions = {"frozen": lambda predictor=predictor, x=x: predictor(x)}
        try:
            session = onnx_session(model, folder / f"{units}.onnx")
            functions["onnxruntime"] = lambda session=session, x=x: session(x)
        except ImportError as error:
            print(f"skipped onnxruntime: {error}")
        best: dict[tuple[str, int], float] = {}
        for _ in range(ROUNDS):
            for name, function in functions.items():
                for threads in THREADS:
                    rate = calls_a_second(function, threads)
                    best[name, threads] = max(rate, best.get((name, threads), 0.0))
        for name in functions:
            rates = " | ".join(f"{best[name, threads]:,.0f}" for threads in THREADS)
            print(f"| {time_steps}, {units} | {name} | {rates} |")


def print_cold_starts(folder: Path) -> None:
    """Print time and memory of the first prediction of a process: the best of several."""
    model = make_model(50)
    path = folder / "model"
    model.save(f"{path}.safetensors")
    works = dict(_WORK)
    try:
        onnx_session(model, Path(f"{path}.onnx"))
    except ImportError as error:
        print(f"skipped onnxruntime: {error}")
        del works["onnxruntime"]
    best = dict.fromkeys(works, (float("inf"), float("inf")))
    for _ in range(STARTS):
        for name, work in works.items():
            program = [sys.executable, "-c", _START.format(work=work), str(path)]
            run = subprocess.run(program, capture_output=True, text=True, check=True)
            seconds, megabytes = map(float, run.stdout.split())
            best[name] = min(best[name][0], seconds), min(best[name][1], megabytes)
    print("\n| first prediction | milliseconds | MiB |\n| --- | --- | --- |")
    for name, (seconds, megabytes) in best.items():
        print(f"| {name} | {seconds * 1000:.0f} | {megabytes:.0f} |")


def main() -> int:
    """Print both tables; return the exit status."""
    gru_c.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        print_threads(Path(folder))
        print_cold_starts(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
