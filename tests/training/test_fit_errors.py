"""compile, fit, evaluate, train_on_batch: bad input, and values that are not finite."""

import numpy as np
import pytest
from fit_models import X, Y, assert_same_weights, compiled

from gru_c import GRU, Dense, Dropout, Sequential, constraints, optimizers

# ---- bad input -----------------------------------------------------------------------------------


def test_nan_in_x_is_named_and_the_epoch_undone():
    model = compiled()
    model.fit(X, Y, verbose=0)
    before, steps = model.get_weights(), model.optimizer.iterations
    bad = X.copy()
    bad[25, 3, 2] = np.nan
    message = (
        r"the loss became nan at batch 3 of epoch 1: 1 values of x in this batch are not finite, "
        r"the first is x\[25, 3, 2\]"
    )
    with pytest.raises(FloatingPointError, match=message):
        model.fit(bad, Y, batch_size=10, shuffle=False, verbose=0)
    assert_same_weights(model.get_weights(), before)
    assert model.optimizer.iterations == steps


@pytest.mark.parametrize(("batch_size", "when"), [(10, r"at batch \d"), (40, "at the end")])
def test_divergence_is_reported_with_the_history_so_far(batch_size, when):
    model = compiled(exploding(31), head=Dense(1))
    message = rf"{when} of epoch \d+, while all .* finite.* as they were at the beginning"
    with pytest.raises(FloatingPointError, match=message):
        model.fit(X, Y, epochs=50, batch_size=batch_size, verbose=0)
    assert np.isfinite(np.concatenate([w.ravel() for w in model.get_weights()])).all()
    assert len(model.history.epoch) >= 1


def exploding(steps):
    """Return gradient descent that is stable for some steps and then explodes."""
    return optimizers.SGD(lambda step: 0.01 if step < steps else 1e20)


def test_train_on_batch_changes_nothing_when_the_loss_is_not_finite():
    model = compiled()
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match="the loss is nan: 1 values of y in this batch"):
        model.train_on_batch(X, np.r_[np.nan, Y[1:]])
    assert_same_weights(model.get_weights(), before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": Y[:39]}, r"x has 40 samples, y has shape \(39,\)"),
        ({"y": np.zeros((40, 2))}, r"loss 'mse' expects y of shape \(40, 1\) or \(40,\)"),
        ({"y": Y.astype(complex)}, "y must hold real numbers .* complex128"),
        ({"y": ["a"] * 40}, "y must hold real numbers .* got dtype <U1"),
        ({"y": 3.0}, r"x has 40 samples, y has shape \(\)"),
        ({"x": X[:0], "y": Y[:0]}, "x has no samples"),
        ({"x": X[:, :5]}, r"x must have shape \(samples, 6, 4\), got \(40, 5, 4\)"),
        ({"x": X.astype(object)}, "x must hold real numbers"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"epochs": -1}, "epochs must be an integer of at least 0, got -1"),
        ({"epochs": 1.5}, "epochs must be an integer of at least 0, got 1.5"),
        ({"verbose": 3}, "verbose must be 'auto', 0, 1 or 2, got 3"),
        ({"validation_split": 1.0}, r"validation_split must be a number in \[0, 1\), got 1.0"),
        (
            {"validation_split": "half"},
            r"validation_split must be a number in \[0, 1\), got 'half'",
        ),
        ({"seed": 1.5}, "seed must be a non-negative integer or None, got 1.5"),
        ({"validation_split": 0.99}, "of 40 samples leaves 0 to train on and 40 to validate on"),
        ({"validation_data": X}, "validation_data must be"),
        ({"validation_data": (X, Y[:3])}, r"x has 40 samples, y has shape \(3,\)"),
        ({"sample_weight": np.ones(39)}, "sample_weight"),
        ({"sample_weight": np.full(40, np.nan)}, "sample_weight"),
    ],
)
def test_fit_checks_before_it_changes_anything(arguments, message):
    model = compiled()
    before = model.get_weights()
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(**{"x": X, "y": Y, "epochs": 1, "verbose": 0, **arguments})
    assert_same_weights(model.get_weights(), before)
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("adm", "mse"), "unknown optimizer 'adm'; did you mean 'adam'"),
        (("adam", "mes"), "unknown loss 'mes'; did you mean 'mse'"),
        (("adam", "mse", ["mea"]), "unknown metric 'mea'; did you mean"),
        (("adam", "mse", "mae"), r"metrics must be a list such as \['mae'\]"),
        (("adam", "mse", ["mae", "mae"]), "different names"),
        ((optimizers.Adam, "mse"), r"got the class Adam, wanted an instance: Adam\(\.\.\.\)"),
        ((3, "mse"), "optimizer must be a name"),
    ],
)
def test_compile_checks_before_it_changes_anything(arguments, message):
    model = compiled()
    before = model.optimizer
    with pytest.raises((ValueError, TypeError), match=message):
        model.compile(*arguments)
    assert model.optimizer is before
    model.fit(X, Y, verbose=0)


def test_labels_are_checked_by_the_loss():
    head = Dense(3, activation="softmax")
    model = compiled("adam", "sparse_categorical_crossentropy", head=head)
    labels = np.arange(40) % 3
    labels[17] = 3
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"label 3 .*17"):
        model.fit(X, labels, verbose=0)
    assert_same_weights(model.get_weights(), before)


def test_training_needs_compile():
    model = Sequential([GRU(5, input_shape=(6, 4)), Dense(1)])
    for call in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(ValueError, match=r"call compile\(optimizer='adam', loss='mse'\) first"):
            call(X, Y)


@pytest.mark.parametrize("call", ["evaluate", "test_on_batch"])
def test_evaluate_builds_the_model(call):
    model, built = (Sequential([GRU(5), Dense(1)], seed=3) for _ in range(2))
    for each in (model, built):
        each.compile("adam", "mse")
    built.build(X.shape)
    assert getattr(model, call)(X, Y) == getattr(built, call)(X, Y)
    assert model.built


def test_fit_that_is_refused_does_not_build():
    model = Sequential([GRU(5), Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="expects y of shape"):
        model.fit(X, np.zeros((40, 2)), verbose=0)
    assert not model.built


def test_no_epsilon():
    losses = compiled(optimizers.Adam(epsilon=0.0)).fit(X, Y, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]


def test_validation_split_of_a_numpy_number():
    history = compiled().fit(X, Y, validation_split=np.float32(0.5), verbose=0).history
    assert len(history["val_loss"]) == 1


def test_arguments_that_keras_has_in_another_place_go_by_name():
    with pytest.raises(TypeError, match="positional"):
        Dropout(0.5, (40, 1, 4))  # noise_shape


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_loss_that_is_not_finite_names_the_sample_in_the_users_data(shuffle):
    x = X.copy()
    x[29, 3, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"1 values of x .* the first is x\[29, 3, 1\]"):
        compiled().fit(x, Y, batch_size=8, shuffle=shuffle, verbose=0)


def test_an_infinite_value_that_saturates_in_its_own_batch_is_a_suspect_in_the_next():
    x = X.copy()
    x[1, 3, 1] = np.inf  # the loss stays finite, the gradient does not
    with pytest.raises(
        FloatingPointError, match=r"batch 2 .* an earlier batch held .*, x\[1, 3, 1\] is inf"
    ):
        compiled().fit(x, Y, batch_size=8, shuffle=False, verbose=0)


# ---- one batch that makes a weight infinite ------------------------------------------------------


def state_of(model):
    optimizer = model.optimizer
    slots = {name: slot.copy() for name, slot in optimizer.slots.items()}
    states = [layer.state for layer in model.stateful_layers]
    return model.get_weights(), slots, optimizer.iterations, states


class Blown(constraints.Constraint):
    """A constraint that makes a weight infinite."""

    def __call__(self, weight):
        return weight * np.inf


@pytest.mark.parametrize(
    ("optimizer", "value"),
    [
        ("adam", np.inf),
        (optimizers.SGD(0.1, 0.9), -np.inf),
        (optimizers.Adam(clipvalue=1.0), np.inf),
        (optimizers.RMSprop(centered=True, global_clipnorm=1.0), np.inf),
        ("adamw", 1e300),  # infinite in float32
        (optimizers.SGD(1e39), 1.0),
        (optimizers.SGD(lambda step: 1e39), 1.0),
        (optimizers.Adam(epsilon=0.0), 0.0),  # 0 / 0, where a gradient is 0
    ],
)
def test_a_batch_that_makes_a_weight_infinite_changes_nothing(optimizer, value):
    model = Sequential([GRU(5, input_shape=(6, 4), stateful=True), Dense(1)], seed=0)
    model.compile(optimizer, "mse")
    model.forward(X)  # states
    x = X.astype(np.float64)
    x[9, 5, 0] = value
    if value == 0:
        x[:, :, 0] = 0
    model.optimizer.build(model.parameters)
    before = state_of(model)
    with pytest.raises(FloatingPointError, match=r"a weight became infinite.*nothing was changed"):
        model.train_on_batch(x, Y)
    after = state_of(model)
    assert after[2] == before[2]
    assert_same_weights(after[0], before[0])
    assert_same_weights(after[1].values(), before[1].values())
    assert_same_weights(after[3], before[3])


def test_a_constraint_that_makes_a_weight_infinite_changes_nothing():
    model = Sequential([GRU(5, input_shape=(6, 4)), Dense(1, kernel_constraint=Blown())])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match="a weight became infinite"):
        model.train_on_batch(X, Y)
    assert_same_weights(model.get_weights(), before)


def test_infinite_gradients_that_are_clipped_are_taken():
    model = compiled(optimizers.SGD(1e-3, clipvalue=1.0), lambda y, p: (1.0, np.full_like(p, 1e38)))
    model.train_on_batch(X, Y)
    assert np.isfinite(model.get_weights()[-1]).all()


def test_an_infinite_value_is_named_with_its_batch():
    x = X.astype(np.float64)
    x[9, 5, 0] = 1e300
    with pytest.raises(FloatingPointError, match=r"x in .* not finite in float32.*x\[9, 5, 0\]"):
        compiled().train_on_batch(x, Y)
    y = Y.copy()
    y[3] = 1e300
    with pytest.raises(FloatingPointError, match=r"y in .* not finite in float32.*y\[3, 0\]"):
        compiled().fit(X, y, verbose=0)


def test_a_warning_of_nothing_trained_is_at_the_users_line():
    model = compiled()
    model.trainable = False
    for train in (lambda: model.fit(X, Y, verbose=0), lambda: model.train_on_batch(X, Y)):
        with pytest.warns(UserWarning, match="training will change nothing") as caught:
            train()
        assert caught[0].filename == __file__
