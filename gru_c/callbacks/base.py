"""What all callbacks have in common, and how they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gru_c.utils import keras_names
from gru_c.utils.attributes import Guarded

if TYPE_CHECKING:
    from gru_c.network.network import Network

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
# The older names that Keras keeps, and what they stand for.
_ALIASES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class Callback(Guarded):
    """Base of what is called while a model trains, with Keras's hooks.

    A subclass defines the hooks that it needs. ``logs`` are names and values: the mean loss and the
    metrics over the batches so far, at the end of an epoch those of the validation too. What an
    ``on_epoch_end`` adds to them is recorded. With ``self.model.stop_training = True``, `fit` ends
    after the batch or epoch at hand.

    An exception from a hook ends `fit`, `evaluate` or `predict`, with the weights and the optimizer
    as the last step left them.

    Attributes
    ----------
    model : Sequential
        Which trains.
    params : dict
        "verbose", "epochs" and "steps" (batches of an epoch), "validation" (whether there is one).
    first_only : bool
        Whether, of processes that train together (`gru_c.distributed`), only the first one calls
        it: true for what writes files. All have it, and all others are called in each of them.

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
    first_only = False  # whether, of processes that train together, only the first one calls it

    def set_model(self, model: Network) -> None:
        """Take note of the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take note of how it trains."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Act when `fit` begins, also when it goes on with a run from a file."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Act when `fit` ends, but not by an exception; logs are the last epoch's."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Act before an epoch; not again where a run goes on in the middle of one."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Act after an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before a step."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after a step."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Stand for `on_train_batch_begin`, as in Keras."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Stand for `on_train_batch_end`, as in Keras."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Act before an evaluation, that of a validation included."""

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
        """Return what must be known to go on with a run, for ``fit(..., checkpoint=)``.

        Returns
        -------
        dict
            Names, and values that JSON can hold, arrays, or lists and dicts of them. Empty: the
            callback keeps nothing. By default the attributes that `state_names` names.
        """
        return {name: getattr(self, name) for name in self.state_names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` returned; called after `on_train_begin`.

        Raises
        ------
        ValueError
            When it is not what `get_state` returns.
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
        Functions by the names of the hooks, with the hook's arguments.

    Raises
    ------
    TypeError
        When there is no such hook, or what is given is no function.

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
        given = [] if callbacks is None else callbacks
        given = [given] if isinstance(given, Callback) else given
        if not isinstance(given, Sequence):
            raise TypeError(f"callbacks must be a list of Callback, got {callbacks!r}")
        for callback in given:
            if not isinstance(callback, Callback):
                hint = f": write {callback.__name__}()" if isinstance(callback, type) else ""
                raise TypeError(
                    "callbacks must hold objects of gru_c.callbacks.Callback, got "
                    f"{callback!r}{hint}"
                )
            self.callbacks.append(callback)
        # Only those that do something: a batch in which nothing is to be done costs nothing.
        self._hooks: dict[str, list[tuple[Callback, Callable[..., object]]]] = {}
        self._first = True
        for name in HOOKS if self.callbacks else ():
            pairs = [(one, getattr(one, name)) for one in self.callbacks if _defines(one, name)]
            if pairs:
                self._hooks[name] = pairs

    @property
    def keeping(self) -> list[Callback]:
        """The callbacks that have a state."""
        own = Callback.get_state
        return [one for one in self.callbacks if one.state_names or type(one).get_state is not own]

    def calls(self, hook: str) -> bool:
        """Return whether a hook does something."""
        return hook in self._hooks

    def begin(self, model: Network, first: bool = True, **params: Any) -> None:
        """Tell all callbacks whose they are, and whether in the first process, before a loop."""
        self._first = first
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)

    def call(self, hook: str, *number: int, logs: Logs | Callable[[], Logs] | None = None) -> None:
        """Call a hook of all; `logs` may be a function, which is called where they are needed."""
        pairs = self._hooks.get(hook)
        if pairs:
            found = logs() if callable(logs) else {} if logs is None else logs
            for callback, function in pairs:
                if self._first or not callback.first_only:
                    function(*number, found)


def _defines(callback: Callback, hook: str) -> bool:
    names = (hook, _ALIASES[hook]) if hook in _ALIASES else (hook,)
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)
        for name in names
    )
