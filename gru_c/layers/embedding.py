"""The layer that looks up a vector for every index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c import constraints, initializers, regularizers
from gru_c.common.arrays import Array, Shape, as_indices, as_real
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flag, check_flags, check_integer
from gru_c.layers.base import CommonOptions, Layer
from gru_c.parameters import Parameter

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Embedding(Layer):
    """Turn indices into vectors: ``y[b, t] = embeddings[x[b, t]]``.

    In a model it must be the first layer, or follow one that gives indices, such as
    `TextVectorization`.

    A sample may have any number of axes of indices, or be one index: ``Sequential([Input(()),
    Embedding(4, 3)])`` takes x of shape (B,) and returns (B, 3).

    Weight: ``embeddings (input_dim, output_dim)``.

    Parameters
    ----------
    input_dim : int
        Number of vectors; indices are 0 to ``input_dim - 1``.
    output_dim : int
        Size of a vector.
    embeddings_initializer : str or Initializer
        Initial values of the vectors.
    embeddings_regularizer : str or Regularizer, optional
        Penalty on the size of the vectors; see `gru_c.regularizers`.
    embeddings_constraint : str or Constraint, optional
        Condition that the vectors satisfy after every optimizer step; see `gru_c.constraints`.
    mask_zero : bool
        Index 0 marks a time step that does not count, such as padding; see `compute_mask`.
    weights : array_like of shape (input_dim, output_dim), or list of it, optional
        Initial vectors, such as GloVe's. The layer is then built by the constructor, in `dtype` or
        float32; without a `dtype` it can still be added to a model of the other dtype. With
        ``trainable=False`` training leaves the vectors unchanged.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Embedding
    >>> layer = Embedding(1000, 16, mask_zero=True)
    >>> words = np.array([[7, 512, 0], [3, 0, 0]])
    >>> layer(words).shape
    (2, 3, 16)
    >>> layer.compute_mask(words)
    array([[ True,  True, False],
           [ True, False, False]])
    """

    takes_scalars = True
    _until_built = (
        "input_dim",
        "output_dim",
        "embeddings_initializer",
        "embeddings_regularizer",
        "embeddings_constraint",
    )

    _derived: ClassVar = {"mask_zero": ("makes_mask",)}

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: object = "uniform",
        embeddings_regularizer: object = None,
        embeddings_constraint: object = None,
        mask_zero: bool = False,
        weights: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
        **options: Unpack[CommonOptions],
    ) -> None:
        super().__init__(**options)
        self.input_dim = check_integer("input_dim", input_dim, 1)
        self.output_dim = check_integer("output_dim", output_dim, 1)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.makes_mask = check_flag("mask_zero", mask_zero)
        # The `weights` in full precision, until the dtype is known from the layer or a model.
        self._full_precision: Array | None = None
        if weights is not None:
            self._start_with(weights)

    def _start_with(self, weights: Any) -> None:
        """Build the layer with these vectors, for input of any shape."""
        if isinstance(weights, (list, tuple)) and len(weights) == 1 and np.ndim(weights[0]) == 2:
            weights = weights[0]
        matrix = as_real("weights", weights)
        if matrix.shape != (shape := (self.input_dim, self.output_dim)):
            raise ValueError(
                f"weights of layer {self.label!r} must have shape {shape}, for input_dim and "
                f"output_dim, got {matrix.shape}"
            )
        if not np.isfinite(matrix).all():
            raise ValueError(
                f"weights of layer {self.label!r} must be finite, got an array with NaN or infinity"
            )
        self._full_precision = matrix if self.dtype is None else None
        initializer = self.embeddings_initializer
        self.embeddings_initializer = lambda shape, dtype, rng: matrix
        self.build((None, None))
        # None: the input may have any shape.
        self.embeddings_initializer, self.built_shape = initializer, None

    def fits_dtype(self, dtype: str) -> bool:
        """Return True if the layer can be part of a model of this dtype; see `weights`."""
        return super().fits_dtype(dtype) or (
            self._full_precision is not None and self.owner is None
        )

    def take_dtype(self, dtype: str) -> None:
        """Adopt the dtype of a model, and round the constructor's `weights` to it.

        Weights that have been changed since then keep their values.
        """
        full, self._full_precision = self._full_precision, None
        if full is not None and dtype != self.dtype:
            (item,) = self.parameters
            unchanged = item.array == full.astype(item.array.dtype)
            value = np.where(unchanged, full, item.array).astype(dtype)
            new = Parameter(item.name, value, item.regularizer, item.constraint)
            assign(self, parameters=[new])
        super().take_dtype(dtype)

    @property
    def stepwise(self) -> bool:
        """True, except with ``mask_zero``: in a stream every time step counts."""
        return not self.mask_zero

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, ..., output_dim) for (B, ...)."""
        if not input_shape:
            self._refuse_shape("(batch, ...)", input_shape)
        return (*input_shape, self.output_dim)

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shape of the embeddings, which does not depend on the input."""
        return {"embeddings": (self.input_dim, self.output_dim)}

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return None for every axis: the layer takes indices along any axes."""
        return (None,) * len(shape)

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array | None:
        """Return the mask; with ``mask_zero`` the steps where x is 0 do not count either."""
        if not self.mask_zero:
            return mask
        counts: Array = as_real("x", x) != 0
        return counts if mask is None else counts & mask

    def prepare_input(self, x: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Return x as indices.

        Raises
        ------
        ValueError
            If an entry is not a whole number from 0 to ``input_dim - 1``; the message gives the
            entry and its place.
        TypeError
            If x holds floats that cannot represent all indices, as float32 above 2**24.
        """
        array = as_real("x", x)
        if array.dtype.kind == "f" and self.input_dim > 2 ** (np.finfo(array.dtype).nmant + 1):
            raise TypeError(
                f"layer {self.label!r} has {self.input_dim} indices, not all of which are "
                f"{array.dtype} numbers: x must hold integers"
            )
        return as_indices(f"layer {self.label!r}", "index", "x", array, self.input_dim)

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return the vectors of the indices.

        Parameters
        ----------
        x : array_like of shape (B, ...)
            Indices: integers, or floats that are whole numbers.
        training : bool
            Store ``self.tape`` for `backward`.

        Returns
        -------
        ndarray of shape (B, ..., output_dim)

        Raises
        ------
        ValueError, TypeError
            See `prepare_input`.
        """
        check_flag("training", training)
        self._require_built("forward")
        indices = self.prepare_input(x)
        self.compute_output_shape(indices.shape)  # checks the shape
        if training:
            self._set_tape(indices)
        return self._weight("embeddings").take(indices, axis=0)

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> None:
        """Write the gradient of the embeddings: zero for vectors that the batch did not use.

        The arguments are those of `Layer.backward`. Returns None: indices have no gradient.
        """
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        indices = self._take_tape(tape)
        d = self._as_gradient(d_output, (*indices.shape, self.output_dim))
        gradient = self.gradient("embeddings")
        if not accumulate:
            gradient.fill(0)
        # np.add.at on flat arrays is four times as fast as on rows, and four times as fast as
        # sorting the indices and calling np.add.reduceat.
        places = indices.reshape(-1, 1) * self.output_dim + np.arange(self.output_dim)
        np.add.at(gradient.reshape(-1), places.reshape(-1), d.reshape(-1))
