"""A stream keeps the weights of its model, and shares them with other streams."""

import gc
import tempfile
import weakref
from pathlib import Path

import numpy as np
import pytest
from tools import assert_same_bits, make_model, play, random_numbers

from gru_c import (
    GRU,
    Dense,
    Sequential,
    callbacks,
    constraints,
    optimizers,
)


def test_a_stream_keeps_the_weights_that_it_was_made_of():
    model = make_model(GRU(8, return_sequences=True), Dense(3, "softmax"))
    x = random_numbers(2, 5, 5)
    wanted = play(model.stream(2), x)
    stream = model.stream(2)
    model.set_weights([w + 1 for w in model.get_weights()])
    assert_same_bits(play(stream, x), wanted)
    assert not np.array_equal(play(model.stream(2), x), wanted)
    del model
    stream.reset()
    assert_same_bits(play(stream, x), wanted)


def test_streams_of_the_same_weights_share_them():
    model = make_model(GRU(8, return_sequences=True), GRU(8), Dense(3))

    def packed(stream):
        return [packed for stack in stream._stacks for packed in stack.packed]

    first, second = model.stream(1), model.stream(4)
    assert all(a is b for a, b in zip(packed(first), packed(second), strict=True))
    model.layers[1].value("bias")[0, 0] += 1  # the next stream notices
    third = model.stream(1)
    same = [a is b for a, b in zip(packed(first), packed(third), strict=True)]
    assert same == [True, False, True]


X, Y = np.ones((4, 3, 5), np.float32), np.zeros((4, 3, 2), np.float32)


def optimizer_step(model):
    model.parameters.gradients[:] = 1
    optimizers.SGD(0.1).step(model.parameters)


def constrained_step(model):
    parameters = model.parameters
    parameters.items[0].constraint = constraints.MaxNorm(0.1)
    parameters.constrained = parameters.items[:1]
    optimizer_step(model)


def restored_best_weights(model):
    best = callbacks.EarlyStopping("loss", patience=0, restore_best_weights=True)
    model.compile(optimizers.SGD(0.1), "mse")
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[best])


def run_that_fails(model):
    class Fails(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            model.stream()
            raise KeyError

    model.set_weights([w + 1 for w in model.get_weights()])
    model.compile(optimizers.SGD(0.1), "mse")
    with pytest.raises(KeyError):
        model.fit(X, Y, verbose=0, callbacks=[Fails()])


def train_on_batch(model):
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)


def model_that_shares_layers(model):
    other = Sequential(model.layers[:1])
    other.set_weights([w + 1 for w in other.get_weights()])


def other_flat_vectors(model):
    layer = model.layers[-1]
    model.add(Dense(2))
    _ = model.parameters
    layer.value("kernel")[0] += 1


def checkpoint(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.safetensors")
        model.compile(optimizers.SGD(0.1), "mse")
        model.fit(X, Y, epochs=2, verbose=0, checkpoint=path)
        model.set_weights([0 * w for w in model.get_weights()])
        model.stream()
        model.fit(X, Y, epochs=2, verbose=0, checkpoint=path, resume=True)


def flat_vector_in_place(model):
    model.parameters.values += 1


def weight_in_place(model):
    model.layers[0].parameters[0].value += 1


def weight_assigned(model):
    item = model.layers[0].parameters[0]
    item.value = 0.5 + item.array


WAYS = [
    lambda model: model.set_weights([w + 1 for w in model.get_weights()]),
    lambda model: model.layers[1].set_weights([w + 1 for w in model.layers[1].get_weights()]),
    lambda model: np.negative(model.layers[0].value("bias"), model.layers[0].value("bias")),
    lambda model: np.copyto(model.layers[0].parameters[0].value, random_numbers(5, 12)),
    lambda model: model.layers[0].value("kernel")[1].sort(),
    optimizer_step,
    constrained_step,
    restored_best_weights,
    run_that_fails,
    train_on_batch,
    model_that_shares_layers,
    other_flat_vectors,
    checkpoint,
    flat_vector_in_place,
    weight_in_place,
    weight_assigned,
]


@pytest.mark.parametrize("flat", [False, True], ids=["apart", "flat"])
@pytest.mark.parametrize("keeps", [False, True], ids=["alone", "beside a stream"])
@pytest.mark.parametrize("change", WAYS)
def test_a_new_stream_has_the_current_weights_however_they_were_changed(change, keeps, flat):
    model = make_model(GRU(4, return_sequences=True), Dense(2))
    model.layers[0].value("bias")[:] = random_numbers(2, 12)
    if flat:
        _ = model.parameters
    x = random_numbers(1, 3, 5)
    stream = model.stream()
    before = play(stream, x)
    if not keeps:
        del stream
    change(model)
    now = play(model.stream(), x)
    assert not np.array_equal(now, before)
    assert_same_bits(now, model.predict(x, verbose=0))


def a_row_of_it(array):
    return array[1:2]


@pytest.mark.parametrize("hold", [np.asarray, a_row_of_it, memoryview, np.nditer, np.ravel])
@pytest.mark.parametrize("flat", [False, True], ids=["apart", "flat"])
def test_a_new_stream_sees_writes_through_an_array_that_the_program_holds(hold, flat):
    model = make_model(GRU(4, return_sequences=True), Dense(2))
    x = random_numbers(1, 3, 5)
    model.stream()
    held = hold(model.parameters.values if flat else model.layers[0].value("kernel"))
    for _ in range(3):
        model.stream()
        before = play(model.stream(), x)
        array = np.asarray(held.operands[0] if hold is np.nditer else held)
        array[0] += 1
        del array
        now = play(model.stream(), x)
        assert not np.array_equal(now, before)
        assert_same_bits(now, model.predict(x, verbose=0))
    del held
    assert_same_bits(play(model.stream(), x), now)
    assert not model.layers[0].parameters[0].memory.lent


@pytest.mark.parametrize("built_by_hand", [False, True], ids=["of a model", "by hand"])
@pytest.mark.parametrize(
    "open_up",
    [
        lambda array: array.setflags(write=True),
        lambda array: setattr(array.flags, "writeable", True),
        lambda array: array[0].setflags(write=True),
        lambda array: array.reshape(-1).setflags(write=True),
        lambda array: array.view(np.int32).setflags(write=True),
        lambda array: np.asarray(array.base).setflags(write=True),
        lambda array: np.frombuffer(array, array.dtype).setflags(write=True),
        lambda array: np.copyto(array, 5),
        lambda array: np.lib.stride_tricks.as_strided(array).fill(5),
    ],
)
def test_weights_for_reading_cannot_be_made_writeable(open_up, built_by_hand):
    layer = GRU(3)
    if built_by_hand:
        layer.build((None, None, 5))
    else:
        make_model(layer).predict(random_numbers(1, 4, 5), verbose=0)
    for parameter in layer.parameters:
        before = parameter.array.copy()
        with pytest.raises(ValueError, match=r"WRITEABLE|read-only"):
            open_up(parameter.array)
        assert_same_bits(parameter.array, before)
        parameter.value[...] = 2  # `value` is writeable
        assert (parameter.array == 2).all()


def test_a_prediction_has_the_weights_that_a_callback_sets():
    class Doubles(callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            self.model.set_weights([2 * w for w in self.model.get_weights()])

    model = make_model(GRU(4), Dense(2))
    first = model.get_weights()
    x = random_numbers(4, 3, 5)
    outputs = model.predict(x, batch_size=2, verbose=0, callbacks=[Doubles()])
    model.set_weights([2 * w for w in first])
    assert_same_bits(outputs[2:], model.predict(x[2:], verbose=0))


def test_packed_weights_are_kept_until_the_weights_may_change():
    model = make_model(GRU(4))
    memory = model.layers[0].parameters[0].memory
    assert not memory.derived
    packed = weakref.ref(model.stream()._stacks[0].packed[0])
    gc.collect()
    assert model.stream()._stacks[0].packed[0] is packed()
    model.get_weights(), model.predict(random_numbers(1, 3, 5), verbose=0), model.summary(str)
    assert model.stream()._stacks[0].packed[0] is packed()
    kernel = model.layers[0].value("kernel")
    assert not memory.derived
    assert packed() is None
    model.stream()
    assert not memory.derived  # the program holds an array of the weights and can change them
    assert memory.lent
    del kernel
    assert not memory.lent
    model.stream()
    assert memory.derived
