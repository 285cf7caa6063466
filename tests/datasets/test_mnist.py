"""The functions of ``keras.datasets.mnist``, which name the place of the data."""

import pytest

from gru_c.datasets import mnist


def test_load_data_names_the_place_of_the_data_and_the_file_to_make():
    with pytest.raises(NotImplementedError) as raised:
        mnist.load_data()
    message = str(raised.value)
    assert message.startswith("gru_c.datasets.mnist.load_data: gru_c downloads nothing")
    assert "sklearn.datasets.fetch_openml('mnist_784')" in message
    assert "yann.lecun.com/exdb/mnist" in message
    assert "np.load('mnist.npz', allow_pickle=True)" in message
