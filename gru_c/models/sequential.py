"""`Sequential`: layers in a row that train and predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from gru_c.layers import Layer
from gru_c.layers.base.tensor import holds_tensors
from gru_c.models.model import Model


class Sequential(Model):
    """Layers in a row, with Keras's methods, arguments and defaults.

    Parameters
    ----------
    layers : sequence of Layer, optional
        Layers to `add`, in this order.
    name : str, optional
        Name in `summary` and saved files; "sequential" by default.
    dtype : {"float32", "float64"}, optional
        Dtype of all weights and results; by default that of the first layer, or float32.
    seed : int, optional
        Makes initial weights, shuffling and dropout repeatable to the bit.
    trainable : bool
        False freezes all layers: nothing is trained.

    Attributes
    ----------
    layers : list of Layer
    optimizer, loss, metrics
        The arguments of `compile` as objects, metrics with the weighted ones; None, None and []
        before.
    history : History or None
        History of the last `fit`, also if that ended with an exception.
    stop_training : bool
        A callback sets it to True to end `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, GRU, Sequential
    >>> model = Sequential(seed=0)
    >>> model.add(GRU(50, input_shape=(10, 8), return_sequences=True))
    >>> model.add(GRU(50))
    >>> model.add(Dense(1))
    >>> model.compile(optimizer="adam", loss="mse")
    >>> X, y = np.random.randn(100, 10, 8), np.random.randn(100)
    >>> history = model.fit(X, y, epochs=2, verbose=0)
    >>> len(history.history["loss"])
    2
    >>> model.predict(np.random.randn(1, 10, 8), verbose=0).shape
    (1, 1)
    """

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        dtype: npt.DTypeLike | None = None,
        seed: int | None = None,
    ) -> None:
        name = "sequential" if name is None else name
        super().__init__(layers, name, dtype, seed, trainable)

    def __call__(self, x: Any, *, training: bool | None = None, **options: Any) -> Any:
        """Return the output for one batch, or a tensor for a tensor; see `Network.__call__`."""
        if hasattr(x, "_record") and not holds_tensors(x):  # in a call of a user's layer
            for layer in self.layers:
                x = layer(x, training=training)
            return x
        return super().__call__(x, training=training, **options)
