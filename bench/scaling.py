"""Measure data-parallel steps with 1 and 2 ranks, and fit a cost model: python -m bench.scaling

The program starts mpiexec by itself. Each round measures all settings; the results are medians over
the rounds. It writes scaling.json, two plots, and the tables of docs/scaling.md.
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
from typing import Any

import numpy as np

from bench import scaling_report
from bench.scaling_cases import EXCHANGES, FOLDER, MODELS, ROOT, SETTINGS
from gru_c.distributed.gradient_message import LARGEST_PIECE

STEPS_LASTING = 0.4  # seconds that the steps of a measurement take together
FEWEST, MOST = 5, 300  # steps of a measurement
LONGEST, ATTEMPTS = 100.0, 3  # seconds until a process is taken to hang; attempts
BUSY: list[int] = []  # an item for each process of a round that began while the CPU was in use

# Two network namespaces stand for two machines. Each direction of the cable between them has its
# own 1 Gb/s. The kernel adds no delay, so the latency is that of its TCP.
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
OVER_TCP = {  # for MPICH, whose default, UCX, would use shared memory all the same
    "MPIR_CVAR_CH4_NETMOD": "ofi",
    "MPIR_CVAR_NOLOCAL": "1",
    "FI_PROVIDER": "tcp",
    "FI_TCP_IFACE": "net0",
}


def work(job: dict[str, Any]) -> None:
    """Do the job of a started process; the first rank prints the results as JSON."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    if "exchanges" in job:
        results: Any = _time_messages(comm, MPI.IN_PLACE, job)
        results["library"] = MPI.Get_library_version().split(",")[0].split("\n")[0]
    else:
        timed = _timed(comm)
        results = [_time_steps(timed, *arguments) for arguments in job["steps"]]
    if comm.rank == 0:
        print("\n" + json.dumps(results), flush=True)


def _time_messages(comm: Any, in_place: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Return the seconds of exchanges and Allreduces by bytes, and of adding a byte."""
    results: dict[str, Any] = {"exchange": [], "allreduce": []}
    for kind, sizes in (("exchange", job["exchanges"]), ("allreduce", job["allreduces"])):
        for size in sizes:
            sent, got = np.zeros(size // 4, np.float32), np.zeros(size // 4, np.float32)
            calls: dict[str, Callable[[], object]] = {
                "exchange": lambda s=sent, g=got: comm.Sendrecv(s, 1 - comm.rank, recvbuf=g),
                "allreduce": lambda s=sent: _add_up(comm, in_place, s, job["piece"]),
            }
            results[kind].append([size, _time_together(comm, calls[kind])])
    a, b = np.zeros(1 << 20, np.float32), np.zeros(1 << 20, np.float32)
    results["gamma"] = _time_together(comm, lambda: np.add(a, b, out=a)) / a.nbytes
    return results


def _add_up(comm: Any, in_place: Any, vector: Any, piece: int) -> None:
    """Call Allreduce for pieces of so many bytes, as `fit` does."""
    step = piece // vector.itemsize
    for first in range(0, len(vector), step):
        comm.Allreduce(in_place, vector[first : first + step])


def _time_together(comm: Any, call: Callable[[], object], samples: int = 5) -> float:
    """Return the median seconds of a call that all ranks make."""

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
    """Return a communicator that adds up the seconds of its Allreduces, also in its copies."""
    from mpi4py import MPI

    class TimedComm(MPI.Intracomm):
        spent = 0.0

        def Allreduce(self, *arguments: Any, **named: Any) -> None:  # noqa: N802
            begin = time.perf_counter()
            super().Allreduce(*arguments, **named)
            TimedComm.spent += time.perf_counter() - begin

    return TimedComm(comm)


def _time_steps(comm: Any, name: str, batch: int, mode: str) -> dict[str, Any]:
    """Train a model, and return the median seconds of its optimizer steps and of their parts."""
    from gru_c import GRU, Dense, Sequential
    from gru_c.distributed import DataParallel
    from gru_c.optimizers import Adam

    class TimedAdam(Adam):
        """Records when a step begins and ends, and the seconds of Allreduce before it."""

        def step(self, parameters: Any) -> None:
            begin, sent, type(comm).spent = time.perf_counter(), type(comm).spent, 0.0
            super().step(parameters)
            notes.append((begin, time.perf_counter(), sent))

    notes: list[tuple[float, float, float]] = []
    case = MODELS[name]
    ranks = 1 if mode == "alone" else comm.size
    stack = [GRU(case.units, return_sequences=n + 1 < case.layers) for n in range(case.layers)]
    model = Sequential([*stack, Dense(1)], seed=0)
    model.compile(TimedAdam(), "mse")
    parallel = DataParallel(comm, overlap=mode == "overlap") if ranks > 1 else None
    rng = np.random.default_rng(comm.rank)

    def train(count: int) -> list[tuple[float, float, float]]:
        notes.clear()
        x = rng.standard_normal((batch // ranks * count, case.steps, case.inputs), np.float32)
        comm.Barrier()
        model.fit(x, x[:, -1, 0], batch_size=batch, verbose=0, distribution=parallel)
        return notes[1:]

    first = train(3)
    once = first[-1][1] - first[0][1]
    train_for = max(FEWEST, min(MOST, int(STEPS_LASTING / once)))
    taken = train(comm.bcast(train_for) if mode != "alone" else train_for)
    return {**_parts(taken), "size": model.parameters.gradients.nbytes}


def _parts(notes: list[tuple[float, float, float]]) -> dict[str, float]:
    """Return medians of steps, passes, Allreduces and optimizers, and the spread of the passes."""
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
    """Run a job in new processes, and return the results of the first rank.

    `home` is the folder of another Python, with its own MPI.
    """
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
        results = _run(command, environment)
        if results is not None:
            return results
        print(f"again: {' '.join(command[:4])} has not ended in {LONGEST} s", flush=True)
    raise SystemExit(f"bench.scaling: {' '.join(command[:4])} does not end")


def _run(command: list[str], environment: dict[str, str]) -> Any:
    """Run a command, and return the JSON in its last line; None if it takes too long."""
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
    """Wait until nothing else uses this machine, for a limited time."""
    stop = time.monotonic() + longest
    while time.monotonic() < stop:
        before = _read_ticks()
        time.sleep(0.3)
        idle, total = (now - then for now, then in zip(_read_ticks(), before, strict=True))
        if idle >= 0.85 * total:
            return
    BUSY.append(1)


def _read_ticks() -> tuple[int, int]:
    """Return the idle ticks and all ticks of the CPUs, from /proc/stat."""
    ticks = list(map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]))
    return ticks[3], sum(ticks)


def has_cable() -> bool:
    """Return True if a network can be emulated here, which takes Linux, root and iproute2."""
    return all(map(shutil.which, ("unshare", "nsenter", "ip", "tc"))) and os.geteuid() == 0


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure all settings in each round; yield medians over the rounds so far."""
    names = ["small"] if options.quick else list(MODELS)
    cable = has_cable()
    if not cable:
        print("skipped the network: it takes Linux, root and iproute2", flush=True)
    rounds: list[dict[str, Any]] = []
    wanted = options.rounds or (1 if options.quick else 5)
    for _ in range(2 * wanted):  # a round that began while the CPU was in use is repeated
        BUSY.clear()
        results = _measure_round(names, cable, options.beside)
        print("a round" if not BUSY else "a round beside others: not counted", flush=True)
        if not BUSY or options.quick:
            rounds.append(results)
            yield {"rounds": len(rounds), "names": names, **_medians(rounds)}
        if len(rounds) == wanted:
            return


def _measure_round(names: list[str], cable: bool, beside: str) -> dict[str, Any]:
    """Return the steps of all settings, and the messages by each library."""
    fits = [(name, batch, "alone") for name in names for batch in MODELS[name].fitted]
    checks = [(name, batch) for name in names for batch in MODELS[name].checked]
    results = {"fit": _by_case(fits, launch({"steps": fits}, 2, 1, False))}
    for label, setting in SETTINGS.items():
        if setting.cable and not cable:
            continue
        mode = "alone" if setting.ranks == 1 else "overlap" if setting.overlap else "plain"
        jobs = [(*check, mode) for check in checks]
        steps = launch({"steps": jobs}, setting.ranks, setting.threads, setting.cable)
        results[label] = _by_case(jobs, steps)
    sizes = sorted({step["size"] for step in results["fit"].values()})
    job = {"exchanges": EXCHANGES, "allreduces": sizes, "piece": LARGEST_PIECE}
    for label, over, home in (("memory", False, ""), ("network", True, ""), ("other", 0, beside)):
        if (cable or not over) and (home or label != "other"):
            results[f"messages: {label}"] = launch(job, 2, 1, bool(over), home)
    return results


def _by_case(jobs: list[Any], steps: list[Any]) -> dict[str, Any]:
    return {f"{name} {batch}": step for (name, batch, _), step in zip(jobs, steps, strict=True)}


def _medians(rounds: list[Any]) -> Any:
    """Return the structure of a round with the medians of its numbers."""
    first = rounds[0]
    if isinstance(first, dict):
        return {key: _medians([results[key] for results in rounds]) for key in first}
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
    add(
        "--out",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help="folder of scaling.json and the plots",
    )
    add("--report", action="store_true", help="redraw from scaling.json, measure nothing")
    add("--worker", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        work(options.worker)
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "scaling.json"
    if not options.report:
        for results in measure(options):
            path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    scaling_report.write(json.loads(path.read_text(encoding="utf-8")), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
