"""Windows over the time axis: their arguments."""

import pytest

from gru_c import AveragePooling1D, MaxPooling1D


@pytest.mark.parametrize("cls", [MaxPooling1D, AveragePooling1D])
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"pool_size": 0}, ValueError, "pool_size must be an integer of at least 1"),
        ({"pool_size": 2.0}, TypeError, "pool_size must be an integer"),
        ({"pool_size": (2, 2)}, TypeError, "pool_size must be an integer"),
        ({"strides": 0}, ValueError, "strides must be an integer of at least 1"),
        ({"padding": "causal"}, ValueError, "padding must be one of 'valid', 'same', got"),
        ({"data_format": "last"}, ValueError, "data_format must be one of 'channels_last'"),
    ],
)
def test_arguments_of_windows_are_checked(cls, options, error, words):
    with pytest.raises(error, match=words):
        cls(**options)
