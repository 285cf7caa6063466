"""Compare gru_c with its peers: python -m bench.compare

All peers get the same arrays, must give the same results, and are timed in turn, round by round, in
one process. Writes results.json, results.md, bars.md and plots.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import gru_c
from bench import machine, report, results
from bench.cases import ISA, PASSES, Case, Problem, Shape, cases_of, make_demo, make_problem
from bench.peers import PEERS, Peer, make_peers
from bench.probe import Probe, ProbeError
from bench.rounds import measure
from bench.summary import OURS, summarise

# Largest difference from gru_c, for arrays whose largest element is 1: only rounding.
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}
REDUCED_TOLERANCE = 0.2
DEMO_TOLERANCE = 1e-3  # PyTorch's Adam adds epsilon at another place than Keras's

# The peers of passes that do not measure all of them.
PASS_PEERS = {
    "grid": (OURS, "torch", "onnxruntime", "openvino"),
    "growth": (OURS,),
    "isa": (OURS,),
}
# Rounds and seconds of a case; then those of a case in a pass with many cases.
FULL, QUICK = (21, 20.0), (5, 1.0)
MANY_FULL, MANY_QUICK = (7, 0.5), (3, 0.1)
MANY = ("grid", "growth")
# The first is for gru_c's kernels, the second for the matmuls of its engine "blas".
AVX2_ONLY = {"GRU_C_ISA": "avx2", "OPENBLAS_CORETYPE": "Haswell"}


class CompareError(Exception):
    """Nothing can be measured; the message has one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.report:
            _write(results.load(options.report), options.report, options.plots)
            return 0
        return Comparison(options).run()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except (CompareError, results.ResultsError, OSError) as error:
        print(f"bench.compare: {error}", file=sys.stderr)
        return 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m bench.compare", description=__doc__)
    add = parser.add_argument
    add("--what", type=_names(PASSES), default=list(PASSES), help=", ".join(PASSES))
    add("--peers", type=_names(PEERS), default=list(PEERS), help=", ".join(PEERS))
    add("--threads", type=_threads, default=None, help="numbers of threads, such as 1,2")
    add(
        "--shapes",
        type=_shape,
        nargs="+",
        metavar="B,T,I,H",
        help="instead of the shapes of forward, single, training, vanilla, float64, isa and "
        "inference-weights",
    )
    add("--rounds", type=_positive, help=f"largest number for a case; {FULL[0]}, quick {QUICK[0]}")
    add("--seconds", type=float, help=f"for a case; {FULL[1]:.0f}, quick {QUICK[1]:.0f}")
    add("--quick", action="store_true", help="fewer rounds, less of the grid and of growth")
    add("--out", type=Path, default=Path(__file__).parent / "results", metavar="DIR")
    add("--plots", action=argparse.BooleanOptionalAction, default=True, help="draw the plots")
    add("--report", type=Path, metavar="DIR", help="redraw from DIR/results.json, measure nothing")
    options = parser.parse_args(arguments)
    options.peers = [OURS, *(name for name in options.peers if name != OURS)]
    options.threads = options.threads or sorted({1, _cores()})
    options.command = shlex.join(
        ["python", "-m", "bench.compare", *(sys.argv[1:] if arguments is None else arguments)]
    )
    return options


class Comparison:
    """A run: the peers, the probe, and the results so far.

    Parameters
    ----------
    options : argparse.Namespace
        The result of `parse`.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        # gru_c is used first, so that it limits the BLAS libraries that it uses without the peers.
        self.results = results.new(
            date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            command=options.command,
            machine=machine.describe(),
            versions=machine.versions(),
            environment=machine.environment(),
        )
        options.out.mkdir(parents=True, exist_ok=True)  # fail now, not after hours
        peers, skipped = make_peers(options.peers)
        for name, reason in skipped.items():
            self.skip(name, reason)
        self.peers: list[Peer] = peers
        self.results["labels"] = {peer.name: peer.label for peer in peers}
        self.probe = self._make_probe()

    def run(self) -> int:
        """Measure all passes, and write the results, also after an interruption."""
        for name, value in self.results["environment"].items():
            print(f"note: {name}={value} is set and may change what is measured", flush=True)
        try:
            for what in self.options.what:
                self._run_pass(what)
            self.results["complete"] = True
        except KeyboardInterrupt:
            print("stopped: writing what has been measured", file=sys.stderr)
        _write(self.results, self.options.out, self.options.plots)
        return 0 if self.results["complete"] else 130

    def skip(self, name: str, reason: str, case: Case | None = None) -> None:
        """Print and record that a peer is left out, and the reason."""
        place = "" if case is None else f" in {case}"
        print(f"skipped {name}{place}: {reason}", flush=True)
        skipped = {"peer": name, "case": str(case or ""), "reason": reason}
        self.results["skipped"].append(skipped)

    def _run_pass(self, what: str) -> None:
        if what == "isa" and gru_c._core.active_isa() != "avx2":
            self._run_isa()
            return
        options = self.options
        if what == "isa":
            self.skip("isa", "the whole run is AVX2's: see the passes forward and training")
            return
        for case in cases_of(what, options.threads, options.shapes, options.quick):
            self._run_case(case)

    def _run_case(self, case: Case) -> None:
        """Prepare, check and time all peers that can run a case."""
        calls, differences = self._prepare(case)
        if OURS not in calls:
            return
        rounds, seconds = self._effort(case)
        probe = None
        if self.probe is not None and case.flops:

            def probe() -> float:
                return self.probe(case.dtype, case.threads)

        try:
            samples = measure(calls, probe, rounds, seconds)
        except (ProbeError, RuntimeError, MemoryError) as error:
            self.skip("all peers", _one_line(error), case)
            return
        record = {
            **case.as_dict(),
            "isa": gru_c._core.active_isa(),
            "differences": differences,
            "repeats": samples.repeats,
            "seconds": samples.seconds,
            "peak": samples.peak,
        }
        self.results["cases"].append(record)
        print(report.progress_line(case, summarise(record)), flush=True)

    def _prepare(self, case: Case) -> tuple[dict[str, Any], dict[str, float]]:
        """Return the calls to time, and the differences of the results from ours, by peer."""
        calls: dict[str, Any] = {}
        differences: dict[str, float] = {}
        is_demo = case.workload in ("demo", "predict")
        arrays = make_demo(case.shape) if is_demo else _problem_of(case)
        ours: dict[str, np.ndarray] = {}
        for peer in self.peers:
            if not _takes_part(peer, case):
                continue
            try:
                work = getattr(peer, case.workload)(arrays, case.threads)
                answer = work.answer()
                ours = ours or answer
                difference = largest_difference(answer, ours)
            except Exception as error:  # peers fail in many ways; the others are still measured
                self.skip(peer.name, _one_line(error), case)
                if peer.name == OURS:
                    break
                continue
            if not difference <= tolerance(peer, case):  # also true for NaN
                reason = f"it differs from gru_c by {difference:.2g}: not published"
                self.skip(peer.name, reason, case)
                continue
            calls[peer.name] = work.call
            differences[peer.name] = float(f"{difference:.3g}")
        return calls, differences

    def _effort(self, case: Case) -> tuple[int, float]:
        """Return the rounds and the seconds of a case."""
        quick, many = self.options.quick, case.what in MANY
        rounds, seconds = (
            (MANY_QUICK if quick else MANY_FULL) if many else (QUICK if quick else FULL)
        )
        return self.options.rounds or rounds, self.options.seconds or seconds

    def _make_probe(self) -> Probe | None:
        """Return the probe for the instruction set in use; None if it cannot be built."""
        try:
            return Probe(gru_c._core.active_isa())
        except ProbeError as error:
            self.skip("the FMA probe", str(error))
            return None

    def _run_isa(self) -> None:
        """Measure forward and training with AVX2 forced, in a new process."""
        options = self.options
        if "avx2" not in gru_c._core.isa_names():
            self.skip("isa", "this CPU has no AVX2")
            return
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "bench.compare", "--what", "forward,training"]
            command += ["--peers", OURS, "--threads", ",".join(map(str, options.threads))]
            command += ["--out", folder, "--no-plots", *(["--quick"] if options.quick else [])]
            for name in ("rounds", "seconds"):
                value = getattr(options, name)
                command += [] if value is None else [f"--{name}", str(value)]
            command += ["--shapes", *map(str, options.shapes or ISA)]
            done = subprocess.run(
                command,
                env={**os.environ, **AVX2_ONLY},
                cwd=Path(__file__).parents[1],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                lines = done.stderr.strip().splitlines() or ["no message"]
                self.skip("isa", f"the run with GRU_C_ISA=avx2 failed: {lines[-1]}")
                return
            for case in results.load(Path(folder))["cases"]:
                case["what"] = "isa"
                self.results["cases"].append(case)
                print(report.progress_line(results.case_of(case), summarise(case)), flush=True)


def largest_difference(answer: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> float:
    """Return the largest difference, in units of the largest element of an array, at least 1.

    Raises
    ------
    ValueError
        When the answer lacks one of our arrays, or has it in another shape.
    """
    differences = []
    for name, array in ours.items():
        if name not in answer or answer[name].shape != array.shape:
            raise ValueError(f"{name} has the shape {getattr(answer.get(name), 'shape', None)}")
        scale = max(1.0, float(np.abs(array).max(initial=0)))
        differences.append(float(np.abs(answer[name] - array).max(initial=0)) / scale)
    return float(np.max(differences))  # unlike max, NaN if any is NaN


def tolerance(peer: Peer, case: Case) -> float:
    """Return the largest difference that a peer's result may have from ours."""
    if peer.reduced:
        return REDUCED_TOLERANCE
    return DEMO_TOLERANCE if case.workload == "demo" else TOLERANCE[case.dtype]


def _problem_of(case: Case) -> Problem:
    reset_after = not case.workload.startswith("vanilla")
    return make_problem(case.shape, case.dtype, reset_after=reset_after)


def _takes_part(peer: Peer, case: Case) -> bool:
    if not hasattr(peer, case.workload) or case.dtype not in peer.dtypes:
        return False
    if peer.name not in PASS_PEERS.get(case.what, (peer.name,)):
        return False
    # A peer that takes all cores is compared where we take them, too, and always in the demo.
    return not peer.all_cores or case.threads >= _cores() or case.what == "demo"


def _write(measured: dict[str, Any], folder: Path, plots: bool) -> None:
    results.save(measured, folder)
    saved = results.load(folder)  # with rounded samples, as a later --report reads them
    report.write(saved, folder)
    if plots:
        try:
            from bench import plots as drawing
        except ImportError as error:
            print(f"skipped the plots: not installed: {error.name}", flush=True)
        else:
            drawing.draw(saved, folder)
    print(f"written to {folder}", flush=True)


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:200]}"


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


# ---- types of the command line ------------------------------------------------------------------


def _names(known: Sequence[str] | dict[str, Any]):
    """Return a function that reads known names, separated by commas."""

    def read(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"unknown: {name!r}; known: {', '.join(known)}")
        return list(dict.fromkeys(names))

    return read


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"not a number of at least 1: {text!r}")
    return int(text)


def _threads(text: str) -> list[int]:
    return sorted({_positive(part.strip()) for part in text.split(",")})


def _shape(text: str) -> Shape:
    sizes = [_positive(part.strip()) for part in text.split(",")]
    if len(sizes) != 4:
        raise argparse.ArgumentTypeError(f"not four sizes B,T,I,H: {text!r}")
    return Shape(*sizes)


if __name__ == "__main__":
    sys.exit(main())
