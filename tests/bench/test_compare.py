"""The comparison with peers: its figures, its verdicts, and a short run."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import results, summary
from bench.bars import BARS, Bar, judge
from bench.cases import FORWARD, GRID, GROWTH, INFERENCE, LARGE, TRAINING, Shape, cases_of
from bench.compare import largest_difference
from bench.rounds import measure

ROOT = Path(__file__).parents[2]

needs_compiler = pytest.mark.skipif(
    not shutil.which(os.environ.get("CC", "cc")) and not shutil.which("gcc"),
    reason="there is no C compiler for the FMA probe",
)


def record(seconds, *, shape=(1, 1, 8, 50), peak=(), threads=1, differences=None, **changes):
    """Return a case as it is in results.json."""
    case = {
        "what": "forward",
        "workload": "forward",
        "shape": list(shape),
        "dtype": "float32",
        "threads": threads,
        "series": "",
        "flops": Shape(*shape).flops,
        "seconds": seconds,
        "peak": list(peak),
        "repeats": dict.fromkeys(seconds, 1),
        "differences": differences or dict.fromkeys(seconds, 0.0),
    }
    return {**case, **changes}


# ---- arithmetic ---------------------------------------------------------------------------------


def test_flops_of_a_forward_pass():
    assert Shape(2, 3, 4, 5).flops == 2 * 2 * 3 * (3 * 5) * (4 + 5)


def test_spread():
    assert summary.spread([5.0, 1.0, 2.0, 4.0, 3.0]) == (3.0, 2.0, 4.0)


def test_ratio_is_the_median_of_ratios_not_the_ratio_of_medians():
    ours, theirs = [1.0, 2.0, 10.0], [3.0, 2.0, 40.0]
    assert summary.ratio(theirs, ours).median == 3.0
    assert np.median(theirs) / np.median(ours) == 1.5


def test_a_slow_moment_of_the_machine_cancels():
    assert summary.ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == (2.0, 2.0, 2.0)


def test_ratio_needs_the_same_rounds():
    with pytest.raises(ValueError, match="3 rounds beside 2"):
        summary.ratio([1.0, 1.0, 1.0], [1.0, 1.0])


def test_share_is_taken_of_the_peak_of_the_same_round():
    # 100 FLOPs: in 1 s of a peak of 200 FLOP/s, and in 2 s of one of 100.
    assert summary.share([1.0, 2.0], 100, [200.0, 100.0]) == (0.5, 0.5, 0.5)


def test_summarise():
    case = record({"gru_c": [1.0, 2.0, 1.0], "torch": [3.0, 6.0, 4.0]}, peak=[6000.0] * 3)
    case["flops"] = 3000
    figures = summary.summarise(case)
    assert figures["median"] == {"gru_c": 1.0, "torch": 4.0}
    assert figures["ratio"] == {"torch": (3.0, 3.0, 3.5)}
    assert figures["share"]["gru_c"].median == 0.5
    assert figures["peak_gflops"] == 6e-6


def test_summarise_without_a_probe():
    figures = summary.summarise(record({"gru_c": [1.0]}))
    assert figures["share"] == {}
    assert figures["peak_gflops"] is None


@pytest.mark.parametrize("power", [1, 2])
def test_exponent(power):
    sizes = [10, 100, 1000, 10_000]
    seconds = [7.0, *(3e-6 * size**power for size in sizes[1:])]  # the first point is overhead
    assert summary.exponent(sizes, seconds) == pytest.approx(power)


def test_largest_difference():
    ours = {"a": np.array([1.0, 2.0]), "b": np.array([100.0])}
    assert largest_difference({"a": np.array([1.0, 2.5]), "b": np.array([101.0])}, ours) == 0.25
    assert np.isnan(largest_difference({"a": ours["a"] * np.nan, "b": ours["b"]}, ours))
    with pytest.raises(ValueError, match=r"b has the shape \(2,\)"):
        largest_difference({"a": ours["a"], "b": np.zeros(2)}, ours)
    with pytest.raises(ValueError, match="b has the shape None"):
        largest_difference({"a": ours["a"]}, ours)


def test_measure_takes_a_sample_of_each_call_in_each_round():
    seen = []
    calls = {name: lambda name=name: seen.append(name) for name in "abc"}
    samples = measure(calls, lambda: 5.0, rounds=4, seconds=60)
    assert {name: len(values) for name, values in samples.seconds.items()} == dict.fromkeys(
        "abc", 4
    )
    assert samples.peak == [5.0] * 4
    assert min(samples.repeats.values()) > 100  # a call of nothing is far shorter than a sample
    assert set(seen) == set("abc")


def test_measure_makes_a_few_rounds_when_there_is_no_time():
    samples = measure({"a": lambda: None}, None, rounds=100, seconds=0)
    assert len(samples.seconds["a"]) == 3
    assert samples.peak == []


# ---- the cases ----------------------------------------------------------------------------------


def test_the_grid():
    assert len(GRID) == len(set(GRID)) == 6 * 3 * 4 * 9


def test_growth_reaches_the_largest_sizes():
    assert GROWTH["T"][-1].T == 100_000
    assert GROWTH["B"][-1].B == 4_096
    assert GROWTH["H"][-1].H == 2_048


@pytest.mark.parametrize("what", ["forward", "training", "float64", "isa", "inference-weights"])
def test_shapes_of_the_command_line(what):
    shape = Shape(1, 2, 3, 4)
    cases = list(cases_of(what, [1, 3], [shape]))
    assert {case.shape for case in cases} == {shape}
    assert {case.threads for case in cases} == {1, 3}


# ---- bars ---------------------------------------------------------------------------------------

SHARE = Bar("", "forward", "forward", "share", 0.5, 1, (Shape(1, 1, 1, 1), Shape(1, 1, 1, 2)))
RATIO = Bar("", "forward", "forward", "ratio", 2, 1, (Shape(1, 1, 1, 1),), ("onnxruntime", "jax"))


def share_case(share, **changes):
    return record(
        {"gru_c": [1.0]}, peak=[1 / share], **{"flops": 1, "shape": (1, 1, 1, 1)} | changes
    )


def ratio_case(**seconds):
    return record({"gru_c": [1.0], **{k: [v] for k, v in seconds.items()}}, shape=(1, 1, 1, 1))


def test_a_bar_that_holds():
    cases = [share_case(0.5), share_case(0.75, shape=(1, 1, 1, 2))]
    assert judge(SHARE, cases) == ("holds", 0.5, Shape(1, 1, 1, 1))


def test_one_case_below_is_a_miss():
    cases = [share_case(0.9), share_case(0.499, shape=(1, 1, 1, 2))]
    verdict = judge(SHARE, cases)
    assert (verdict.status, verdict.where) == ("misses", Shape(1, 1, 1, 2))
    assert verdict.figure == pytest.approx(0.499)


def test_a_missing_shape_is_incomplete_unless_another_misses():
    assert judge(SHARE, [share_case(0.9)]).status == "incomplete"
    assert judge(SHARE, [share_case(0.4)]).status == "misses"


@pytest.mark.parametrize(
    "changes",
    [{"threads": 2}, {"dtype": "float64"}, {"what": "isa"}, {"shape": (9, 9, 9, 9)}, {"peak": []}],
    ids=lambda changes: next(iter(changes)),
)
def test_other_cases_do_not_count(changes):
    assert judge(SHARE, [{**share_case(0.9), **changes}]) == ("not measured", None, None)


def test_the_faster_peer_counts():
    assert judge(RATIO, [ratio_case(onnxruntime=3.0, jax=2.5)])[:2] == ("holds", 2.5)
    assert judge(RATIO, [ratio_case(onnxruntime=3.0, jax=1.5)])[:2] == ("misses", 1.5)


def test_a_missing_peer_is_incomplete():
    assert judge(RATIO, [ratio_case(onnxruntime=3.0)])[:2] == ("incomplete", 3.0)
    assert judge(RATIO, [ratio_case()]).status == "not measured"


def test_seconds_must_not_be_above_the_bar():
    bar = Bar("", "forward", "forward", "seconds", 1.5e-6, 1, (Shape(1, 1, 1, 1),))
    case = ratio_case()
    case["seconds"]["gru_c"] = [1.4e-6]
    assert judge(bar, [case])[:2] == ("holds", 1.4e-6)
    case["seconds"]["gru_c"] = [1.6e-6]
    assert judge(bar, [case])[:2] == ("misses", 1.6e-6)


def test_gain_and_error():
    case = ratio_case(int8=0.25, other=1.0)
    case["differences"] |= {"int8": 0.001, "other": 0.003}
    gain = Bar("", "forward", "forward", "gain", 3.5, 1, (), ("int8",))
    assert judge(gain, [case])[:2] == ("holds", 4.0)
    error = Bar("", "forward", "forward", "error", 1, 1, (), ("int8", "other"))
    assert judge(error, [case])[:2] == ("holds", pytest.approx(3.0))


def test_every_bar_covers_cases_that_are_measured():
    measured = {
        (case.what, case.workload, case.dtype, case.threads, case.shape)
        for what in {bar.what for bar in BARS}
        for case in cases_of(what, [1, 2])
    }
    for bar in BARS:
        keys = {(bar.what, bar.workload, bar.dtype, bar.threads, shape) for shape in bar.shapes}
        assert keys <= measured, bar
        assert keys or bar.what == "demo", bar


def test_every_shape_of_a_pass_has_a_bar():
    def barred(what):
        return {shape for bar in BARS if bar.what == what for shape in bar.shapes}

    assert barred("forward") == set(FORWARD)
    assert barred("training") == set(TRAINING)
    assert barred("float64") == barred("isa") == set(LARGE)
    assert barred("inference-weights") == set(INFERENCE)


# ---- results.json -------------------------------------------------------------------------------


def test_results_are_saved_and_loaded(tmp_path):
    new = results.new(date="", command="", machine={}, versions={}, environment={})
    new["cases"] = [ratio_case(jax=2.0), ratio_case()]
    results.save(new, tmp_path)
    read = results.load(tmp_path)
    for case in read["cases"]:
        del case["figures"]
    assert read == new
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "cannot read"), ("{", "is not JSON"), ("[]", "not of format"), ("{}", "not of format")],
)
def test_results_that_cannot_be_loaded(tmp_path, text, message):
    if text is not None:
        (tmp_path / "results.json").write_text(text)
    with pytest.raises(results.ResultsError, match=message):
        results.load(tmp_path)


# ---- a run --------------------------------------------------------------------------------------


def compare(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bench.compare", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@needs_compiler
def test_a_quick_run(tmp_path):
    peers = ["gru_c", "numpy", *(["torch"] if importlib.util.find_spec("torch") else [])]
    what = ("--what", "forward,training", "--shapes", "3,4,5,6", "--threads", "1", "--quick")
    done = compare(*what, "--peers", ",".join(peers), "--rounds", 3, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    measured = json.loads((tmp_path / "results.json").read_text())
    assert measured["complete"] is True
    assert measured["skipped"] == []
    assert measured["machine"]["cores"] >= 1
    assert measured["versions"]["numpy"] == np.__version__
    forward, training = measured["cases"]
    assert (forward["what"], training["what"]) == ("forward", "training")
    assert list(forward["seconds"]) == peers
    assert list(training["seconds"]) == [peer for peer in peers if peer != "numpy"]
    for case in measured["cases"]:
        assert case["shape"] == [3, 4, 5, 6]
        assert len(case["peak"]) == 3
        for peer, seconds in case["seconds"].items():
            assert len(seconds) == 3
            assert all(0 < second < 1 for second in seconds)
            assert case["differences"][peer] < 1e-5
        assert 0 < case["figures"]["share"]["gru_c"][0] < 1
    tables = (tmp_path / "results.md").read_text()
    assert "## Forward" in tables
    assert "## Training step" in tables
    assert "| 3,4,5,6 | 1 |" in tables
    assert (tmp_path / "bars.md").read_text().count("not measured |") == len(BARS)

    # --report writes the same pages from results.json alone.
    before = {p.name: p.read_text() for p in tmp_path.glob("*.md")}
    for path in tmp_path.iterdir():
        if path.name != "results.json":
            path.unlink()
    done = compare("--report", tmp_path)
    assert done.returncode == 0, done.stderr
    assert {p.name: p.read_text() for p in tmp_path.glob("*.md")} == before
    if importlib.util.find_spec("matplotlib"):
        png = (tmp_path / "beside_peers.png").read_bytes()
        assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers", "gru_c,nonsense"], "unknown: 'nonsense'; known: gru_c, "),
        (["--what", "backward"], "unknown: 'backward'; known: forward, "),
        (["--shapes", "1,2,3"], "not four sizes B,T,I,H: '1,2,3'"),
        (["--threads", "0"], "not a number of at least 1: '0'"),
        (["--report", "no_such_folder"], "cannot read no_such_folder/results.json"),
    ],
    ids=["peers", "what", "shapes", "threads", "report"],
)
def test_errors_are_one_line(arguments, message):
    done = compare(*arguments)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert message in done.stderr.splitlines()[-1]


def test_a_peer_that_is_not_installed_is_one_line(monkeypatch):
    from bench import peers

    monkeypatch.setattr(peers.PEERS["torch"], "needs", ("no_such_package", "numpy"))
    made, skipped = peers.make_peers(["gru_c", "torch"])
    assert [peer.name for peer in made] == ["gru_c"]
    assert skipped == {"torch": "not installed: no_such_package"}


def test_onednn_is_skipped_by_name_where_it_is_not_installed(monkeypatch):
    from bench.peers import make_peers, onednn

    monkeypatch.setattr(onednn, "library_path", lambda: "no_such_library.so")
    made, skipped = make_peers(["onednn"])
    assert made == []
    assert "no_such_library.so" in skipped["onednn"]


@pytest.mark.parametrize("reset_after", [True, False], ids=["usual", "vanilla"])
@pytest.mark.parametrize("workload", ["forward", "training"])
def test_onednn_gives_our_results(workload, reset_after):
    from bench.cases import make_problem
    from bench.peers import OneDnn, make_peers

    if OneDnn.why_not():
        pytest.skip(OneDnn.why_not())
    problem = make_problem(Shape(5, 7, 6, 11), "float32", reset_after=reset_after)
    name = workload if reset_after else f"vanilla_{workload}"
    theirs, ours = (
        getattr(peer, name)(problem, 1).answer() for peer in make_peers(["onednn", "gru_c"])[0]
    )
    assert largest_difference(theirs, ours) < 1e-6


@needs_compiler
def test_the_phases_of_a_step_have_a_line_for_each_variant(capsys):
    from bench import phases

    assert phases.main(["--shapes", "3,5,4,9", "--seconds", "0"]) == 0
    assert capsys.readouterr().out.count("| 3,5,4,9 |") == 2
