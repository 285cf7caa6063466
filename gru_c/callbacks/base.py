"""The base class of all callbacks, and the list that calls them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from gru_c.common import keras_names
from gru_c.common.attributes import Guarded
from gru_c.network.network import Network

if TYPE_CHECKING:
    from typing_extensions import Unpack

Logs = dict[str, Any]

HOOKS = tuple(
    f"on_{loop}_{moment}"
    for loop, moments in {
        "train": ("begin", "end", "batch_begin", "batch_end"),
        "epoch": ("begin", "end"),
        "test": ("begin", "end", "batch_begin", "batch_end"),
        "predict": ("begin", "end", "batch_begin", "batch_end"),
    }.items()
    for moment in moments
)
# The hooks that have an older name, which Keras still supports.
_ALIASES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class LoopParams(TypedDict, total=False):
    """The `params` of callbacks: facts about a loop over batches.

    `steps` is the number of batches, None if it is not known.
    """

    verbose: int
    epochs: int
    steps: int | None
    validation: bool


class Callback(Guarded):
    """Base class of all callbacks, with Keras's hooks.

    A subclass defines the hooks that it needs. ``logs`` are names and values: the mean loss and the
    metrics over the batches so far, and at the end of an epoch those of the validation, too. Values
    that ``on_epoch_end`` adds to the logs are recorded in the history. After
    ``self.model.stop_training = True``, `fit` ends when the current batch or epoch is done.

    An exception in a hook ends `fit`, `evaluate` or `predict`; the weights and the optimizer stay
    as the last step left them.

    Attributes
    ----------
    model : Sequential
        The model that trains.
    params : dict
        "verbose", "epochs", "steps" (batches of an epoch) and "validation" (True if there is one).
    first_only : bool
        True if, of processes that train together (`gru_c.distributed`), only the first calls the
        callback, as it should if the callback writes files. Other callbacks are called in all
        processes.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, Sequential, callbacks
    >>> class Goal(callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if logs["loss"] < 0.5:
    ...             self.model.stop_training = True
    >>> model = Sequential([Dense(1, input_shape=(2,))], seed=0)
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.ones((8, 2)), np.ones(8), epochs=100, verbose=0, callbacks=[Goal()])
    >>> len(history.epoch) < 100
    True
    """

    _keras_names = keras_names.CALLBACK
    model: Any = None
    params: dict[str, Any] | None = None
    state_names: tuple[str, ...] = ()  # attributes that `get_state` returns
    first_only = False

    def set_model(self, model: Network) -> None:
        """Set the attribute `model`."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Set the attribute `params`."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Act when `fit` begins, also when it resumes a run from a file."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Act when `fit` ends without an exception; logs are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Act before an epoch; not called again if a run is resumed in the middle of one."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Act after an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before an optimizer step."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after an optimizer step."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before an optimizer step: an older name of `on_train_batch_begin`, as in Keras."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after an optimizer step: an older name of `on_train_batch_end`, as in Keras."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Act before an evaluation; a validation is one, too."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Act after an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after a batch of an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Act before `predict` computes."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Act after `predict` has computed."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after a batch of `predict`; ``logs["outputs"]`` are its outputs."""

    def get_state(self) -> dict[str, Any]:
        """Return the state that ``fit(..., checkpoint=)`` needs to resume a run.

        Returns
        -------
        dict
            Names with values: what JSON can hold, arrays, or lists and dicts of both. Empty for a
            callback without a state. By default the attributes that `state_names` names.
        """
        return {name: getattr(self, name) for name in self.state_names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state that `get_state` returned; called after `on_train_begin`.

        Raises
        ------
        ValueError
            When the names are not those that `get_state` returns.
        """
        if set(state) != set(self.state_names):
            raise ValueError(f"wanted {', '.join(self.state_names)}, got {', '.join(state)}")
        for name, value in state.items():
            setattr(self, name, value)


class LambdaCallback(Callback):
    """Callback made of functions.

    Parameters
    ----------
    **hooks : callable
        Functions under the names of their hooks, with the hooks' arguments.

    Raises
    ------
    TypeError
        When there is no such hook, or the value is not a function.

    Examples
    --------
    >>> from gru_c import callbacks
    >>> show = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
    >>> show.on_epoch_end(3, {"loss": 0.5})
    3 {'loss': 0.5}
    """

    def __init__(self, **hooks: Callable[..., object] | None) -> None:
        for name, function in hooks.items():
            if name not in (*HOOKS, *_ALIASES.values()):
                raise TypeError(f"there is no hook {name!r}; there are {', '.join(HOOKS)}")
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"{name} must be a function, got {function!r}")
            setattr(self, name, function)


class CallbackList:
    """Callbacks in the order in which they are called.

    Parameters
    ----------
    callbacks : Callback, sequence of Callback, or None
        Raises TypeError for anything else.
    """

    def __init__(self, callbacks: object = None) -> None:
        self.callbacks: list[Callback] = []
        listed = [] if callbacks is None else callbacks
        listed = [listed] if isinstance(listed, Callback) else listed
        if not isinstance(listed, Sequence):
            raise TypeError(f"callbacks must be a list of Callback, got {callbacks!r}")
        for callback in listed:
            if not isinstance(callback, Callback):
                hint = f": write {callback.__name__}()" if isinstance(callback, type) else ""
                raise TypeError(
                    "callbacks must hold objects of gru_c.callbacks.Callback, got "
                    f"{callback!r}{hint}"
                )
            self.callbacks.append(callback)
        # Only hooks that callbacks define, so that a batch without hooks costs nothing.
        self._hooks: dict[str, list[tuple[Callback, Callable[..., object]]]] = {}
        self._first = True
        for name in HOOKS if self.callbacks else ():
            pairs = [(item, getattr(item, name)) for item in self.callbacks if _defines(item, name)]
            if pairs:
                self._hooks[name] = pairs

    @property
    def keeping(self) -> list[Callback]:
        """The callbacks that have a state."""
        base = Callback.get_state
        return [
            item for item in self.callbacks if item.state_names or type(item).get_state is not base
        ]

    def calls(self, hook: str) -> bool:
        """Return True if a callback defines the hook."""
        return hook in self._hooks

    def begin(self, model: Network, first: bool = True, **params: Unpack[LoopParams]) -> None:
        """Set the model and the params of all callbacks before a loop.

        `first` is True in the first of the processes that train together.
        """
        self._first = first
        facts: dict[str, Any] = {**params}
        for callback in self.callbacks:
            callback.set_params(facts)
            callback.set_model(model)

    def call(self, hook: str, *number: int, logs: Logs | Callable[[], Logs] | None = None) -> None:
        """Call a hook of all callbacks; `logs` may be a function, called if the logs are needed."""
        pairs = self._hooks.get(hook)
        if pairs:
            values = logs() if callable(logs) else {} if logs is None else logs
            for callback, function in pairs:
                if self._first or not callback.first_only:
                    function(*number, values)


def _defines(callback: Callback, hook: str) -> bool:
    names = (hook, _ALIASES[hook]) if hook in _ALIASES else (hook,)
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)
        for name in names
    )
