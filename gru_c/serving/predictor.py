"""`Predictor`: a trained model that only predicts, for many threads at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, overload

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, refuse_masked
from gru_c.common.attributes import assign
from gru_c.common.validation import check_choice
from gru_c.common.weights_lock import weights_lock
from gru_c.data.array_file import is_stored
from gru_c.data.batch_source import is_source
from gru_c.data.sequence_list import split_pair
from gru_c.layers import Layer
from gru_c.layers.rnn import recurrent_layers
from gru_c.network.network import Network
from gru_c.runtime.threads import team_threads
from gru_c.streaming.stream import Stream
from gru_c.training.predict import predict

# The methods and attributes of a model that a predictor refuses, with advice.
_TRAIN = "it cannot be trained: train the model and call model.freeze() again"
_CHANGE = "its weights cannot be changed: change those of the model and call model.freeze() again"
_ASK = "it only predicts: ask the model"

REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        ("fit", "fit_generator", "train_on_batch", "compile", "optimizer", "loss", "backward"),
        _TRAIN,
    ),
    **dict.fromkeys(
        ("set_weights", "load_weights", "add", "pop", "build", "trainable", "parameters"), _CHANGE
    ),
    **dict.fromkeys(
        (
            "evaluate",
            "test_on_batch",
            "metrics",
            "layers",
            "get_layer",
            "get_weights",
            "weights",
            "summary",
            "profile",
            "count_params",
            "history",
            "get_config",
            "to_json",
            "save",
            "save_weights",
        ),
        _ASK,
    ),
    "freeze": "so it cannot be frozen again",
    "reset_states": "it has no states: predictor.stream() makes a stream, which has",
    "predict_on_batch": "call it, or its predict: each call is one batch",
}

WEIGHTS = ("float32", "float64", "bfloat16", "int8")


class Predictor:
    """A trained model that only predicts: what `Sequential.freeze` returns.

    It has a copy of the weights, packed for the core, and does not change. Training the model, or
    setting its weights, does not change it. Its results have the bits of `Sequential.predict`.

    A call makes one batch of its input, and one call of the core if all layers are `GRU`, `Dense`
    or layers that only train, such as `Dropout`. It does not look for NaN and infinities in the
    input, as `predict` does.

    Any number of Python threads may call it at once. The GIL is released for all but the shortest
    calls, so that they run in parallel. Pickles and processes that are forked have their own.

    Attributes
    ----------
    name : str
        Of the model.
    dtype : str
        Of input and output.
    input_shape, output_shape : tuple of int or None
        Of a batch, whose size is None.
    closed : bool
        True after `close`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, GRU, Sequential
    >>> model = Sequential([GRU(50, input_shape=(None, 8)), Dense(1)], seed=0)
    >>> predictor = model.freeze()
    >>> x = np.ones((4, 10, 8), np.float32)
    >>> bool((predictor(x) == model.predict(x, verbose=0)).all())
    True
    >>> predictor(x[0]).shape  # one sequence
    (1,)
    """

    __slots__ = ("__weakref__", "_call", "_network")

    _network: Network | None
    _call: Callable[[Any, Any, int], Array | None]  # for arrays that need no conversion

    def __init__(self, network: Network) -> None:
        object.__setattr__(self, "_network", network)
        network.hold_runs()
        run = network.whole_run()
        plain = run is not None and run.activation is None and network.input_axes
        object.__setattr__(self, "_call", run.predictor.run if run and plain else _no_call)

    # ---- prediction ----

    def __call__(
        self, x: Any, *, lengths: npt.ArrayLike | None = None, out: Array | None = None
    ) -> Any:
        """Return the outputs for x.

        Parameters
        ----------
        x : array_like of shape (B, T, I) or (T, I), or list of sequences
            A batch, or one sequence, whose output then has no batch axis. More generally: an array
            with the axes of `input_shape`, or without the first. It is not copied if it is
            contiguous and has the predictor's dtype. A list may have sequences (T, I) of different
            length.
        lengths : array_like of int, shape (B,), optional
            Number of time steps of each sequence that count: the first ones.
        out : ndarray, optional
            Contiguous array of the predictor's dtype for the output; by default a new array.

        Returns
        -------
        ndarray, or list of ndarray
            A list if x is a list of sequences and each time step has an output.

        Raises
        ------
        ValueError, TypeError
            If x, lengths or out does not fit, or the predictor is closed.
        """
        if lengths is None:
            direct = self._call(x, out, team_threads())
            if direct is not None:
                return direct
        network = self._open(x)
        if not network.holds_weights:
            network.hold_weights()
        x, lengths = split_pair(x, lengths)
        batch = _nested_lists_as_array(_one_batch(x))
        single = _is_single(batch, network)
        if single:
            batch = np.asarray(batch)[np.newaxis]
        sized: Any = batch if np.iterable(batch) else ()  # `predict` refuses what has no samples
        size = max(len(sized), 1)
        outputs: Any = predict(network, batch, batch_size=size, verbose=0, lengths=lengths)
        if single:
            outputs = outputs[0]
        return outputs if out is None else _written(out, outputs, network.dtype)

    @overload
    def predict(self, x: Array, *, lengths: npt.ArrayLike | None = ...) -> Array: ...

    @overload
    def predict(self, x: object, *, lengths: npt.ArrayLike | None = ...) -> Array | list[Array]: ...

    def predict(self, x: Any, *, lengths: npt.ArrayLike | None = None) -> Array | list[Array]:
        """Return the outputs for x: the same as a call of the predictor."""
        outputs: Array | list[Array] = self(x, lengths=lengths)
        return outputs

    def stream(self, batch_size: int = 1) -> Stream:
        """Return a `Stream` of these weights, which runs one time step after the other.

        Its ``state`` can be read, saved and set again.

        Parameters
        ----------
        batch_size : int
            Number of sequences that are processed together.

        Raises
        ------
        ValueError, TypeError
            As `Sequential.stream`.
        """
        return Stream(self._open(), batch_size)

    # ---- properties ----

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._open().name

    @property
    def dtype(self) -> str | None:
        """Dtype of input and output."""
        return self._open().dtype

    @property
    def input_shape(self) -> Shape | None:
        """Shape of the input, batch axis first."""
        return self._open().input_shape

    @property
    def output_shape(self) -> Shape | None:
        """Shape of the output, batch axis first."""
        return self._open().output_shape

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._network is None

    # ---- the end ----

    def close(self) -> None:
        """Release the weights. Calls that are running end as usual; later ones raise ValueError."""
        object.__setattr__(self, "_call", _no_call)
        object.__setattr__(self, "_network", None)

    def __enter__(self) -> Predictor:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self, x: Any = None) -> Network:
        """Return the network; ValueError once it is closed."""
        network = self._network
        if network is None:
            given = "" if x is None else f": got x of shape {np.shape(x)}"
            raise ValueError(f"this Predictor is closed, call model.freeze() again{given}")
        return network

    # ---- it does not change ----

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} cannot be set: {_FROZEN}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{name} cannot be deleted: {_FROZEN}")

    def __getattr__(self, name: str) -> NoReturn:
        advice = REFUSED.get(name)
        if advice is None:
            raise AttributeError(f"a Predictor has no attribute {name!r}")
        raise AttributeError(f"{name}: a Predictor is frozen, {advice}")

    def __reduce__(self) -> tuple[Any, ...]:
        return Predictor, (self._open(),)

    def __copy__(self) -> Predictor:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Predictor:
        return self

    def __repr__(self) -> str:
        if self._network is None:
            return "<Predictor, closed>"
        return f"<Predictor of {self._network!r}>"


_FROZEN = "a Predictor is frozen; change the model, and call model.freeze() again"


def freeze(model: Network, weights: str | None, *, copied: bool = True) -> Predictor:
    """Return a predictor of a model; see `Sequential.freeze`.

    ``copied=False`` takes the layers of a model that nobody uses any more.
    """
    model.require_built("freeze")
    for layer in model.stateful_layers:
        raise ValueError(
            f"layer {layer.label!r} is stateful, and a Predictor has no states: make it with "
            "stateful=False, or call model.stream(), which keeps the states from step to step"
        )
    network = _frozen(model, copied)
    if weights is not None:
        _keep_weights_as(network, check_choice("weights", weights, WEIGHTS))
    return Predictor(network)


def _frozen(model: Network, copied: bool) -> Network:
    """Return a network with the layers or copies of them, without optimizer, loss and gradients."""
    network = Network(None, model.name, model.dtype, None, False)
    with weights_lock.reading(model.layers):
        layers: list[Layer] = copy.deepcopy(model.layers) if copied else model.layers
    assign(
        network,
        layers=layers,
        batch_size=model.batch_size,
        _input=model._input,
        _input_shape=model._input_shape,
    )
    for item in network.weights:
        item.gradient = np.broadcast_to(item.gradient.dtype.type(0), item.array.shape)
    return network


def _keep_weights_as(network: Network, weights: str) -> None:
    """Set the type in which GRUs keep their weights; ValueError if it does not fit the dtype."""
    if weights in ("float32", "float64"):
        if weights != network.dtype:
            raise ValueError(
                f"weights={weights!r}, but the model is {network.dtype}: make the model with "
                f"dtype={weights!r}, or leave weights out"
            )
        weights = "float32"  # which stands for weights in full
    elif network.dtype != "float32":
        raise ValueError(
            f"weights={weights!r} needs a model of float32, this one is {network.dtype}"
        )
    for layer in recurrent_layers(network.layers):
        assign(layer, inference_weights=weights, _packed=None)


def _no_call(x: object, out: object, threads: int) -> None:
    """Return None; used if a call takes more than the core's part."""


def _one_batch(x: Any) -> Any:
    """Return x; TypeError for a source of batches, such as a generator."""
    if not is_stored(x) and is_source(x):
        raise TypeError(
            f"x must be one batch, an array or a list, got a {type(x).__name__}, a source of "
            "batches: call the predictor with each of them"
        )
    return x


def _nested_lists_as_array(x: Any) -> Any:
    """Return an array for lists of numbers in lists; a list of sequences stays as it is."""
    refuse_masked("x", x)
    if isinstance(x, (list, tuple)) and not any(isinstance(item, np.ndarray) for item in x):
        try:
            return np.asarray(x)
        except ValueError:  # sequences of different length
            return x
    return x


def _is_single(x: Any, network: Network) -> bool:
    """Return True for an array without the batch axis."""
    axes = len(network.input_shape or ())
    return axes > 1 and not isinstance(x, (list, tuple)) and np.ndim(x) == axes - 1


def _written(out: object, outputs: Any, dtype: str | None) -> Array:
    """Write outputs to `out` and return it; TypeError or ValueError if it does not fit."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, got {type(out).__name__}")
    if isinstance(outputs, list):
        raise ValueError("out is for outputs in one array, and those for x are a list")
    if out.shape != outputs.shape or out.dtype != outputs.dtype or not out.flags.writeable:
        raise ValueError(
            f"out must be a writeable array of shape {outputs.shape} and dtype {outputs.dtype}, "
            f"got {'one' if out.flags.writeable else 'a read-only one'} of {out.shape}, {out.dtype}"
        )
    out[...] = outputs
    return out
