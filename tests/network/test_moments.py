"""What another thread sees of a model that trains: the weights of one moment, never a mixture."""

import copy
import sys
import threading

import numpy as np
import pytest

from gru_c import GRU, BatchNormalization, Dense, Input, Sequential

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(32, 6, 4)).astype("f"), RNG.normal(size=(32, 1)).astype("f")


def model():
    layers = [GRU(8, return_sequences=True), BatchNormalization(), GRU(8), Dense(1)]
    model = Sequential([Input((None, 4)), *layers], seed=1)
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    return model


LOOKS = {
    "get_weights": lambda model: model.get_weights(),
    "freeze": lambda model: model.freeze()(X[:3]),
    "deepcopy": lambda model: copy.deepcopy(model).get_weights(),
    "predict": lambda model: model.predict(X[:3], verbose=0),
}


def plain(result):
    arrays = result if isinstance(result, list) else [result]
    return b"".join(array.tobytes() for array in arrays)


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_from_another_thread_has_the_weights_of_one_moment(name):
    trained, twin = model(), model()
    states, seen, ended = [trained.get_weights()], [], threading.Event()

    def look():
        while not ended.is_set():
            seen.append(plain(LOOKS[name](trained)))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(60):
            trained.train_on_batch(X, Y)
            states.append(trained.get_weights())
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(interval)
    right = set()
    for state in states:
        twin.set_weights(state)
        right.add(plain(LOOKS[name](twin)))
    assert seen
    assert set(seen) <= right
