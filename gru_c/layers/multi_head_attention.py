"""Attention with several heads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gru_c import constraints, initializers, ops, regularizers
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_integer
from gru_c.layers.base import FIXED, LayerOptions
from gru_c.layers.base.attention_layer import AttentionLayer, Masks

if TYPE_CHECKING:
    from typing_extensions import Unpack

_PARTS = ("query", "key", "value", "attention_output")


class MultiHeadAttention(AttentionLayer):
    """Attention in several heads, each with its own projections of query, key and value.

    Weights: ``query_kernel (D, heads, key_dim)``, ``query_bias (heads, key_dim)``, the same of key
    and value, ``attention_output_kernel (heads, value_dim, D)``, ``attention_output_bias (D,)``.

    Parameters
    ----------
    num_heads, key_dim : int
        The number of heads, and the size of query and key in each.
    value_dim : int, optional
        Size of the value in each head, by default `key_dim`.
    dropout : float
        Share of the scores that is dropped in training.
    use_bias : bool
        Add biases.
    output_shape : int, optional
        Number of features of the output, by default that of the query.
    kernel_initializer, bias_initializer : str or Initializer
        Initial values of the weights.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the size of the weights.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Conditions that the weights satisfy after every optimizer step.
    seed : int, optional
        Seed of the dropout; by default the model's generator is used.
    name, dtype, trainable
        See `Layer`.

    References
    ----------
    Vaswani et al., Attention is all you need, 2017, https://arxiv.org/abs/1706.03762

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.layers import MultiHeadAttention
    >>> layer = MultiHeadAttention(num_heads=2, key_dim=8)
    >>> layer(np.ones((2, 3, 16)), np.ones((2, 5, 16))).shape
    (2, 3, 16)
    """

    _advice: ClassVar = {
        **AttentionLayer._advice,
        **dict.fromkeys(("num_heads", "key_dim", "value_dim", "use_bias"), FIXED),
    }
    _until_built = tuple(
        f"{part}_{kind}"
        for part in ("kernel", "bias")
        for kind in ("initializer", "regularizer", "constraint")
    )
    not_kept = AttentionLayer.not_kept | {"output_shape"}

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        *,
        kernel_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        kernel_regularizer: object = None,
        bias_regularizer: object = None,
        kernel_constraint: object = None,
        bias_constraint: object = None,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(dropout, seed, **options)
        self.num_heads = check_integer("num_heads", num_heads, 1)
        self.key_dim = check_integer("key_dim", key_dim, 1)
        size = key_dim if value_dim is None else value_dim
        self.value_dim = check_integer("value_dim", size, 1)
        self.use_bias = check_flag("use_bias", use_bias)
        if isinstance(output_shape, (list, tuple)) and len(output_shape) == 1:
            output_shape = output_shape[0]  # as in Keras's configuration
        self._features = check_integer("output_shape", output_shape, 1, optional=True)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; see `Configurable.get_config`."""
        return {**super().get_config(), "output_shape": self._features}

    def _option(self, weight: str, kind: str) -> Any:
        """Return an option of the kernels or of the biases."""
        return getattr(self, f"{weight.rpartition('_')[2]}_{kind}")

    def weight_shapes(self, input_shape: Any) -> dict[str, tuple[int, ...]]:
        """Return the names and shapes of the weights, in Keras's order."""
        query, value, key = self._check_shapes(input_shape)
        sizes = [
            (query[-1], self.num_heads, self.key_dim),
            (key[-1], self.num_heads, self.key_dim),
            (value[-1], self.num_heads, self.value_dim),
            (self.num_heads, self.value_dim, self._features or query[-1]),
        ]
        shapes: dict[str, Any] = {}
        for part, shape in zip(_PARTS, sizes, strict=True):
            shapes[f"{part}_kernel"] = shape
            if self.use_bias:
                shapes[f"{part}_bias"] = shape[1:] if part != _PARTS[-1] else shape[2:]
        return shapes

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return (B, Tq, features)."""
        shapes = self._check_shapes(input_shape)
        for shape in shapes:
            self._require_features(shape)
        return (*shapes[0][:-1], self._features or shapes[0][-1])

    def scores_shape(self, input_shapes: Any) -> Shape:
        """Return the shape of the attention scores, (B, heads, Tq, Tv)."""
        batch, *steps = super().scores_shape(input_shapes)
        return (batch, self.num_heads, *steps)

    def __call__(  # type: ignore[override]
        self,
        query: Any,
        value: Any = None,
        key: Any = None,
        *,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        training: bool | None = None,
        **options: Any,
    ) -> Any:
        """Return the output for a query, values and keys, or for a list of them.

        `options` are ``attention_mask``, ``return_attention_scores`` and ``use_causal_mask``, see
        `forward`.
        """
        inputs = query if value is None else [query, value, *([] if key is None else [key])]
        masks = [query_mask, value_mask, key_mask]
        if any(mask is not None for mask in masks):
            options["mask"] = masks
        return super().__call__(inputs, training=training, **options)

    def forward(self, x: Any, *, attention_mask: Any = None, **options: Any) -> Any:
        """Return the output; see `AttentionLayer.forward`.

        Parameters
        ----------
        x : list of array_like
            ``[query, value]`` or ``[query, value, key]``.
        attention_mask : ndarray of bool, optional
            True for the pairs of steps that count, (B, Tq, Tv).
        **options
            ``training``, ``mask``, ``return_attention_scores`` and ``use_causal_mask``.
        """
        if attention_mask is None:
            return super().forward(x, **options)
        shape = (len(x[0]), np.shape(x[0])[1], np.shape(x[1])[1])
        mask = np.asarray(attention_mask, bool)
        if mask.ndim != 3 or any(a not in (1, b) for a, b in zip(mask.shape, shape, strict=True)):
            raise ValueError(
                f"layer {self.label!r}: attention_mask must have the shape {shape}, got "
                f"{mask.shape}"
            )
        self.__dict__["_pairs"] = mask
        try:
            return super().forward(x, **options)
        finally:
            del self.__dict__["_pairs"]

    def _attend(self, inputs: list[Any], masks: Masks, causal: bool, training: bool) -> Any:
        query, value, key = (*inputs, inputs[1])[:3]
        lengths = query.shape[1], value.shape[1]
        counting = self._counting(masks, lengths, causal, of_query=True)
        pairs = self.__dict__.get("_pairs")
        if pairs is not None:
            counting = pairs if counting is None else counting & pairs
        return self.attend(query, value, key, counting, training)

    def _project(self, x: Any, part: str) -> Any:
        """Return the heads (B, heads, T, size) of a projection."""
        kernel = self._parameter(f"{part}_kernel")
        features, heads, size = kernel.shape
        y = ops.matmul(x, ops.reshape(kernel, (features, heads * size)))
        if self.use_bias:
            y = y + ops.reshape(self._parameter(f"{part}_bias"), (heads * size,))
        batch, steps = x.shape[:2]
        return ops.transpose(ops.reshape(y, (batch, steps, heads, size)), (0, 2, 1, 3))

    def attend(
        self, query: Any, value: Any, key: Any, counting: Array | None, training: bool
    ) -> tuple[Any, Any]:
        """Return the output and the attention scores (B, heads, Tq, Tv)."""
        q = self._project(query, "query") * (1 / math.sqrt(self.key_dim))
        k, v = self._project(key, "key"), self._project(value, "value")
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2)))
        pairs = None if counting is None else counting[:, None]
        dropped, shares = self._shares(scores, pairs, training)
        heads = ops.transpose(ops.matmul(dropped, v), (0, 2, 1, 3))
        batch, steps = query.shape[:2]
        size = self.num_heads * self.value_dim
        kernel = self._parameter("attention_output_kernel")
        flat = ops.reshape(kernel, (size, kernel.shape[-1]))
        output = ops.matmul(ops.reshape(heads, (batch, steps, size)), flat)
        if self.use_bias:
            output = output + self._parameter("attention_output_bias")
        return output, shares
