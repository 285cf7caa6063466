"""The base class of attention layers, which take a query, values and perhaps keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from gru_c import ops
from gru_c.common.arrays import Array, Shape, as_real
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flags, check_integer, check_real, make_rng
from gru_c.layers.base.layer import FIXED, LayerOptions
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.base.traced_call import call_on_tensor
from gru_c.ops.tape import Tape, Traced

if TYPE_CHECKING:
    from typing_extensions import Unpack

Masks = Sequence[Any] | None


class AttentionTape(NamedTuple):
    """The tape of an attention layer."""

    inputs: list[Traced]
    output: Traced


class AttentionLayer(DrawingLayer):
    """Base of attention layers: a subclass defines `attend`, which computes by `gru_c.ops`.

    `forward` takes a list ``[query, value]`` or ``[query, value, key]`` of shapes (B, Tq, D) and
    (B, Tv, D), and `backward` returns a list of gradients.
    """

    takes_several = takes_mask = True
    mixes_time = True
    call_flags = frozenset({"use_causal_mask", "return_attention_scores"})
    _advice: ClassVar = {
        **DrawingLayer._advice,
        **dict.fromkeys(("takes_several", "dropout"), FIXED),
    }
    _marked = 1.0e9  # subtracted from the scores of steps that do not count, as in Keras

    def __init__(
        self, dropout: float = 0.0, seed: int | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        self.dropout = check_real("dropout", dropout, "[0, 1)")
        self.seed = check_integer("seed", seed, 0, optional=True)
        self.rng = make_rng(self.seed)

    def attend(
        self, query: Any, value: Any, key: Any, counting: Array | None, training: bool
    ) -> tuple[Any, Any]:
        """Return the output and the attention scores; `counting` marks the pairs that count."""
        raise NotImplementedError

    # ---- shapes and masks ----

    def scores_shape(self, input_shapes: Any) -> Shape:
        """Return the shape of the attention scores, (B, Tq, Tv)."""
        query, value, _ = self._check_shapes(input_shapes)
        return (query[0], query[1], value[1])

    def _check_shapes(self, shapes: Any) -> list[Shape]:
        """Return the shapes of query, value and key; ValueError unless they go together."""
        shapes = [tuple(shape) for shape in shapes if isinstance(shape, (tuple, list))]
        if len(shapes) not in (2, 3):
            raise ValueError(
                f"layer {self.label!r} takes a list [query, value] or [query, value, key], got "
                f"{len(shapes) or 'one'} of shape {' and '.join(map(str, shapes))}"
            )
        query, value, key = (*shapes, shapes[1])[:3]
        lengths = {size for size in (value[-2:-1] + key[-2:-1]) if size is not None}
        if {len(query), len(value), len(key)} != {3} or len(lengths) > 1:
            raise ValueError(
                f"layer {self.label!r} takes a query (B, Tq, D), values (B, Tv, D) and keys of as "
                f"many steps as the values, got shapes {', '.join(map(str, shapes))}"
            )
        return [query, value, key]

    def read_input(self, x: Any) -> Any:
        """Return the inputs as arrays; ValueError unless they are a list."""
        if not isinstance(x, (list, tuple)):
            raise ValueError(
                f"layer {self.label!r} takes a list [query, value] or [query, value, key], got "
                f"{type(x).__name__}"
            )
        return [as_real(f"input {i}", item) for i, item in enumerate(x)]

    def __call__(self, x: Any, *, training: bool | None = None, **options: Any) -> Any:
        """Return the output for a list ``[query, value]`` or ``[query, value, key]``.

        `options` are ``mask``, ``return_attention_scores`` and ``use_causal_mask``, see `forward`.
        """
        if isinstance(x, (list, tuple)) and any(isinstance(item, Traced) for item in x):
            return call_on_tensor(self, list(x), training, options)
        if any(hasattr(item, "_record") for item in x):
            return super().__call__(x, training=training, **options)
        arrays = self.read_input(x)
        if not self.built:
            shapes: Any = [array.shape for array in arrays]
            self.build(shapes)
        return self.forward(arrays, training=bool(training), **options)

    def open_shape(self, shape: Any) -> Any:
        """Return the shapes to build for."""
        return [(*(None for _ in each[:-1]), each[-1]) for each in shape]

    def _take_parameters(self, parameters: Any, dtype: str | None, input_shape: Any) -> None:
        assign(self, _initial_weights=None, parameters=parameters, dtype=dtype)
        assign(self, built_shape=[(None, *shape[1:]) for shape in input_shape], built=True)

    def compute_mask(self, x: Any, mask: Any = None) -> Array | None:
        """Return the mask of the query, which is that of the output."""
        return None if mask is None else mask[0]

    def _counting(
        self, masks: Masks, lengths: tuple[int, int], causal: bool, of_query: bool
    ) -> Array | None:
        """Return True for each pair of steps of query and value that counts; None if all do."""
        several: list[Array] = []
        for place, mask in enumerate(masks or ()):
            if mask is not None and (place or of_query):
                mask = np.asarray(mask, bool)
                several.append(mask[:, None, :] if place else mask[:, :, None])
        if causal:
            several.append(np.tri(*lengths, dtype=bool)[None])
        if not several:
            return None
        counting = several[0]
        for other in several[1:]:
            counting = counting & other
        return counting

    # ---- computing ----

    def _shares(self, scores: Any, counting: Array | None, training: bool) -> tuple[Any, Any]:
        """Return the softmax of the scores with dropout, and without."""
        if counting is not None:
            scores = ops.where(counting, scores, scores - self._marked)
        shares = ops.softmax(scores, axis=-1)
        if not training or not self.dropout:
            return shares, shares
        return shares * self.draw_mask(shares.shape, self.dropout), shares

    def forward(
        self,
        x: Any,
        *,
        training: bool = False,
        mask: Masks = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Return the output, and with ``return_attention_scores`` the scores.

        Parameters
        ----------
        x : list of array_like
            ``[query, value]`` or ``[query, value, key]``; without a key the values are the keys.
        training : bool
            Store ``self.tape`` for `backward`, and drop scores.
        mask : list of ndarray of bool or None, optional
            The masks (B, Tq) of the query, (B, Tv) of the values and of the keys.
        return_attention_scores : bool
            Return also the shares that each step of the query takes of the values. No gradient
            passes through them.
        use_causal_mask : bool
            True: a step of the query attends to no later step of the values.
        """
        check_flags(
            training=training,
            return_attention_scores=return_attention_scores,
            use_causal_mask=use_causal_mask,
        )
        self._require_built("forward")
        arrays = [as_real(f"input {i}", item, self.dtype) for i, item in enumerate(x)]
        query, value, key = self._check_shapes([array.shape for array in arrays])
        self._check_masks(mask, [query, value, key])
        tape = Tape(training, records=training)
        inputs = [tape.tensor(array) for array in arrays]
        with tape:
            output, scores = self._attend(inputs, mask, use_causal_mask, training)
        if training:
            self._set_tape(AttentionTape(inputs, output))
        return (output.value, scores.value) if return_attention_scores else output.value

    def _check_masks(self, masks: Masks, shapes: list[Shape]) -> None:
        if masks is None:
            return
        if not isinstance(masks, (list, tuple)) or len(masks) > 3:
            raise ValueError(
                f"layer {self.label!r} takes a list of masks, those of query, value and key"
            )
        for mask, shape in zip(masks, shapes, strict=False):
            if mask is not None and np.shape(mask) != shape[:2]:
                raise ValueError(
                    f"layer {self.label!r}: a mask of shape {np.shape(mask)} does not go with an "
                    f"input of shape {shape}"
                )

    def _attend(self, inputs: list[Any], masks: Masks, causal: bool, training: bool) -> Any:
        query, value, key = (*inputs, inputs[1])[:3]
        lengths = query.shape[1], value.shape[1]
        counting = self._counting(masks, lengths, causal, of_query=False)
        output, scores = self.attend(query, value, key, counting, training)
        if masks and masks[0] is not None:
            output = ops.where(np.asarray(masks[0], bool)[..., None], output, 0.0)
        return output, scores

    def backward(
        self,
        d_output: Any,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Any:
        """Write the weights' gradients and return a list of those of the inputs."""
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        inputs, output = self._take_tape(tape)
        d = self._as_gradient(d_output, output.shape)
        sources = [*inputs, *self.parameters]
        gradients = output.tape.gradients(output, d, sources)
        for weight, gradient in zip(self.parameters, gradients[len(inputs) :], strict=True):
            if not accumulate:
                weight.gradient[...] = 0
            if gradient is not None:
                weight.gradient += gradient
        if not input_gradient:
            return None
        pairs = zip(inputs, gradients, strict=False)
        return [np.zeros_like(x.value) if g is None else g for x, g in pairs]
