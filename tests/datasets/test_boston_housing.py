"""The functions of ``keras.datasets.boston_housing``, which name the place of the data."""

import pytest

from gru_c.datasets import boston_housing


def test_load_data_names_the_place_of_the_data_and_the_file_to_make():
    with pytest.raises(NotImplementedError) as raised:
        boston_housing.load_data()
    message = str(raised.value)
    assert message.startswith("gru_c.datasets.boston_housing.load_data: gru_c downloads nothing")
    assert "506 suburbs of Boston" in message
    assert "lib.stat.cmu.edu" in message
    assert "np.load('boston_housing.npz', allow_pickle=True)" in message
