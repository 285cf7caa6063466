"""`SwapEMAWeights`: evaluations with the averages of the weights."""

import numpy as np
import pytest
from checkpoint_runs import at, crash

from gru_c import GRU, Dense, Sequential, callbacks, load_model, optimizers

RNG = np.random.default_rng(3)
X, Y = RNG.standard_normal((12, 4, 2)), RNG.standard_normal(12)


def compiled(use_ema=True):
    model = Sequential([GRU(3, input_shape=(4, 2)), Dense(1)], seed=0, dtype="float64")
    model.compile(optimizers.SGD(0.1, use_ema=use_ema, ema_momentum=0.8), "mse")
    return model


def fit(model, *more, epochs=3, **options):
    options = {"batch_size": 4, "shuffle": False, "verbose": 0, **options}
    return model.fit(X, Y, epochs=epochs, callbacks=list(more), **options).history


def averages(steps):
    """Return a model with the averages after so many steps, from the weights of each step."""
    model, total = compiled(use_ema=False), None
    for step in range(steps):
        rows = slice(4 * (step % 3), 4 * (step % 3) + 4)
        model.train_on_batch(X[rows], Y[rows])
        weights = model.get_weights()
        pairs = zip(total or weights, weights, strict=True)
        total = [0.8 * old + 0.2 * new for old, new in pairs]
    model.set_weights(total)
    return model


def test_validations_use_the_averages_and_training_does_not():
    plain = fit(compiled(), validation_data=(X, Y))
    swapped = fit(compiled(), callbacks.SwapEMAWeights(), validation_data=(X, Y))
    assert swapped["loss"] == plain["loss"]
    assert swapped["val_loss"] != plain["val_loss"]
    expected = [averages(steps).evaluate(X, Y, verbose=0) for steps in (3, 6, 9)]
    np.testing.assert_allclose(swapped["val_loss"], expected, rtol=1e-12)


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_the_averages_are_in_the_model_at_the_end_of_a_run(swap_on_epoch):
    model = compiled()
    fit(model, callbacks.SwapEMAWeights(swap_on_epoch))
    for weight, wanted in zip(model.get_weights(), averages(9).get_weights(), strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=1e-12)


def test_files_hold_the_averages_on_request(tmp_path):
    save = callbacks.ModelCheckpoint(tmp_path / "{epoch}.safetensors")
    plain = fit(compiled(), save)
    expected = load_model(tmp_path / "2.safetensors").get_weights()
    history = fit(compiled(), callbacks.SwapEMAWeights(swap_on_epoch=True), save)
    assert history == plain
    wanted = averages(6).get_weights()
    for weight, average, other in zip(
        load_model(tmp_path / "2.safetensors").get_weights(), wanted, expected, strict=True
    ):
        np.testing.assert_allclose(weight, average, rtol=1e-12)
        assert not np.array_equal(weight, other)


def test_a_run_that_is_ended_early_has_the_averages():
    model = compiled()
    stop = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 1)
    )
    fit(model, callbacks.SwapEMAWeights(swap_on_epoch=True), stop, epochs=9)
    np.testing.assert_allclose(model.get_weights()[0], averages(6).get_weights()[0], rtol=1e-12)


@pytest.mark.parametrize("batch", [4, 5, 7])
def test_a_run_is_resumed_with_its_weights(tmp_path, batch):
    def run(*more):
        model = compiled()
        backup = callbacks.BackupAndRestore(tmp_path / "backup")
        swap = callbacks.SwapEMAWeights(swap_on_epoch=True)
        return fit(model, swap, *more, backup, validation_data=(X, Y)), model.get_weights()

    expected, weights = run()
    with pytest.raises(Exception, match=r"^$"):
        run(at(batch, crash))
    history, resumed = run()
    assert history == expected
    for first, second in zip(weights, resumed, strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_weights_are_put_back_after_evaluate_and_predict():
    model = compiled()
    rows = slice(0, 4)
    for _ in range(2):
        model.train_on_batch(X[rows], Y[rows])
    before = model.get_weights()
    swap = callbacks.SwapEMAWeights()
    outputs = model.predict(X, verbose=0, callbacks=[swap])
    loss = model.evaluate(X, Y, verbose=0, callbacks=[swap])
    for weight, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, now)
    assert not np.array_equal(outputs, model.predict(X, verbose=0))
    assert loss != model.evaluate(X, Y, verbose=0)
    model.optimizer.finalize(model.parameters)
    np.testing.assert_array_equal(outputs, model.predict(X, verbose=0))
    assert loss == model.evaluate(X, Y, verbose=0)


def test_a_model_without_averages():
    model, swap = compiled(), callbacks.SwapEMAWeights()
    model.evaluate(X, Y, verbose=0, callbacks=[swap])  # before the first step
    with pytest.raises(ValueError, match="compile with an optimizer that has use_ema=True"):
        fit(compiled(use_ema=False), swap, validation_data=(X, Y))
    with pytest.raises(TypeError, match="swap_on_epoch must be"):
        callbacks.SwapEMAWeights(swap_on_epoch="yes")
