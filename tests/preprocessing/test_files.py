"""The function that would download says what to do instead."""

import pytest

from gru_c.preprocessing.files import get_file


def test_nothing_is_downloaded():
    with pytest.raises(NotImplementedError, match=r"download https://a\.b/c\.zip yourself"):
        get_file("c.zip", "https://a.b/c.zip", extract=True)
    with pytest.raises(NotImplementedError, match=r"the file 'c\.zip' yourself"):
        get_file("c.zip")
