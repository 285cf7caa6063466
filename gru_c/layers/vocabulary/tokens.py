"""A vocabulary: the tokens that layers on texts and categories know, and their indices."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, as_real
from gru_c.common.validation import check_flag, check_integer

Token = str | int

INT, ONE_HOT, TF_IDF = "int", "one_hot", "tf_idf"
_OLD_MODES = {"binary": "multi_hot", "tf-idf": TF_IDF}
_MODES = (INT, ONE_HOT, "multi_hot", "count", TF_IDF)
_DROPPED, _MISSING = -1, -2  # instead of an index: a masked token; an unknown token


@dataclass(frozen=True)
class VocabularyOptions:
    """The settings of a vocabulary; see `StringLookup`, whose arguments they are."""

    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    invert: bool
    output_mode: str
    pad_to_max_tokens: bool

    @classmethod
    def checked(
        cls,
        max_tokens: Any,
        mask_token: Any,
        oov_token: Any,
        output_mode: Any,
        pad_to_max_tokens: Any,
        *,
        num_oov_indices: Any = 1,
        invert: Any = False,
    ) -> VocabularyOptions:
        """Return the settings, or an exception that names the one that does not fit."""
        mode = _OLD_MODES.get(output_mode, output_mode)
        if mode not in _MODES:
            raise ValueError(f"output_mode must be one of {', '.join(_MODES)}, got {output_mode!r}")
        largest = check_integer("max_tokens", max_tokens, 2, optional=True)
        if check_flag("pad_to_max_tokens", pad_to_max_tokens) and largest is None:
            raise ValueError("pad_to_max_tokens=True needs max_tokens, the size to pad to")
        if check_flag("invert", invert) and mode != INT:
            raise ValueError(f"invert=True goes with output_mode='int', got {mode!r}")
        oov = check_integer("num_oov_indices", num_oov_indices)
        return cls(largest, oov, mask_token, oov_token, bool(invert), mode, bool(pad_to_max_tokens))

    @property
    def special_tokens(self) -> list[Any]:
        """The tokens before the learned ones: for the mask, in mode "int", and unknown ones."""
        has_mask = self.mask_token is not None and self.output_mode == INT
        return [self.mask_token] * has_mask + [self.oov_token] * self.num_oov_indices


class Vocabulary:
    """Tokens and their indices.

    Parameters
    ----------
    kind : type
        Of the tokens: str or int.
    options : VocabularyOptions

    Attributes
    ----------
    tokens : list of str or int, or None
        All tokens, the special ones first; None before there are any.
    idf_weights : ndarray of float32 or None
        Inverse document frequency of each token, in mode "tf_idf".
    """

    def __init__(self, kind: type, options: VocabularyOptions) -> None:
        self.kind = kind
        self.options = options
        self.tokens: list[Any] | None = None
        self.idf_weights: Array | None = None
        self._index_of: dict[Any, int] = {}

    # ---- setting ----

    def set(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take the tokens of a list or of a file with one on each line; see `set_vocabulary`."""
        options, special = self.options, self.options.special_tokens
        if (options.output_mode == TF_IDF) != (idf_weights is not None):
            raise ValueError(
                "output_mode='tf_idf' needs idf_weights, and other modes have none: output_mode is "
                f"{options.output_mode!r}, idf_weights is {idf_weights!r}"
            )
        entries = self._as_tokens(vocabulary)
        if not entries:
            raise ValueError("the vocabulary is empty")
        has_special = entries[: len(special)] == special
        learned = entries[len(special) :] if has_special else entries
        self._check(learned)
        weights = None
        if idf_weights is not None:
            weights = as_real("idf_weights", idf_weights, np.float32)
            if weights.shape != (len(entries),):
                raise ValueError(
                    f"idf_weights must have one number for each of the {len(entries)} tokens, got "
                    f"shape {weights.shape}"
                )
            weights = weights if has_special else _with_average(weights, len(special))
        self._take(learned, weights)

    def _as_tokens(self, vocabulary: Any) -> list[Any]:
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = Path(vocabulary).read_text(encoding="utf-8").splitlines()
            if self.kind is int:
                vocabulary = [int(line) for line in vocabulary]
        if hasattr(vocabulary, "tolist"):
            vocabulary = vocabulary.tolist()
        if not isinstance(vocabulary, (list, tuple)):
            raise TypeError(f"vocabulary must be a list of tokens, got {type(vocabulary).__name__}")
        tokens = [
            token.decode() if isinstance(token, bytes) else _plain(token) for token in vocabulary
        ]
        for token in tokens:
            if not isinstance(token, self.kind) or isinstance(token, bool):
                raise TypeError(
                    f"the tokens of the vocabulary must be {self.kind.__name__}, got {token!r}"
                )
        return tokens

    def _check(self, learned: list[Any]) -> None:
        """Raise ValueError unless these can be the tokens behind the special ones."""
        options = self.options
        repeated = [token for token, count in Counter(learned).items() if count > 1]
        if repeated:
            raise ValueError(f"the vocabulary has tokens more than once: {repeated[:5]}")
        reserved = {options.mask_token, *([options.oov_token] if options.invert else ())} - {None}
        misplaced = reserved.intersection(learned)
        if misplaced:
            raise ValueError(
                f"the vocabulary has the special token {min(misplaced)!r} in its midst: leave "
                f"special tokens out, or begin with all of them: {options.special_tokens}"
            )
        size = len(learned) + len(options.special_tokens)
        if options.max_tokens is not None and size > options.max_tokens:
            raise ValueError(
                f"the vocabulary has {size} tokens with the special ones, more than "
                f"max_tokens={options.max_tokens}"
            )

    def learn(self, documents: Iterable[Sequence[Any]]) -> None:
        """Count the tokens of documents and take the most frequent ones; see `adapt`."""
        counts: Counter[Any] = Counter()
        in_documents: Counter[Any] = Counter()
        number = 0
        for number, document in enumerate(documents, start=1):  # noqa: B007
            counts.update(document)
            in_documents.update(set(document))
        for token in (self.options.mask_token, self.options.oov_token):
            counts.pop(token, None)
        if not counts:
            raise ValueError("the data has no tokens to learn")
        ordered = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        special = len(self.options.special_tokens)
        if self.options.max_tokens is not None:
            ordered = ordered[: max(self.options.max_tokens - special, 0)]
        weights = None
        if self.options.output_mode == TF_IDF:
            shares = [number / (1 + in_documents[token]) for token in ordered]
            weights = _with_average(np.log1p(np.array(shares)).astype(np.float32), special)
        self._take(ordered, weights)

    def _take(self, learned: list[Any], weights: Array | None) -> None:
        options = self.options
        self.tokens = options.special_tokens + learned
        self.idf_weights = weights
        first = len(options.special_tokens)
        self._index_of = {token: index for index, token in enumerate(learned, start=first)}
        if options.mask_token is not None:
            self._index_of[options.mask_token] = 0 if options.output_mode == INT else _DROPPED

    # ---- looking up ----

    def require(self, owner: str) -> list[Any]:
        """Return the tokens; ValueError, with the layer's name, if there are none yet."""
        if self.tokens is None:
            raise ValueError(
                f"layer {owner!r} has no vocabulary: call adapt(data) or set_vocabulary(tokens) "
                "first"
            )
        return self.tokens

    @property
    def depth(self) -> int:
        """Number of columns of the output in modes other than "int"."""
        padded = self.options.max_tokens if self.options.pad_to_max_tokens else None
        return len(self.tokens or ()) if padded is None else padded

    def indices_of(self, tokens: Sequence[Any]) -> Array:
        """Return the index of each token; -1 for one that is left out."""
        options = self.options
        first_oov = len(options.special_tokens) - options.num_oov_indices
        default = first_oov if options.num_oov_indices == 1 else _MISSING
        get = self._index_of.get
        indices = np.fromiter((get(token, default) for token in tokens), np.int64, len(tokens))
        if default == first_oov:
            return indices
        for place in np.flatnonzero(indices == _MISSING).tolist():
            if not options.num_oov_indices:
                raise ValueError(
                    f"{tokens[place]!r} is not in the vocabulary, and with num_oov_indices=0 there "
                    "is no index for tokens that are not"
                )
            indices[place] = first_oov + tokens[place] % options.num_oov_indices
        return indices

    def tokens_of(self, indices: Array) -> Array:
        """Return the token of each index; the token for unknown ones if an index has none."""
        tokens = np.array([*(self.tokens or ()), self.options.oov_token])
        is_known = (indices >= 0) & (indices < len(tokens) - 1)
        tokens_of_indices: Array = tokens[np.where(is_known, indices, len(tokens) - 1)]
        return tokens_of_indices

    def encode(self, rows: Sequence[Sequence[Any]]) -> Array:
        """Return a row (depth,) for the tokens of each row: multi-hot, counts or tf-idf."""
        counts = np.zeros((len(rows), self.depth), np.int64)
        numbers = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        indices = self.indices_of([token for row in rows for token in row])
        counts_at = numbers[indices != _DROPPED], indices[indices != _DROPPED]
        np.add.at(counts, counts_at, 1)
        if self.options.output_mode != TF_IDF:
            is_count = self.options.output_mode == "count"
            return counts if is_count else np.minimum(counts, 1)
        weighted: Array = counts.astype(np.float32) * self.padded_idf_weights()
        return weighted

    def padded_idf_weights(self) -> Array:
        """Return the inverse document frequency of each column, 0 behind the last token."""
        assert self.idf_weights is not None
        padding = np.zeros(self.depth - len(self.idf_weights), np.float32)
        weights: Array = np.concatenate([self.idf_weights, padding])
        return weights

    def one_hot(self, indices: Array) -> Array:
        """Return a row (depth,) for each index."""
        rows: Array = (indices[..., None] == np.arange(self.depth)).astype(np.int64)
        return rows


def _plain(token: Any) -> Any:
    return token.item() if isinstance(token, np.generic) else token


def _with_average(weights: Array, count: int) -> Array:
    """Return weights of the learned tokens with their average before them, `count` times."""
    padded: Array = np.concatenate([np.full(count, weights.mean(), weights.dtype), weights])
    return padded
