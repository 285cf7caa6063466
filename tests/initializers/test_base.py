"""Initializers by name or as objects, and arguments that they refuse."""

import numpy as np
import pytest

from gru_c import initializers


def test_get_takes_functions_and_instances():
    def eye(shape, dtype, rng):
        return np.eye(*shape, dtype=dtype)

    assert initializers.get(eye) is eye
    zeros = initializers.Zeros()
    assert initializers.get(zeros) is zeros
    with pytest.raises(ValueError, match="did you mean 'he_normal'"):
        initializers.get("he_norml")


@pytest.mark.parametrize(
    ("make_one", "message"),
    [
        (
            lambda: initializers.GlorotUniform(seed=-1),
            "seed must be an integer of at least 0 or None",
        ),
        (
            lambda: initializers.GlorotUniform(seed=1.5),
            "seed must be an integer of at least 0 or None",
        ),
        (lambda: initializers.HeNormal(seed=True), "seed must be an integer of at least 0 or None"),
        (lambda: initializers.Constant(np.nan), "Constant: value must be a finite number"),
        (lambda: initializers.Orthogonal("1"), "Orthogonal: gain must be a finite number"),
        (lambda: initializers.RandomNormal(stddev=-1), "stddev must be a finite number >= 0"),
        (lambda: initializers.RandomUniform(1.0, 0.0), "minval 1.0 is above maxval 0.0"),
    ],
)
def test_bad_arguments(make_one, message):
    with pytest.raises(ValueError, match=message):
        make_one()


def test_a_shape_is_a_tuple():
    with pytest.raises(TypeError, match=r"shape must be a tuple such as \(3, 4\), got 3"):
        initializers.Ones()(3)


def test_a_subclass_defines_draw_and_its_array_is_cast_to_the_dtype():
    class Counting(initializers.Initializer):
        def draw(self, shape, rng):
            return np.arange(np.prod(shape)).reshape(shape)

    made = Counting()((2, 2), "float32")
    assert made.dtype == np.float32
    assert made.tolist() == [[0, 1], [2, 3]]
    with pytest.raises(NotImplementedError):
        initializers.Initializer()((2, 2))
