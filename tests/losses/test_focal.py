"""Focal cross-entropies, by hand."""

import numpy as np
import pytest

from gru_c import losses

Y, P = np.array([[1.0, 0.0]]), np.array([[0.9, 0.4]])
ENTROPY = np.array([-np.log(0.9), -np.log(0.6)])
MISS = np.array([0.1, 0.4])


def test_samples_that_are_classified_well_count_less():
    loss = losses.BinaryFocalCrossentropy(gamma=2.0)
    assert loss(Y, P) == pytest.approx((MISS**2 * ENTROPY).mean(), rel=1e-6)
    plain = losses.BinaryFocalCrossentropy(gamma=0.0)
    assert plain(Y, P) == pytest.approx(losses.BinaryCrossentropy()(Y, P), rel=1e-9)


def test_classes_are_balanced_on_request():
    loss = losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.25)
    expected = (np.array([0.25, 0.75]) * MISS**2 * ENTROPY).mean()
    assert loss(Y, P) == pytest.approx(expected, rel=1e-6)


def test_a_categorical_one_takes_the_right_class_alone():
    p = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    loss = losses.CategoricalFocalCrossentropy(alpha=0.5, gamma=3.0)
    right = np.array([0.7, 0.4])
    expected = (-0.5 * (1 - right) ** 3 * np.log(right)).mean()
    assert loss(np.eye(3)[[0, 2]], p) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.BinaryFocalCrossentropy(alpha=-1), "alpha must be a finite number >= 0"),
        (lambda: losses.CategoricalFocalCrossentropy(gamma=-1), "gamma must be a finite number"),
        (lambda: losses.BinaryFocalCrossentropy(label_smoothing=2), "label_smoothing must be"),
    ],
)
def test_settings_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
