"""Train one model in several processes, and compare its losses with those of one process.

    pip install "gru_c[mpi]" mpich
    mpiexec -n 2 python examples/distributed.py

All processes open the same file of samples, and each reads its part of every batch. A batch has 64
samples for any number of processes. Rank 0 then trains the same model alone and shows both losses.
They differ only by rounding: in float64 by at most 1e-12 of their size. It takes two seconds. With
``--shards`` each process has samples of its own. If 2, 4, 8, ... processes divide a batch, the
batches, and therefore the losses, are those of one process.

    mpiexec -n 3 python examples/distributed.py --checkpoint run.safetensors

resumes from the last checkpoint after it was interrupted or killed, in any number of processes.

Data: 2,048 invented machines, each with 24 hours of readings from six sensors. The target is the
wear of the machine: the readings add to it, and a part of it heals every hour.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from gru_c import GRU, Dense, Sequential
from gru_c.distributed import DataParallel

BATCH = 64  # samples in a step of all processes together
MACHINES, HOURS, SENSORS = 2048, 24, 6


def make_data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return readings (machines, hours, sensors) and the wear after them."""
    rng = np.random.default_rng(seed)
    readings = rng.standard_normal((MACHINES, HOURS, SENSORS))
    harm = np.maximum(readings @ rng.uniform(0, 1, SENSORS), 0)
    wear = np.zeros(MACHINES)
    for hour in range(HOURS):
        wear = 0.8 * wear + 0.2 * harm[:, hour]
    return readings, (wear - wear.mean()) / wear.std()


def make_model(dtype: str) -> Sequential:
    """Return two stacked GRUs, with the same initial weights in every process."""
    first = GRU(32, input_shape=(HOURS, SENSORS), return_sequences=True)
    model = Sequential([first, GRU(32), Dense(1)], seed=0, dtype=dtype)
    model.compile("adam", "mse", metrics=["mae"])
    return model


def open_data(parallel: DataParallel, folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Let rank 0 write the samples to files, which all ranks open without reading them yet."""
    names = [Path(folder) / f"{name}.npy" for name in ("readings", "wear")]
    if parallel.rank == 0:
        for name, array in zip(names, make_data(), strict=True):
            np.save(name, array)
    parallel.comm.Barrier()
    readings, wear = (np.load(name, mmap_mode="r") for name in names)
    return readings, wear


def main() -> None:
    """Train in all processes, then in one process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3, choices=range(1, 1001), metavar="N")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float64")
    parser.add_argument("--shards", action="store_true", help="each process has its own samples")
    parser.add_argument("--checkpoint", help="a file to resume from")
    options = parser.parse_args()

    parallel = DataParallel(auto_shard_dataset=not options.shards)
    # With shards each process has every size-th sample. Without shuffling, the batches are then
    # those of one process.
    settings = {"batch_size": BATCH, "epochs": options.epochs, "shuffle": not options.shards}
    with tempfile.TemporaryDirectory() as folder:
        X, y = open_data(parallel, parallel.comm.bcast(folder))  # the folder of rank 0
        if options.shards:
            X, y = X[parallel.rank :: parallel.size], y[parallel.rank :: parallel.size]
        together = make_model(options.dtype).fit(
            X,
            y,
            **settings,
            verbose=2,
            distribution=parallel,
            checkpoint=options.checkpoint,
            resume=options.checkpoint is not None,
        )
    if parallel.rank == 0:
        alone = make_model(options.dtype).fit(*make_data(), **settings, verbose=0)
        compare(parallel.size, together.history["loss"], alone.history["loss"])


def compare(size: int, together: list[float], alone: list[float]) -> None:
    """Print losses side by side."""
    print(f"\n{'epoch':5}  {f'{size} processes':>20}  {'one process':>20}  relative difference")
    for epoch, (a, b) in enumerate(zip(together, alone, strict=True), start=1):
        print(f"{epoch:5}  {a:20.16f}  {b:20.16f}  {abs(a - b) / b:.1e}")


if __name__ == "__main__":
    main()
