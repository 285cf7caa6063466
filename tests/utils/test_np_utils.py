"""The module of Keras 1 and 2 for functions of NumPy arrays."""

import numpy as np
import pytest

from gru_c import utils
from gru_c.preprocessing import arrays
from gru_c.utils import np_utils


def test_its_functions_are_those_of_utils():
    from gru_c.utils.np_utils import normalize, to_categorical

    assert np_utils is utils.np_utils
    assert to_categorical is utils.to_categorical is arrays.to_categorical
    assert normalize is utils.normalize is arrays.normalize
    np.testing.assert_array_equal(np_utils.to_categorical([1, 0], 3), [[0, 1, 0], [1, 0, 0]])


def test_a_name_that_it_does_not_have_is_explained():
    with pytest.raises(AttributeError, match="did you mean 'to_categorical'"):
        np_utils.to_categorial  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'pad_sequences' from"):
        exec("from gru_c.utils.np_utils import pad_sequences")
