"""The loop of predict: one batch, several batches, lists of different length, sources."""

import numpy as np
import pytest
from tools import assert_same_bits, recorder

from gru_c import GRU, Dense, Sequential
from gru_c.training.predict import predict

X = np.random.default_rng(5).normal(size=(7, 4, 3)).astype(np.float32)


def made(sequences=False):
    layers = [GRU(4, return_sequences=sequences, input_shape=(None, 3)), Dense(2)]
    return Sequential(layers, seed=0)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_batches_give_the_outputs_of_the_layers_in_a_row(batch_size):
    model = made()
    expected = X
    for layer in model.layers:
        expected = layer(expected)
    assert_same_bits(predict(model, X, batch_size=batch_size, verbose=0), expected)


def test_outputs_of_different_length_are_a_list():
    model = made(sequences=True)
    lists = predict(model, [x[: 1 + i % 3] for i, x in enumerate(X)], batch_size=3, verbose=0)
    assert [len(output) for output in lists] == [1, 2, 3, 1, 2, 3, 1]
    assert_same_bits(lists[2], model(X[2:3, :3])[0])


def test_a_source_gives_one_batch_after_the_other():
    model = made()
    outputs = predict(model, iter([X[:3], X[3:5]]), batch_size=None, verbose=0)
    assert_same_bits(outputs, model.predict(X[:5], verbose=0))


def test_callbacks_are_called_for_one_batch_too():
    calling = recorder()
    predict(made(), X, batch_size=7, verbose=0, callbacks=calling)
    assert [call[0] for call in calling.calls] == [
        "on_predict_begin",
        "on_predict_batch_begin",
        "on_predict_batch_end",
        "on_predict_end",
    ]
