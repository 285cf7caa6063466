"""The layer that adds a penalty of its input to the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flag, check_real
from gru_c.layers.base import CommonOptions
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape
from gru_c.regularizers import L1L2

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ActivityRegularization(WeightlessLayer):
    """Return the input, and add ``l1 * sum(|x|) + l2 * sum(x^2)`` per sample to the loss.

    The sum is over a batch and is divided by the number of its samples. Steps that a mask excludes
    count, too, as in Keras. See the `activity_regularizer` of `Layer`.

    Parameters
    ----------
    l1, l2 : float
        Factors, at least 0.
    name, dtype, input_shape, trainable, batch_size
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If a factor is negative or not a finite number.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import ActivityRegularization, Sequential
    >>> model = Sequential([ActivityRegularization(l2=0.5)])
    >>> model.compile(loss="mse")
    >>> model.build((None, 2))
    >>> float(model.evaluate(np.full((4, 2), 3.0), np.full((4, 2), 3.0), verbose=0))
    9.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **options: Unpack[CommonOptions]) -> None:
        if options.get("activity_regularizer") is not None:
            raise TypeError("ActivityRegularization() takes l1 and l2, no activity_regularizer")
        super().__init__(**options)
        self.l1 = check_real("ActivityRegularization: l1", l1, ">= 0")
        self.l2 = check_real("ActivityRegularization: l2", l2, ">= 0")
        assign(self, activity_regularizer=L1L2(self.l1, self.l2))

    _derived: ClassVar = dict.fromkeys(("l1", "l2"), ("activity_regularizer",))
    _advice: ClassVar = {
        **WeightlessLayer._advice,
        "activity_regularizer": "follows from l1 and l2: set these",
    }

    def _constructor_arguments(self) -> dict[str, Any]:
        return {**super()._constructor_arguments(), "activity_regularizer": None}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; see `Configurable.get_config`."""
        config = super().get_config()
        del config["activity_regularizer"]
        return config

    @property
    def stepwise(self) -> bool:
        """True: the output is the input."""
        return True

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x in the layer's dtype."""
        check_flag("training", training)
        array = self._as_input(x)
        if training:
            self.tape = WeightlessTape(None, array.shape)
        return array

    def input_gradient_of(self, saved: None, d_output: Array) -> Array:
        """Return the gradient of the output."""
        return d_output
