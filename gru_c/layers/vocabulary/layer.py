"""The base class of layers with a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flags, check_integer
from gru_c.layers.base.layer import ForwardOptions, Layer
from gru_c.layers.base.tensor import holds_tensors
from gru_c.layers.vocabulary.tokens import INT, TF_IDF, Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Unpack

_FIXED = "cannot change after the layer was made: make a new {cls}(...)"


class VocabularyLayer(Layer):
    """Base of layers that turn tokens into indices; a subclass sets ``self._vocabulary``.

    The layers have no weights and no gradient: in a model they come before all layers that are
    trained. A saved model has their vocabulary.
    """

    takes_scalars = True
    takes_mask = True  # so that a model leaves the texts of steps that do not count unchanged

    _vocabulary: Vocabulary
    _is_fixed = False  # True if the constructor was given the vocabulary

    def __init_subclass__(cls, **arguments: Any) -> None:
        properties = ("gives_indices", "gives_tokens", "output_dtype", "takes_texts")
        names = (*cls.__init__.__annotations__, *properties)
        free = ("options", "return")
        cls._advice = {
            **Layer._advice,
            **{name: _FIXED for name in names if name not in free},
            "vocabulary": "is set with adapt(data) or set_vocabulary(tokens)",
            "idf_weights": "is set with adapt(data) or set_vocabulary(tokens, idf_weights)",
        }
        super().__init_subclass__(**arguments)

    def _start_with(self, vocabulary: Any, idf_weights: Any) -> None:
        """Take the vocabulary that the constructor was given."""
        if isinstance(vocabulary, str):
            raise TypeError(
                "vocabulary must be a list of tokens: to read a file, make the layer without it "
                "and call set_vocabulary(path)"
            )
        if vocabulary is not None:
            self._vocabulary.set(vocabulary, idf_weights)
            self._is_fixed = True
        elif idf_weights is not None:
            raise ValueError("idf_weights belong to a vocabulary: give vocabulary, too")

    # ---- the vocabulary ----

    @property
    def output_mode(self) -> str:
        """The form of the output: "int", "one_hot", "multi_hot", "count" or "tf_idf"."""
        return self._vocabulary.options.output_mode

    @property
    def max_tokens(self) -> int | None:
        """The largest size of the vocabulary, special tokens included; None for no limit."""
        return self._vocabulary.options.max_tokens

    @property
    def pad_to_max_tokens(self) -> bool:
        """True if the output has `max_tokens` columns, whatever the size of the vocabulary."""
        return self._vocabulary.options.pad_to_max_tokens

    @property
    def vocabulary(self) -> list[Any] | None:
        """The tokens in the order of their indices, or None before there are any."""
        return None if self._vocabulary.tokens is None else list(self._vocabulary.tokens)

    @property
    def idf_weights(self) -> list[float] | None:
        """The inverse document frequency of each token in mode "tf_idf", else None."""
        weights = self._vocabulary.idf_weights
        return None if weights is None else weights.tolist()

    def idf_array(self) -> Array:
        """Return the inverse document frequency of each column of the output."""
        return self._vocabulary.padded_idf_weights()

    @property
    def gives_indices(self) -> bool:  # type: ignore[override]
        """True if the output is indices, which an `Embedding` takes."""
        return self.output_mode == INT

    @property
    def output_dtype(self) -> str | None:  # type: ignore[override]
        """The dtype of the output: "int64"; None, that of the model, for "tf_idf"."""
        return None if self.output_mode == TF_IDF else "int64"

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Return the tokens in the order of their indices.

        Parameters
        ----------
        include_special_tokens : bool
            With the tokens for masked and for unknown ones, which come first.
        """
        special = self._vocabulary.options.special_tokens
        tokens = special if self._vocabulary.tokens is None else self._vocabulary.tokens
        return tokens[0 if include_special_tokens else len(special) :]

    def vocabulary_size(self) -> int:
        """Return the number of tokens, special ones included."""
        return len(self.get_vocabulary())

    def set_vocabulary(self, vocabulary: Any, idf_weights: npt.ArrayLike | None = None) -> None:
        """Set the tokens, instead of learning them with `adapt`.

        Parameters
        ----------
        vocabulary : list, ndarray or path
            Tokens without the special ones, or with all of these first. A path is that of a text
            file with a token on each line.
        idf_weights : array_like, optional
            Inverse document frequency of each, for ``output_mode="tf_idf"`` only. The special
            tokens get the average, unless they are among the tokens.

        Raises
        ------
        ValueError, TypeError
            If the tokens are of the wrong type, too many or not all different, or one of the
            special tokens is in the wrong place. The layer is then unchanged.
        """
        self._vocabulary.set(vocabulary, idf_weights)

    def _adapt(self, documents: Iterator[Sequence[Any]]) -> None:
        if self._is_fixed:
            raise ValueError(
                f"layer {self.label!r} was made with a vocabulary: make a layer without one to "
                "adapt it, or call set_vocabulary"
            )
        self._vocabulary.learn(documents)

    def _batches(self, data: Any, steps: int | None) -> Iterator[Any]:
        """Yield the batches that an object gives; it is not an array, as `adapt` has checked."""
        count = check_integer("steps", steps, 1, optional=True)
        for number, batch in enumerate(data):
            if number == count:
                return
            yield batch[0] if isinstance(batch, tuple) else batch

    # ---- the layer ----

    @property
    def stepwise(self) -> bool:
        """False: a stream takes numbers, one time step after the other."""
        return False

    def _encode(self, rows: Sequence[Sequence[Any]]) -> Array:
        self._vocabulary.require(self.label)
        return self._vocabulary.encode(rows)

    def __call__(
        self, x: Any, *, training: bool | None = None, **options: Unpack[ForwardOptions]
    ) -> Any:
        """Return the output for `x`, an array or list of any shape that the layer takes."""
        if holds_tensors(x):
            return super().__call__(x, training=training, **options)
        forward: Any = self.forward
        return forward(self.read_input(x), training=bool(training), **options)

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return the shape with all axes but the last one open."""
        return (*(None for _ in shape[:-1]), *shape[1:][-1:]) if len(shape) > 1 else (None,)

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> None:
        """Return None: tokens have no gradient."""
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)


def is_array(data: Any) -> bool:
    """Return True if `data` is one array or list, rather than an object that gives batches."""
    return (
        isinstance(data, (str, bytes, list, tuple, np.ndarray))
        or hasattr(data, "__array__")
        or not isinstance(data, Iterable)
    )


def refuse_steps(steps: object) -> None:
    """Raise ValueError if `steps` is given with an array."""
    if steps is not None:
        raise ValueError("steps is for an object that gives batches: an array is used as a whole")
