"""timeseries_dataset: its windows are those that Keras documents, and they are views."""

import itertools

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential, timeseries_dataset
from gru_c.layers.base import recurrent_passes

SERIES = np.random.default_rng(81).standard_normal((100, 3)).astype(np.float32)


def expected_windows(data, targets, length, stride, rate, start=None, end=None):
    """Return windows and targets, made one by one as Keras's documentation defines them."""
    start, end = start or 0, len(data) if end is None else end
    windows, chosen = [], []
    for first in range(start, end, stride):
        steps = [first + k * rate for k in range(length)]
        if steps[-1] < end and (targets is None or first < len(targets)):
            windows.append(data[steps])
            chosen.append(None if targets is None else targets[first])
    return np.array(windows), np.array(chosen)


def joined(dataset):
    """Return the samples of all batches of a dataset."""
    batches = [dataset[i] for i in range(len(dataset))]
    if dataset.targets is None:
        return np.concatenate(batches)
    return tuple(np.concatenate(part) for part in zip(*batches, strict=True))


CASES = list(
    itertools.product(
        [SERIES, np.arange(23)],
        [1, 4],  # length
        [1, 3, 7],  # stride
        [1, 2, 5],  # rate
        [(None, None), (3, None), (None, 20), (2, 21)],
    )
)


@pytest.mark.parametrize("with_targets", [False, True])
def test_windows_and_targets_are_those_of_the_definition(with_targets):
    for data, length, stride, rate, (start, end) in CASES:
        targets = np.arange(len(data)) * 10 if with_targets else None
        dataset = timeseries_dataset(
            data, targets, length, stride, rate, 4, start_index=start, end_index=end
        )
        windows, chosen = expected_windows(data, targets, length, stride, rate, start, end)
        assert len(dataset) == -(-len(windows) // 4)
        samples = joined(dataset)
        np.testing.assert_array_equal(samples[0] if with_targets else samples, windows)
        if with_targets:
            np.testing.assert_array_equal(samples[1], chosen)


def test_the_example_of_keras_documentation():
    x = joined(timeseries_dataset(np.arange(99), None, 10, sequence_stride=3, sampling_rate=2))
    assert x[0].tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert x[1].tolist() == [3, 5, 7, 9, 11, 13, 15, 17, 19, 21]
    assert x[-1].tolist() == [78, 80, 82, 84, 86, 88, 90, 92, 94, 96]


def test_windows_without_a_target_are_left_out():
    x, y = joined(timeseries_dataset(np.arange(30), np.arange(12), 5, start_index=4))
    assert x[:, 0].tolist() == y.tolist() == list(range(4, 12))


def test_without_a_batch_size_an_item_is_a_window():
    dataset = timeseries_dataset(SERIES, np.arange(100), 10, batch_size=None)
    assert len(dataset) == 91
    x, y = dataset[7]
    np.testing.assert_array_equal(x, SERIES[7:17])
    assert y == 7


def test_batches_are_counted_from_both_ends():
    dataset = timeseries_dataset(np.arange(10), None, 2, batch_size=4)
    np.testing.assert_array_equal(dataset[-1], dataset[2])
    assert len(dataset[-1]) == 1
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"there are 3 batches, got number {index}"):
            dataset[index]


def test_windows_are_views_down_to_the_core(monkeypatch):
    targets = SERIES[:, 0].copy()
    dataset = timeseries_dataset(SERIES, targets, 10, sequence_stride=2, sampling_rate=3)
    x, y = dataset[0]
    assert np.shares_memory(dataset.windows, SERIES)
    assert np.shares_memory(x, SERIES)
    assert np.shares_memory(y, targets)
    seen = []

    def spy(x, *arguments, **options):
        seen.append(np.shares_memory(x, SERIES))
        return run(x, *arguments, **options)

    run = recurrent_passes.run
    monkeypatch.setattr(recurrent_passes, "run", spy)
    model = Sequential([GRU(4, input_shape=(10, 3)), Dense(1)])
    model.compile("adam", "mse")
    model.fit(dataset, verbose=0)
    model.predict(timeseries_dataset(SERIES, None, 10), verbose=0)
    assert seen == [True, True]


def test_shuffle_draws_a_new_order_of_windows_and_targets_in_each_epoch():
    data = np.arange(50)
    dataset, same, other = (
        timeseries_dataset(data, data + 100, 3, shuffle=True, seed=seed) for seed in (5, 5, 6)
    )
    x, y = joined(dataset)
    np.testing.assert_array_equal(x[:, 0] + 100, y)
    assert sorted(x[:, 0]) == list(range(48))
    assert x[:, 0].tolist() != list(range(48))
    np.testing.assert_array_equal(x, joined(same)[0])
    assert not np.array_equal(x, joined(other)[0])
    dataset.on_epoch_end()
    assert not np.array_equal(x, joined(dataset)[0])


def test_fit_on_windows_is_fit_on_their_copies():
    y = SERIES[10:, 0]
    dataset = timeseries_dataset(SERIES[:-10], y, 10, batch_size=32)
    models = []
    for data in ((dataset,), (np.ascontiguousarray(dataset.windows), dataset.targets)):
        model = Sequential([GRU(4, input_shape=(10, 3)), Dense(1)], seed=3)
        model.compile("adam", "mse")
        model.fit(*data, epochs=2, shuffle=False, verbose=0)
        models.append(model)
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_series_in_a_file_is_not_read(tmp_path):
    path = tmp_path / "series.bin"
    series = np.memmap(path, np.float32, "w+", shape=(1000, 3))
    dataset = timeseries_dataset(series, None, 10)
    assert np.shares_memory(dataset[3], series)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequence_length": 0}, "sequence_length must be an integer of at least 1, got 0"),
        ({"sequence_length": 2.0}, "sequence_length must be an integer of at least 1, got 2.0"),
        ({"sequence_length": 101}, "spans 101 steps, there are 100"),
        ({"sequence_length": 34, "sampling_rate": 3, "start_index": 1}, "spans 100 .* are 99"),
        ({"sequence_stride": 0}, "sequence_stride must be an integer of at least 1"),
        ({"sequence_stride": 100}, "sequence_stride must be lower than the 100 steps"),
        ({"sampling_rate": 100}, "sampling_rate must be lower than the 100 steps"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1 or None"),
        ({"start_index": -1}, "start_index must be an integer from 0 to 99 or None, got -1"),
        ({"start_index": 100}, "start_index must be an integer from 0 to 99 or None, got 100"),
        (
            {"start_index": 20, "end_index": 20},
            "end_index must be an integer from 21 to 99 or None, got 20",
        ),
        ({"end_index": 100}, "end_index must be an integer from 1 to 99 or None, got 100"),
        ({"end_index": 5.0}, "end_index must be an integer from 1 to 99 or None"),
        ({"targets": np.zeros(4), "start_index": 4}, "no target from start_index=4 on"),
        ({"targets": ["a"]}, "targets must hold real numbers"),
        ({"data": 3.0}, r"data must have shape \(steps, ...\)"),
        ({"shuffle": True, "seed": "x"}, "seed must be"),
    ],
)
def test_bad_arguments(arguments, message):
    call = {"data": SERIES, "targets": None, "sequence_length": 10, **arguments}
    with pytest.raises((ValueError, TypeError), match=message):
        timeseries_dataset(**call)


@pytest.mark.parametrize(("count", "length"), [(100, 30), (5, 1), (100, 99), (12, 4)])
@pytest.mark.parametrize("later", [0, 1])
def test_windows_with_a_target_behind_them_go_up_to_the_newest_value(count, length, later):
    series = np.arange(count)
    if count == length + later:
        later = 0
    dataset = timeseries_dataset(series, series[length + later :], length)
    x, y = joined(dataset)
    assert len(x) == count - length - later
    np.testing.assert_array_equal(y, x[:, -1] + 1 + later)
    assert y[-1] == count - 1
