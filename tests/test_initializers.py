"""Initializers: ranges, moments, orthogonality, fans, seeds."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential, initializers

SHAPE = (300, 200)  # fan_in 300, fan_out 200
SCALED = {
    "glorot_uniform": 2 / 500,
    "glorot_normal": 2 / 500,
    "he_uniform": 2 / 300,
    "he_normal": 2 / 300,
    "lecun_uniform": 1 / 300,
    "lecun_normal": 1 / 300,
}


def make(spec, shape=SHAPE, dtype="float64", seed=0):
    return initializers.get(spec)(shape, dtype, np.random.default_rng(seed))


@pytest.mark.parametrize(("name", "variance"), SCALED.items())
def test_moments_and_range(name, variance):
    w = make(name)
    deviation = np.sqrt(variance)
    assert abs(w.mean()) < 5 * deviation / np.sqrt(w.size)
    assert w.var() == pytest.approx(variance, rel=0.02)
    # A uniform ends at sqrt(3) deviations; a normal is cut at 2 before it is widened by 1 / 0.8796.
    limit = deviation * (np.sqrt(3) if "uniform" in name else 2 / 0.87962566103423978)
    assert 0.99 * limit < np.abs(w).max() <= limit


def test_truncation_correction_is_the_deviation_of_the_cut_normal():
    x = np.linspace(-2, 2, 200_001)
    density = np.exp(-x * x / 2)
    deviation = np.sqrt((x * x * density).sum() / density.sum())
    assert deviation == pytest.approx(initializers.random._TRUNCATED_STDDEV, rel=1e-5)


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 5), (3, 5)), ((2, 4, 3, 5), (24, 40))],
)
def test_fans(shape, fans):
    assert initializers.random._fans(shape) == fans


@pytest.mark.parametrize("shape", [(4, 12), (12, 4), (5, 5), (1, 3), (2, 3, 4)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal(shape, gain):
    w = make(initializers.Orthogonal(gain), shape)
    assert w.shape == shape
    m = w.reshape(-1, shape[-1]) / gain
    gram = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_orthogonal_has_no_preferred_sign():
    # Without the signs of R, QR would return the same sign in the corner every time.
    rng = np.random.default_rng(0)
    init = initializers.Orthogonal()
    corners = [init((3, 3), "float64", rng)[0, 0] > 0 for _ in range(400)]
    assert 150 < sum(corners) < 250


def test_orthogonal_wants_a_matrix():
    with pytest.raises(ValueError, match=r"two axes or more, got \(3,\)"):
        make("orthogonal", (3,))


@pytest.mark.parametrize(
    ("spec", "value"),
    [("zeros", 0.0), ("Ones", 1.0), (initializers.Constant(0.25), 0.25), ("constant", 0.0)],
)
def test_constants(spec, value):
    np.testing.assert_array_equal(make(spec, (2, 3)), np.full((2, 3), value))


def test_random_normal_and_uniform():
    w = make(initializers.RandomNormal(mean=1.0, stddev=0.5))
    assert w.mean() == pytest.approx(1.0, abs=0.01)
    assert w.std() == pytest.approx(0.5, rel=0.02)
    assert np.abs(w - 1).max() > 1.5  # not truncated
    w = make(initializers.RandomUniform(minval=-1.0, maxval=3.0))
    assert w.mean() == pytest.approx(1.0, abs=0.03)
    assert -1 <= w.min() < -0.99
    assert 2.99 < w.max() <= 3


RANDOM = [*SCALED, "orthogonal", "random_normal", "random_uniform"]


@pytest.mark.parametrize("name", RANDOM)
def test_generator_and_seed(name):
    np.testing.assert_array_equal(make(name, seed=1), make(name, seed=1))
    assert not np.array_equal(make(name, seed=1), make(name, seed=2))
    seeded = initializers.get({"class_name": name, "config": {"seed": 5}})
    first = make(seeded, seed=1)
    np.testing.assert_array_equal(first, make(seeded, seed=2))
    np.testing.assert_array_equal(first, make(name, seed=5))


@pytest.mark.parametrize("name", [*RANDOM, "zeros", "ones", "constant"])
@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (1, 1)])
def test_dtype_and_rounding(name, shape):
    w = make(name, shape, "float32")
    assert (w.shape, w.dtype) == (shape, np.float32)
    np.testing.assert_array_equal(w, make(name, shape, "float64").astype("float32"))


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


@pytest.mark.parametrize("name", RANDOM)
def test_it_may_be_called_as_in_keras(name):
    initializer = initializers.get({"class_name": name, "config": {"seed": 3}})
    w = initializer((3, 4), dtype="float64")
    np.testing.assert_array_equal(w, make(initializer, (3, 4), "float64"))
    assert initializer([3, 4]).dtype == np.float32
    unseeded = initializers.get(name)
    assert not np.array_equal(unseeded((3, 4)), unseeded((3, 4)))


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


def test_a_shape_is_a_tuple():
    with pytest.raises(TypeError, match=r"shape must be a tuple such as \(3, 4\), got 3"):
        initializers.Ones()(3)


# ---- arrays from users' initializers ------------------------------------------------------------


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
