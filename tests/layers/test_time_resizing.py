"""Time steps that are padded, cropped and repeated."""

import numpy as np
import pytest
from tools import assert_gradients

from gru_c import Cropping1D, UpSampling1D, ZeroPadding1D

RNG = np.random.default_rng(102)
X = RNG.standard_normal((3, 10, 4))


def test_steps_are_padded_cropped_and_repeated():
    padded = ZeroPadding1D((2, 1), dtype="float64")(X)
    np.testing.assert_array_equal(padded, np.pad(X, ((0, 0), (2, 1), (0, 0))))
    first = ZeroPadding1D(2, "channels_first", dtype="float64")
    np.testing.assert_array_equal(first(X), np.pad(X, ((0, 0), (0, 0), (2, 2))))
    np.testing.assert_array_equal(Cropping1D((2, 1), dtype="float64")(X), X[:, 2:-1])
    np.testing.assert_array_equal(Cropping1D((0, 0), dtype="float64")(X), X)
    np.testing.assert_array_equal(UpSampling1D(3, dtype="float64")(X), np.repeat(X, 3, axis=1))
    for layer in (ZeroPadding1D(1), Cropping1D(1), UpSampling1D(2)):
        assert layer.compute_output_shape((None, None, 4)) == (None, None, 4)


@pytest.mark.parametrize(
    "layer",
    [
        ZeroPadding1D((2, 0), dtype="float64"),
        ZeroPadding1D(1, "channels_first", dtype="float64"),
        Cropping1D((0, 3), dtype="float64"),
        UpSampling1D(3, dtype="float64"),
    ],
    ids=repr,
)
def test_gradients_of_the_steps(layer):
    layer(X)
    assert_gradients(layer, X.copy())
