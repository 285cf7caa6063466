"""compile, fit, evaluate, train_on_batch: what they compute, record, repeat and refuse."""

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Dense, Dropout, Sequential, constraints, losses, optimizers

RNG = np.random.default_rng(31)
X, Y = RNG.standard_normal((40, 6, 4)).astype(np.float32), RNG.standard_normal(40)


def compiled(optimizer="adam", loss="mse", metrics=None, head=None, seed=0, dropout=0.0):
    layers = [GRU(5, input_shape=(6, 4)), *([Dropout(dropout)] if dropout else [])]
    model = Sequential([*layers, head or Dense(1)], seed=seed)
    model.compile(optimizer, loss, metrics)
    return model


def assert_same_weights(one, two):
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- what is computed ---------------------------------------------------------------------------


def test_gradients_of_the_whole_model():
    layers = [GRU(5, return_sequences=True, input_shape=(6, 4)), GRU(3), Dense(2)]
    model = Sequential(layers, dtype="float64", seed=1)
    model.compile("sgd", "mse")
    x, y = X.astype(np.float64), RNG.standard_normal((40, 2))
    outputs = model.forward(x, training=True)
    _, d_outputs = model.loss.value_and_gradient(y, outputs)
    model.backward(d_outputs)
    values, gradients = model.parameters.values, model.parameters.gradients.copy()
    direction = RNG.standard_normal(values.shape) * (values != 0)
    step = 1e-6
    losses_at = []
    for sign in (1, -1):
        values += sign * step * direction
        losses_at.append(model.loss(y, model.forward(x)))
        values -= sign * step * direction
    slope = (losses_at[0] - losses_at[1]) / (2 * step)
    assert (gradients * direction).sum() == pytest.approx(slope, rel=1e-6)


def test_one_step_of_gradient_descent_is_the_formula():
    model = compiled(optimizers.SGD(0.1))
    before = model.get_weights()
    outputs = model.forward(X, training=True)
    _, d = model.loss.value_and_gradient(Y, outputs)
    model.backward(d)
    gradients = [item.gradient.copy() for item in model.parameters.items]
    loss = model.train_on_batch(X, Y)
    assert loss == pytest.approx(float(((outputs[:, 0] - Y) ** 2).mean()), rel=1e-5)
    for after, old, gradient in zip(model.get_weights(), before, gradients, strict=True):
        np.testing.assert_allclose(after, old - 0.1 * gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("loss", "head", "y"),
    [
        ("binary_crossentropy", Dense(1, activation="sigmoid"), (Y > 0).astype(float)),
        ("sparse_categorical_crossentropy", Dense(3, activation="softmax"), np.arange(40) % 3),
        ("categorical_crossentropy", Dense(3, activation="softmax"), np.eye(3)[np.arange(40) % 3]),
    ],
)
def test_the_paired_gradient_is_the_plain_one(loss, head, y):
    model = compiled("sgd", loss, head=head)
    assert model.head_is_paired
    outputs = model.forward(X, training=True)
    _, short = model.loss.value_and_gradient(y, outputs, logits=True)
    model.backward(short, through_activation=False)
    paired = model.parameters.gradients.copy()
    _, long = model.loss.value_and_gradient(y, outputs)
    model.backward(long)
    np.testing.assert_allclose(paired, model.parameters.gradients, rtol=2e-4, atol=1e-6)


def test_a_saturated_wrong_prediction_still_learns():
    model = compiled("sgd", "binary_crossentropy", head=Dense(1, activation="sigmoid"))
    weights = model.get_weights()
    weights[-1][:] = 40  # sigmoid(40) is 1 in float32
    model.set_weights(weights)
    before = model.get_weights()[-1]
    model.train_on_batch(X, np.zeros(40))
    assert (model.get_weights()[-1] < before).all()


@pytest.mark.parametrize(
    ("loss", "head", "y"),
    [
        ("mse", Dense(1), Y),
        ("mae", Dense(1), Y[:, None]),
        ("huber", Dense(1), Y),
        ("binary_crossentropy", Dense(1, activation="sigmoid"), Y > 0),
        (losses.BinaryCrossentropy(from_logits=True), Dense(1), Y > 0),
        ("sparse_categorical_crossentropy", Dense(3, activation="softmax"), (Y > 0) + (Y > 1)),
        (losses.SparseCategoricalCrossentropy(from_logits=True), Dense(3), (Y > 0) * 2),
        ("categorical_crossentropy", Dense(2, activation="softmax"), np.eye(2)[(Y > 0) * 1]),
    ],
)
@pytest.mark.parametrize("optimizer", [optimizers.SGD(0.3, 0.9), "rmsprop", "adam", "adamw"])
def test_every_loss_falls_with_every_optimizer(loss, head, y, optimizer):
    optimizer = optimizers.get(optimizer)
    config = optimizer.get_config()
    if not isinstance(optimizer, optimizers.SGD):
        config["learning_rate"] = 0.02
    model = compiled(type(optimizer)(**config), loss, head=type(head)(**head.get_config()))
    history = model.fit(X, y, epochs=30, batch_size=20, verbose=0).history["loss"]
    assert np.mean(history[-3:]) < 0.8 * history[0]


def test_sequences_are_targets_too():
    model = Sequential([GRU(5, return_sequences=True, input_shape=(6, 4)), Dense(1)], seed=0)
    model.compile("adam", "mse", metrics=["mae"])
    history = model.fit(X, X.sum(axis=2), epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    weighted = model.evaluate(X, X.sum(axis=2), sample_weight=np.ones((40, 6)), verbose=0)
    assert weighted == pytest.approx(model.evaluate(X, X.sum(axis=2), verbose=0))


def test_sample_weights_of_zero_leave_samples_out():
    weight = np.r_[np.ones(20), np.zeros(20)]
    model, half = compiled(optimizers.SGD(0.1)), compiled(optimizers.SGD(0.2))
    model.train_on_batch(X, Y, sample_weight=weight)
    # the weighted sum is divided by the number of samples, 40, not 20: half the gradient
    half.set_weights(compiled().get_weights())
    half.optimizer.learning_rate = 0.05
    half.train_on_batch(X[:20], Y[:20])
    for a, b in zip(model.get_weights(), half.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


# ---- what is recorded ---------------------------------------------------------------------------


def test_history_and_return_values():
    model = compiled(metrics=["mae", "rmse"])
    history = model.fit(X, Y, epochs=3, validation_split=0.25, verbose=0)
    assert history is model.history
    assert history.epoch == [0, 1, 2]
    names = ["loss", "mae", "rmse"]
    assert list(history.history) == [*names, *(f"val_{name}" for name in names)]
    values = model.evaluate(X[30:], Y[30:], verbose=0)
    for name, value in zip(names, values, strict=True):
        assert history.history[f"val_{name}"][-1] == pytest.approx(value)
    assert list(model.evaluate(X, Y, return_dict=True, verbose=0)) == names
    assert len(model.train_on_batch(X, Y)) == 3
    assert list(model.train_on_batch(X, Y, return_dict=True)) == names
    assert isinstance(compiled().evaluate(X, Y, verbose=0), float)


def test_evaluate_is_the_loss_of_the_predictions():
    model = compiled(metrics=["mae"])
    predicted = model.predict(X, verbose=0)[:, 0]
    for batch_size in (7, 32, 64):
        loss, mae = model.evaluate(X, Y, batch_size=batch_size, verbose=0)
        assert loss == pytest.approx(((predicted - Y) ** 2).mean(), rel=1e-5)
        assert mae == pytest.approx(np.abs(predicted - Y).mean(), rel=1e-5)


def test_validation_split_takes_the_last_samples_and_does_not_train_on_them():
    poisoned = Y.copy()
    poisoned[30:] = 1e6
    one, two = compiled(), compiled()
    one.fit(X, poisoned, epochs=2, validation_split=0.25, verbose=0)
    two.fit(X[:30], Y[:30], epochs=2, verbose=0)
    assert_same_weights(one.get_weights(), two.get_weights())


@pytest.mark.parametrize("length", [2, 3])
def test_validation_data(length):
    model = compiled()
    data = (X[:10], Y[:10], np.ones(10))[:length]
    history = model.fit(X, Y, epochs=1, validation_data=data, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(*data[:2], verbose=0))


def test_accuracy_follows_the_loss():
    y = np.arange(40) % 3
    model = compiled(
        "adam", "sparse_categorical_crossentropy", ["accuracy"], Dense(3, activation="softmax")
    )
    history = model.fit(X, y, epochs=1, verbose=0).history
    predicted = model.predict(X, verbose=0).argmax(axis=1)
    assert model.evaluate(X, y, verbose=0)[1] == pytest.approx((predicted == y).mean())
    assert 0 <= history["accuracy"][0] <= 1


def test_initial_epoch_goes_on_counting():
    assert compiled().fit(X, Y, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
def test_progress(verbose, capsys):
    compiled(metrics=["mae"]).fit(X, Y, epochs=2, verbose=verbose)
    printed = capsys.readouterr()
    # There is no terminal here: "auto" writes lines to stdout, 1 writes them to stderr.
    shown = {0: "", 1: printed.err}.get(verbose, printed.out)
    assert len(printed.out + printed.err) == len(shown)
    if verbose != 0:
        lines = shown.splitlines()
        assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
        assert "mae: " in lines[0]


# ---- what is repeated ---------------------------------------------------------------------------


def test_a_seed_repeats_a_run_to_the_bit():
    runs = []
    for seed in (7, 7, 8):
        model = compiled(dropout=0.3, seed=seed)
        model.fit(X, Y, epochs=3, verbose=0)
        runs.append(model.get_weights())
    assert_same_weights(runs[0], runs[1])
    assert not np.array_equal(runs[0][0], runs[2][0])


def test_the_number_of_threads_does_not_change_a_bit():
    x, y = RNG.standard_normal((96, 20, 16)), RNG.standard_normal(96)
    before, runs = gru_c.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            gru_c.set_num_threads(threads)
            layers = [GRU(40, return_sequences=True, input_shape=(20, 16)), GRU(40), Dense(1)]
            model = Sequential(layers, seed=1)
            model.compile("adam", "mse")
            model.fit(x, y, epochs=2, batch_size=96, verbose=0)
            runs.append(model.get_weights())
    finally:
        gru_c.set_num_threads(before)
    assert_same_weights(runs[0], runs[1])
    assert_same_weights(runs[0], runs[2])


def test_fit_with_a_seed_repeats_shuffling_and_dropout_alone():
    start = compiled(dropout=0.3).get_weights()
    runs = []
    for _ in range(2):
        model = compiled(dropout=0.3, seed=None)
        model.set_weights(start)
        model.fit(X, Y, epochs=2, verbose=0, seed=5)
        runs.append(model.get_weights())
    assert_same_weights(*runs)


def test_shuffle_draws_a_new_order():
    seen = []

    class Spy(losses.MeanSquaredError):
        def value_and_gradient(self, y_true, y_pred, sample_weight=None, *, logits=False):
            seen.append(np.array(y_true).ravel().tolist())
            return super().value_and_gradient(y_true, y_pred, sample_weight, logits=logits)

    for shuffle in (True, False):
        seen.clear()
        compiled(loss=Spy()).fit(X, Y, epochs=2, batch_size=40, shuffle=shuffle, verbose=0)
        assert sorted(seen[0]) == sorted(seen[1]) == sorted(Y.tolist())
        assert (seen[0] == Y.tolist()) == (seen[0] == seen[1]) == (not shuffle)


# ---- bad input ----------------------------------------------------------------------------------


def test_nan_in_x_is_found_and_the_epoch_set_back():
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
    """Gradient descent that is sensible for some steps and then explodes."""
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
def test_compile_checks_and_keeps_what_was(arguments, message):
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


def test_evaluate_before_build():
    model = Sequential([GRU(5), Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="no weights yet, so evaluate is not possible"):
        model.evaluate(X, Y)


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
    model = compiled()
    with pytest.raises(TypeError, match="positional"):
        model.train_on_batch(X, Y, None, {0: 1.0})  # class_weight
    with pytest.raises(TypeError, match="positional"):
        model.evaluate(X, Y, 32, 0, None, 10)  # steps
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
    """A constraint that breaks a weight."""

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
