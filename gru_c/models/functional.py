"""`Functional`: a graph of layers that trains and predicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gru_c.common.array_group import ArrayGroup
from gru_c.common.attributes import assign
from gru_c.common.keywords import checked_keywords
from gru_c.common.registry import serialize
from gru_c.common.user_classes import classes_of_user, with_registered
from gru_c.layers.base.tensor import holds_tensors
from gru_c.losses import OutputLosses
from gru_c.models.graph_reading import ModelReader
from gru_c.models.model import Model
from gru_c.models.sequential import Sequential
from gru_c.network import output_settings
from gru_c.network.graph_network import GraphNetwork
from gru_c.network.output_settings import OutputMetrics
from gru_c.network.structure import structure_of
from gru_c.recurrence.step_order import which_count
from gru_c.saving.graph_description import describe_layers


class Functional(GraphNetwork, Model):
    """The model of all layers between symbolic tensors; ``Model(inputs, outputs)`` makes it.

    Parameters
    ----------
    inputs : Input, Tensor, or list or dict of them
        The tensors with which the graph begins.
    outputs : Tensor, or list or dict of tensors
        The tensors whose values the model returns, in this form.
    name : str, optional
        Name in `summary` and saved files; "functional" by default.
    trainable : bool
        False freezes all layers: nothing is trained.
    dtype : {"float32", "float64"}, optional
        Dtype of the model, which the inputs decide; given, it is compared with theirs.
    seed : int, optional
        Makes shuffling and dropout repeatable to the bit. The weights exist since the layers were
        called: ``gru_c.utils.set_random_seed`` makes them repeatable.

    Attributes
    ----------
    layers : list of Layer
        All layers with the inputs, in Keras's order.
    input, output : Tensor, or list or dict of them
        The arguments of the constructor.
    inputs, outputs : list of Tensor
        The same as lists.
    input_names, output_names : list of str

    Raises
    ------
    TypeError, ValueError
        If the arguments are not tensors, an output depends on an `Input` that is not given, or two
        layers have one name.
    """

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        trainable: bool = True,
        *,
        dtype: npt.DTypeLike | None = None,
        seed: int | None = None,
    ) -> None:
        if inputs is None or outputs is None:
            raise TypeError(
                "Model(inputs, outputs) wants symbolic tensors, such as x = Input((10, 8)) and "
                "Dense(1)(GRU(50)(x)); a row of layers is a Sequential([...])"
            )
        given = structure_of("input", inputs), structure_of("output", outputs)
        super().__init__(None, "functional" if name is None else name, dtype, seed, True)
        self._output_metrics: OutputMetrics | None = None
        self.set_graph(*given)
        if trainable is not True:
            self.trainable = trainable

    def _constructor_arguments(self) -> dict[str, Any]:
        return {"inputs": self.input, "outputs": self.output, "name": self.name}

    # ---- tensors ----

    @property
    def input(self) -> Any:
        """The symbolic tensor of the input; a list or dict for several."""
        return self.input_structure.packed(self.graph.inputs)

    @property
    def output(self) -> Any:
        """The symbolic tensor of the output; a list or dict for several."""
        return self.output_structure.packed(self.graph.outputs)

    @property
    def inputs(self) -> list[Any]:
        """The symbolic tensors of the inputs."""
        return list(self.graph.inputs)

    @property
    def outputs(self) -> list[Any]:
        """The symbolic tensors of the outputs."""
        return list(self.graph.outputs)

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return list(self.input_structure.names)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: keys of the dict, or of the layers that give them."""
        return list(self.output_structure.keys)

    # ---- settings ----

    @checked_keywords
    def compile(
        self,
        optimizer: object = "rmsprop",
        loss: object = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        """Set the optimizer, the loss and the metrics.

        With several outputs, `loss`, `metrics`, `loss_weights` and `weighted_metrics` are lists
        with an item for each output, or dicts by the outputs' names; one loss stands for all. A
        loss of None leaves an output out. The history has a loss for each output.

        The arguments and errors are otherwise those of `Sequential.compile`.
        """
        structure = self.output_structure
        if structure.size == 1:
            for what, spec in (("loss", loss), ("metrics", metrics)):
                if isinstance(spec, Mapping) and "class_name" not in spec:
                    structure.ordered(what, spec)
            super().compile(optimizer, loss, metrics, loss_weights, weighted_metrics)
            assign(self, _output_metrics=None)
            return
        if loss is None:
            raise ValueError("a model with several outputs wants a loss")
        new_loss = output_settings.losses_of(structure, loss, loss_weights)
        every = output_settings.metrics_of(structure, new_loss, metrics, weighted_metrics)
        super().compile(optimizer, None)
        weighted = [metric for row in every.weighted for metric in row]
        assign(self, loss=new_loss, metrics=every.all, weighted_metrics=weighted)
        assign(self, _output_metrics=every)

    def update_metrics(self, y: Any, outputs: Any, weight: Any, mask: Any) -> None:
        """Add a batch to all metrics."""
        if self._output_metrics is None:
            super().update_metrics(y, outputs, weight, mask)
        else:
            assert isinstance(self.loss, OutputLosses)
            self._output_metrics.update(self.loss, y, outputs, weight, mask)

    def require_numbers(self, output_shape: Any) -> None:
        """Raise ValueError for a metric whose result is not one number."""
        if self._output_metrics is None:
            super().require_numbers(output_shape)
        else:
            output_settings.require_one_number(self._output_metrics, output_shape)

    # ---- data ----

    def takes_as_inputs(self, x: Any) -> bool:
        """Return True for a list or a dict of inputs."""
        if isinstance(x, (Mapping, ArrayGroup)):
            return True
        if not isinstance(x, (list, tuple)):
            return False
        axes = len(self.graph.inputs[0].shape)
        return self.input_structure.size > 1 or (
            len(x) == 1 and len(getattr(x[0], "shape", ())) == axes
        )

    def only_target(self, y: Any) -> Any:
        """Return the targets of the only output, from a list of one array or a dict."""
        if isinstance(y, Mapping):
            return self.output_structure.ordered("y", y)[0]
        axes = len(self.graph.outputs[0].shape)
        whole = len(y) == 1 and len(getattr(y[0], "shape", ())) in (axes, axes - 1)
        return y[0] if whole and np.ndim(y[0]) else y

    def check_targets(self, y: Any, weight: Any, shape: Any, count: int) -> tuple[Any, Any]:
        """Return the targets and weights of several outputs."""
        assert isinstance(self.loss, OutputLosses)
        return output_settings.checked_targets(
            self.output_structure, self.loss, y, weight, shape, count
        )

    # ---- computing ----

    def __call__(
        self, x: Any, *, training: bool | None = None, mask: Any = None, lengths: Any = None
    ) -> Any:
        """Return the output for one batch, or a symbolic tensor for symbolic tensors."""
        if holds_tensors(x):
            return self.packed_tensors(self.call_on_tensors(self._ordered_tensors(x), training))
        values = self.check_input(x)
        if self.several and (mask is not None or lengths is not None):
            raise ValueError("mask= and lengths= are for a model with one input and one output")
        counts = None if self.several else which_count(values.shape, mask, lengths)
        outputs, _ = self.run(values, counts, training=bool(training))
        return self.packed_outputs(outputs)

    def _ordered_tensors(self, x: Any) -> list[Any]:
        return self.input_structure.ordered("x", x)

    def packed_tensors(self, outputs: Any) -> Any:
        """Return symbolic tensors in the form of the model's outputs."""
        return self.output_structure.packed(outputs if isinstance(outputs, list) else [outputs])

    def graph_of_layers(self) -> Any:
        """Return the graph of the layers."""
        return self.graph

    def predict(self, *arguments: Any, **keywords: Any) -> Any:
        """Return the outputs for x in the form of the model's outputs; see `Sequential.predict`."""
        return self.packed_outputs(super().predict(*arguments, **keywords))

    def predict_on_batch(self, *arguments: Any, **keywords: Any) -> Any:
        """Return the outputs for x, computed as one batch; see `predict`."""
        return self.packed_outputs(super().predict_on_batch(*arguments, **keywords))

    # ---- configuration ----

    def get_config(self) -> dict[str, Any]:
        """Return the layers, their arguments and the graph, without weights, for `from_config`."""
        return describe_layers(self, serialize)

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Functional:
        """Return a new model from the dict of `get_config`, with new weights."""
        if not isinstance(config, Mapping) or "graph" not in config:
            raise ValueError(f"a configuration of a Model has a graph, got {config!r}")
        custom_objects = with_registered(custom_objects)
        with classes_of_user(custom_objects):
            return cast(Functional, ModelReader(cls, custom_objects or {}).graph(config))

    def to_json(self, **options: Any) -> str:
        """Return class and `get_config` as a JSON text, for ``models.model_from_json``."""
        spec = {"class_name": "Functional", "config": self.get_config()}
        return json.dumps(spec, **options)

    # ---- what is for a chain of layers alone ----

    def _require_chain(self, action: str) -> Any:
        """Return a `Sequential` of the same layers; ValueError unless they are a chain."""
        if self.chain is None:
            raise ValueError(
                f"{action} is for a model in which each layer takes the output of the one before "
                f"it, and {self.name!r} has branches: make a Model of the part that is a chain, or "
                "call predict"
            )
        model = Sequential(name=self.name, dtype=self.dtype)
        chain = self.chain
        assign(model, layers=list(chain.layers), _input_shape=chain._input_shape)
        assign(model, _input=chain._input, batch_size=self.batch_size, _trainable=self.trainable)
        return model

    def freeze(self, weights: str | None = None) -> Any:
        """Return a `Predictor` of a chain of layers; see `Sequential.freeze`."""
        return self._require_chain("freeze").freeze(weights)

    def stream(self, batch_size: int = 1) -> Any:
        """Return a `Stream` of a chain of layers; see `Sequential.stream`."""
        return self._require_chain("stream").stream(batch_size)

    def profile(self, x: Any, **options: Any) -> Any:
        """Measure the layers of a chain; see `Sequential.profile`."""
        return self._require_chain("profile").profile(x, **options)

    def as_sequential(self, action: str) -> Any:
        """Return a `Sequential` of the same layers, with which an action is possible."""
        return self._require_chain(action)
