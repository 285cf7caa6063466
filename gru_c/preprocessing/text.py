"""Conversion of texts to numbers: Keras's `Tokenizer` and related functions.

`gru_c.layers.TextVectorization` does the same as a layer, which is saved with the model.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.attributes import Guarded
from gru_c.common.keywords import checked_function
from gru_c.common.validation import check_integer

__all__ = [
    "Tokenizer",
    "hashing_trick",
    "one_hot",
    "text_to_word_sequence",
    "tokenizer_from_json",
]

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

Text = str | list[str]  # a text, or the words of one
Analyzer = Callable[[Any], Iterable[str]]


@checked_function
def text_to_word_sequence(
    input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    r"""Return the words of a text.

    Parameters
    ----------
    input_text : str
    filters : str
        Characters that separate words and are left out: by default punctuation other than the
        apostrophe, tabs and line feeds.
    lower : bool
        Turn the text into lower case.
    split : str
        The separator of words.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from gru_c.preprocessing.text import text_to_word_sequence
    >>> text_to_word_sequence("A cat, a mat -- and the cat's hat.")
    ['a', 'cat', 'a', 'mat', 'and', 'the', "cat's", 'hat']
    """
    if not isinstance(input_text, str):
        raise TypeError(f"input_text must be a str, got {type(input_text).__name__}")
    text = input_text.lower() if lower else input_text
    words = text.translate({ord(letter): split for letter in filters}).split(split)
    return [word for word in words if word]


@checked_function
def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """Return `hashing_trick` with Python's `hash`, which differs between runs of a program.

    The name is Keras's: the numbers are not one-hot vectors; `to_categorical` makes these.
    """
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


@checked_function
def hashing_trick(
    text: str,
    n: int,
    hash_function: str | Callable[[str], int] | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """Return a number from 1 to ``n - 1`` for each word of a text; words may share a number.

    Parameters
    ----------
    text : str
    n : int
        Size of the space of numbers; 0 stands for no word.
    hash_function : {"md5"} or callable, optional
        Function from str to int. By default Python's `hash`, which differs between runs of a
        program; "md5" does not.
    filters, lower, split
        See `text_to_word_sequence`.
    analyzer : callable, optional
        Returns the words of the text, instead of `text_to_word_sequence`.

    Returns
    -------
    list of int

    Examples
    --------
    >>> from gru_c.preprocessing.text import hashing_trick
    >>> hashing_trick("the cat and the dog", 50, "md5")
    [43, 32, 14, 43, 2]
    """
    size = check_integer("n", n, 2)
    if isinstance(hash_function, str) and hash_function != "md5":
        raise ValueError(f"hash_function must be 'md5' or a function, got {hash_function!r}")
    number = _md5 if hash_function == "md5" else cast(Any, hash_function or hash)
    if analyzer is None:
        words: Iterable[str] = text_to_word_sequence(text, filters, lower, split)
    else:
        words = analyzer(text)
    return [number(word) % (size - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer(Guarded):
    """Number the words of texts, the most frequent one first, with Keras's arguments.

    0 stands for no word, such as padding.

    Parameters
    ----------
    num_words : int, optional
        Use only the words with numbers below this; `word_index` has all of them.
    filters, lower, split
        See `text_to_word_sequence`. A text that is a list of words is taken as it is, except for
        `lower`.
    char_level : bool
        Number characters instead of words.
    oov_token : str, optional
        Stands for words without a number, and has the number 1; without it they are left out.
    analyzer : callable, optional
        Returns the words of a text, instead of `text_to_word_sequence`.

    Attributes
    ----------
    word_index : dict of str to int
        The number of each word.
    index_word : dict of int to str
        The same, the other way round.
    word_counts : dict of str to int
        Number of occurrences of each word.
    word_docs, index_docs : dict
        Number of texts in which each word occurs, by word and by number.
    document_count : int
        Number of texts.

    Examples
    --------
    >>> from gru_c.preprocessing.text import Tokenizer
    >>> tokenizer = Tokenizer(oov_token="<unknown>")
    >>> tokenizer.fit_on_texts(["The cat sat.", "The dog sat on the mat."])
    >>> tokenizer.word_index
    {'<unknown>': 1, 'the': 2, 'sat': 3, 'cat': 4, 'dog': 5, 'on': 6, 'mat': 7}
    >>> tokenizer.texts_to_sequences(["The bird sat on the cat"])
    [[2, 1, 3, 6, 2, 4]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Analyzer | None = None,
    ) -> None:
        self.num_words = check_integer("num_words", num_words, optional=True)
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.analyzer = analyzer
        self.document_count = 0
        self.word_counts: dict[str, int] = {}
        self.word_docs: dict[str, int] = {}
        self.index_docs: dict[int, int] = {}
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    # ---- counting ----

    def fit_on_texts(self, texts: Iterable[Text]) -> None:
        """Count the words of texts, in addition to those counted before, and number them.

        Parameters
        ----------
        texts : iterable of str or list of str

        Raises
        ------
        TypeError
            If `texts` is one str (except with ``char_level=True``, where each character may count
            as a text), or one of them is something else.
        """
        counts, documents = Counter(self.word_counts), Counter(self.word_docs)
        texts_counted = 0
        for words in self._words_of_all(texts):
            counts.update(words)
            documents.update(set(words))
            texts_counted += 1
        self.document_count += texts_counted
        self.word_counts, self.word_docs = dict(counts), dict(documents)
        by_count = sorted(counts.items(), key=lambda item: item[1], reverse=True)
        first = [] if self.oov_token is None else [self.oov_token]
        words = [*first, *(word for word, _ in by_count)]
        self.word_index = {word: number for number, word in enumerate(words, start=1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Count the sequences in which each number occurs, for ``mode="tfidf"`` without texts."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] = self.index_docs.get(number, 0) + 1

    def _words_of_all(self, texts: Iterable[Text]) -> Iterator[Sequence[str]]:
        if isinstance(texts, str) and not self.char_level:
            raise TypeError(
                "texts must be a list of texts, got one str, whose characters would be the texts: "
                "write [text]"
            )
        for number, text in enumerate(texts):
            if not isinstance(text, (str, list)) and self.analyzer is None:
                raise TypeError(
                    f"texts[{number}] must be a str or a list of words, got {type(text).__name__}"
                )
            yield self._words(text)

    def _words(self, text: Text) -> Sequence[str]:
        if isinstance(text, list):
            return [word.lower() for word in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return list(self.analyzer(text))
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    # ---- texts and numbers ----

    def texts_to_sequences(self, texts: Iterable[Text]) -> list[list[int]]:
        """Return the numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Text]) -> Iterator[list[int]]:
        """Yield the numbers of the words of each text."""
        for words in self._words_of_all(texts):
            yield self._known([self.word_index.get(word) for word in words])

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Return the words of each sequence of numbers, with spaces between them."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """Yield the words of each sequence of numbers, with spaces between them."""
        for sequence in sequences:
            numbers = [number if number in self.index_word else None for number in sequence]
            yield " ".join(self.index_word[number] for number in self._known(numbers))

    def _known(self, numbers: list[int | None]) -> list[int]:
        """Return the numbers below `num_words`; the others as `oov_token`, or without them."""
        oov = None if self.oov_token is None else self.word_index.get(self.oov_token)
        limit = self.num_words or math.inf
        known = [oov if number is None or number >= limit else number for number in numbers]
        return [number for number in known if number is not None]

    def texts_to_matrix(self, texts: Iterable[Text], mode: str = "binary") -> Array:
        """Return a row for each text, with a column for each number; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> Array:
        """Return a row for each sequence of numbers, with a column for each number.

        Parameters
        ----------
        sequences : list of list of int
        mode : {"binary", "count", "freq", "tfidf"}
            1 for numbers that occur, how often they occur, their share of the sequence, or
            ``(1 + log(count)) * log(1 + documents / (1 + documents with the number))``.

        Returns
        -------
        ndarray of float64, shape (sequences, num_words), or (sequences, words + 1) without it

        Raises
        ------
        ValueError
            If the mode is unknown, or no text was counted although it is needed.
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError(f"mode must be 'binary', 'count', 'freq' or 'tfidf', got {mode!r}")
        if not self.num_words and not self.word_index:
            raise ValueError("the number of columns is unknown: give num_words, or fit on texts")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("mode='tfidf' needs texts that were counted: call fit_on_texts")
        columns = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), columns))
        for row, sequence in zip(matrix, sequences, strict=True):
            for number, count in Counter(sequence).items():
                if number < columns:
                    row[number] = self._weight(mode, number, count, len(sequence))
        return matrix

    def _weight(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "binary":
            return 1
        if mode == "tfidf":
            with_number = self.index_docs.get(number, 0)
            inverse: float = np.log(1 + self.document_count / (1 + with_number))
            return float(1 + np.log(count)) * inverse
        return count if mode == "count" else count / length

    # ---- files ----

    def get_config(self) -> dict[str, Any]:
        """Return the arguments and the counts, as Keras writes them: each dict as JSON text."""
        names = ("num_words", "filters", "lower", "split", "char_level", "oov_token")
        tables = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {
            **{name: getattr(self, name) for name in names},
            "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in tables},
        }

    def to_json(self, **kwargs: Any) -> str:
        """Return JSON text that `tokenizer_from_json` reads, here and in Keras.

        Parameters
        ----------
        **kwargs
            For `json.dumps`.

        Raises
        ------
        ValueError
            If there is an `analyzer`, which no file can hold.
        """
        if self.analyzer is not None:
            raise ValueError("the tokenizer has an analyzer, a function that JSON cannot hold")
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Return the tokenizer that `Tokenizer.to_json` described, here or in Keras.

    Raises
    ------
    ValueError
        If the text is not such a description.
    """
    try:
        config = dict(json.loads(json_string)["config"])
        tables = {name: json.loads(config.pop(name)) for name in ("word_counts", "word_docs")}
        numbered = {name: json.loads(config.pop(name)) for name in ("index_docs", "index_word")}
        word_index = json.loads(config.pop("word_index"))
        count = config.pop("document_count")
        tokenizer = Tokenizer(**config)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this is not JSON text of Tokenizer.to_json: {error!r}") from error
    tokenizer.document_count = count
    tokenizer.word_index = word_index
    tokenizer.word_counts, tokenizer.word_docs = tables["word_counts"], tables["word_docs"]
    tokenizer.index_docs = _by_number(numbered["index_docs"])
    tokenizer.index_word = _by_number(numbered["index_word"])
    return tokenizer


def _by_number(table: dict[str, Any]) -> dict[int, Any]:
    """Return a table with integers as keys, which JSON turns into text."""
    return {int(key): value for key, value in table.items()}
