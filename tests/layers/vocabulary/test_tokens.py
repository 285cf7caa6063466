"""Vocabularies: read from files, and those that do not fit."""

import pytest

from gru_c.layers import IntegerLookup, StringLookup, TextVectorization


def test_a_vocabulary_is_read_from_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("the\ncat\n", encoding="utf-8")
    layer = TextVectorization()
    layer.set_vocabulary(path)
    assert layer(["cat the dog"]).tolist() == [[3, 2, 1]]
    path.write_text("12\n36\n", encoding="utf-8")
    numbers = IntegerLookup()
    numbers.set_vocabulary(str(path))
    assert numbers([36, 5]).tolist() == [2, 0]
    with pytest.raises(TypeError, match="call set_vocabulary"):
        TextVectorization(vocabulary=str(path))  # a configuration from a file could name any path


@pytest.mark.parametrize(
    ("options", "vocabulary", "message"),
    [
        ({}, ["a", "b", "a"], r"more than once: \['a'\]"),
        ({}, [], "is empty"),
        ({"max_tokens": 2}, ["a", "b"], "has 3 tokens with the special ones"),
        ({"mask_token": ""}, ["a", ""], "special token '' in its midst"),
        ({"invert": True}, ["a", "[UNK]"], r"special token '\[UNK\]' in its midst"),
        ({}, ["a", 3], "must be str, got 3"),
        ({}, {"a", "b"}, "must be a list of tokens, got set"),
        ({"output_mode": "tf_idf"}, ["a"], "needs idf_weights"),
    ],
)
def test_a_vocabulary_that_does_not_fit_is_refused(options, vocabulary, message):
    layer = StringLookup(**options)
    with pytest.raises((ValueError, TypeError), match=message):
        layer.set_vocabulary(vocabulary)
    assert layer.vocabulary is None
    with pytest.raises((ValueError, TypeError), match=message):
        StringLookup(vocabulary=vocabulary, **options)
