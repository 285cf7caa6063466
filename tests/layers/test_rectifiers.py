"""ReLU, LeakyReLU, ELU and PReLU as layers: formulas, gradients, arguments, models."""

import numpy as np
import pytest
from tools import assert_gradients, assert_same_bits

import gru_c
from gru_c import ELU, GRU, Dense, Input, LeakyReLU, PReLU, ReLU, Sequential, Softmax

RNG = np.random.default_rng(107)
X = RNG.standard_normal((3, 5, 4)) * 3
FORMULAS = [
    (ReLU(), lambda x: np.maximum(x, 0)),
    (ReLU(2), lambda x: np.clip(x, 0, 2)),
    (ReLU(threshold=1.5), lambda x: np.where(x > 1.5, x, 0)),
    (ReLU(2, 0.25, 1), lambda x: np.where(x > 1, np.minimum(x, 2), 0.25 * (x - 1))),
    (LeakyReLU(), lambda x: np.where(x > 0, x, 0.3 * x)),
    (LeakyReLU(2.0), lambda x: np.where(x > 0, x, 2 * x)),
    (ELU(), lambda x: np.where(x > 0, x, np.expm1(x))),
    (ELU(-0.5), lambda x: np.where(x > 0, x, -0.5 * np.expm1(x))),
]


@pytest.mark.parametrize(
    ("layer", "formula"), FORMULAS, ids=[repr(layer)[:40] for layer, _ in FORMULAS]
)
def test_a_rectifier_is_its_formula(layer, formula):
    layer = type(layer)(**{**layer.get_config(), "dtype": "float64"})
    np.testing.assert_allclose(layer(X), formula(X), rtol=1e-12)
    assert_gradients(layer, X.copy())
    assert layer(X[0, 0]).shape == (4,)
    assert layer.stepwise
    single = type(layer)(**{**layer.get_config(), "dtype": "float32"})
    assert single(X).dtype == single(X, training=True).dtype == np.float32
    assert single.backward(X).dtype == np.float32


def test_what_is_not_finite_stays_so():
    x = np.array([[-np.inf, np.inf, np.nan]])
    for layer, _ in FORMULAS:
        y = type(layer)(**{**layer.get_config(), "dtype": "float64"})(x)
        assert np.isnan(y[0, 2])
        assert not np.isnan(y[0, :2]).any()
    assert ReLU()(x)[0, 0] == 0


def prelu(shape, **options):
    layer = PReLU(**{"dtype": "float64", "alpha_initializer": "random_normal", **options})
    layer.build(shape, rng=1)
    return layer


@pytest.mark.parametrize("shared_axes", [None, 1, [1], [2], [1, 2]])
def test_prelu_trains_its_slopes(shared_axes):
    layer = prelu(X.shape, shared_axes=shared_axes)
    alpha = layer.value("alpha")
    expected = {None: (5, 4), 1: (1, 4), "[1]": (1, 4), "[2]": (5, 1), "[1, 2]": (1, 1)}
    key = shared_axes if isinstance(shared_axes, int | None) else str(shared_axes)
    assert alpha.shape == expected[key]
    np.testing.assert_allclose(layer(X), np.where(X > 0, X, alpha * X), rtol=1e-12)
    assert_gradients(layer, X.copy())
    layer.forward(X, training=True)
    layer.backward(X)
    once = layer.gradient("alpha").copy()
    assert layer.backward(X, accumulate=True, input_gradient=False) is None
    np.testing.assert_allclose(layer.gradient("alpha"), 2 * once, rtol=1e-12)


def test_prelu_of_any_number_of_steps():
    layer = PReLU(shared_axes=[1])
    assert layer(X).shape == layer(X[:, :2])[:, [0, 1, 0, 1, 0]].shape
    assert layer.built_shape == (None, None, 4)
    assert layer.stepwise
    assert not prelu(X.shape).stepwise
    model = Sequential([GRU(3, return_sequences=True), PReLU(), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :, :1], verbose=0)
    assert model.layers[1].value("alpha").shape == (5, 3)
    with pytest.raises(ValueError, match="known sizes on all axes that are not shared"):
        PReLU().build((None, None, 4))
    with pytest.raises(ValueError, match=r"wants input of shape \(None, 5, 4\)"):
        prelu(X.shape)(X[:, :3])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ReLU(-1), ValueError, "max_value must be a finite number >= 0 or None"),
        (lambda: ReLU(negative_slope=None), TypeError, "negative_slope must be"),
        (lambda: ReLU(threshold=-1), ValueError, "threshold must be a finite number >= 0"),
        (lambda: LeakyReLU(-0.1), ValueError, "negative_slope must be a finite number >= 0"),
        (lambda: ELU("1"), TypeError, "alpha must be a finite number"),
        (lambda: PReLU(shared_axes=0), ValueError, "shared_axes must be an integer of at least 1"),
        (lambda: PReLU(shared_axes=[3])(X), ValueError, r"shared_axes=\[3\] are not axes"),
        (lambda: Softmax("last"), TypeError, "axis must be an integer"),
        (lambda: Softmax(3)(X), ValueError, "axis=3 is not one axis"),
        (lambda: Softmax((1, -2))(X), ValueError, "several different"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_the_old_name_of_a_slope_is_warned_of():
    with pytest.warns(FutureWarning, match="alpha is the old name of negative_slope"):
        assert LeakyReLU(alpha=0.2).negative_slope == 0.2


def test_a_model_of_all_trains_and_is_saved(tmp_path):
    chain = [PReLU(shared_axes=1), GRU(4, return_sequences=True), LeakyReLU(), ELU(), ReLU(6)]
    chain += [GRU(3), Dense(2), Softmax()]
    model = Sequential([Input((None, 4)), *chain], seed=9)
    model.compile(gru_c.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    y = (X[:, 0, 0] > 0).astype(int)
    losses = model.fit(X, y, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert_same_bits(again.predict(X, verbose=0), model.predict(X, verbose=0))
    names = ["p_re_lu", "gru", "leaky_re_lu", "elu", "re_lu", "gru_1", "dense", "softmax"]
    assert [layer.name for layer in model.layers] == names  # Keras's
    stream = model.stream()
    for step in range(5):
        y = stream.step(X[:1, step])
    np.testing.assert_allclose(y, model.predict(X[:1], verbose=0), rtol=1e-4, atol=1e-6)
