"""What several test files need: arguments for a GRU, and comparisons."""

import numpy as np


def random_arguments(
    B, T, I, H, *, dtype=np.float64, reset_after=True, bias=True, initial_state=True, seed=0
):
    """Arguments of `gru_forward` by name, in its order; None for what is not wanted."""
    rng = np.random.default_rng(seed)
    arguments = {
        "x": rng.normal(size=(B, T, I)),
        "kernel": rng.uniform(-1, 1, (I, 3 * H)) / np.sqrt(max(I, 1)),
        "recurrent_kernel": rng.uniform(-1, 1, (H, 3 * H)) * np.sqrt(3 / H),
        "bias": rng.uniform(-0.5, 0.5, (2, 3 * H) if reset_after else 3 * H) if bias else None,
        "initial_state": rng.uniform(-1, 1, (B, H)) if initial_state else None,
    }
    return {
        name: None if array is None else array.astype(dtype) for name, array in arguments.items()
    }


def random_gradients(B, T, H, *, dtype=np.float64, seed=1):
    """d_output and d_state."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(B, T, H)).astype(dtype), rng.normal(size=(B, H)).astype(dtype)


def copies(arguments):
    """Copies of the arrays among arguments, to see later that they were not changed."""
    return {name: np.array(a) for name, a in arguments.items() if isinstance(a, np.ndarray)}


def assert_same_bits(actual, expected):
    """Equal in dtype, shape and every bit, signs of zeros and NaN included."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if actual.tobytes() != expected.tobytes():
        np.testing.assert_array_equal(actual, expected)
        raise AssertionError("equal values, but not the same bits: a zero or NaN of other sign")


def assert_all_same_bits(actual, expected):
    """`assert_same_bits` for results with several arrays: GRUForward (without tape), gradients."""
    for name in expected._fields:
        a, b = getattr(actual, name), getattr(expected, name)
        if isinstance(b, np.ndarray):
            assert_same_bits(a, b)
        elif name != "tape":
            assert a is b is None, name


def assert_close(actual, expected, tolerance):
    """No element is further off than `tolerance` times the largest one, or times 1."""
    assert actual.shape == expected.shape
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)
