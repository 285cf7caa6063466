"""Adam and AdamW beside their formulas."""

import numpy as np
from optimizer_formulas import adam, expected, run, two_layers

from gru_c.optimizers import Adam, AdamW


def test_adamw_decays_by_default():
    for weight, wanted in zip(run(AdamW(0.1)), expected(adam(), decay=0.004), strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=1e-12)


def test_the_first_step_of_adam_is_the_rate_against_the_sign_of_the_gradient():
    parameters = two_layers()
    before = parameters.values.copy()
    for item in parameters.items:
        item.gradient[...] = np.where(np.arange(item.gradient.size) % 2, 3.0, -0.2).reshape(
            item.gradient.shape
        )
    gradients = parameters.gradients.copy()
    Adam(0.25).step(parameters)
    # Both corrected means are those of the one gradient: m / sqrt(v) = g / |g|.
    expected_step = -0.25 * np.sign(gradients)
    np.testing.assert_allclose(parameters.values - before, expected_step, atol=1e-5)


def test_adamw_is_adam_whose_weights_decay_before_the_step():
    decayed, plain = run(AdamW(0.1, weight_decay=0.02)), run(Adam(0.1, weight_decay=0.02))
    for one, two in zip(decayed, plain, strict=True):
        np.testing.assert_array_equal(one, two)
    assert AdamW().get_config()["weight_decay"] == 0.004
    assert Adam().get_config().get("weight_decay") is None
