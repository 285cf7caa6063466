"""The base class of users' batch sources."""

import itertools

import numpy as np
import pytest

from gru_c import Dense, Sequential
from gru_c.data.py_dataset import PyDataset, Sequence


class Batches(PyDataset):
    def __init__(self, **options):
        super().__init__(**options)
        self.calls = []

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return np.full((4, 2), index), np.full((4, 1), index)

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def make_model():
    model = Sequential([Dense(1, input_shape=(2,))], seed=0)
    model.compile("sgd", "mse")
    return model


def test_the_methods_are_called_before_and_after_epochs():
    data, validation = Batches(workers=4), Batches()
    make_model().fit(data, epochs=2, validation_data=validation, verbose=0)
    assert data.calls == ["begin", "end"] * 2
    assert validation.calls == ["begin"] * 2
    make_model().predict(data, verbose=0)
    assert data.calls[4:] == ["begin"]


def test_a_source_without_a_length_goes_on_for_ever():
    class Endless(PyDataset):
        def __getitem__(self, index):
            return np.full((4, 2), index), np.full((4, 1), index)

    data = Endless()
    assert data.num_batches is None
    assert [int(y[0, 0]) for _, y in itertools.islice(data, 5)] == [0, 1, 2, 3, 4]
    history = make_model().fit(data, steps_per_epoch=2, epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3


def test_a_source_has_its_batches_in_order():
    assert [int(y[0, 0]) for _, y in Batches()] == [0, 1, 2]
    assert Sequence is PyDataset


def test_settings_of_other_processes_are_kept_for_programs_that_read_them():
    data = Batches(workers=3, use_multiprocessing=True, max_queue_size=5)
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (3, True, 5)

    class WithoutSuper(PyDataset):
        def __init__(self):
            pass

    assert WithoutSuper().workers == 1


def test_a_source_without_batches_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="PyDataset must define __getitem__"):
        PyDataset()[0]
