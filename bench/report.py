"""The tables of results.json: results.md and bars.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.bars import BARS, Bar, Verdict, judge
from bench.cases import PASSES, Case, Shape
from bench.summary import OURS, exponent, summarise

TITLES = {
    ("forward", "forward"): "Forward",
    ("single", "forward"): "Forward, one sequence",
    ("training", "training"): "Training step",
    ("vanilla", "vanilla_forward"): "Forward, reset_after=False",
    ("vanilla", "vanilla_training"): "Training step, reset_after=False",
    ("demo", "demo"): "The demo: an epoch of 100 sequences, batches of 32",
    ("demo", "predict"): "The demo: prediction of one sequence",
    ("step", "step"): "One time step, called from Python",
    ("float64", "forward"): "Forward, float64",
    ("float64", "training"): "Training step, float64",
    ("isa", "forward"): "Forward, AVX2 forced (also on OpenBLAS)",
    ("isa", "training"): "Training step, AVX2 forced (also on OpenBLAS)",
    ("inference-weights", "inference"): "Weights with fewer bits: one layer, packed beforehand",
    ("growth", "forward"): "How the time of a forward pass grows",
    ("grid", "forward"): "The grid: forward passes of every kind of shape",
}
GRID_ROWS = 10


def write(results: dict[str, Any], folder: Path) -> None:
    """Write results.md and bars.md to the folder of results.json."""
    pages = {"results.md": results_page(results), "bars.md": bars_page(results)}
    for name, lines in pages.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


# ---- results.md ---------------------------------------------------------------------------------


def results_page(results: dict[str, Any]) -> list[str]:
    """Return the lines of results.md."""
    lines = ["# Benchmark results", "", *_describe_run(results)]
    for what in PASSES:
        for workload in dict.fromkeys(w for p, w in TITLES if p == what):
            cases = [c for c in results["cases"] if (c["what"], c["workload"]) == (what, workload)]
            if cases:
                table = {"growth": _growth, "grid": _grid}.get(what, _times)
                title = TITLES[what, workload]
                lines += ["", f"## {title}", "", *table(cases, results["labels"])]
    return [*lines, *_differences(results), *_skipped(results)]


def progress_line(case: Case, figures: dict[str, Any]) -> str:
    """Return a line about a case, for the terminal."""
    parts = [f"{case}: {microseconds(figures['median'][OURS])} us"]
    if figures["share"]:
        parts.append(f"{figures['share'][OURS].median:.0%} of peak")
    parts += [f"{peer} {spread.median:.2f}x" for peer, spread in figures["ratio"].items()]
    return ", ".join(parts)


def microseconds(seconds: float) -> str:
    """Return seconds as microseconds, with three digits or more and separated thousands."""
    value = seconds * 1e6
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _describe_run(results: dict[str, Any]) -> Iterator[str]:
    machine = results["machine"]
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    yield (
        f"{machine['cpu']} ({machine['cpu_model']}), {machine['cores']} cores, {caches}; "
        f"{machine['system']}; {results['date'][:10]}."
    )
    yield f"Some of its instruction sets: {', '.join(machine['flags'])}."
    yield f"Load average before the run: {machine['load_before']}."
    yield ""
    yield ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + "."
    yield ""
    yield "```"
    yield from (f"{name}={value}" for name, value in results["environment"].items())
    yield results["command"]
    yield "```"
    yield ""
    if not results["complete"]:
        yield "The run was stopped early. These are the results until then."
        yield ""
    yield (
        "Times are medians over rounds, in microseconds. The libraries take turns in each round. "
        "*x* is the time of a library divided by that of gru_c in the same round, as a median with "
        "quartiles. The share of the peak is relative to the rate of multiply-adds that a probe "
        "reached in the same rounds. Libraries marked with * always use all cores."
    )


def _times(cases: Sequence[dict[str, Any]], labels: dict[str, str]) -> Iterator[str]:
    """Yield a table of cases with our time, the share of the peak, and the peers."""
    peers = [peer for peer in labels if any(peer in case["seconds"] for case in cases)]
    peers.remove(OURS)
    figures = [summarise(case) for case in cases]
    with_share = any(f["share"] for f in figures)
    share = ["peak GFLOP/s", "gru_c's share"] if with_share else []
    names = [labels[peer] + ("*" if _all_cores(peer) else "") for peer in peers]
    yield from _header(["B,T,I,H", "threads", "gru_c us", *share, *names])
    for case, f in zip(cases, figures, strict=True):
        cells = [",".join(map(str, case["shape"])), str(case["threads"])]
        cells.append(microseconds(f["median"][OURS]))
        if with_share:
            cells += _share_cells(f)
        cells += [_peer_cell(f, peer) for peer in peers]
        yield _row(cells)


def _share_cells(figures: dict[str, Any]) -> list[str]:
    if not figures["share"]:
        return ["-", "-"]
    median, low, high = figures["share"][OURS]
    return [f"{figures['peak_gflops']:.0f}", f"{median:.0%} ({low:.0%} to {high:.0%})"]


def _peer_cell(figures: dict[str, Any], peer: str) -> str:
    if peer not in figures["ratio"]:
        return "-"
    median, low, high = figures["ratio"][peer]
    time = microseconds(figures["median"][peer])
    return f"{time}, {median:.2f}x ({low:.2f} to {high:.2f})"


def _growth(cases: Sequence[dict[str, Any]], labels: dict[str, str]) -> Iterator[str]:
    """Yield a table of times by size, and the exponents of their growth."""
    yield from _header(["grows", "B,T,I,H", "gru_c us", "GFLOP/s"])
    for case in cases:
        seconds = summarise(case)["median"][OURS]
        shape = ",".join(map(str, case["shape"]))
        rate = f"{case['flops'] / seconds / 1e9:.1f}"
        yield _row([case["series"], shape, microseconds(seconds), rate])
    yield ""
    yield "Exponent of the growth of time over the last three sizes, where 1 is linear:"
    for series, sizes, seconds in growth_series(cases):
        if len(sizes) >= 3:
            unit = "H(I+H)" if series == "H" else series
            yield f"- in {unit}: {exponent(sizes, seconds):.2f}"


def growth_series(
    cases: Iterable[dict[str, Any]],
) -> Iterator[tuple[str, list[int], list[float]]]:
    """Yield the name of what grows, its sizes, and seconds; for H the size is H (I + H)."""
    chosen: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        chosen.setdefault(case["series"], []).append(case)
    for series, members in chosen.items():
        shapes = [Shape(*case["shape"]) for case in members]
        sizes = [s.H * (s.I + s.H) if series == "H" else getattr(s, series) for s in shapes]
        yield series, sizes, [summarise(case)["median"][OURS] for case in members]


def _grid(cases: Sequence[dict[str, Any]], labels: dict[str, str]) -> Iterator[str]:
    """Yield the smallest ratio by peer and threads, and the points where a peer is faster."""
    points = [
        (spread.median, peer, case["threads"], case["shape"])
        for case in cases
        for peer, spread in summarise(case)["ratio"].items()
    ]
    yield from _header(["peer", "threads", "points", "smallest x", "at B,T,I,H", "points below 1"])
    for peer, threads in dict.fromkeys((peer, threads) for _, peer, threads, _ in points):
        of_peer = [p for p in points if p[1:3] == (peer, threads)]
        smallest, _, _, shape = min(of_peer)
        below = sum(p[0] < 1 for p in of_peer)
        where = ",".join(map(str, shape))
        cells = [labels[peer], threads, len(of_peer), f"{smallest:.2f}", where, below]
        yield _row(map(str, cells))
    worst = sorted(p for p in points if p[0] < 1)[:GRID_ROWS]
    if worst:
        yield ""
        yield f"The {len(worst)} smallest below 1:"
        yield ""
        yield from _header(["x", "peer", "threads", "B,T,I,H"])
        for value, peer, threads, shape in worst:
            yield _row([f"{value:.2f}", labels[peer], str(threads), ",".join(map(str, shape))])


def _differences(results: dict[str, Any]) -> Iterator[str]:
    """Yield a table of the largest differences from our results, by peer."""
    largest: dict[tuple[str, str], float] = {}
    for case in results["cases"]:
        for peer, difference in case["differences"].items():
            key = (peer, "demo, after an epoch" if case["workload"] == "demo" else case["dtype"])
            largest[key] = max(largest.get(key, 0.0), difference)
    largest = {key: value for key, value in largest.items() if key[0] != OURS}
    if not largest:
        return
    yield from ("", "## Largest difference from gru_c's results", "")
    yield (
        "The largest over all arrays of all cases, in units of the array's largest element, or of "
        "1 if that is larger."
    )
    yield ""
    yield from _header(["peer", "in", "difference"])
    for (peer, where), difference in largest.items():
        yield _row([results["labels"].get(peer, peer), where, f"{difference:.1e}"])


def _skipped(results: dict[str, Any]) -> Iterator[str]:
    if not results["skipped"]:
        return
    yield from ("", "## Left out", "")
    for skipped in results["skipped"]:
        case = f" ({skipped['case']})" if skipped["case"] else ""
        yield f"- {skipped['peer']}{case}: {skipped['reason']}"


def _all_cores(peer: str) -> bool:
    from bench.peers import PEERS  # not at the top: a report is made without peers

    return peer in PEERS and PEERS[peer].all_cores


# ---- bars.md ------------------------------------------------------------------------------------


def bars_page(results: dict[str, Any]) -> list[str]:
    """Return the lines of bars.md."""
    verdicts = [(bar, judge(bar, results["cases"])) for bar in BARS]
    counts: dict[str, int] = {}
    for _, verdict in verdicts:
        counts[verdict.status] = counts.get(verdict.status, 0) + 1
    lines = ["# Targets and measurements", ""]
    lines += [f"{results['machine']['cpu']}, {results['date'][:10]}, `{results['command']}`.", ""]
    lines += [", ".join(f"{status}: {n}" for status, n in sorted(counts.items())) + ".", ""]
    lines += _header(["pass", "figure", "B,T,I,H", "threads", "target", "measured", "status"])
    lines += [_row(_bar_cells(bar, verdict)) for bar, verdict in verdicts]
    return lines


def _bar_cells(bar: Bar, verdict: Verdict) -> list[str]:
    what = bar.what if bar.what == bar.workload else f"{bar.what}, {bar.workload}"
    several = len(bar.shapes) != 1
    shapes = " ".join(map(str, bar.shapes)) if len(bar.shapes) <= len(PASSES) else "all"
    wanted = ("<= " if bar.metric == "seconds" else ">= ") + _in_unit(bar, bar.wanted)
    measured = "-" if verdict.figure is None else _in_unit(bar, verdict.figure)
    if several and verdict.where is not None and bar.shapes:
        measured += f" at {verdict.where}"
    status = f"**{verdict.status}**" if verdict.status == "misses" else verdict.status
    return [what, bar.text, shapes or "-", str(bar.threads), wanted, measured, status]


def _in_unit(bar: Bar, value: float) -> str:
    if bar.metric == "seconds":
        return f"{value * 1e6:.2f} us"
    # Shares have three digits, so that rounding does not lift one over its bar.
    return f"{value:.3f}" if bar.metric == "share" else f"{value:.2f}"


# ---- Markdown -----------------------------------------------------------------------------------


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _header(names: Sequence[str]) -> list[str]:
    return [_row(names), _row(["---"] * len(names))]
