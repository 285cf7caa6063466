import numpy as np
import pytest

from gru_c.ops.dtypes import as_array, common_dtype


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (np.ones(2, "float32"), np.ones(2, "int64"), "float32"),
        (np.ones(2, "float32"), np.ones(2, "float64"), "float64"),
        (np.ones(2, "float32"), np.ones((), "float64"), "float32"),
        (np.ones(2, "int64"), np.ones((), "float64"), "float32"),
        (np.ones(2, "bool"), np.ones((), "int64"), "int32"),
        (np.ones(2, "int64"), np.ones(2, "uint64"), "float32"),
    ],
)
def test_common_dtypes(first, second, wanted):
    assert common_dtype([first, second]) == wanted
    assert common_dtype([second, first]) == wanted


def test_lists_of_arrays_keep_their_dtype():
    assert as_array([np.ones(2), np.ones(2)]).dtype == np.float64
    assert as_array([[1.0], [2.0]]).dtype == np.float32


def test_masked_arrays_are_refused():
    with pytest.raises(TypeError, match="mask"):
        as_array(np.ma.masked_equal([1, 2], 1))


def test_large_integers_keep_their_value():
    assert as_array(2**40) == 2**40
    assert as_array([2**40, 1]).tolist() == [2**40, 1]
    assert as_array(7).dtype == as_array([7]).dtype == np.int32
