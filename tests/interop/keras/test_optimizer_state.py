"""The optimizer's state in Keras's files; the tests do not need Keras."""

import numpy as np
import pytest
from keras_rewriting import CONFIG, DATA, h5py, members, write

from gru_c import Dense, Input, Sequential, optimizers
from gru_c.interop import keras

X = np.random.default_rng(0).standard_normal((6, 5, 4)).astype(np.float32)
SETTINGS = {"batch_size": 4, "shuffle": False, "verbose": 0}


@pytest.mark.parametrize(
    "name", ["legacy_adam.h5", "legacy_rmsprop.h5", "adam.h5", "sgd.keras", "rmsprop.keras"]
)
def test_training_goes_on_where_keras_2_ended(name):
    with np.load(DATA / "trained_2.npz") as stored:
        x, y, expected = stored["x"], stored["y"], stored[name]
    model = keras.load(DATA / f"trained_2_{name}")
    assert model.optimizer.iterations == 6
    losses = model.fit(x, y, epochs=3, **SETTINGS).history["loss"]
    np.testing.assert_allclose(losses, expected, rtol=2e-5)


def trained(optimizer="adam"):
    model = Sequential([Input((5, 4)), Dense(3), Dense(1)], seed=0)
    model.compile(optimizer, "mse")
    model.fit(X, np.zeros((6, 5, 1)), epochs=2, **SETTINGS)
    return model


@pytest.mark.parametrize("optimizer", ["adam", optimizers.SGD(0.1), optimizers.SGD(0.1, 0.9)])
def test_the_state_that_is_written_comes_back(path, optimizer):
    model = trained(optimizer)
    keras.save(model, path)
    again = keras.load(path)
    assert again.optimizer.iterations == model.optimizer.iterations == 4
    assert set(again.optimizer.slots) == set(model.optimizer.slots)
    for name, slot in model.optimizer.slots.items():
        np.testing.assert_array_equal(again.optimizer.slots[name], slot)


def delete(name):
    return lambda h5: h5.__delitem__(name)


def put(name, data):
    def change(h5):
        del h5[name]
        h5[name] = data

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (delete("optimizer/vars/5"), "7 arrays, where the optimizer here has 8"),
        (
            put("optimizer/vars/0", np.float32(3)),
            "'optimizer/vars/0' has dtype float32, not an int",
        ),
        (put("optimizer/vars/0", np.zeros(3, "i4")), "is not a dataset of one number"),
        (put("optimizer/vars/0", -3), "number of steps is damaged: -3"),
        (put("optimizer/vars/3", np.zeros(3, "f4")), r"vars/3' has shape \(3,\), not \(4, 3\)"),
        (put("optimizer/vars/3", np.zeros((4, 3), "i4")), "has dtype int32"),
    ],
)
def test_a_state_that_does_not_fit_is_named_and_begins_anew(path, change, message):
    keras.save(trained(), path)
    content = path.with_suffix(".h5")
    content.write_bytes(members(path)["model.weights.h5"])
    with h5py.File(content, "r+") as h5:
        change(h5)
    config = members(path)[CONFIG]
    write(path, {CONFIG: config, "model.weights.h5": content.read_bytes()})
    with pytest.warns(UserWarning, match=f"optimizer's state, its steps and running m.*{message}"):
        model = keras.load(path)
    assert model.optimizer.iterations == 0
    assert not any(slot.any() for slot in model.optimizer.slots.values())


def test_names_of_a_state_that_are_not_known_are_named(tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes((DATA / "trained_2_adam.h5").read_bytes())
    with h5py.File(path, "r+") as h5:
        names = list(h5["optimizer_weights"].attrs["weight_names"])
        h5["optimizer_weights"].attrs["weight_names"] = names[:-1]
    with pytest.warns(UserWarning, match="4 arrays of velocity, for 5 weights"):
        assert keras.load(path).optimizer.iterations == 0


def test_a_state_without_slots_is_that_of_no_step(path):
    model = trained()
    model.compile("adam", "mse")
    keras.save(model, path)
    assert keras.load(path).optimizer.iterations == 0
