"""The Tokenizer and the functions beside it."""

import pytest

from gru_c.preprocessing.text import (
    Tokenizer,
    hashing_trick,
    one_hot,
    text_to_word_sequence,
    tokenizer_from_json,
)


def test_more_texts_are_counted_in_addition():
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["b a b"])
    tokenizer.fit_on_texts(["a a", "a"])
    assert tokenizer.word_counts == {"b": 2, "a": 4}
    assert tokenizer.word_index == {"a": 1, "b": 2}
    assert tokenizer.document_count == 3
    assert tokenizer.word_docs == {"b": 1, "a": 3}


def test_num_words_may_change_later():
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["a a a b b c"])
    tokenizer.num_words = 3
    assert tokenizer.texts_to_sequences(["c b a"]) == [[2, 1]]
    assert tokenizer.texts_to_matrix(["c b a"]).tolist() == [[0, 1, 1]]


def test_an_index_of_the_users_own_is_used():
    tokenizer = Tokenizer()
    tokenizer.word_index = {"a": 70}
    assert tokenizer.texts_to_sequences(["a b"]) == [[70]]


def test_an_analyzer_returns_the_words():
    tokenizer = Tokenizer(analyzer=lambda text: text.split("-"))
    tokenizer.fit_on_texts(["x-y", "y"])
    assert tokenizer.texts_to_sequences(["y-x-z"]) == [[1, 2]]
    with pytest.raises(ValueError, match="an analyzer, a function that JSON cannot hold"):
        tokenizer.to_json()


def test_one_text_is_not_a_list_of_texts():
    with pytest.raises(TypeError, match=r"got one str.*write \[text\]"):
        Tokenizer().fit_on_texts("a text")
    tokenizer = Tokenizer(char_level=True)
    tokenizer.fit_on_texts("aab")  # each character is a text of one character
    assert tokenizer.texts_to_sequences(["ba"]) == [[2, 1]]
    assert tokenizer.document_count == 3


@pytest.mark.parametrize("text", [3, None, 1.5, float("nan")])
def test_a_text_must_be_a_text(text):
    tokenizer = Tokenizer()
    with pytest.raises(TypeError, match=r"texts\[1\] must be a str or a list of words"):
        tokenizer.fit_on_texts(["a", text])
    assert tokenizer.word_counts == {}
    assert tokenizer.document_count == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Tokenizer(num_word=3), "did you mean 'num_words'"),
        (lambda: Tokenizer(num_words=-1), "num_words must be an integer of at least 0"),
        (lambda: Tokenizer().texts_to_matrix(["a"]), "give num_words, or fit on texts"),
        (lambda: Tokenizer(9).texts_to_matrix(["a"], "tfidf"), "call fit_on_texts"),
        (lambda: Tokenizer(9).texts_to_matrix(["a"], "tf"), "mode must be 'binary'"),
        (lambda: tokenizer_from_json("{}"), r"not JSON text of Tokenizer.to_json"),
        (lambda: tokenizer_from_json("[1"), r"not JSON text of Tokenizer.to_json"),
        (lambda: hashing_trick("a b", 9, "sha"), "hash_function must be 'md5' or a function"),
        (lambda: one_hot("a b", 1), "n must be an integer of at least 2"),
        (lambda: text_to_word_sequence(["a"]), "input_text must be a str, got list"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
