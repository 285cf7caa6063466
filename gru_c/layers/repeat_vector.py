"""A vector as a sequence of itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gru_c._numbers import check_flag
from gru_c.layers.base import Array, Shape, check_count
from gru_c.layers.weightless import Tape, WeightlessLayer


class RepeatVector(WeightlessLayer):
    """Repeat a vector: (B, features) becomes (B, n, features).

    Parameters
    ----------
    n : int
        Number of steps.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        When n is no positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import RepeatVector
    >>> RepeatVector(2)(np.array([[1.0, 5.0]]))
    array([[[1., 5.],
            [1., 5.]]], dtype=float32)
    """

    def __init__(
        self,
        n: int,
        *,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        input_shape: Sequence[int | None] | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, dtype=dtype, input_shape=input_shape, trainable=trainable)
        self.n = check_count("n", n)

    @property
    def mixes_time(self) -> bool:
        """True: the time axis does not stay."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(B, n, features); ValueError unless the input is (B, features)."""
        if len(input_shape) != 2:
            self._refuse_shape("(batch, features)", input_shape)
        return (input_shape[0], self.n, input_shape[1])

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: every step of the output counts."""

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x of shape (B, features) n times, (B, n, features)."""
        check_flag("training", training)
        array = self._as_input(x)
        self.compute_output_shape(array.shape)  # checks the shape
        y = np.repeat(array[:, None], self.n, axis=1)
        if training:
            self.tape = Tape(None, y.shape)
        return y

    def input_gradient_of(self, kept: None, d_output: Array) -> Array:
        """Return the sum of the steps' gradients, (B, features)."""
        d_x: Array = d_output.sum(axis=1)
        return d_x
