"""The peak rate of multiply-adds on this machine, measured by a C program compiled at once."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).with_name("probe.c")

# Compiler flags for the instruction sets, by their names in gru_c.
FLAGS = {
    "avx512": ["-mavx512f"],
    "avx2": ["-mavx2", "-mfma"],
    "neon": [],
    "baseline": [],
    "native": ["-march=native"],
}

BURST = 1e-3
BURSTS = 3


class ProbeError(Exception):
    """The probe cannot be built or run; the message has one line."""


class Probe:
    """Measures the FMA rate of an instruction set.

    Parameters
    ----------
    isa : str
        A key of `FLAGS`. This CPU must support it.

    Raises
    ------
    ProbeError
        When there is no C compiler, or it does not compile.
    """

    def __init__(self, isa: str) -> None:
        if isa not in FLAGS:
            raise ProbeError(f"no FMA probe for the instruction set {isa!r}")
        self._library = _compile(FLAGS[isa])
        self._iterations: dict[str, int] = {}

    def __call__(self, dtype: str = "float32", threads: int = 1) -> float:
        """Return the FLOP/s of the best of a few bursts of a millisecond; threads are not pinned.

        A burst that another process interrupts says nothing about the machine.
        """
        if dtype not in self._iterations:
            self._iterations[dtype] = self._calibrate(dtype)
        return max(self._burst(dtype, threads, self._iterations[dtype]) for _ in range(BURSTS))

    def _burst(self, dtype: str, threads: int, iterations: int) -> float:
        function = getattr(self._library, f"probe_{dtype}")
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_long, ctypes.c_int]
        rate = function(iterations, threads)
        if rate <= 0:
            raise ProbeError(f"the FMA probe could not start {threads} threads")
        return rate

    def _calibrate(self, dtype: str) -> int:
        """Return the iterations of a burst, measured on one thread, without starting others."""
        iterations, seconds = 1_000, 0.0
        while seconds < BURST:
            iterations *= 2
            begin = time.perf_counter()
            self._burst(dtype, 1, iterations)
            seconds = time.perf_counter() - begin
        return iterations


def _compile(flags: list[str]) -> ctypes.CDLL:
    """Compile the probe, load it, and remove the file."""
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    if compiler is None:
        raise ProbeError("no C compiler for the FMA probe: install gcc or clang, or set CC")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "probe.so")
        command = [compiler, "-O3", "-ffp-contract=fast", "-shared", "-fPIC", "-pthread", *flags]
        command += [str(SOURCE), "-o", str(library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line] or ["?"]
            raise ProbeError(f"{compiler} does not compile {SOURCE.name}: {lines[0]}")
        return ctypes.CDLL(str(library))
