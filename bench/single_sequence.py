"""Cycles of a time step of one sequence: python -m bench.single_sequence

Prints a table for each number of input features: gru_c, onnxruntime and OpenVINO on one thread in
float32, beside what the core allows: two multiply-adds of a vector a cycle, and, where the
recurrent weights do not fit into L1, 32 bytes of them a cycle from L2. Cycles come from the peak
rate of multiply-adds, which is measured in the same rounds.
"""

from __future__ import annotations

import sys

import gru_c
from bench.cases import Problem, Shape, make_problem
from bench.peers import Peer, make_peers
from bench.probe import Probe
from bench.rounds import measure
from bench.summary import OURS

STEPS = 100
INPUTS = (1, 8, 64)
UNITS = (16, 32, 48, 56, 64, 80, 96, 128)
PEERS = (OURS, "onnxruntime", "openvino")
ROUNDS, SECONDS = 40, 2.0
# Lanes of float32 by instruction set; each lane adds and multiplies, twice a cycle.
LANES = {"avx512": 16, "avx2": 8, "neon": 4, "baseline": 4}
L1_BYTES, L2_BYTES_A_CYCLE = 32 * 1024, 32


def main() -> int:
    """Measure all shapes; return the exit status."""
    peers, skipped = make_peers(PEERS)
    for name, reason in skipped.items():
        print(f"skipped {name}: {reason}")
    isa = gru_c._core.active_isa()
    probe = Probe(isa)
    for features in INPUTS:
        labels = [f"{peer.label} | times ours" for peer in peers[1:]]
        print(f"\nI = {features}\n")
        print(" | ".join(["| H", "multiply-adds", "from L2", "gru_c", *labels]) + " |")
        print("| --- " * (4 + 2 * len(labels)) + "|")
        for units in UNITS:
            problem = make_problem(Shape(1, STEPS, features, units), "float32")
            print(_line(problem, peers, probe, LANES[isa]), flush=True)
    return 0


def _line(problem: Problem, peers: list[Peer], probe: Probe, lanes: int) -> str:
    """Return the line of a shape: cycles of a step, by the fastest of all rounds."""
    calls = {peer.name: peer.forward(problem, 1).call for peer in peers}
    samples = measure(calls, probe, ROUNDS, SECONDS)
    cycles_a_second = max(samples.peak) / (4 * lanes)
    cycles = {
        name: min(seconds) * cycles_a_second / STEPS for name, seconds in samples.seconds.items()
    }
    weights = 12 * problem.shape.H**2
    from_l2 = max(0, weights - L1_BYTES) / L2_BYTES_A_CYCLE
    figures = [
        problem.shape.H,
        f"{problem.shape.flops / STEPS / (4 * lanes):,.0f}",
        f"{from_l2:,.0f}",
        f"{cycles[OURS]:,.0f}",
    ]
    for peer in peers[1:]:
        figures += [f"{cycles[peer.name]:,.0f}", f"{cycles[peer.name] / cycles[OURS]:.2f}"]
    return "| " + " | ".join(map(str, figures)) + " |"


if __name__ == "__main__":
    sys.exit(main())
