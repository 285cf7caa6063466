"""Functions of users as initializers, and the arrays that users' initializers make."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential, initializers

SHAPE = (300, 200)  # fan_in 300, fan_out 200


def make(spec, shape=SHAPE, dtype="float64", seed=0):
    return initializers.get(spec)(shape, dtype, np.random.default_rng(seed))


def test_a_function_is_called_with_what_it_takes():
    calls = []

    def ours(shape, dtype, rng):
        calls.append((shape, dtype, type(rng)))
        return np.ones(shape)

    def kerass(shape, dtype=None, **options):
        calls.append((shape, dtype, options))
        return np.ones(shape)

    def with_more(shape, dtype=None, scale=2.0):
        calls.append((shape, dtype, scale))
        return np.ones(shape)

    for function in (ours, kerass, with_more, np.ones, lambda s, d, rng=None: np.ones(s, d)):
        layer = Dense(2, kernel_initializer=function, input_shape=(3,))
        assert (Sequential([layer]).get_weights()[0] == 1).all()
    assert calls == [
        ((3, 2), np.dtype("float32"), np.random.Generator),
        ((3, 2), "float32", {}),
        ((3, 2), "float32", 2.0),
    ]


@pytest.mark.parametrize("function", [lambda shape: 0, lambda: 0, lambda a, b, c, d: 0])
def test_a_function_of_other_arguments_is_refused(function):
    with pytest.raises(TypeError, match=r"takes \(shape, dtype, rng\), or \(shape, dtype=...\)"):
        Dense(2, kernel_initializer=function)


class Filled(initializers.Initializer):
    """Make an array full of a number, or of numbers of another kind."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def draw(self, shape, rng):
        return np.full(shape, self.value)


def of_function(value):
    return lambda shape, dtype, rng: np.full(shape, value)


def as_keras(value):
    return lambda shape, dtype=None: np.full(shape, value)


MADE = pytest.mark.parametrize("make", [Filled, of_function, as_keras])
LAYERS = pytest.mark.parametrize(
    ("layer", "weight"),
    [
        (lambda **options: Dense(3, kernel_initializer=options["it"]), "kernel of layer 'dense'"),
        (lambda **options: Dense(3, bias_initializer=options["it"]), "bias of layer 'dense'"),
        (
            lambda **options: GRU(3, recurrent_initializer=options["it"]),
            "recurrent_kernel of layer 'gru'",
        ),
    ],
)


@MADE
@LAYERS
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_not_finite_in_the_dtype_are_refused_by_name(make, layer, weight, value):
    message = f"the initializer of {weight} made an array with NaN or infinity in float32"
    with pytest.raises(ValueError, match=message):
        layer(it=make(value)).build((None, None, 2))


@MADE
@pytest.mark.parametrize("value", [1j, "one", None])
def test_values_that_are_not_real_numbers_are_refused_by_name(make, value):
    with pytest.raises(
        TypeError, match=r"the array of (the initializer of kernel|Filled\.draw) .*"
    ):
        Dense(3, kernel_initializer=make(value)).build((None, 2))


def test_values_up_to_the_largest_of_a_dtype_are_taken():
    layer = Dense(3, kernel_initializer=of_function(1e300), dtype="float64")
    layer.build((None, 2))
    assert (layer.value("kernel") == 1e300).all()


@pytest.mark.parametrize(
    "function", [np.random.randn, np.random.rand, lambda *sizes: np.ones(sizes)]
)
def test_a_function_that_cannot_be_called_with_a_shape_is_named(function):
    message = r"kernel of layer 'dense' is the function (randn|rand|<lambda>), which was called"
    with pytest.raises(TypeError, match=message):
        Dense(3, kernel_initializer=function).build((None, 2))


def test_a_type_error_inside_a_function_keeps_its_words():
    def failing(shape, dtype, rng):
        return len(5)

    with pytest.raises(TypeError, match=r"function failing, .* object of type 'int' has no len"):
        Dense(3, kernel_initializer=failing).build((None, 2))


class FilledAsInKeras(initializers.Initializer):
    """Make an array full of a number, in a class as Keras's guide writes it."""

    def __init__(self, value=0.5):
        self.value = value

    def __call__(self, shape, dtype=None, **kwargs):
        return np.full(shape, self.value, dtype)

    def get_config(self):
        return {"value": self.value}


class Doubled(initializers.Ones):
    def __call__(self, shape, dtype=None):
        return 2 * super().__call__(shape, dtype)


class WithRng(initializers.Ones):
    def __call__(self, shape, dtype=None, rng=None):
        return super().__call__(shape, dtype, rng) * rng.integers(7, 8)


@pytest.mark.parametrize(
    ("initializer", "value"), [(FilledAsInKeras(0.25), 0.25), (Doubled(), 2), (WithRng(), 7)]
)
def test_a_class_with_the_call_of_keras_makes_the_weights(initializer, value):
    for layer in (
        Dense(2, kernel_initializer=initializer, input_shape=(3,)),
        GRU(2, kernel_initializer=initializer, input_shape=(None, 3), dtype="float64"),
    ):
        assert (Sequential([layer]).get_weights()[0] == value).all()


def test_a_class_whose_call_takes_no_dtype_is_refused():
    class Short(initializers.Initializer):
        def __call__(self, shape):
            return np.ones(shape)

    with pytest.raises(TypeError, match=r"takes \(shape, dtype, rng\), or \(shape, dtype=...\)"):
        Sequential([Dense(2, kernel_initializer=Short(), input_shape=(3,))])
