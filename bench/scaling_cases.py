"""The models and settings of the measurements of data-parallel training."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "performance" / "scaling"


class Model(NamedTuple):
    """A stack of GRU layers with a Dense(1), and the batches that it is measured with.

    Attributes
    ----------
    layers, units : int
    inputs, steps : int
        Features and time steps of a sample.
    fitted : tuple of int
        Batch sizes of a rank that the cost model is fitted to.
    checked : tuple of int
        Batch sizes of all ranks whose steps are compared with the cost model.
    """

    layers: int
    units: int
    inputs: int
    steps: int
    fitted: tuple[int, ...]
    checked: tuple[int, ...]


MODELS = {
    "small": Model(2, 50, 8, 10, (2, 8, 64, 256), (8, 32, 64, 256)),
    "middle": Model(2, 256, 64, 50, (1, 8, 64), (8, 32, 64)),
    "large": Model(2, 1024, 64, 50, (1, 4, 16), (4, 16)),
}
EXCHANGES = [4**power for power in range(3, 12)]  # bytes


class Setting(NamedTuple):
    """The processes of a measurement.

    Attributes
    ----------
    ranks, threads : int
        Number of processes, and of threads in each.
    cable : bool
        True if messages go over an emulated network.
    overlap : bool
        ``DataParallel(overlap=...)``.
    """

    ranks: int
    threads: int
    cable: bool
    overlap: bool


# Each round measures all of them.
SETTINGS = {
    "1 x 1": Setting(1, 1, False, False),
    "1 x 2": Setting(1, 2, False, False),
    "2 x 1": Setting(2, 1, False, False),
    "2 x 1, overlap": Setting(2, 1, False, True),
    "network": Setting(2, 1, True, False),
    "network, overlap": Setting(2, 1, True, True),
}
