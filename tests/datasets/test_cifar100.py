"""The functions of ``keras.datasets.cifar100``, which name the place of the data."""

import pytest

from gru_c.datasets import cifar100


def test_load_data_names_the_place_of_the_data_and_the_file_to_make():
    with pytest.raises(NotImplementedError) as raised:
        cifar100.load_data()
    message = str(raised.value)
    assert message.startswith("gru_c.datasets.cifar100.load_data: gru_c downloads nothing")
    assert "60,000 pictures of 100 kinds" in message
    assert "www.cs.toronto.edu/~kriz/cifar.html" in message
    assert "np.load('cifar100.npz', allow_pickle=True)" in message
