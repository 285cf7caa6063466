"""Functions of users as learning rates."""

import numpy as np
import pytest

from gru_c import Dense, Sequential, optimizers, schedules


def test_a_function_without_arguments_is_called_before_every_step():
    rates = iter([0.5, 0.25, 0.125])
    optimizer = optimizers.SGD(lambda: next(rates))
    model = Sequential([Dense(1, kernel_initializer="zeros", use_bias=False, input_shape=(1,))])
    model.compile(optimizer, lambda y, p: (0.0, np.ones_like(p)))
    model.fit(np.ones((3, 1)), np.ones(3), batch_size=1, verbose=0)
    assert model.get_weights()[0] == -3 * 0.875 / 3
    optimizer.learning_rate = schedules.get(optimizer.rate_or_schedule)  # unchanged
    with pytest.raises(StopIteration):
        optimizer.rate_or_schedule(3)


def test_what_a_function_gives_is_checked():
    with pytest.raises(TypeError, match=r"f\(step\), or nothing, f\(\); got one with .*\(a, b\)"):
        schedules.get(lambda a, b: 0.1)
    with pytest.raises(ValueError, match=r"learning rate at step 4: .* got -1"):
        schedules.rate_at(schedules.get(lambda: -1), 4)


def test_arguments_with_defaults_keep_them_as_in_keras():
    assert schedules.rate_at(schedules.get(lambda rate=0.25: rate), 3) == 0.25
    assert schedules.rate_at(schedules.get(lambda *rates: 0.5 + len(rates)), 3) == 0.5
    for ambiguous in (lambda step=5: 0.1 * step, lambda iterations=0: 0.1):
        with pytest.raises(TypeError, match=r"as f\(\), as Keras does, and as f\(step\)"):
            schedules.get(ambiguous)


@pytest.mark.parametrize(
    "rate", [np.array([0.1]), np.array(-0.1), np.array(np.nan), np.array(True), np.array(1j), "0.1"]
)
def test_a_rate_of_a_function_that_is_no_number_is_refused(rate):
    with pytest.raises(ValueError, match="learning rate at step 3: the value must be a finite num"):
        schedules.rate_at(lambda step: rate, 3)
