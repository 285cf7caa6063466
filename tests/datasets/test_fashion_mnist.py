"""The functions of ``keras.datasets.fashion_mnist``, which name the place of the data."""

import pytest

from gru_c.datasets import fashion_mnist


def test_load_data_names_the_place_of_the_data_and_the_file_to_make():
    with pytest.raises(NotImplementedError) as raised:
        fashion_mnist.load_data()
    message = str(raised.value)
    assert message.startswith("gru_c.datasets.fashion_mnist.load_data: gru_c downloads nothing")
    assert "sklearn.datasets.fetch_openml('Fashion-MNIST')" in message
    assert "github.com/zalandoresearch/fashion-mnist" in message
    assert "np.load('fashion_mnist.npz', allow_pickle=True)" in message
