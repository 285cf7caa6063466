"""Data and parameters that the estimators refuse, after which nothing has changed."""

import copy

import numpy as np
import pytest

pytest.importorskip("sklearn")
from estimators import X, Y, regressor
from sklearn.exceptions import NotFittedError
from tools import assert_same_bits

NAN = np.where(np.arange(6)[:, None] == 4, np.nan, X)
REFUSED_X = {
    "NaN": (NAN, "Input X contains NaN"),
    "too large": (X * np.float64(1e300), "Input X contains infinity"),
    "NaN in a list": ([X[0], NAN[1, 2:]], r"X\[1\] does at time step 2"),
    "no features": (X[..., :0], "none of them 0"),
    "four axes": (X[None], r"got an array of shape \(1, 50, 6, 2\)"),
    "one axis": (X[:, 0, 0], "Reshape your data"),
    "no steps": ([X[0], X[1, :0]], r"X\[1\] has no time steps"),
    "features differ": ([X[0], X[1, 2:, :1]], r"X\[0\] has shape \(6, 2\), X\[1\] \(4, 1\)"),
    "three axes in a list": ([X[:2], X[:3]], r"got X\[0\] of shape \(2, 6, 2\)"),
    "text in a list": ([[1, 2], ["a"]], r"X\[1\] must hold real numbers"),
    "nothing": ([], "Expected 2D array"),
    "more samples": (X[:9], r"inconsistent numbers of samples: \[9, 50\]"),
}
REFUSED = {
    "y missing": ((X, None), "requires y to be passed, but the target y is None"),
    "y NaN": ((X, np.where(Y > 100, np.nan, Y)), "Input y contains NaN"),
    "y of three axes": ((X, np.ones((50, 2, 2))), r"y must have shape \(n,\) or \(n, outputs\)"),
    "weights too few": ((X, Y, [1, 2]), r"sample_weight must have shape \(50,\), got \(2,\)"),
    "weights negative": ((X, Y, -Y), "sample_weight must be >= 0, got -1"),
    "weights zero": ((X, Y, 0 * Y), "must be finite and not zero, got 0.0"),
    "weights too large": ((X, Y, np.full(50, 1e308)), "must be finite and not zero, got inf"),
    **{f"X: {name}": ((x, Y), message) for name, (x, message) in REFUSED_X.items()},
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refused_fit_changes_nothing(arguments, message):
    for estimator in (regressor(), regressor(warm_start=True).fit(X, Y)):
        before = copy.copy(vars(estimator))
        with pytest.raises((ValueError, TypeError), match=message):
            estimator.fit(*arguments)
        assert vars(estimator) == before


def test_sparse_input_is_refused_in_scikit_learns_words():
    sparse = pytest.importorskip("scipy.sparse")
    for arguments in ((sparse.csr_array(X[:, :, 0]), Y), (X, sparse.csr_array(Y[:, None]))):
        with pytest.raises(TypeError, match="Sparse data was passed for"):
            regressor().fit(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_units": ()}, "hidden_units must have a number for each layer, got none"),
        ({"hidden_units": (4, 0)}, "hidden_units must be an integer of at least 1, got 0"),
        ({"hidden_units": "50"}, "hidden_units must be an integer of at least 1, got '50'"),
        ({"bidirectional": "no"}, "bidirectional must be a bool, got 'no'"),
        ({"dropout": 1}, r"dropout must be a number in \[0, 1\), got 1"),
        ({"learning_rate": 0}, "learning_rate must be a finite number > 0, got 0"),
        ({"batch_size": 2.5}, "batch_size must be an integer of at least 1, got 2.5"),
        ({"epochs": 0}, "epochs must be an integer of at least 1, got 0"),
        ({"early_stopping": 1}, "early_stopping must be a bool, got 1"),
        (
            {"validation_fraction": 1.0},
            r"validation_fraction must be a number in \(0, 1\), got 1.0",
        ),
        ({"validation_fraction": 0}, r"validation_fraction must be a number in \(0, 1\), got 0"),
        ({"n_iter_no_change": -1}, "n_iter_no_change must be an integer of at least 1, got -1"),
        ({"tol": np.nan}, "tol must be a finite number >= 0, got nan"),
        ({"random_state": "zero"}, "'zero' cannot be used to seed"),
        ({"num_threads": 0}, "num_threads must be an integer of at least 1 or None, got 0"),
        ({"num_threads": 10**6}, "number of threads must be an integer from 1 to 32768"),
        ({"verbose": "yes"}, "verbose must be a bool or an int, got 'yes'"),
        ({"warm_start": None}, "warm_start must be a bool, got None"),
        ({"early_stopping": True, "validation_fraction": 0.02}, "needs at least two"),
    ],
)
def test_parameters_are_checked_in_fit(options, message):
    estimator = regressor(**options)
    with pytest.raises((ValueError, TypeError), match=message):
        estimator.fit(X, Y)
    assert not hasattr(estimator, "model_")


def test_a_loss_that_is_not_finite_leaves_the_estimator_unchanged():
    estimator = regressor(learning_rate=1e30, epochs=5)
    with pytest.raises(FloatingPointError, match="learning rate may be too high"):
        estimator.fit(X, Y)
    with pytest.raises(NotFittedError):
        estimator.predict(X)
    continued = regressor(warm_start=True).fit(X, Y)
    expected = continued.predict(X)
    with pytest.raises(FloatingPointError):
        continued.set_params(learning_rate=1e30, epochs=5).fit(X, Y)
    assert_same_bits(continued.predict(X), expected)
    assert len(continued.loss_curve_) == 2
