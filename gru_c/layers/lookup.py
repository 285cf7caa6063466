"""Layers that look up tokens in a vocabulary: `StringLookup` and `IntegerLookup`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, as_real
from gru_c.common.validation import check_flag
from gru_c.layers.base import LayerOptions
from gru_c.layers.vocabulary import INT, ONE_HOT, Vocabulary, VocabularyOptions
from gru_c.layers.vocabulary.layer import VocabularyLayer, is_array, refuse_steps
from gru_c.layers.vocabulary.texts import as_texts

if TYPE_CHECKING:
    from typing_extensions import Unpack


class IndexLookup(VocabularyLayer):
    """Base of `StringLookup` and `IntegerLookup`."""

    @property
    def num_oov_indices(self) -> int:
        """Number of indices for tokens that are not in the vocabulary."""
        return self._vocabulary.options.num_oov_indices

    @property
    def mask_token(self) -> Any:
        """The token that stands for an empty place, or None."""
        return self._vocabulary.options.mask_token

    @property
    def oov_token(self) -> Any:
        """The token that stands for all tokens outside the vocabulary."""
        return self._vocabulary.options.oov_token

    @property
    def invert(self) -> bool:
        """True if the layer turns indices into tokens."""
        return self._vocabulary.options.invert

    @property
    def gives_tokens(self) -> bool:  # type: ignore[override]
        """True if the output is tokens."""
        return self.invert

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary: the tokens of `data`, the most frequent ones first.

        Of tokens that are equally frequent, the one that comes later in the order of the tokens is
        first, as in Keras.

        Parameters
        ----------
        data : array_like, or iterable of batches
            Tokens. For ``output_mode="tf_idf"`` each row is a document; of one axis, each token.
        steps : int, optional
            Number of batches to take from an iterable.

        Raises
        ------
        ValueError, TypeError
            If the layer was made with a vocabulary, or the data has no tokens or other things.
        """
        if is_array(data):
            refuse_steps(steps)
            tokens = self._read_tokens("data", data)
            rows = tokens.reshape(-1, 1) if tokens.ndim < 2 else tokens.reshape(len(tokens), -1)
            self._adapt(iter(rows.tolist()))
        else:
            self._adapt(self._documents(self._batches(data, steps)))

    def _documents(self, batches: Iterator[Any]) -> Iterator[Sequence[Any]]:
        for batch in batches:
            tokens = self._read_tokens("a batch of data", batch)
            rows = tokens.reshape(1, -1) if tokens.ndim < 2 else tokens.reshape(len(tokens), -1)
            yield from rows.tolist()

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape in mode "int"; in others with an axis for the vocabulary.

        That axis is added by "one_hot", and takes the place of the last one in the other modes.
        """
        if self.output_mode == INT:
            return input_shape
        self._vocabulary.require(self.label)
        if self.output_mode == ONE_HOT:
            leading_sizes = (
                input_shape[:-1] if len(input_shape) > 1 and input_shape[-1] == 1 else input_shape
            )
            return (*leading_sizes, self._vocabulary.depth)
        if len(input_shape) != 2:
            self._refuse_shape("(batch, tokens)", input_shape)
        return (input_shape[0], self._vocabulary.depth)

    def read_input(self, x: Any) -> Array:
        """Return tokens as an array of text or integers; indices with ``invert=True``."""
        return _as_integers("x", x) if self.invert else self._read_tokens("x", x)

    def _read_tokens(self, name: str, value: Any) -> Array:
        raise NotImplementedError

    def forward(
        self, x: npt.ArrayLike, *, training: bool = False, mask: Array | None = None
    ) -> Array:
        """Return the indices of tokens, or their encoding; with ``invert=True`` the tokens.

        Parameters
        ----------
        x : array_like
            Tokens of any shape; (tokens,) or (batch, tokens) in modes other than "int" and
            "one_hot".
        training, mask
            Change nothing.

        Raises
        ------
        ValueError, TypeError
            If there is no vocabulary yet, x holds something else, or a token is unknown and
            ``num_oov_indices`` is 0.
        """
        check_flag("training", training)
        vocabulary, array = self._vocabulary, self.read_input(x)
        vocabulary.require(self.label)
        if self.invert:
            return vocabulary.tokens_of(array)
        if self.output_mode not in (INT, ONE_HOT):
            if array.ndim > 2:
                self._refuse_shape("(batch, tokens)", array.shape)
            rows = vocabulary.encode(np.atleast_2d(array).tolist())
            return rows if array.ndim > 1 else rows[0]
        indices: Array = vocabulary.indices_of(array.reshape(-1).tolist())
        indices = indices.reshape(array.shape)
        if self.output_mode == INT:
            return indices
        is_column = indices.ndim > 1 and array.shape[-1] == 1
        return vocabulary.one_hot(indices[..., 0] if is_column else np.atleast_1d(indices))


class StringLookup(IndexLookup):
    """Turn texts into their indices in a vocabulary, each text as a whole.

    `TextVectorization` splits texts into words first.

    Parameters
    ----------
    max_tokens : int, optional
        Largest size of the vocabulary, special tokens included.
    num_oov_indices : {0, 1}
        With 1, all texts that are not in the vocabulary have one index; with 0 they are an error.
    mask_token : str, optional
        Text that stands for none: it has the index 0 in mode "int", and is left out in others.
    oov_token : str
        Text that stands for those that are not in the vocabulary.
    vocabulary : list of str, optional
        The vocabulary, see `set_vocabulary`; by default `adapt` learns it.
    idf_weights : array_like, optional
        Inverse document frequencies, for ``output_mode="tf_idf"`` with a vocabulary.
    invert : bool
        Turn indices into texts. Not in a model, which passes numbers on.
    output_mode : {"int", "one_hot", "multi_hot", "count", "tf_idf"}
        Indices; or for each text a row with a 1 in the column of its index; or for each row of
        texts a row of the vocabulary's size: 1 for the texts in it, how often each one occurs, or
        that times the inverse document frequency ``log(1 + documents / (1 + documents with it))``.
    pad_to_max_tokens : bool
        Make rows of `max_tokens` columns, whatever the size of the vocabulary is.
    sparse : False
        gru_c has no sparse arrays.
    encoding : str
        Encoding of texts that are bytes.
    name, dtype, input_shape, trainable
        See `Layer`.
    salt : None
        Keras's setting for several indices of unknown texts.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> from gru_c.layers import StringLookup
    >>> layer = StringLookup()
    >>> layer.adapt([["a", "c", "d"], ["d", "z", "b"]])
    >>> layer.get_vocabulary()
    ['[UNK]', 'd', 'z', 'c', 'b', 'a']
    >>> layer([["a", "c", "d"], ["d", "?", "b"]])
    array([[5, 3, 1],
           [1, 0, 4]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: npt.ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        salt: None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        settings = VocabularyOptions.checked(
            max_tokens,
            mask_token,
            oov_token,
            output_mode,
            pad_to_max_tokens,
            num_oov_indices=num_oov_indices,
            invert=invert,
        )
        if settings.num_oov_indices > 1 or salt is not None:
            raise ValueError(
                f"num_oov_indices={num_oov_indices} and salt={salt}: Keras spreads unknown texts "
                "over several indices by a hash that gru_c does not have: give num_oov_indices=1, "
                "or 0 for an error"
            )
        self.sparse = refuse_sparse(sparse)
        self.encoding = encoding
        self.salt = salt
        self._vocabulary = Vocabulary(str, settings)
        self._start_with(vocabulary, idf_weights)

    @property
    def takes_texts(self) -> bool:  # type: ignore[override]
        """True unless the layer turns indices into texts."""
        return not self.invert

    def _read_tokens(self, name: str, value: Any) -> Array:
        return as_texts(name, value, self.encoding)


class IntegerLookup(IndexLookup):
    """Turn integers, such as numbers of articles, into their indices in a vocabulary.

    Parameters
    ----------
    max_tokens, idf_weights, invert, output_mode, sparse, pad_to_max_tokens
        See `StringLookup`.
    num_oov_indices : int
        Indices of integers that are not in the vocabulary, which share them by their remainder
        modulo this number; with 0 they are an error.
    mask_token : int, optional
        Integer that stands for none: it has the index 0 in mode "int", and is left out in others.
    oov_token : int
        Integer that stands for those that are not in the vocabulary.
    vocabulary : list of int, optional
        The vocabulary, see `set_vocabulary`; by default `adapt` learns it.
    vocabulary_dtype : {"int64"}
        Dtype of the integers.
    oov_method : {"floormod"}
        The way in which integers share indices.
    salt : None
        Keras's setting for its other `oov_method`.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> from gru_c.layers import IntegerLookup
    >>> layer = IntegerLookup(vocabulary=[12, 36, 1138])
    >>> layer([[12, 1138, 7]])
    array([[1, 3, 0]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: npt.ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        settings = VocabularyOptions.checked(
            max_tokens,
            mask_token,
            oov_token,
            output_mode,
            pad_to_max_tokens,
            num_oov_indices=num_oov_indices,
            invert=invert,
        )
        if vocabulary_dtype != "int64":
            raise ValueError(f"vocabulary_dtype must be 'int64', got {vocabulary_dtype!r}")
        if oov_method != "floormod" or salt is not None:
            raise ValueError(
                f"oov_method={oov_method!r} and salt={salt}: gru_c has the method 'floormod' only, "
                "which takes no salt"
            )
        self.vocabulary_dtype = vocabulary_dtype
        self.sparse = refuse_sparse(sparse)
        self.oov_method = oov_method
        self.salt = salt
        self._vocabulary = Vocabulary(int, settings)
        self._start_with(vocabulary, idf_weights)

    def _read_tokens(self, name: str, value: Any) -> Array:
        return _as_integers(name, value)


def refuse_sparse(sparse: object) -> bool:
    """Return False; ValueError for True, which asks for arrays of another library."""
    if check_flag("sparse", sparse):
        raise ValueError("sparse=True: gru_c has no sparse arrays, the output has all zeros")
    return False


def _as_integers(name: str, value: Any) -> Array:
    """Return an array of int64; ValueError for a number that is not whole."""
    array = as_real(name, value)
    whole: Array = array.astype(np.int64)
    if array.dtype.kind == "f" and (whole != array).any():
        raise ValueError(f"{name} must hold integers, got {array[whole != array].flat[0]}")
    return whole
