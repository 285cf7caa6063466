"""The regressor: its equations, outputs, and data that it refuses."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from estimators import RAGGED, X, Y, classifier, regressor, specified_output
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import r2_score
from tools import assert_same_bits


@pytest.mark.parametrize("data", [X, RAGGED], ids=["array", "list"])
def test_predictions_are_those_of_the_equations(data):
    fitted = regressor().fit(data, Y)
    outputs = np.array([specified_output(fitted.model_, x)[0] for x in data])
    expected = Y.mean() + Y.std() * outputs
    np.testing.assert_allclose(fitted.predict(data), expected, rtol=1e-6)


def test_several_outputs_are_each_standardised():
    y = np.column_stack([1e6 + 1e5 * X[:, -1, 0], 1e-6 * X[:, -1, 1], np.ones(50)])
    fitted = regressor(hidden_units=16, epochs=150, learning_rate=0.02).fit(X, y)
    assert fitted.n_outputs_ == 3
    assert fitted.predict(X).shape == (50, 3)
    assert min(r2_score(y[:, :2], fitted.predict(X)[:, :2], multioutput="raw_values")) > 0.95
    np.testing.assert_allclose(fitted.target_mean_, y.mean(axis=0))
    np.testing.assert_allclose(fitted.target_scale_, [*y.std(axis=0)[:2], 1])


@pytest.mark.parametrize("estimator", [regressor(), classifier()])
def test_a_column_is_as_good_as_a_vector_with_a_warning(estimator):
    y = (X[:, -1, 0] > 0).astype(int)
    expected = estimator.fit(X, y).predict(X)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        estimator.fit(X, y[:, None])
    assert_same_bits(estimator.predict(X), expected)


def test_a_regressor_refuses():
    with pytest.raises(ValueError, match="the squares of y are infinite"):
        regressor().fit(X, Y * 1e200)
    with pytest.raises(ValueError, match="y has 1 outputs, the model 2"):
        regressor(warm_start=True).fit(X, np.column_stack([Y, Y])).fit(X, Y)
