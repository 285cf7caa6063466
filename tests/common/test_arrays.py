"""Arguments as arrays that the core can read, and the first entry that is wrong."""

import numpy as np
import pytest

from gru_c import activations, losses, metrics
from gru_c.common import arrays
from gru_c.forecast.accuracy import mase_scale
from gru_c.layers import Normalization, Softmax
from gru_c.preprocessing.sequence import pad_sequences


@pytest.mark.parametrize("past", [0, 1, 8, 63])
def test_a_copy_begins_so_many_bytes_after_a_cache_line(past):
    content = np.arange(200, dtype=np.uint8)
    copied = arrays.copied_past_line(content, past)
    assert copied.ctypes.data % 64 == arrays.past_line(copied) == past
    np.testing.assert_array_equal(copied, content)
    assert not np.shares_memory(copied, content)


def test_real_numbers_are_copied_only_for_another_dtype_or_alignment():
    x = np.arange(6.0)
    assert arrays.as_real("x", x) is x
    assert np.shares_memory(arrays.as_real("x", x, np.float64), x)
    single = arrays.as_real("x", [True, 2], np.float32)
    assert single.dtype == np.float32
    assert single.tolist() == [1, 2]
    odd = np.frombuffer(bytearray(1 + x.nbytes), np.uint8)[1:].view(np.float64)
    assert arrays.as_real("x", odd, np.float64).flags.aligned


MASKED = np.ma.array([1.0, 2.0], mask=[False, True])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "x must be an array of real numbers, got None"),
        ([[1.0], [2.0, 3.0]], "x is not an array of numbers"),
        (["one"], "x must hold real numbers .* got dtype <U3"),
        ([1j], "got dtype complex128"),
        (MASKED, "^x is a masked array with 1 entries masked"),
        ([[0.0, 0.0], MASKED], r"^x\[1\] is a masked array"),
        ([[[0.0, 0.0]], (MASKED,)], r"^x\[1\]\[0\] is a masked array"),
    ],
)
def test_other_values_are_refused_by_name(value, message):
    with pytest.raises((TypeError, ValueError), match=message):
        arrays.as_real("x", value)


@pytest.mark.parametrize(
    "call",
    [
        lambda column: losses.MeanSquaredError()(column, [[1.0], [2.0]]),
        lambda column: losses.MeanSquaredError()([[1.0], [2.0]], column),
        lambda column: losses.mean_squared_error([[1.0], [2.0]], column),
        lambda column: metrics.MeanSquaredError()(column, [[1.0], [2.0]]),
        lambda column: metrics.binary_accuracy(column, [[1.0], [2.0]]),
        lambda column: losses.MeanSquaredError()([[1.0]] * 2, [[1.0]] * 2, column[:, 0]),
        lambda column: activations.tanh(column),
        lambda column: Softmax()([[1.0], [2.0]], mask=column > 0),
        lambda column: Normalization().adapt(column),
        lambda column: pad_sequences([[1.0], column]),
        lambda column: mase_scale(column[:, 0]),
    ],
)
def test_masked_entries_are_refused_wherever_arrays_are_taken(call):
    with pytest.raises(TypeError, match="is a masked array with 1 entries masked"):
        call(MASKED.reshape(2, 1))


def test_indices_are_whole_numbers_below_a_count():
    indices = arrays.as_indices("owner", "index", "x", np.array([[0.0, 2.0]]), 3)
    assert indices.dtype == np.intp
    assert indices.tolist() == [[0, 2]]
    for bad, shown in ((-1, "-1"), (3, "3"), (0.5, "0.5"), (np.nan, "nan")):
        message = rf"owner: index {shown}.* of sample 1 \(x\[1, 0\]\) is not an integer in \[0, 3\)"
        with pytest.raises(ValueError, match=message):
            arrays.as_indices("owner", "index", "x", np.array([[1], [bad]]), 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39, 1e300])
def test_a_number_may_be_finite_in_one_dtype_alone(value):
    array = np.array([[1.0, value]])
    single, double = np.dtype(np.float32), np.dtype(np.float64)
    assert not arrays.is_finite(array, single)
    assert arrays.is_finite(array, double) == np.isfinite(value)
    assert arrays.not_finite(array, single).tolist() == [[False, True]]
    assert arrays.is_finite(np.array([2**62]), single)


def test_sequences_keep_strides_that_the_core_can_read():
    x = np.arange(60.0).reshape(3, 5, 4)
    assert np.shares_memory(arrays.as_sequences("x", x[:, ::-1, 1:3], np.float64), x)
    turned = arrays.as_sequences("x", x.swapaxes(1, 2), np.float64)
    assert not np.shares_memory(turned, x)
    np.testing.assert_array_equal(turned, x.swapaxes(1, 2))
    with pytest.raises(ValueError, match=r"3 dimensions \(batch, time, features\), got shape"):
        arrays.as_sequences("x", x[0], np.float64)


def test_one_double_makes_the_computation_double():
    single = np.ones(2, np.float32)
    assert arrays.compute_dtype(a=single, b=None, c=[1, 2]) == np.float32
    assert arrays.compute_dtype(a=single, b=np.ones(2, ">f8")) == np.float64
