"""compile, fit, evaluate, train_on_batch: bad input, and values that are not finite."""

import numpy as np
import pytest
from fit_models import X, Y, assert_same_weights, compiled

from gru_c import GRU, Dense, Sequential, optimizers


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


def test_no_epsilon():
    losses = compiled(optimizers.Adam(epsilon=0.0)).fit(X, Y, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]


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
