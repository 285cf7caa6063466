"""`profile` and the operations of layers; no test depends on a measured time."""

import numpy as np
import pytest

from gru_c import (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Masking,
    Sequential,
)

RNG = np.random.default_rng(99)


def summary(*layers):
    lines = []
    Sequential(list(layers)).summary(print_fn=lines.append)
    return lines


def test_flops_of_a_sample():
    lines = summary(
        GRU(5, input_shape=(6, 4), return_sequences=True),
        Bidirectional(GRU(3, return_sequences=True), "sum"),
        Dropout(0.1),
        Dense(2),
        Flatten(),
        Dense(7),
    )
    flops = [int(line.split()[-1].replace(",", "")) for line in lines[4:10]]
    gru, both, dense = 6 * 2 * 15 * (4 + 5), 2 * 6 * 2 * 9 * (5 + 3), 6 * 2 * 3 * 2
    assert flops == [gru, both, 0, dense, 0, 2 * 12 * 7]
    assert lines[-4] == f"FLOPs of a sample, forward: {sum(flops):,}"


def test_flops_of_a_step_where_their_number_is_open():
    lines = summary(Embedding(9, 4, input_shape=(None,)), GRU(5), Dense(3))
    assert [line.split("  ")[-1].strip() for line in lines[4:7]] == ["0", "270 a step", "30"]
    assert lines[-4] == "FLOPs of a sample, forward: 270 a step + 30"
    assert "unknown" in summary(GRU(5))[-2]


def test_the_formula_counts_the_multiplications_of_the_specification(monkeypatch):
    """Count the matrix products of a GRU in NumPy."""
    from specification import gru

    class Counted(np.ndarray):
        operations = 0

        def __array_ufunc__(self, ufunc, method, *inputs, **options):
            plain = [np.asarray(a) for a in inputs]
            if ufunc is np.matmul:
                Counted.operations += 2 * plain[0].size * plain[1].shape[-1]
            result = getattr(ufunc, method)(*plain)
            return result.view(Counted) if isinstance(result, np.ndarray) else result

    x, kernel, recurrent = (RNG.standard_normal(s) for s in ((1, 6, 4), (4, 15), (5, 15)))
    gru(x.view(Counted), kernel.view(Counted), recurrent.view(Counted))
    assert f"{Counted.operations:,}" in summary(GRU(5, input_shape=(6, 4)))[4]


def profiled(layers, x, **arguments):
    model = Sequential(layers, seed=0)
    model.build_from_data(x)
    return model, model.profile(x, repeats=2, **arguments)


def test_rows_and_total():
    x = RNG.standard_normal((8, 6, 4))
    _, profile = profiled([GRU(5), Dropout(0.5), Dense(3)], x)
    assert [(row.layer, row.direction) for row in profile.rows] == [
        ("gru", "forward"),
        ("dropout", "forward"),
        ("dense", "forward"),
    ]
    assert [row.flops for row in profile.rows] == [8 * 6 * 270, 0, 8 * 30]
    assert profile.flops == 8 * 6 * 270 + 8 * 30
    assert sum(row.share for row in profile.rows) == pytest.approx(1)
    assert sum(row.seconds for row in profile.rows) == pytest.approx(profile.seconds)
    for row in profile.rows:
        assert row.seconds > 0
        assert row.gflops == pytest.approx(row.flops / row.seconds / 1e9)


def test_a_training_step_takes_three_times_the_operations_but_for_the_first_gradient():
    x = RNG.standard_normal((8, 6, 4))
    _, profile = profiled([GRU(5, return_sequences=True), GRU(3), Dense(2)], x, training=True)
    flops = {(row.layer, row.direction): row.flops for row in profile.rows}
    assert len(flops) == 6
    first = 8 * 6 * 2 * 15
    assert flops["gru", "forward"] == first * (4 + 5)
    assert flops["gru", "backward"] == first * (2 * (4 + 5) - 4)
    for layer in ("gru_1", "dense"):
        assert flops[layer, "backward"] == 2 * flops[layer, "forward"]


def test_both_directions_are_also_measured_alone():
    x = RNG.standard_normal((8, 6, 4))
    _, profile = profiled([Bidirectional(GRU(5)), Dense(1)], x, training=True)
    alone = [row for row in profile.rows if row.part_of]
    assert [row.layer for row in alone] == ["forward_gru"] * 2 + ["backward_gru"] * 2
    assert {row.part_of for row in alone} == {"bidirectional"}
    whole = [row for row in profile.rows if not row.part_of]
    assert sum(row.flops for row in alone) == sum(row.flops for row in whole[:2])
    assert sum(row.seconds for row in whole) == pytest.approx(profile.seconds)


def test_steps_that_do_not_count_need_no_operations():
    x = RNG.standard_normal((8, 6, 4))
    _, profile = profiled([GRU(5)], x, lengths=np.arange(8) % 4)
    assert profile.flops == 12 * 270
    x[:, 4:] = 0
    _, profile = profiled([Masking(), GRU(5)], x)
    assert profile.flops == 8 * 4 * 270
    _, profile = profiled([GRU(5)], x)
    assert profile.flops == 8 * 6 * 270


def test_lists_of_sequences():
    series = [RNG.standard_normal((length, 4)) for length in (3, 5)]
    model = Sequential([GRU(5, input_shape=(None, 4))])
    assert model.profile(series, repeats=1).flops == 8 * 270


def test_profile_changes_neither_weights_nor_states_nor_draws():
    x = RNG.standard_normal((8, 6, 4))
    layers = [
        Bidirectional(GRU(5, stateful=True, dropout=0.3, return_sequences=True)),
        Dropout(0.3),
        GRU(3, stateful=True, zoneout=0.1),
    ]
    model, _ = profiled(layers, x)
    other = Sequential([type(layer)(**layer.get_config()) for layer in layers], seed=0)
    other.build_from_data(x)
    for each in (model, other):
        each.compile("adam", "mse")
        each.train_on_batch(x, np.zeros((8, 3)))
    model.profile(x, training=True, repeats=1)
    for each in (model, other):
        each.train_on_batch(x, np.zeros((8, 3)))
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_table():
    x = RNG.standard_normal((8, 6, 4))
    _, profile = profiled([Bidirectional(GRU(5)), Dropout(0.1)], x)
    lines = str(profile).splitlines()
    assert repr(profile) == str(profile)
    assert lines[0].split() == ["Layer", "Direction", "Time", "GFLOP/s", "Share"]
    assert [line.split()[0] for line in lines[2:]] == [
        "bidirectional",
        "forward_gru,",
        "backward_gru,",
        "dropout",
        "-" * len(lines[0]),
        "total",
    ]
    assert lines[5].split()[-3:-1] == ["-", lines[5].split()[-2]]
    assert lines[-1].endswith("100.0 %")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.zeros((8, 6, 3))}, "x must have shape"),
        ({"x": np.zeros((0, 6, 4))}, "x has no samples: there is nothing to measure"),
        ({"repeats": 0}, "repeats must be an integer of at least 1, got 0"),
        ({"lengths": [1]}, "lengths must have shape"),
    ],
)
def test_bad_arguments(arguments, message):
    model = Sequential([GRU(5, input_shape=(6, 4))])
    with pytest.raises(ValueError, match=message):
        model.profile(**{"x": np.zeros((8, 6, 4)), **arguments})


def test_a_model_without_weights():
    with pytest.raises(ValueError, match="no weights yet, so profile is not possible"):
        Sequential([GRU(5)]).profile(np.zeros((8, 6, 4)))
