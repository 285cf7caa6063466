"""compile, fit, evaluate, train_on_batch: their results, their history, repeated runs."""

import numpy as np
import pytest
from fit_models import RNG, X, Y, assert_same_weights, compiled

import gru_c
from gru_c import GRU, Dense, Sequential, losses, optimizers

# ---- results -------------------------------------------------------------------------------------


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


# ---- the history ---------------------------------------------------------------------------------


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


def test_validation_split_takes_the_last_samples_and_does_not_train_on_them():
    poisoned = Y.copy()
    poisoned[30:] = 1e6
    split, short = compiled(), compiled()
    split.fit(X, poisoned, epochs=2, validation_split=0.25, verbose=0)
    short.fit(X[:30], Y[:30], epochs=2, verbose=0)
    assert_same_weights(split.get_weights(), short.get_weights())


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


# ---- repeated runs -------------------------------------------------------------------------------


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


def test_initial_epoch_continues_the_count():
    assert compiled().fit(X, Y, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]
