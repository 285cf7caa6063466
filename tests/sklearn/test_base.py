"""Fits of both estimators: forms of X, weights, early stopping, warm starts."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from estimators import CLASSES, RAGGED, RNG, X, Y, classifier, regressor, specified_output
from sklearn.utils import check_random_state
from tools import assert_same_bits

from gru_c import GRU, Dense, Input, Sequential


def test_the_first_loss_is_the_weighted_error_of_the_new_model():
    weight = RNG.uniform(0.5, 2, len(X))
    fitted = regressor(epochs=1, batch_size=100).fit(X, Y, weight)
    seed = check_random_state(0).randint(np.iinfo(np.int32).max)
    new = Sequential([Input((None, 2)), GRU(5), Dense(1)], seed=seed)
    mean = np.average(Y, weights=weight)
    scale = np.sqrt(np.average((Y - mean) ** 2, weights=weight))
    outputs = np.array([specified_output(new, x)[0] for x in X])
    expected = np.average((outputs - (Y - mean) / scale) ** 2, weights=weight)
    assert fitted.loss_curve_ == [pytest.approx(expected, rel=1e-5)]


# ---- forms of X ---------------------------------------------------------------------------------


def test_forms_of_one_data_give_the_same_bits():
    expected = regressor().fit(X, Y).predict(X)
    objects = np.empty(len(X), object)
    objects[:] = list(X)
    for form in (X.astype(np.float64), X.tolist(), list(X), objects, np.asfortranarray(X)):
        assert_same_bits(regressor().fit(form, Y).predict(form), expected)
    series = X[:, :, 0]
    expected = regressor().fit(series, Y).predict(series)
    for form in (series[..., None], list(series), [x[:, None] for x in series]):
        assert_same_bits(regressor().fit(form, Y).predict(form), expected)


def test_ragged_lists_in_all_forms():
    fitted = regressor().fit(RAGGED, Y)
    expected = fitted.predict(RAGGED)
    objects = np.empty(len(RAGGED), object)
    objects[:] = RAGGED
    for form in (objects, tuple(RAGGED), [x.tolist() for x in RAGGED]):
        assert_same_bits(fitted.predict(form), expected)
        assert_same_bits(regressor().fit(form, Y).predict(form), expected)
    for i in (0, 5, 7):
        assert_same_bits(fitted.predict(X[i : i + 1, : len(RAGGED[i])]), expected[i : i + 1])
    pd = pytest.importorskip("pandas")
    frames = [pd.DataFrame(x) for x in RAGGED]
    assert_same_bits(regressor().fit(frames, pd.Series(Y)).predict(pd.Series(objects)), expected)


def test_a_fit_stores_the_shape_of_x_which_later_calls_must_have():
    series = X[:, :, 0]
    fitted = regressor().fit(series, Y)
    assert (fitted.n_features_in_, fitted.n_steps_in_) == (6, 6)
    expected = fitted.predict(series)
    assert_same_bits(fitted.predict(series[..., None]), expected)
    assert fitted.predict(series[:, :3, None]).shape == (50,)
    assert fitted.predict([[0.5], [0.1, 0.2]]).shape == (2,)
    with pytest.raises(ValueError, match="X has 5 features, but GRURegressor is expecting 6"):
        fitted.predict(series[:, :5])
    with pytest.raises(ValueError, match="X has 2 features, but GRURegressor is expecting 1"):
        fitted.predict(X)
    fitted.fit(X, Y)
    assert (fitted.n_features_in_, fitted.n_steps_in_) == (2, None)
    assert fitted.predict(X[:, :3]).shape == (50,)
    for form in (series, series[..., None], list(series)):
        with pytest.raises(ValueError, match="X has 1 features, but GRURegressor is expecting 2"):
            fitted.predict(form)
    fitted.fit(series[..., None], Y)
    assert_same_bits(fitted.predict(series), expected)
    assert fitted.predict(series[:, :3]).shape == (50,)


def test_data_frames():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X[:, :, 0], columns=list("abcdef"))
    fitted = regressor().fit(frame, pd.Series(Y))
    assert list(fitted.feature_names_in_) == list("abcdef")
    assert_same_bits(fitted.predict(frame), regressor().fit(X[:, :, 0], Y).predict(X[:, :, 0]))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[list("fedcba")])
    fitted.fit(X, Y)
    assert not hasattr(fitted, "feature_names_in_")


def test_the_smallest_data():
    assert regressor().fit([[0.5]], [3.0]).predict([[0.1]]) == pytest.approx(3, abs=2)
    assert classifier().fit([[0.0], [1.0]], [4, 7]).predict([[0.0]])[0] in (4, 7)
    constant = regressor(epochs=200, learning_rate=0.02).fit(X, np.full(50, 7e5))
    np.testing.assert_allclose(constant.predict(X), 7e5, rtol=1e-5)


# ---- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [X, X[:, :, 0], RAGGED], ids=["3-D", "2-D", "list"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(("make", "y"), [(regressor, Y), (classifier, CLASSES)])
def test_a_weight_is_a_number_of_copies_in_any_order(data, early_stopping, make, y):
    weight = RNG.integers(0, 4, len(y))
    rows = RNG.permutation(np.repeat(np.arange(len(y)), weight))
    copies = [data[i] for i in rows] if isinstance(data, list) else data[rows]
    weighted, repeated = (
        make(batch_size=8, dropout=0.1, early_stopping=early_stopping) for _ in range(2)
    )
    weighted.fit(data, y, weight)
    repeated.fit(copies, y[rows])
    pairs = zip(repeated.model_.get_weights(), weighted.model_.get_weights(), strict=True)
    for of_copies, of_weights in pairs:
        assert_same_bits(of_copies, of_weights)
    assert weighted.loss_curve_ == repeated.loss_curve_
    assert weighted.validation_scores_ == repeated.validation_scores_


def test_equal_weights_are_the_same_as_no_weights():
    expected = regressor().fit(X, Y)
    assert_same_bits(regressor().fit(X, Y, np.full(50, 8.0)).predict(X), expected.predict(X))


# ---- early stopping, warm starts ----------------------------------------------------------------


def test_early_stopping_takes_the_best_weights():
    noise = RNG.standard_normal(50)
    fitted = regressor(early_stopping=True, epochs=60, n_iter_no_change=4, learning_rate=0.05).fit(
        X, noise
    )
    scores = fitted.validation_scores_
    best = int(np.argmax(scores))
    assert fitted.best_validation_score_ == scores[best]
    assert fitted.n_iter_ == len(scores) == len(fitted.loss_curve_) < 60
    shorter = regressor(early_stopping=True, epochs=best + 1, learning_rate=0.05).fit(X, noise)
    assert_same_bits(shorter.predict(X), fitted.predict(X))
    assert regressor().fit(X, noise).validation_scores_ is None


def test_warm_starts_continue():
    whole = regressor(epochs=6, batch_size=16).fit(X, Y)
    parts = regressor(epochs=2, batch_size=16, warm_start=True)
    for _ in range(3):
        parts.fit(X, Y)
    assert_same_bits(parts.predict(X), whole.predict(X))
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 6
    steps = regressor(batch_size=16)
    for _ in range(6):
        steps.partial_fit(X, Y)
    assert_same_bits(steps.predict(X), whole.predict(X))
    parts.set_params(learning_rate=0.5).fit(X, Y)
    assert parts.model_.optimizer.learning_rate == 0.5
    with pytest.raises(ValueError, match="hidden_units, bidirectional and dropout must not change"):
        parts.set_params(hidden_units=6).fit(X, Y)


def test_verbose_prints_a_line_for_each_epoch(capsys):
    regressor(verbose=True, early_stopping=True).fit(X, Y)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Epoch 1/2 - ")
    assert " - loss: " in first
    assert "validation_score: " in second
    regressor().fit(X, Y)
    assert capsys.readouterr() == ("", "")
