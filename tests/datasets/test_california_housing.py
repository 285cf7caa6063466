"""The functions of ``keras.datasets.california_housing``, which name the place of the data."""

import pytest

from gru_c.datasets import california_housing


def test_load_data_names_the_place_of_the_data_and_the_file_to_make():
    with pytest.raises(NotImplementedError) as raised:
        california_housing.load_data()
    message = str(raised.value)
    assert message.startswith(
        "gru_c.datasets.california_housing.load_data: gru_c downloads nothing"
    )
    assert "sklearn.datasets.fetch_california_housing()" in message
    assert "www.dcc.fc.up.pt" in message
    assert "np.load('california_housing.npz', allow_pickle=True)" in message
