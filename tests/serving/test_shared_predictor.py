"""Predictors in threads, in other processes, as copies, and the streams that they open."""

import copy
import multiprocessing
import os
import pickle
import threading

import numpy as np
import pytest
from served_models import MODELS, X, tutorial
from tools import assert_same_bits


@pytest.mark.parametrize("name", ["tutorial", "both ways"])
def test_many_threads_call_it_at_once(name):
    predictor = MODELS[name]().freeze()
    xs = [np.roll(X, k, 1)[: 1 + k % 6] for k in range(16)]
    expected = [predictor(x) for x in xs]
    wrong = []

    def call(k):
        for number in range(60):
            j = (k + number) % 16
            lengths = [7] * len(xs[j]) if number % 7 == 3 else None
            if lengths is None and predictor(xs[j]).tobytes() != expected[j].tobytes():
                wrong.append(j)
            elif lengths is not None:
                predictor(xs[j], lengths=lengths)

    threads = [threading.Thread(target=call, args=(k,)) for k in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_eight_threads_use_one_model():
    model = tutorial()
    x = np.repeat(X, 3, 0)
    uses = [
        lambda: model.predict(x, verbose=0),
        lambda: model(x),
        lambda: np.asarray(model.evaluate(x, x[:, 0, :1], verbose=0)),
        lambda: model.stream(len(x)).step(x[:, 0]),
    ]
    model.compile("adam", "mse")
    expected = [use().tobytes() for use in uses]
    wrong, start = [], threading.Barrier(8)

    def work(k):
        start.wait()
        for number in range(20):
            j = (k + number) % len(uses)
            if uses[j]().tobytes() != expected[j]:
                wrong.append(j)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_it_is_pickled_and_copied():
    for name in ("tutorial", "float64", "both ways"):
        predictor = MODELS[name]().freeze()
        x = X.astype(predictor.dtype)
        assert_same_bits(pickle.loads(pickle.dumps(predictor))(x), predictor(x))
        assert copy.copy(predictor) is predictor
        assert copy.deepcopy(predictor) is predictor


def test_a_pickle_keeps_weights_of_fewer_bits():
    predictor = tutorial().freeze(weights="int8")
    assert_same_bits(pickle.loads(pickle.dumps(predictor))(X), predictor(X))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_predicts():
    predictor = tutorial().freeze()
    expected = predictor(np.repeat(X, 40, 0))
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=lambda: queue.put(predictor(np.repeat(X, 40, 0))))
    child.start()
    assert_same_bits(queue.get(), expected)
    child.join()


def test_streams_are_opened_from_it():
    model = tutorial()
    predictor = model.freeze()
    stream = predictor.stream(batch_size=6)
    for t in range(5):
        stream.step(X[:, t])
    saved = stream.state
    for t in range(5, 10):
        y = stream.step(X[:, t])
    assert_same_bits(y, predictor(X))
    again = predictor.stream(batch_size=6)
    again.state = saved
    for t in range(5, 10):
        y = again.step(X[:, t])
    assert_same_bits(y, predictor(X))
