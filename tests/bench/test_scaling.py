"""The cost model of a data-parallel step, and the tables made from it."""

import json
import math

import pytest

from bench import pages, scaling_report
from bench.scaling_cases import FOLDER, Model
from bench.scaling_model import (
    Cost,
    Network,
    allreduce,
    efficiency,
    fit_line,
    gradients,
    local_batch,
    paying_ranks,
    ring,
    slowest,
    step,
)
from gru_c.distributed.gradient_message import LARGEST_PIECE

COST = Cost(fixed=1e-3, per_sample=1e-4, optimizer=2e-3, spread=0.0, size=1_000_000)
NETWORK = Network(alpha=1e-5, beta=1e-9)
GAMMA = 1e-10


def test_one_rank_sends_nothing():
    assert allreduce(10**9, 1, NETWORK, GAMMA) == 0
    assert ring(10**9, 1, NETWORK, GAMMA) == 0
    assert step(COST, 10, 1, NETWORK, GAMMA) == pytest.approx(1e-3 + 10 * 1e-4 + 2e-3)


def test_a_short_message_is_doubled_and_a_long_one_is_cut():
    # 8 ranks, 3 steps: 3 (alpha + n (beta + gamma)) or 6 alpha + 7/8 n (2 beta + gamma)
    assert allreduce(8, 8, NETWORK, GAMMA) == pytest.approx(3 * (1e-5 + 8 * 1.1e-9))
    assert allreduce(10**6, 8, NETWORK, GAMMA) == pytest.approx(6e-5 + 7 / 8 * 1e6 * 2.1e-9)
    assert ring(10**6, 8, NETWORK, GAMMA) == pytest.approx(14e-5 + 7 / 8 * 1e6 * 2.1e-9)


def test_no_allreduce_is_shorter_than_its_bytes():
    for ranks in (2, 4, 64, 1024):
        times = [allreduce(size, ranks, NETWORK, GAMMA) for size in (0, 10**3, 10**6, 10**8)]
        assert times == sorted(times)
        # Patarasuk and Yuan prove that each rank sends at least 2 (p-1)/p n bytes.
        assert times[-1] >= 2 * (ranks - 1) / ranks * 10**8 * NETWORK.beta
        assert times[-1] <= ring(10**8, ranks, NETWORK, GAMMA)


def test_gradients_are_sent_in_pieces():
    piece = allreduce(LARGEST_PIECE, 8, NETWORK, GAMMA)
    assert gradients(LARGEST_PIECE, 8, NETWORK, GAMMA) == pytest.approx(piece)
    assert gradients(100, 8, NETWORK, GAMMA) == allreduce(100, 8, NETWORK, GAMMA)
    both = 2 * piece + allreduce(8, 8, NETWORK, GAMMA)
    assert gradients(2 * LARGEST_PIECE + 8, 8, NETWORK, GAMMA) == pytest.approx(both)


def test_the_slowest_rank_is_slower_among_more_ranks():
    assert slowest(1) == pytest.approx(0, abs=1e-12)
    assert slowest(2) == pytest.approx(1 / math.sqrt(math.pi), rel=0.05)
    assert slowest(64) < slowest(1024) < 3.3


def test_efficiency_grows_with_the_batch_and_falls_with_ranks():
    shares = [efficiency(COST, local, 64, NETWORK, GAMMA) for local in (1, 10, 100, 1000)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1
    assert efficiency(COST, 10, 1024, NETWORK, GAMMA) < shares[1]


@pytest.mark.parametrize("ranks", [2, 64, 1024])
@pytest.mark.parametrize("spread", [0.0, 0.03])
def test_the_batch_for_an_efficiency_has_that_efficiency(ranks, spread):
    cost = COST._replace(spread=spread, size=10**7)
    sent = gradients(cost.size, ranks, NETWORK, GAMMA)
    local = local_batch(cost, ranks, sent, 0.8)
    assert local > 1
    assert efficiency(cost, local, ranks, NETWORK, GAMMA) == pytest.approx(0.8)


def test_batches_of_one_sample_and_batches_that_do_not_exist():
    assert local_batch(COST, 64, 0.0, 0.8) == 1
    assert local_batch(COST._replace(spread=0.2), 1024, 1e-3, 0.8) == math.inf


def test_ranks_that_pay():
    free, dear = Network(0.0, 0.0), Network(1.0, 0.0)
    cost = COST._replace(fixed=0.0, optimizer=0.0)
    assert paying_ranks(cost, 256, 1024, free, 0.0) == 256
    assert paying_ranks(cost, 4096, 1024, free, 0.0) == 1024
    assert paying_ranks(cost, 256, 1024, dear, 0.0) == 1
    # 3 ms of each step are not shared: (3 + 25.6 / p) ms; 6.2 to 4.6 to 3.8 to 3.4 to 3.2.
    assert paying_ranks(COST, 256, 1024, free, 0.0) == 64


def test_fit_line():
    assert fit_line([1, 2, 4], [5.0, 7.0, 11.0]) == pytest.approx((3.0, 2.0))
    start, slope = fit_line([1, 2, 4], [1.0, 3.0, 7.0])  # the line would start below 0
    assert start == 0
    assert 1 < slope < 7 / 4


def test_bytes_of_power_sgd():
    # (I + 3H) + (H + 3H) rows and columns, by rank, of 4 bytes
    case = Model(layers=1, units=5, inputs=2, steps=1, fitted=(), checked=())
    assert scaling_report.power_sgd(case, 3) == 4 * 3 * (2 + 15 + 5 + 15)


def test_the_tables_of_the_page_are_those_of_the_results():
    results = json.loads((FOLDER / "scaling.json").read_text(encoding="utf-8"))
    page = scaling_report.PAGE.read_text(encoding="utf-8")
    tables = scaling_report.tables(results)
    assert {name for _, name, _ in pages.PLACE.findall(page)} == set(tables)
    assert pages.fill(page, tables) == page
