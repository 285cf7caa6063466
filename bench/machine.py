"""The machine of a run, and the versions of the packages that take part."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import gru_c

# CPU flags by which libraries choose their kernels.
FLAGS = [
    *("sse2", "avx", "avx2", "fma", "avx_vnni"),
    *("avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_tile", "amx_bf16", "amx_int8"),
    *("asimd", "sve", "bf16", "i8mm"),
]
# Variables that change the kernels or the number of threads of a library.
VARIABLES = re.compile(
    "(OMP|GOMP|OPENBLAS|MKL|ONEDNN|DNNL)_[A-Z0-9_]+"
    "|GRU_C_ISA|ATEN_CPU_CAPABILITY|XLA_FLAGS|TF_ENABLE_ONEDNN_OPTS|TF_NUM_[A-Z_]+|KERAS_BACKEND"
)
PACKAGES = [
    *("numpy", "scipy", "torch", "onnx", "onnxruntime", "openvino", "onednn-cpu-gomp"),
    *("jax", "jaxlib", "keras", "tensorflow", "matplotlib"),
]


def describe() -> dict[str, Any]:
    """Return CPU, caches, system and load, for results.json."""
    cpu = _cpuinfo()
    present = (cpu.get("flags") or cpu.get("Features") or "").split()
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "cpu_model": "family {}, model {}".format(cpu.get("cpu family"), cpu.get("model")),
        "flags": [flag for flag in FLAGS if flag in present],
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "caches": _caches(),
        "memory_gib": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python, gru_c and installed packages."""
    config = gru_c.show_config("dicts")
    packages = {"python": platform.python_version(), "gru_c": _version_of_gru_c()}
    packages |= {"blas": config["blas"], "compiler": config["compiler"]}
    for name in PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return packages


def environment() -> dict[str, str]:
    """Return the environment variables that affect the measurements."""
    return {name: value for name, value in os.environ.items() if VARIABLES.fullmatch(name)}


def _version_of_gru_c() -> str:
    """Return gru_c's version, with the commit if it is a checkout."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False
        )
    except OSError:  # no git
        return gru_c.__version__
    commit = done.stdout.strip()
    return f"{gru_c.__version__} ({commit})" if commit else gru_c.__version__


def _cpuinfo() -> dict[str, str]:
    """Return the first processor of /proc/cpuinfo; empty without such a file."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _caches() -> dict[str, str]:
    """Return the sizes of the first core's caches by name, such as L1d."""
    sizes = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = (
                (folder / name).read_text().strip() for name in ("level", "type", "size")
            )
        except OSError:
            continue
        sizes[f"L{level}" + {"Data": "d", "Instruction": "i"}.get(kind, "")] = size
    return sizes


def _memory() -> float | None:
    """Return the GiB of memory."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
