"""The functions of ``keras.datasets.imdb``, which name the place of the data."""

import pytest

from gru_c.datasets import imdb


def test_load_data_names_the_place_of_the_data_and_the_file_to_make():
    with pytest.raises(NotImplementedError) as raised:
        imdb.load_data()
    message = str(raised.value)
    assert message.startswith("gru_c.datasets.imdb.load_data: gru_c downloads nothing")
    assert "50,000 film reviews" in message
    assert "ai.stanford.edu/~amaas/data/sentiment" in message
    assert "np.load('imdb.npz', allow_pickle=True)" in message


@pytest.mark.parametrize("name", ["get_word_index"])
def test_tables_of_names_are_brought_in_as_json(name):
    with pytest.raises(NotImplementedError) as raised:
        getattr(imdb, name)()
    assert f"keras.datasets.imdb.{name}() with json.dump" in str(raised.value)
    assert "ai.stanford.edu/~amaas/data/sentiment" in str(raised.value)
