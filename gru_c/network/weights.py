"""The weights of a network: reading, setting, freezing and counting them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.attributes import Guarded
from gru_c.common.validation import check_flag
from gru_c.common.weights_lock import weights_lock
from gru_c.layers import Layer
from gru_c.layers.base.weight_holder import set_values
from gru_c.parameters import Parameter, Parameters, refuse_shallow_copy

AnyNetwork = TypeVar("AnyNetwork", bound="NetworkWeights")


class NetworkWeights(Guarded):
    """Base of `Network`: layers in a row, and their weights."""

    _kind = False  # for the checks of attributes, `Network` is the base of the kind

    name: str
    layers: list[Layer]
    _trainable: bool
    _input_shape: Shape | None
    _parameters: Parameters | None
    holds_weights = False  # True after `hold_weights`

    @property
    def built(self) -> bool:
        """True if all weights exist and the shape of the input is known."""
        return self._input_shape is not None and all(layer.built for layer in self.layers)

    def require_built(self, action: str) -> None:
        """Raise ValueError, with the name of the action, unless all weights exist."""
        if not self.built:
            raise ValueError(
                f"the model has no weights yet, so {action} is not possible: give the first layer "
                "an input_shape such as GRU(50, input_shape=(10, 8)), or call fit or build first"
            )

    # ---- flat vectors ----

    @property
    def parameters(self) -> Parameters:
        """All weights and all gradients, as two flat vectors."""
        parameters = self._parameters
        if parameters is not None and not parameters.released and parameters.layers == self.layers:
            return parameters
        self.require_built("a list of its weights")
        # None exist yet, another model has taken layers, or `layers` was changed in place.
        self._dissolve_parameters()
        self._parameters = Parameters.of_model(self.layers)
        return self._parameters

    def _dissolve_parameters(self) -> None:
        if self._parameters is not None:
            self._parameters.release()
            self._parameters = None

    def hold_weights(self) -> None:
        """Keep packed weights for good, for a model whose weights do not change any more."""
        for layer in self.layers:
            layer.hold_weights(True)
        self.holds_weights = True

    @contextmanager
    def weights_held(self) -> Iterator[None]:
        """Return a context in which no weight changes, so that layers pack their weights once."""
        if self.holds_weights:
            yield
            return
        for layer in self.layers:
            layer.hold_weights(True)
        try:
            yield
        finally:
            for layer in self.layers:
                layer.hold_weights(False)

    # ---- freezing ----

    @property
    def trainable(self) -> bool:
        """True if training changes weights. Setting it sets all layers, too.

        If it is False nothing is trained, whatever the layers' own ``trainable``, as in Keras. To
        train some layers, set the model's to True and then freeze the others. It may be set at any
        time, for the steps that follow, without another `compile`; see `Layer.trainable`.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_flag("trainable", value)
        for layer in self.layers:
            layer.trainable = value

    @property
    def first_trained_layer(self) -> Layer | None:
        """The first layer with trainable weights, where the backward pass ends; None without."""
        if self.trainable:
            for layer in self.layers:
                if layer.trainable and layer.trainable_weights:
                    return layer
        return None

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The weights that training changes, layer by layer."""
        if not self.trainable:
            return []
        return [item for layer in self.layers for item in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[Parameter]:
        """The weights that training leaves unchanged, layer by layer."""
        trained = set(map(id, self.trainable_weights))
        items = [item for layer in self.layers for item in layer.parameters]
        return [item for item in items if id(item) not in trained]

    @property
    def weights(self) -> list[Parameter]:
        """All weights, layer by layer, in the order of `get_weights`."""
        return [item for layer in self.layers for item in layer.parameters]

    @property
    def variables(self) -> list[Parameter]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Parameter]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Parameter]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    # ---- values ----

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, layer by layer, in Keras's order and shapes."""
        with weights_lock.reading(self.layers):
            return [weight for layer in self.layers for weight in layer.get_weights()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Set all weights; nothing is changed unless all of them fit.

        Parameters
        ----------
        weights : sequence of array_like
            As `get_weights` returns them, or `get_weights` of the same Keras model.

        Raises
        ------
        ValueError, TypeError
            If the model has no weights yet, or an array does not fit.
        """
        set_values(self.layers, weights, f"model {self.name!r}", built=self.built)

    def count_params(self) -> int:
        """Return the number of weights."""
        self.require_built("count_params")
        return sum(layer.count_params() for layer in self.layers)

    __copy__ = refuse_shallow_copy

    def __deepcopy__(self: AnyNetwork, memo: dict[int, Any]) -> AnyNetwork:
        """Return a copy with the weights of one moment, if another thread changes them."""
        new = type(self).__new__(type(self))
        memo[id(self)] = new
        state = self.__getstate__() if hasattr(self, "__getstate__") else vars(self)
        with weights_lock.reading(self.layers):
            new.__setstate__(copy.deepcopy(state, memo))
        return new

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
