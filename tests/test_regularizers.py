"""Regularizers: formulas, their effect on training beside constraints, names and files."""

import copy
import pickle

import numpy as np
import pytest
from tools import finite_difference

import gru_c
from gru_c import GRU, Dense, Embedding, Parameters, Sequential, constraints, optimizers
from gru_c import regularizers as r

RNG = np.random.default_rng(81)
W = RNG.standard_normal((4, 6))
X = RNG.standard_normal((20, 5, 3)).astype(np.float32)
Y = RNG.standard_normal(20)


def regularized_model(optimizer="sgd", dtype=None, **options):
    layers = [
        GRU(
            4,
            kernel_regularizer="l1",
            recurrent_regularizer=r.L2(0.02),
            bias_regularizer="l1_l2",
            bias_initializer="random_normal",
        ),
        Dense(1, kernel_regularizer=r.L1L2(0.03, 0.04), bias_regularizer="l2", **options),
    ]
    model = Sequential(layers, dtype=dtype, seed=5)
    model.compile(optimizer, "mse")
    model.build((None, None, 3))
    return model


def penalty_by_hand(model):
    kernel, recurrent_kernel, bias, dense_kernel, dense_bias = map(np.float64, model.get_weights())
    return (
        0.01 * np.abs(kernel).sum()
        + 0.02 * (recurrent_kernel**2).sum()
        + 0.01 * (np.abs(bias) + bias**2).sum()
        + (0.03 * np.abs(dense_kernel) + 0.04 * dense_kernel**2).sum()
        + 0.01 * (dense_bias**2).sum()
    )


def plain_loss(model):
    return float(((model.predict(X)[:, 0] - Y) ** 2).mean())


def same_weights(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


# ---- penalties ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (r.L1(), 0.01 * np.abs(W).sum()),
        (r.L2(), 0.01 * (W**2).sum()),
        (r.L1(0.3), 0.3 * np.abs(W).sum()),
        (r.L2(0.3), 0.3 * (W**2).sum()),
        (r.L1L2(0.3, 0.2), (0.3 * np.abs(W) + 0.2 * W**2).sum()),
        (r.L1L2(), 0),
        (r.get("l1_l2"), 0.01 * (np.abs(W) + W**2).sum()),
    ],
)
def test_penalties(regularizer, expected):
    assert regularizer(W) == pytest.approx(expected, rel=1e-12)
    weight, gradient = W.copy(), np.ones_like(W)
    regularizer.add_gradient(weight, gradient)
    direction = RNG.standard_normal(W.shape)
    slope = finite_difference(lambda: regularizer(weight), weight, direction)
    assert ((gradient - 1) * direction).sum() == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_an_entry_of_zero_has_no_gradient():
    gradient = np.zeros(3, np.float32)
    r.L1L2(1, 1).add_gradient(np.array([0, -2, 2], np.float32), gradient)
    np.testing.assert_array_equal(gradient, [0, -5, 5])


# ---- training -----------------------------------------------------------------------------------


def test_reported_losses_have_the_penalty():
    model = regularized_model(optimizers.SGD(0.0))
    expected = plain_loss(model) + penalty_by_hand(model)
    assert penalty_by_hand(model) > 0.1
    assert model.evaluate(X, Y, batch_size=7, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(X, Y) == pytest.approx(expected, rel=1e-5)
    history = model.fit(X, Y, batch_size=7, validation_data=(X, Y), verbose=0).history
    assert history["loss"] == pytest.approx([expected], rel=1e-5)
    assert history["val_loss"] == pytest.approx([expected], rel=1e-5)


def test_a_step_goes_down_the_whole_loss():
    rate, x = 1e-3, X.astype(np.float64)
    model = regularized_model(optimizers.SGD(rate), "float64")
    before = model.parameters.values.copy()
    model.train_on_batch(x, Y)
    step = (before - model.parameters.values) / rate
    values = model.parameters.values
    values[:] = before
    direction = RNG.standard_normal(values.shape) * (values != 0)

    def loss():
        return model.evaluate(x, Y, verbose=0)

    slope = finite_difference(loss, values, direction)
    assert (step * direction).sum() == pytest.approx(slope, rel=1e-5)


def test_the_penalty_is_clipped_with_the_rest():
    model = regularized_model(optimizers.SGD(1.0, clipvalue=1e-3))
    before = model.get_weights()
    model.train_on_batch(X, Y)
    largest = max(np.abs(a - b).max() for a, b in zip(before, model.get_weights(), strict=True))
    assert largest == pytest.approx(1e-3, rel=1e-3)


def test_a_penalty_that_is_not_finite_takes_the_epoch_back():
    model = regularized_model(optimizers.SGD(0.1))
    model.layers[1].value("kernel")[0] = np.float32(3e38)
    model.layers[1].parameters[0].regularizer = r.L2(1e300)
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match=r"the loss is inf.*nothing was changed"):
        model.train_on_batch(X * 0, Y)
    with pytest.raises(FloatingPointError, match="as they were at the beginning of this epoch"):
        model.fit(X * 0, Y, verbose=0)
    assert same_weights(model.get_weights(), before)


def test_an_epoch_taken_back_takes_the_constraints_back():
    model = regularized_model(kernel_constraint=constraints.UnitNorm())
    before = model.get_weights()
    x = X.copy()
    x[19, 0, 0] = np.nan  # the last batch
    with pytest.raises(FloatingPointError, match=r"x\[19, 0, 0\]"):
        model.fit(x, Y, batch_size=10, shuffle=False, verbose=0)
    assert same_weights(model.get_weights(), before)


def test_a_model_by_hand():
    layer = Dense(2, kernel_regularizer="l2", bias_constraint="non_neg", bias_initializer="ones")
    layer.build((None, 3), rng=0)
    parameters = Parameters([layer])
    kernel, bias = parameters.items
    assert (parameters.regularized, parameters.constrained) == ([kernel], [bias])
    assert parameters.penalty() == layer.penalty() == r.L2()(kernel.value) > 0
    parameters.add_penalty_gradient()
    np.testing.assert_allclose(kernel.gradient, 0.02 * kernel.value, rtol=1e-6)
    bias.gradient[:] = 1
    optimizers.SGD(3.0).step(parameters)
    np.testing.assert_array_equal(bias.value, 0)


def test_layers_shared_with_a_trained_model_are_evaluated_with_their_penalty():
    model = regularized_model()
    _ = model.parameters
    features = Sequential(model.layers[:1])
    features.compile("sgd", "mse")
    loss = features.evaluate(X, np.zeros((20, 4)), verbose=0)
    expected = (features.predict(X) ** 2).mean() + features.layers[0].penalty()
    assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_trains_as_the_original(duplicate):
    model = regularized_model("adam", kernel_constraint="unit_norm")
    other = duplicate(model)
    expected = model.fit(X, Y, epochs=2, verbose=0).history
    assert other.fit(X, Y, epochs=2, verbose=0).history == expected
    assert len(other.parameters.regularized) == 5
    assert same_weights(model.get_weights(), other.get_weights())


def test_without_any_nothing_is_listed():
    layer = GRU(3)
    layer.build((None, 5, 3))
    parameters = Parameters([layer])
    assert parameters.regularized == parameters.constrained == []
    assert parameters.penalty() == 0


# ---- names, files, bad input --------------------------------------------------------------------


@pytest.mark.parametrize("get", [r.get, constraints.get])
def test_none_stays_none(get):
    assert get(None) is None


@pytest.mark.parametrize(
    ("get", "made"),
    [
        (r.get, r.L1(0.2)),
        (r.get, r.L2(0.2)),
        (r.get, r.L1L2(0.2, 0.1)),
        (constraints.get, constraints.MaxNorm(3, (0, 1))),
        (constraints.get, constraints.NonNeg()),
        (constraints.get, constraints.UnitNorm(1)),
    ],
)
def test_configurations_come_back(get, made):
    assert get(made) is made
    assert repr(get(r.serialize(made))) == repr(made)
    assert repr(get({"module": "keras", **r.serialize(made)})) == repr(made)


def test_files_keep_them(tmp_path):
    model = regularized_model(kernel_constraint=constraints.MaxNorm(0.1))
    model.save(tmp_path / "model.safetensors", include_optimizer=True)
    again = gru_c.load_model(tmp_path / "model.safetensors")
    for layer, loaded in zip(model.layers, again.layers, strict=True):
        assert loaded.get_config() == layer.get_config()
    for each in (model, again):
        each.fit(X, Y, epochs=2, verbose=0, seed=1)
    assert same_weights(model.get_weights(), again.get_weights())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Dense(2, kernel_regularizer="l3"),
            "unknown regularizer 'l3'. Known: l1, l1_l2, l1l2, l2",
        ),
        (lambda: Dense(2, bias_constraint="maxnorm"), "did you mean 'max_norm'"),
        (lambda: GRU(2, recurrent_regularizer=0.01), "regularizer must be a name, an instance or"),
        (lambda: GRU(2, kernel_constraint=r.L1()), "constraint must be a name, an instance or"),
        (lambda: Embedding(2, 2, embeddings_regularizer=r.L2), r"got the class L2, wanted an inst"),
        (lambda: r.L1(-1), "L1: l1 must be a finite number >= 0, got -1"),
        (lambda: r.L2("much"), "L2: l2 must be a finite number >= 0, got 'much'"),
        (lambda: r.L1L2(0, np.inf), "L1L2: l2 must be a finite number >= 0, got inf"),
        (lambda: constraints.MaxNorm(-2), "MaxNorm: max_value must be a finite number >= 0, got"),
        (lambda: constraints.MaxNorm(axis=0.5), "axis must be an integer or several, got 0.5"),
        (lambda: constraints.UnitNorm(axis=()), r"axis must be an integer or several, got \(\)"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_both_spellings_of_l1_and_l2_together_are_known():
    assert r.get("l1l2").get_config() == r.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}


def test_functions_are_refused_and_what_to_write_is_said():
    with pytest.raises(TypeError, match=r"does not differentiate: derive from .*Regularizer"):
        Dense(2, kernel_regularizer=lambda w: 0.1)
    with pytest.raises(TypeError, match=r"is a function: derive from .*Constraint"):
        Dense(2, kernel_constraint=lambda w: w)
