"""Measure data-parallel steps at 1 and 2 ranks, and a model of their cost: python -m bench.scaling

Starts mpiexec by itself. Rank counts and networks have their turn in every round; what is printed
are medians of the rounds. Writes scaling.json, two plots, and the tables of docs/scaling.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from gru_c.distributed.gradient_message import LARGEST_PIECE

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "performance" / "scaling"

# ---- what is measured ---------------------------------------------------------------------------


class Model(NamedTuple):
    """Layers of GRU with so many units, a Dense(1); local batches of the fit, batches checked."""

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
# What has a turn in each round: ranks, threads, over a network, overlapping.
SETTINGS: dict[str, tuple[int, int, bool, bool]] = {
    "1 x 1": (1, 1, False, False),
    "1 x 2": (1, 2, False, False),
    "2 x 1": (2, 1, False, False),
    "2 x 1, overlap": (2, 1, False, True),
    "network": (2, 1, True, False),
    "network, overlap": (2, 1, True, True),
}
STEPS_LASTING, FEWEST, MOST = 0.4, 5, 300  # seconds of steps; how many
LONGEST, ATTEMPTS = 100.0, 3  # seconds of a process
BUSY: list[int] = []  # an item for each process of a round that began beside others' work

# Two network namespaces stand for two machines: each direction of the cable between them has its
# own 1 Gb/s. The kernel adds no delay; alpha is that of its TCP.
CABLE = """
set -e
unshare -n sleep 900 & other=$!
trap 'kill $other' EXIT
sleep 0.3
ip link add net0 type veth peer name net1
ip link set net1 netns $other
in_other() { nsenter -t $other -n "$@"; }
in_other ip link set net1 name net0
ip addr add 10.0.0.1/24 dev net0
in_other ip addr add 10.0.0.2/24 dev net0
for run in "" in_other; do
    $run ip link set lo up
    $run ip link set net0 up mtu 9000
    $run tc qdisc add dev net0 root tbf rate 1gbit burst 20kb latency 50ms
done
mpiexec -n 1 "$@" : -n 1 nsenter -t $other -n "$@"
"""
OVER_TCP = {  # for MPICH, whose other way, UCX, would go by memory all the same
    "MPIR_CVAR_CH4_NETMOD": "ofi",
    "MPIR_CVAR_NOLOCAL": "1",
    "FI_PROVIDER": "tcp",
    "FI_TCP_IFACE": "net0",
}


def work(job: dict[str, Any]) -> None:
    """Do what a started process is to do, and print what the first one found."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    if "exchanges" in job:
        found = _messages(comm, MPI.IN_PLACE, job)
        found["library"] = MPI.Get_library_version().split(",")[0].split("\n")[0]
    else:
        timed = _timed(comm)
        found = [_steps(timed, *one) for one in job["steps"]]
    if comm.rank == 0:
        print("\n" + json.dumps(found), flush=True)


def _messages(comm: Any, in_place: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Seconds of exchanges and Allreduces by bytes; seconds of adding a byte."""
    found: dict[str, Any] = {"exchange": [], "allreduce": []}
    for kind, sizes in (("exchange", job["exchanges"]), ("allreduce", job["allreduces"])):
        for size in sizes:
            sent, got = np.zeros(size // 4, np.float32), np.zeros(size // 4, np.float32)
            calls: dict[str, Callable[[], object]] = {
                "exchange": lambda s=sent, g=got: comm.Sendrecv(s, 1 - comm.rank, recvbuf=g),
                "allreduce": lambda s=sent: _add_up(comm, in_place, s, job["piece"]),
            }
            found[kind].append([size, _time_together(comm, calls[kind])])
    a, b = np.zeros(1 << 20, np.float32), np.zeros(1 << 20, np.float32)
    found["gamma"] = _time_together(comm, lambda: np.add(a, b, out=a)) / a.nbytes
    return found


def _add_up(comm: Any, in_place: Any, vector: Any, piece: int) -> None:
    """Allreduce in pieces of so many bytes, as `fit` does."""
    step = piece // vector.itemsize
    for first in range(0, len(vector), step):
        comm.Allreduce(in_place, vector[first : first + step])


def _time_together(comm: Any, call: Callable[[], object], samples: int = 5) -> float:
    """Median seconds of a call that all make."""

    def sample(repeats: int) -> float:
        comm.Barrier()
        begin = time.perf_counter()
        for _ in range(repeats):
            call()
        return (time.perf_counter() - begin) / repeats

    sample(2)
    repeats = comm.bcast(min(1000, max(1, int(0.02 / sample(2)))))
    return median(sample(repeats) for _ in range(samples))


def _timed(comm: Any) -> Any:
    """Return the communicator; it, and what is made of it, add up the seconds of Allreduces."""
    from mpi4py import MPI

    class TimedComm(MPI.Intracomm):
        spent = 0.0

        def Allreduce(self, *arguments: Any, **named: Any) -> None:  # noqa: N802
            begin = time.perf_counter()
            super().Allreduce(*arguments, **named)
            TimedComm.spent += time.perf_counter() - begin

    return TimedComm(comm)


def _steps(comm: Any, name: str, batch: int, mode: str) -> dict[str, Any]:
    """Train a model; median seconds of its steps and of their parts, in the first process."""
    from gru_c import GRU, Dense, Sequential
    from gru_c.distributed import DataParallel
    from gru_c.optimizers import Adam

    class TimedAdam(Adam):
        """Notes when a step begins and ends, and what Allreduce took since the one before."""

        def step(self, parameters: Any) -> None:
            begin, sent, type(comm).spent = time.perf_counter(), type(comm).spent, 0.0
            super().step(parameters)
            notes.append((begin, time.perf_counter(), sent))

    notes: list[tuple[float, float, float]] = []
    of = MODELS[name]
    ranks = 1 if mode == "alone" else comm.size
    stack = [GRU(of.units, return_sequences=n + 1 < of.layers) for n in range(of.layers)]
    model = Sequential([*stack, Dense(1)], seed=0)
    model.compile(TimedAdam(), "mse")
    parallel = DataParallel(comm, overlap=mode == "overlap") if ranks > 1 else None
    rng = np.random.default_rng(comm.rank)

    def train(count: int) -> list[tuple[float, float, float]]:
        notes.clear()
        x = rng.standard_normal((batch // ranks * count, of.steps, of.inputs), np.float32)
        comm.Barrier()
        model.fit(x, x[:, -1, 0], batch_size=batch, verbose=0, distribution=parallel)
        return notes[1:]

    first = train(3)
    once = first[-1][1] - first[0][1]
    train_for = max(FEWEST, min(MOST, int(STEPS_LASTING / once)))
    taken = train(comm.bcast(train_for) if mode != "alone" else train_for)
    return {**_parts(taken), "size": model.parameters.gradients.nbytes}


def _parts(notes: list[tuple[float, float, float]]) -> dict[str, float]:
    """Medians of steps, of their optimizers and Allreduces; the spread of their passes."""
    begins, ends, sent = np.array(notes).T
    passes = begins[1:] - ends[:-1] - sent[1:]
    low, high = np.percentile(passes, [25, 75])
    return {
        "step": float(np.median(np.diff(ends))),
        "pass": float(np.median(passes)),
        "allreduce": float(np.median(sent[1:])),
        "optimizer": float(np.median(ends - begins)),
        "spread": float((high - low) / 1.349 / np.median(passes)),
    }


# ---- starting processes -------------------------------------------------------------------------


def launch(job: dict[str, Any], ranks: int, threads: int, cable: bool, home: str = "") -> Any:
    """Run a job in processes of its own; what the first one printed. `home`: of another Python."""
    python = [f"{home}/bin/python" if home else sys.executable, "-m", "bench.scaling"]
    worker = [*python, "--worker", json.dumps(job)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = worker if ranks == 1 else [f"{home}/bin/mpiexec" if home else "mpiexec", "-n", "2"]
    command = command if ranks == 1 else [*command, *worker]
    if home:  # Open MPI's mpiexec asks root for these
        environment |= dict.fromkeys(
            ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"), "1"
        )
    if cable:
        command = ["unshare", "-n", "bash", "-c", CABLE, "bash", *worker]
        environment |= OVER_TCP
    for _ in range(ATTEMPTS):
        wait_for_idle_cores()
        found = _run(command, environment)
        if found is not None:
            return found
        print(f"again: {' '.join(command[:4])} has not ended in {LONGEST} s", flush=True)
    raise SystemExit(f"bench.scaling: {' '.join(command[:4])} does not end")


def _run(command: list[str], environment: dict[str, str]) -> Any:
    """Run it; what was printed last, or None when it takes too long."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        out, errors = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)  # mpiexec ends those that it started
        process.wait(10)
        return None
    if process.returncode:
        raise SystemExit(f"bench.scaling: {' '.join(command[:4])} failed: {errors[-2000:]}")
    return json.loads(out.strip().splitlines()[-1])


def wait_for_idle_cores(longest: float = 30.0) -> None:
    """Wait until nothing else uses this machine, but not for ever."""
    stop = time.monotonic() + longest
    while time.monotonic() < stop:
        before = _idle_and_all()
        time.sleep(0.3)
        idle, total = (now - then for now, then in zip(_idle_and_all(), before, strict=True))
        if idle >= 0.85 * total:
            return
    BUSY.append(1)


def _idle_and_all() -> tuple[int, int]:
    """Ticks of /proc/stat."""
    ticks = list(map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]))
    return ticks[3], sum(ticks)


def has_cable() -> bool:
    """Whether a network can be emulated here: that takes Linux, root and iproute2."""
    return all(map(shutil.which, ("unshare", "nsenter", "ip", "tc"))) and os.geteuid() == 0


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Go through all settings in every round; yield medians over the rounds so far."""
    names = ["small"] if options.quick else list(MODELS)
    cable = has_cable()
    if not cable:
        print("skipped the network: it takes Linux, root and iproute2", flush=True)
    rounds: list[dict[str, Any]] = []
    wanted = options.rounds or (1 if options.quick else 5)
    for _ in range(2 * wanted):  # one that began beside others' work is made again
        BUSY.clear()
        found = _round(names, cable, options.beside)
        print("a round" if not BUSY else "a round beside others: not counted", flush=True)
        if not BUSY or options.quick:
            rounds.append(found)
            yield {"rounds": len(rounds), "names": names, **_medians(rounds)}
        if len(rounds) == wanted:
            return


def _round(names: list[str], cable: bool, beside: str) -> dict[str, Any]:
    fits = [(name, batch, "alone") for name in names for batch in MODELS[name].fitted]
    checks = [(name, batch) for name in names for batch in MODELS[name].checked]
    found = {"fit": _keyed(fits, launch({"steps": fits}, 2, 1, False))}
    for label, (ranks, threads, over, overlap) in SETTINGS.items():
        if over and not cable:
            continue
        mode = "alone" if ranks == 1 else "overlap" if overlap else "plain"
        jobs = [(*check, mode) for check in checks]
        found[label] = _keyed(jobs, launch({"steps": jobs}, ranks, threads, over))
    sizes = sorted({one["size"] for one in found["fit"].values()})
    job = {"exchanges": EXCHANGES, "allreduces": sizes, "piece": LARGEST_PIECE}
    for label, over, home in (("memory", False, ""), ("network", True, ""), ("other", 0, beside)):
        if (cable or not over) and (home or label != "other"):
            found[f"messages: {label}"] = launch(job, 2, 1, bool(over), home)
    return found


def _keyed(jobs: list[Any], found: list[Any]) -> dict[str, Any]:
    return {f"{name} {batch}": one for (name, batch, _), one in zip(jobs, found, strict=True)}


def _medians(rounds: list[Any]) -> Any:
    """The same structure as each round has, with medians for numbers."""
    first = rounds[0]
    if isinstance(first, dict):
        return {key: _medians([one[key] for one in rounds]) for key in first}
    if isinstance(first, list):
        return [_medians(list(items)) for items in zip(*rounds, strict=True)]
    return first if isinstance(first, str) else float(f"{median(rounds):.6g}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser("python -m bench.scaling", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, help="5, quick 1")
    add("--quick", action="store_true", help="the small model only")
    add("--beside", default="", metavar="DIR", help="a virtual environment with another MPI")
    add("--out", type=Path, default=FOLDER, metavar="DIR", help="of scaling.json and the plots")
    add("--report", action="store_true", help="redraw from scaling.json, measure nothing")
    add("--worker", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        work(options.worker)
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "scaling.json"
    if not options.report:
        for found in measure(options):
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    from bench import scaling_report

    scaling_report.write(json.loads(path.read_text(encoding="utf-8")), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
