"""The functions of ``keras.datasets.reuters``, which name the place of the data."""

import pytest

from gru_c.datasets import reuters


def test_load_data_names_the_place_of_the_data_and_the_file_to_make():
    with pytest.raises(NotImplementedError) as raised:
        reuters.load_data()
    message = str(raised.value)
    assert message.startswith("gru_c.datasets.reuters.load_data: gru_c downloads nothing")
    assert "11,228 newswires of 46 topics" in message
    assert "www.daviddlewis.com/resources/testcollections/reuters21578" in message
    assert "np.load('reuters.npz', allow_pickle=True)" in message


@pytest.mark.parametrize("name", ["get_word_index", "get_label_names"])
def test_tables_of_names_are_brought_in_as_json(name):
    with pytest.raises(NotImplementedError) as raised:
        getattr(reuters, name)()
    assert f"keras.datasets.reuters.{name}() with json.dump" in str(raised.value)
    assert "www.daviddlewis.com/resources/testcollections/reuters21578" in str(raised.value)
