"""Weights of samples in `fit`."""

import numpy as np
import pytest
from weighted_models import BY_SAMPLE, X, Y, compiled, weights_after

RNG = np.random.default_rng(6)


def test_weights_of_samples_may_have_another_axis():
    expected = weights_after(compiled(), X, Y, sample_weight=BY_SAMPLE)
    actual = weights_after(compiled(), X, Y, sample_weight=BY_SAMPLE[:, None])
    np.testing.assert_array_equal(actual, expected)
    steps = RNG.random((12, 4))
    y = (X[..., 0] > 0).astype(int)
    for weight, wide in ((steps, steps[..., None]), (BY_SAMPLE, BY_SAMPLE[:, None])):
        expected = weights_after(compiled(sequences=True), X, y, sample_weight=weight)
        actual = weights_after(compiled(sequences=True), X, y, sample_weight=wide)
        np.testing.assert_array_equal(actual, expected)
    with pytest.raises(ValueError, match=r"expects sample_weight of shape \(12,\)"):
        compiled().fit(X, Y, sample_weight=np.ones((12, 2)), verbose=0)
