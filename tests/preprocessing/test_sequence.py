"""TimeseriesGenerator, and the series of ``keras.utils``."""

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Dense, Sequential
from gru_c.preprocessing import timeseries_dataset_from_array
from gru_c.preprocessing.sequence import (
    TimeseriesGenerator,
    make_sampling_table,
    pad_sequences,
    skipgrams,
)

SERIES = np.sin(np.arange(40.0)).reshape(-1, 1)


def test_fit_evaluate_and_predict_take_a_generator():
    batches = TimeseriesGenerator(SERIES, SERIES, length=5, batch_size=8, workers=2)
    model = Sequential([GRU(4), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(batches, epochs=2, verbose=0)
    assert model.evaluate(batches, verbose=0) > 0
    windows = np.concatenate([x for x, _ in batches])
    np.testing.assert_allclose(
        model.predict(batches, verbose=0), model.predict(windows, verbose=0), rtol=1e-6
    )


def test_a_generator_gives_its_batches_by_number_and_in_order():
    batches = TimeseriesGenerator(list(range(10)), list(range(10)), 3, batch_size=3)
    assert [y.tolist() for _, y in batches] == [[3, 4, 5], [6, 7, 8], [9]]
    assert batches[-1][0].tolist() == [[6, 7, 8]]
    with pytest.raises(IndexError, match="there are 3 batches, got number 3"):
        batches[3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": SERIES[1:]}, "same length, got 40 and 39"),
        ({"length": 0}, "length must be an integer of at least 1"),
        ({"length": 40}, "no window fits: start_index [+] length is 40"),
        ({"end_index": 40}, "end_index must be an integer from 0 to 39"),
        ({"shuffle": "no"}, "shuffle must be True or False"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1"),
        ({"worker": 2}, "worker"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        TimeseriesGenerator(**{"data": SERIES, "targets": SERIES, "length": 5, **options})


def test_the_data_set_under_the_name_of_keras_is_the_same():
    ours = gru_c.timeseries_dataset(SERIES, None, 5, 2, 3, 4, True, 6, 1, 38)
    same = timeseries_dataset_from_array(SERIES, None, 5, 2, 3, 4, True, 6, 1, 38, format="grain")
    assert len(ours) == len(same) > 1
    for a, b in zip(ours, same, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="format must be 'tf' or 'grain', got 'np'"):
        timeseries_dataset_from_array(SERIES, None, 5, format="np")


def test_padding_has_one_home():
    assert pad_sequences is gru_c.pad_sequences


def test_pairs_of_words_are_in_the_window():
    couples, labels = skipgrams([1, 2, 3, 4], 9, window_size=1, negative_samples=0, shuffle=False)
    assert couples == [[1, 2], [2, 1], [2, 3], [3, 2], [3, 4], [4, 3]]
    assert labels == [1] * 6
    table = make_sampling_table(100)
    assert (np.diff(table[1:]) >= 0).all()
    with pytest.raises(ValueError, match="size must be an integer of at least 1"):
        make_sampling_table(0)
