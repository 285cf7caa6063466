"""The layer that declares the shape of a model's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flag
from gru_c.layers.base import FIXED, Layer
from gru_c.layers.base.tensor import Node, SymbolicValue, Tensor
from gru_c.layers.base.tensor_calls import name_layer


class Input(SymbolicValue, Layer):
    """Declare the shape of one sample: ``Sequential([Input((10, 8)), GRU(50), Dense(1)])``.

    It is also a symbolic tensor, with which a graph of layers begins: see `Model`.

    Parameters
    ----------
    shape : tuple of int or None
        Shape of one sample, without the batch axis; None stands for any length. ``()`` stands for
        samples of one number each, which an `Embedding` takes.
    batch_size : int, optional
        Number of sequences in all batches of a stateful model; see `Layer`.
    dtype : str or dtype, optional
        "float32" or "float64" are the model's dtype. With a dtype of integers, such as "int32", the
        model refuses input that does not consist of whole numbers. "string" is for a model that
        begins with a layer on texts.
    batch_shape : tuple of int or None, optional
        ``(batch_size, *shape)``, instead of these two.
    name : str, optional
        See `Layer`.

    Examples
    --------
    >>> from gru_c import GRU, Input, Sequential
    >>> Sequential([Input((None, 8)), GRU(50)]).output_shape
    (None, 50)
    """

    _advice: ClassVar = {
        **Layer._advice,
        **dict.fromkeys(("shape", "batch_shape", "integers", "texts", "numbers"), FIXED),
    }

    name_base = "input_layer"  # of its name, as in Keras

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: npt.DTypeLike | None = None,
        *,
        name: str | None = None,
    ) -> None:
        if shape is None:
            raise TypeError("Input() wants a shape, such as Input((10, 8)), or a batch_shape")
        kind = "f" if dtype is None else "U" if dtype == "string" else np.dtype(dtype).kind
        self.integers, self.texts = kind in "iu", kind in "USO"
        self.numbers = dtype is not None and not self.texts
        super().__init__(
            name=name,
            dtype=None if self.integers or self.texts else dtype,
            input_shape=shape,
            batch_size=batch_size,
        )

    @classmethod
    def _from_keras(cls, keywords: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
        new = super()._from_keras(keywords, known)
        if "input_shape" not in new:
            return new
        if new.get("shape") is not None:
            raise TypeError("Input() got two shapes: give one of shape and batch_shape")
        shape = new.pop("input_shape")
        return {**new, "shape": shape}

    @property
    def shape(self) -> Shape:
        """Shape of the input, batch axis first, as in Keras."""
        return (self.batch_size, *(self.input_shape or ()))

    def _argument(self, name: str) -> Any:
        return self.input_shape if name == "shape" else super()._argument(name)

    def _kept(self, name: str) -> Any:
        return self.input_shape if name == "shape" else super()._kept(name)

    @property
    def value_dtype(self) -> str:
        """Dtype of the symbolic tensor."""
        return "string" if self.texts else "int32" if self.integers else self.dtype or "float32"

    @property
    def tensor(self) -> Tensor:
        """The symbolic tensor; the first use makes it, and names the layer."""
        if not self.nodes:
            name_layer(self)
            node = Node(self, [], {})
            node.add_outputs([self.shape], self.value_dtype)
            self.nodes.append(node)
            assign(self, built=True, built_shape=self.shape)
        tensor: Tensor = self.nodes[0].outputs[0]
        return tensor

    @property
    def input(self) -> Tensor:
        """The symbolic tensor."""
        return self.tensor

    @property
    def output(self) -> Tensor:
        """The symbolic tensor."""
        return self.tensor

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape."""
        return input_shape

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x in the layer's dtype."""
        check_flag("training", training)
        return self._as_input(x)
