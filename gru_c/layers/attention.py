"""Attention of a query to values: by products, and by sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gru_c import ops
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_choice, check_flag
from gru_c.initializers import GlorotUniform, Ones
from gru_c.layers.base import FIXED, LayerOptions
from gru_c.layers.base.attention_layer import AttentionLayer

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Attention(AttentionLayer):
    """Means of the values, weighted by how well their keys fit the query (Luong's attention).

    Weights: ``scale ()`` with ``use_scale``, ``concat_score_weight ()`` with the mode "concat".

    Parameters
    ----------
    use_scale : bool
        Multiply the scores by a weight.
    score_mode : {"dot", "concat"}
        Scores are products of query and key, or sums of tanh(query + key) times a weight.
    dropout : float
        Share of the scores that is dropped in training.
    seed : int, optional
        Seed of the dropout; by default the model's generator is used.
    name, dtype, trainable
        See `Layer`.

    References
    ----------
    Luong, Pham and Manning, Effective approaches to attention-based neural machine translation,
    2015, https://doi.org/10.18653/v1/D15-1166

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.layers import Attention
    >>> query, value = np.ones((2, 3, 4)), np.ones((2, 5, 4))
    >>> Attention()([query, value]).shape
    (2, 3, 4)
    """

    _advice: ClassVar = {**AttentionLayer._advice, "use_scale": FIXED, "score_mode": FIXED}
    scale_initializer: Any = Ones()
    concat_score_weight_initializer = Ones()

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(dropout, seed, **options)
        self.use_scale = check_flag("use_scale", use_scale)
        self.score_mode = check_choice("score_mode", score_mode, ("dot", "concat"))

    def weight_shapes(self, input_shape: Any) -> dict[str, tuple[int, ...]]:
        """Return the names and shapes of the weights."""
        shapes: dict[str, tuple[int, ...]] = {"scale": ()} if self.use_scale else {}
        if self.score_mode == "concat":
            shapes["concat_score_weight"] = ()
        return shapes

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return (B, Tq, features of the values)."""
        query, value, key = self._check_shapes(input_shape)
        if query[-1] != key[-1] and None not in (query[-1], key[-1]):
            raise ValueError(
                f"layer {self.label!r}: query and key must have the same number of features, got "
                f"shapes {query} and {key}"
            )
        return (*query[:-1], value[-1])

    def scores(self, query: Any, key: Any) -> Any:
        """Return the scores (B, Tq, Tv) of all pairs of steps."""
        scale = self._parameter("scale") if self.use_scale else None
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if scale is None else scores * scale
        sums = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        sums = sums if scale is None else sums * scale
        return self._parameter("concat_score_weight") * ops.sum(ops.tanh(sums), axis=-1)

    def attend(
        self, query: Any, value: Any, key: Any, counting: Array | None, training: bool
    ) -> tuple[Any, Any]:
        """Return the output and the attention scores."""
        shares, _ = self._shares(self.scores(query, key), counting, training)
        return ops.matmul(shares, value), shares


class AdditiveAttention(Attention):
    """Means of the values, weighted by sums of tanh(query + key) (Bahdanau's attention).

    Weights: ``scale (D,)`` with ``use_scale``.

    Parameters
    ----------
    use_scale : bool
        Multiply each feature of tanh(query + key) by a weight.
    dropout, seed, name, dtype, trainable
        See `Attention`.

    References
    ----------
    Bahdanau, Cho and Bengio, Neural machine translation by jointly learning to align and
    translate, 2015, https://arxiv.org/abs/1409.0473

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.layers import AdditiveAttention
    >>> AdditiveAttention()([np.ones((2, 3, 4)), np.ones((2, 5, 4))]).shape
    (2, 3, 4)
    """

    not_kept = AttentionLayer.not_kept | {"score_mode"}
    scale_initializer: Any = GlorotUniform()

    def __init__(
        self,
        use_scale: bool = True,
        dropout: float = 0.0,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(use_scale, "dot", dropout, seed, **options)

    def weight_shapes(self, input_shape: Any) -> dict[str, tuple[int, ...]]:
        """Return the name and the shape of the weight."""
        return {"scale": (input_shape[0][-1] or 0,)} if self.use_scale else {}

    def scores(self, query: Any, key: Any) -> Any:
        """Return the scores (B, Tq, Tv) of all pairs of steps."""
        terms = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        if not self.use_scale:
            return ops.sum(terms, axis=-1)
        return ops.matmul(terms, self._parameter("scale"))
