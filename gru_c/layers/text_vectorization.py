"""The layer that turns texts into indices of words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_integer
from gru_c.layers.base import LayerOptions
from gru_c.layers.lookup import refuse_sparse
from gru_c.layers.vocabulary import INT, ONE_HOT, Vocabulary, VocabularyOptions
from gru_c.layers.vocabulary.layer import VocabularyLayer, is_array, refuse_steps
from gru_c.layers.vocabulary.texts import (
    SPLITS,
    STANDARDIZATIONS,
    TextFunction,
    as_texts,
    ngrams_of,
    split_texts,
    standardized,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class TextVectorization(VocabularyLayer):
    """Turn texts into indices of their words, or into a row of numbers for each text.

    It may be the first layer of a model, which then takes texts: an array or list of str of shape
    (samples,) or (samples, 1). Its vocabulary is saved with the model.

    Parameters
    ----------
    max_tokens : int, optional
        Largest size of the vocabulary, special tokens included.
    standardize : {"lower_and_strip_punctuation", "lower", "strip_punctuation"}, callable or None
        What to do with texts first. A function gets and returns an array of texts. As in Keras
        only the letters A to Z become lower case, and only ASCII punctuation is removed.
    split : {"whitespace", "character"}, callable or None
        The tokens of a text. A function gets an array of texts and returns a list of tokens for
        each. None: each text of an array (samples,) or (samples, tokens) is a token.
    ngrams : int or tuple of int, optional
        Join so many tokens that stand next to each other, with a space between them; an int stands
        for all numbers up to it.
    output_mode : {"int", "multi_hot", "count", "tf_idf"}
        Indices of the tokens, 0 behind the last one; or a row of the vocabulary's size for each
        text: 1 for the tokens in it, how often each occurs, or that times the inverse document
        frequency ``log(1 + texts / (1 + texts with the token))``.
    output_sequence_length : int, optional
        Length that the rows of indices are cut and padded to; by default that of the longest text.
    pad_to_max_tokens : bool
        Make rows of `max_tokens` columns in the other modes, whatever the vocabulary's size.
    vocabulary : list of str, optional
        The vocabulary, see `set_vocabulary`; by default `adapt` learns it.
    idf_weights : array_like, optional
        Inverse document frequencies, for ``output_mode="tf_idf"`` with a vocabulary.
    sparse, ragged : False
        gru_c has no sparse arrays and none with rows of different lengths.
    encoding : str
        Encoding of texts that are bytes.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> from gru_c.layers import TextVectorization
    >>> layer = TextVectorization(output_sequence_length=4)
    >>> layer.adapt(["foo bar", "bar baz", "baz bada boom"])
    >>> layer.get_vocabulary()
    ['', '[UNK]', 'baz', 'bar', 'foo', 'boom', 'bada']
    >>> layer(["foo qux bar", "qux baz"])
    array([[4, 1, 3, 0],
           [1, 2, 0, 0]])
    """

    takes_texts = True

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | TextFunction | None = "lower_and_strip_punctuation",
        split: str | TextFunction | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: npt.ArrayLike | None = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        settings = VocabularyOptions.checked(
            max_tokens, "", "[UNK]", output_mode, pad_to_max_tokens
        )
        if settings.output_mode == ONE_HOT:
            raise ValueError(
                "output_mode='one_hot' gives arrays of different lengths: take StringLookup, or an "
                "Embedding behind output_mode='int'"
            )
        length = check_integer("output_sequence_length", output_sequence_length, 1, optional=True)
        if length is not None and settings.output_mode != INT:
            raise ValueError(
                "output_sequence_length goes with output_mode='int', got output_mode="
                f"{settings.output_mode!r}"
            )
        if check_flag("ragged", ragged):
            raise ValueError("ragged=True: gru_c has no arrays with rows of different lengths")
        self.standardize = _checked_choice("standardize", standardize, STANDARDIZATIONS)
        self.split = _checked_choice("split", split, SPLITS)
        self.ngrams = _checked_ngrams(ngrams)
        self.output_sequence_length = length
        self.sparse = refuse_sparse(sparse)
        self.ragged = False
        self.encoding = encoding
        self._vocabulary = Vocabulary(str, settings)
        self._start_with(vocabulary, idf_weights)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary: the tokens of texts, the most frequent ones first.

        Of tokens that are equally frequent, the one that comes later in the alphabet is first, as
        in Keras.

        Parameters
        ----------
        data : array_like of str, or iterable of batches
            Texts of shape (texts,) or (texts, 1); each is a document for ``"tf_idf"``.
        batch_size
            Ignored.
        steps : int, optional
            Number of batches to take from an iterable.

        Raises
        ------
        ValueError, TypeError
            If the layer was made with a vocabulary, or the data has no tokens or other things.
        """
        if is_array(data):
            refuse_steps(steps)
            self._adapt(iter(self._tokens(as_texts("data", data, self.encoding))))
        else:
            self._adapt(self._documents(self._batches(data, steps)))

    def _documents(self, batches: Iterator[Any]) -> Iterator[list[str]]:
        for batch in batches:
            yield from self._tokens(as_texts("a batch of data", batch, self.encoding))

    def _tokens(self, texts: Array) -> list[list[str]]:
        """Return the tokens of each text, or of each row if texts are not split."""
        plain = standardized(texts, self.standardize)
        if self.split is None:
            if plain.ndim > 2:
                self._refuse_shape("(texts,) or (texts, tokens)", plain.shape)
            rows: list[list[str]] = (
                plain.reshape(len(plain), -1).tolist() if plain.ndim else [[plain.item()]]
            )
        else:
            if plain.ndim > 2 or (plain.ndim == 2 and plain.shape[1] != 1):
                self._refuse_shape("(texts,) or (texts, 1)", plain.shape)
            rows = split_texts(plain.reshape(-1), self.split)
        if self.ngrams is None:
            return rows
        widths = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [ngrams_of(row, widths) for row in rows]

    def read_input(self, x: Any) -> Array:
        """Return texts as an array of str objects."""
        return as_texts("x", x, self.encoding)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, output_sequence_length), or (B, size of the vocabulary) in other modes."""
        is_split = self.split is not None
        if not 1 <= len(input_shape) <= 2 or (
            is_split and input_shape[1:] not in ((), (1,), (None,))
        ):
            self._refuse_shape("(batch,) or (batch, 1)", input_shape)
        if self.output_mode != INT:
            self._vocabulary.require(self.label)
            return (input_shape[0], self._vocabulary.depth)
        if is_split or self.ngrams is not None or self.output_sequence_length is not None:
            return (input_shape[0], self.output_sequence_length)
        return input_shape

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: an `Embedding` with ``mask_zero`` makes the mask of the indices."""

    def forward(
        self, x: npt.ArrayLike, *, training: bool = False, mask: Array | None = None
    ) -> Array:
        """Return the indices of the tokens of each text, or a row of numbers for each.

        Parameters
        ----------
        x : array_like of str
            Texts of shape (B,) or (B, 1), or one text, whose output has no batch axis.
        training, mask
            Change nothing.

        Returns
        -------
        ndarray of int64, shape (B, tokens); or (B, size of the vocabulary), float32 for "tf_idf"

        Raises
        ------
        ValueError, TypeError
            If there is no vocabulary yet, or x holds something else.
        """
        check_flag("training", training)
        self._vocabulary.require(self.label)
        texts = self.read_input(x)
        rows = self._tokens(texts)
        if self.output_mode != INT:
            output = self._encode(rows)
        else:
            output = self._padded(rows)
            if self.split is None and texts.ndim == 1 and self.output_sequence_length is None:
                output = output[:, 0] if self.ngrams is None else output
        return output if texts.ndim else output[0]

    def _padded(self, rows: list[list[str]]) -> Array:
        """Return the indices of the tokens of each row, cut and padded to one length."""
        length = self.output_sequence_length
        cut = [row[:length] for row in rows]
        lengths = np.array([len(row) for row in cut], np.intp)
        longest = int(lengths.max(initial=0)) if length is None else length
        output = np.zeros((len(cut), longest), np.int64)
        output[np.arange(longest) < lengths[:, None]] = self._vocabulary.indices_of(
            [token for row in cut for token in row]
        )
        return output


def _checked_choice(name: str, value: Any, choices: Any) -> Any:
    """Return a name, a function or None; ValueError for something else."""
    if value is None or callable(value) or (isinstance(value, str) and value in choices):
        return value
    raise ValueError(f"{name} must be {', '.join(choices)}, a function or None, got {value!r}")


def _checked_ngrams(ngrams: Any) -> int | tuple[int, ...] | None:
    if isinstance(ngrams, (list, tuple)):
        return tuple(check_integer("every number of ngrams", number, 1) for number in ngrams)
    return check_integer("ngrams", ngrams, 1, optional=True)
