"""Layers in a row that compute, and the loss and optimizer that `compile` sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c import losses, optimizers
from gru_c.common import keras_names
from gru_c.common.arrays import Array, Shape
from gru_c.common.attributes import assign
from gru_c.common.keywords import checked_keywords
from gru_c.common.validation import check_dtype, check_flag, make_rng
from gru_c.common.weights_lock import weights_lock
from gru_c.layers import RNN, Activation, Bidirectional, Dense, Layer
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.base.tensor import holds_tensors
from gru_c.layers.time_distributed import head_of
from gru_c.metrics import Metric, reset_all
from gru_c.network import compiling
from gru_c.network.connected import ConnectedNetwork, Recorder
from gru_c.network.core_runs import CoreRun, CoreRuns, CurrentRuns, Run
from gru_c.network.training_runs import BackwardOptions, TrainingRun, TrainingRuns
from gru_c.parameters import Parameters
from gru_c.recurrence.step_order import which_count


class Network(ConnectedNetwork):
    """Layers one after the other. `Sequential` is a network with training and files.

    Parameters and attributes are those of `Sequential`.
    """

    _keras_names = keras_names.MODEL
    _advice: ClassVar = {
        "layers": "cannot be set: call add(layer), or make a new {cls}([...])",
        "dtype": "cannot change after the model was made: make a new {cls}(..., dtype=...)",
        "batch_size": "cannot be set: give it to the first layer's constructor",
        "seed": "cannot be set: give it to the constructor, or give fit a seed of its own",
        "rng": "cannot be set: give the constructor or fit a seed",
        **dict.fromkeys(
            ("loss", "metrics", "loss_weight", "loss_weights", "weighted_metrics"),
            "cannot be set: call compile with the new one",
        ),
    }
    _checks: ClassVar = {
        "optimizer": optimizers.get,
        "stop_training": partial(check_flag, "stop_training"),
    }
    _doubts: Any = None  # of `training.loss_warnings`, since `compile`

    def __init__(
        self,
        layers: Sequence[Layer] | None,
        name: str,
        dtype: npt.DTypeLike | None,
        seed: int | None,
        trainable: bool,
    ) -> None:
        self.name = name
        self._trainable = check_flag("trainable", trainable)
        self.dtype = None if dtype is None else check_dtype(dtype).name
        self.rng = make_rng(seed)  # of shuffling and dropout
        self._weights_rng = self.rng.spawn(1)[0]
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.metrics: list[Metric] = []  # all metrics, also `weighted_metrics`
        self.weighted_metrics: list[Metric] = []
        self.loss_weight = 1.0
        self.history: Any = None  # `History` of the last fit
        self.stop_training = False
        self.layers: list[Layer] = []
        self._input_shape: Shape | None = None
        self._parameters: Parameters | None = None
        self._core_runs = CurrentRuns()
        self._training_runs = TrainingRuns()
        if isinstance(layers, Layer):
            raise TypeError(
                "layers must be a list of layers, got one layer: write Sequential([...])"
            )
        new_layers = list(layers or ())
        self._names_ahead = frozenset(getattr(layer, "name", None) for layer in new_layers)
        for layer in new_layers:
            self.add(layer)
        self._names_ahead = frozenset()

    # ---- settings of training ----

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

        The loss and the metrics of the only output may be in a list, or in a dict by its name.

        Parameters
        ----------
        optimizer : str, dict, Optimizer or None
            A name such as "adam" stands for an optimizer with its defaults. A model with None can
            be evaluated but not trained.
        loss : str, dict, Loss or callable
            See `gru_c.losses.get`.
        metrics : sequence of str, dict, Metric or callable, optional
            See `gru_c.metrics.get`.
        loss_weights : float, optional
            Factor of the loss, not of the penalties of weights.
        weighted_metrics : sequence of str, dict, Metric or callable, optional
            Metrics in which each sample counts with its weight, from sample_weight or class_weight.

        Raises
        ------
        ValueError, TypeError
            If a name is unknown (the message gives the nearest known name) or an argument has the
            wrong type; the model is then unchanged.
        """
        new_optimizer = None if optimizer is None else optimizers.get(optimizer)
        loss = compiling.of_one_output("loss", loss)
        new_loss = None if loss is None else losses.get(loss)
        if new_loss is not None:
            new_loss.require_reduction()
        plain, weighted = compiling.all_metrics(metrics, weighted_metrics, new_loss)
        weight = compiling.weight_of_loss(loss_weights)
        assign(self, optimizer=new_optimizer, loss=new_loss, metrics=[*plain, *weighted])
        assign(self, loss_weight=weight, weighted_metrics=weighted)
        self._doubts = None

    def update_metrics(
        self, y: Array, outputs: Array, weight: Array | None, mask: Array | None
    ) -> None:
        """Add a batch to all metrics; only `weighted_metrics` take the weights of its samples."""
        arguments: dict[str, Any] = {} if mask is None else {"mask": mask}
        for metric in self.metrics:
            if weight is not None and metric in self.weighted_metrics:
                metric.update(y, outputs, sample_weight=weight, **arguments)
            else:
                metric.update(y, outputs, **arguments)

    def reset_metrics(self) -> None:
        """Forget the batches that the metrics have seen; `fit` and `evaluate` begin with this."""
        reset_all(self.metrics)

    @property
    def head_is_paired(self) -> bool:
        """True if the loss is paired with the activation of the last layer.

        The loss then returns the gradient of the activation's input, which stays accurate where the
        activation saturates.
        """
        return is_paired(self.layers[-1], self.loss)

    def require_gradients(self) -> None:
        """Raise TypeError if a layer above one that is trained cannot return a gradient."""
        lowest = self.first_trained_layer
        above = self.layers[self.layers.index(lowest) + 1 :] if lowest else []
        for layer in above:
            if not layer.differentiable:
                raise TypeError(layer.why_not_differentiable())

    def seed_run(self, rng: np.random.Generator | None) -> None:
        """Draw shuffling and dropout from `rng` from now on; with None change nothing."""
        if rng is None:
            return
        assign(self, rng=rng)
        for layer in self.layers:
            if isinstance(layer, DrawingLayer):
                layer.seed_from(rng)

    # ---- computing ----

    def __call__(
        self,
        x: Any,
        *,
        training: bool | None = None,
        mask: npt.ArrayLike | None = None,
        lengths: npt.ArrayLike | None = None,
    ) -> Any:
        """Return the output for one batch, or a symbolic tensor. The first call builds the model.

        `mask` and `lengths` are those of `GRU.forward`.
        """
        if holds_tensors(x):
            return self.call_on_tensors(x, training)
        training = check_flag("training", False if training is None else training)
        array = self.read_input(x)
        self.require_batch_size(len(array) if array.ndim else 0)
        counts = which_count(array.shape, mask, lengths)
        if not self.built:
            self.build_from_data(array)
        return self.forward(self.check_input(array), training=training, mask=counts)

    def forward(self, x: Array, *, training: bool = False, mask: Array | None = None) -> Array:
        """Return the output; with ``training=True`` the layers store what `backward` needs."""
        return self.run(x, mask, training=training)[0]

    def run(
        self, x: Array, mask: Array | None = None, *, training: bool = False
    ) -> tuple[Array, Array | None]:
        """Run the layers one after the other.

        Parameters
        ----------
        x : ndarray
            Input.
        mask : ndarray of bool, shape (B, T), optional
            True for the time steps that count; None if all do.
        training : bool
            Let the layers store what `backward` needs.

        Returns
        -------
        ndarray
            The output.
        ndarray of bool, or None
            True for the time steps of the output that count; None if all do, or if the output has
            no time axis.
        """
        x = self._without_masked_steps(x, mask)
        if training:
            self._training_runs.taken = {}
            return self._run_parts(x, mask, {}, training=True)
        if self.holds_weights:
            return self._run_parts(x, mask, self.core_runs())
        runs = self.core_runs()
        whole = runs.get(0) if mask is None else None
        if whole is not None and whole.layers == len(self.layers):
            y = whole(x)  # it has its own weights
            if y is not None:
                return y, None
        with weights_lock.reading(self.layers):
            # They have been made before this thread began to read.
            return self._run_parts(x, mask, self._core_runs.confirmed(runs, self.layers))

    def run_in_training(self, x: Array, mask: Array | None = None) -> tuple[Array, Array | None]:
        """Return what `run` returns with ``training=True``, for `backward` of the whole network.

        Layers that the core trains together do not get tapes of their own.
        """
        x = self._without_masked_steps(x, mask)
        runs = self._training_runs.begin_pass(self.layers, self._input_shape)
        return self._run_parts(x, mask, runs, training=True)

    def end_pass(self) -> None:
        """Forget what the last `run_in_training` left, if there has been no `backward`."""
        self._training_runs.taken = {}

    def _without_masked_steps(self, x: Array, mask: Array | None) -> Array:
        """Return x with zeros in the time steps that do not count, if the first layer reads them.

        Their values may be NaN or infinite.
        """
        first = self.layers[0]
        if mask is None or (first.takes_mask and not first.reads_masked_steps):
            return x
        zeroed: Array = np.where(mask.reshape(*mask.shape, *[1] * (x.ndim - 2)), x, x.dtype.type(0))
        return zeroed

    def _run_parts(
        self, x: Array, mask: Array | None, runs: Mapping[int, Run], *, training: bool = False
    ) -> tuple[Array, Array | None]:
        """Return the output and its mask, by runs where there are some and layer by layer."""
        number = 0
        while number < len(self.layers):
            run = runs.get(number) if mask is None else None
            y = None if run is None else run(x)
            if run is not None and y is not None:
                x, number = y, number + run.layers
                if isinstance(run, TrainingRun):
                    self._training_runs.taken[number] = run
            else:
                x, mask = self._run_layer(self.layers[number], x, mask, training)
                number += 1
        return x, mask

    def _run_layer(
        self, layer: Layer, x: Array, mask: Array | None, training: bool
    ) -> tuple[Array, Array | None]:
        """Return the output of a layer, and the mask of its time steps."""
        next_mask = layer.compute_mask(x, mask)
        if mask is not None and layer.takes_mask:
            x = layer.forward(x, training=training, mask=mask)  # type: ignore[call-arg]
        else:
            x = layer.forward(x, training=training)
        if layer.activity_regularizer is not None:
            assign(layer, activity=x)
        return x, next_mask

    def core_runs(self) -> CoreRuns:
        """Return the runs of layers that the core takes in one call, with the current weights."""
        return self._core_runs.current(self.layers, self._input_shape)

    def hold_runs(self) -> None:
        """Make the runs for good, for a network that does not change any more."""
        self._core_runs.hold(self.layers, self._input_shape)

    def whole_run(self) -> CoreRun | None:
        """Return the run of all layers; None if the core cannot take them in one call now."""
        run = self.core_runs().get(0)
        return run if run is not None and run.layers == len(self.layers) else None

    @property
    def passes_mask_on(self) -> bool:
        """True if the output has the time steps of the input, so that the same mask fits both."""
        x, mask = np.zeros((1, 1, 1)), np.ones((1, 1), bool)
        return all(layer.compute_mask(x, mask) is not None for layer in self.layers)

    def backward(
        self,
        d_output: Array,
        *,
        through_activation: bool = True,
        keep_tape: bool = True,
        after_layer: Callable[[Layer], None] | None = None,
        activity_scale: float = 1.0,
    ) -> None:
        """Write the gradients of all weights, down to the first layer that is trained.

        Parameters
        ----------
        d_output : ndarray
            Gradient of the loss with respect to the output; with ``through_activation=False`` with
            respect to the input of the last layer's activation.
        through_activation : bool
            See `d_output`. False requires a `Dense` or `Activation` as the last layer.
        keep_tape : bool
            See `Layer.backward`.
        after_layer : callable, optional
            Called with each layer once its gradients have been written, from the last to the first.
        activity_scale : float
            Factor of the gradients of `activity_penalty`, which are added.
        """
        options = BackwardOptions(through_activation, keep_tape, after_layer, activity_scale)
        self._training_runs.backward(self.layers, self.first_trained_layer, d_output, options)

    def activity_penalty(self) -> float:
        """Return the penalties of the outputs of the last run's layers, per sample."""
        regularized = [layer for layer in self.layers if layer.activity_regularizer is not None]
        return sum(layer.activity_penalty() for layer in regularized) if regularized else 0.0

    @property
    def stateful_layers(self) -> list[Recurrent | RNN | Bidirectional]:
        """The layers that keep their states from batch to batch."""
        kinds = (Recurrent, RNN, Bidirectional)
        recurrent = [layer for layer in self.layers if isinstance(layer, kinds)]
        return [layer for layer in recurrent if layer.stateful]

    def require_batch_size(self, size: int) -> None:
        """Raise ValueError if a stateful layer would get a batch of another than the fixed size."""
        if self.batch_size not in (None, size) and self.stateful_layers:
            raise ValueError(
                f"layer {self.stateful_layers[0].label!r} is stateful, and the model's batch size "
                f"is fixed at {self.batch_size}: got a batch of {size}"
            )

    def reset_states(self) -> None:
        """Reset all stateful layers, so that their next batch begins with zeros."""
        for layer in self.stateful_layers:
            layer.reset_states()

    reset_state = reset_states

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickles of earlier versions have no runs.
        runs = {"_core_runs": CurrentRuns(), "_training_runs": TrainingRuns()}
        vars(self).update({**runs, **state})
        for layer in self.layers:
            assign(layer, record_in_model=Recorder(self))

    def _change_argument(self, name: str, value: Any) -> None:
        assign(self, **{name: value})

    def __repr__(self) -> str:
        names = ", ".join(str(layer.name) for layer in self.layers)
        return f"<{type(self).__name__} {self.name!r}: {names}>"


def is_paired(layer: Layer, loss: losses.Loss | None) -> bool:
    """Return True if a loss is paired with the activation of a layer; see `head_is_paired`."""
    last = head_of(layer)
    paired = None if loss is None else loss.paired_activation
    return (
        paired is not None
        and layer.activity_regularizer is None
        and isinstance(last, (Activation, Dense))
        and last.activation == paired
    )
