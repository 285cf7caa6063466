"""Prediction of Dask arrays, chunk by chunk."""

from __future__ import annotations

import hashlib
import threading
import weakref
from io import BytesIO
from pickle import PicklingError
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.data.samples import check_batch_size
from gru_c.distributed.thread_shares import in_pool, shares
from gru_c.models.sequential import Sequential
from gru_c.parameters import Parameter
from gru_c.recurrence.step_order import check_lengths
from gru_c.saving.contents import contents

# Axes of a blockwise operation: of the samples; the first one within a sample, and an output.
_SAMPLES, _INPUT, _OUTPUT = 0, 1, 101


def predict(
    model: Sequential, x: Any, batch_size: int | None = None, *, lengths: Any = None
) -> Any:
    """Return the outputs of a model for a Dask array, as a Dask array that computes nothing yet.

    They have the bits of ``model.predict`` for the whole array wherever the result of a sequence
    does not depend on its batch, which is always true of the packed engine.

    Parameters
    ----------
    model : Sequential
        The weights are those at the time of this call: later changes of the model have no effect.
        The model becomes part of the graph once, without optimizer, loss and history.
    x : dask.array.Array of shape (samples, ...)
        Inputs, chunked along the first axis; the other axes are rechunked into one chunk each. The
        number of samples, and the number in each chunk, may be unknown (nan).
    batch_size : int, optional
        Number of samples in a batch within a chunk; 32 by default.
    lengths : array_like or dask.array.Array of int, shape (samples,), optional
        The number of time steps of each sample that count. If the chunk sizes of x are unknown, it
        must be a Dask array with as many chunks.

    Returns
    -------
    dask.array.Array of shape (samples, ...)
        Of the model's dtype, chunked along the first axis like x.

    Raises
    ------
    TypeError
        When model is not a `Sequential` or cannot be pickled, or x is not a Dask array.
    ValueError
        When the model has no weights yet, is stateful (chunks are computed in no fixed order), or
        x or lengths have shapes that do not suit it. Values are checked when chunks are computed.
    ImportError
        When Dask is not installed.

    Notes
    -----
    Chunks that are computed at the same time in one process share its threads (`set_num_threads`).
    The name of the result is a hash of the weights, the layers, x and lengths; for a model that
    contains code of your own, it is a hash of everything that the model holds. Each Python thread
    then has its own copy of the model, and chunks do not wait for each other's threads.

    Examples
    --------
    >>> import dask.array as da
    >>> from gru_c import Dense, GRU, Sequential
    >>> from gru_c.distributed import predict
    >>> model = Sequential([GRU(8, input_shape=(20, 3)), Dense(1)], seed=0)
    >>> x = da.random.default_rng(0).standard_normal((1000, 20, 3), chunks=(250, -1, -1))
    >>> outputs = predict(model, x)
    >>> outputs.shape, outputs.numblocks
    ((1000, 1), (4, 1))
    >>> outputs[:300].compute().shape
    (300, 1)
    """
    da = require("dask.array", "dask")
    _check_model(model)
    size = check_batch_size(batch_size)
    if not isinstance(x, da.Array):
        raise TypeError(
            f"x must be a Dask array, got {type(x).__name__}: dask.array.from_array(x, "
            "chunks=(1000, ...)) makes one, model.predict(x) takes what fits into memory"
        )
    shape = _output_shape(model, x)
    x = x.rechunk(dict.fromkeys(range(1, x.ndim), -1))
    inputs = [x, (_SAMPLES, *range(_INPUT, _INPUT + x.ndim - 1))]
    if lengths is not None:
        inputs += [_lengths(da, lengths, x), (_SAMPLES,)]
    pickled, delayed = PickledModel.take(model), require("dask", "dask").delayed
    # All chunks refer to the model by one key of the graph.
    key = delayed(pickled, name=f"gru-c-model-{pickled.token}", traverse=False)
    new_axes = {_OUTPUT + axis: length for axis, length in enumerate(shape)}
    return da.blockwise(
        _predict_chunk,
        (_SAMPLES, *new_axes),
        *inputs,
        pickled=key,
        batch_size=size,
        new_axes=new_axes,
        concatenate=True,
        align_arrays=False,
        dtype=model.dtype,
        meta=np.empty((0,) * (1 + len(shape)), model.dtype),
        token="gru-c-predict",
    )


def _check_model(model: Any) -> None:
    if not isinstance(model, Sequential):
        raise TypeError(f"model must be a Sequential, got {type(model).__name__}")
    model.require_built("predict")
    if model.stateful_layers:
        raise ValueError(
            f"layer {model.stateful_layers[0].label!r} is stateful, and the chunks of a Dask array "
            "are computed in no order: make it with stateful=False, or take model.predict"
        )


def _output_shape(model: Sequential, x: Any) -> tuple[int, ...]:
    """Return the shape of the output for one sample; ValueError unless the model takes x."""
    if x.ndim < (1 if model.takes_scalars else 2) or any(
        np.isnan(length) for length in x.shape[1:]
    ):
        raise ValueError(
            "x must have shape (samples, ...), and only the number of samples may be unknown, "
            f"got {x.shape}"
        )
    no_samples = model.check_input(np.empty((0, *x.shape[1:]), x.dtype))
    return tuple(int(length or 0) for length in model.compute_output_shape(no_samples.shape)[1:])


def _lengths(da: Any, lengths: Any, x: Any) -> Any:
    """Return lengths as a Dask array with the chunks of x."""
    known = not np.isnan(x.shape[0])
    if not isinstance(lengths, da.Array):
        if not known:
            raise ValueError(
                "for x of an unknown number of samples, lengths must be a Dask array, "
                f"got {type(lengths).__name__}"
            )
        return da.from_array(check_lengths(lengths, x.shape), chunks=(x.chunks[0],))
    if lengths.ndim != 1:
        raise ValueError(f"lengths must have shape (samples,), got {lengths.shape}")
    check_lengths(np.zeros(1, lengths.dtype), (1, *x.shape[1:]))  # dtype only
    if known and lengths.shape == x.shape[:1]:
        return lengths.rechunk((x.chunks[0],))
    if lengths.numblocks != x.numblocks[:1] or (known and not np.isnan(lengths.shape[0])):
        raise ValueError(
            f"lengths must have the {x.numblocks[0]} chunks of x and shape {x.shape[:1]}, got "
            f"{lengths.numblocks[0]} and {lengths.shape}"
        )
    return lengths


class PickledModel:
    """A model at one time, to be unpickled once in each process that predicts with it.

    Dask keeps one object for all chunks in a process. The unpickled model lives as long as that
    object: as long as the Dask array in the process that made it, until the last chunk in a worker.
    If the model contains code of the program's, which may store something in it, each Python thread
    has a model of its own.

    Attributes
    ----------
    token : str
        A hash, the same for the same layers and weights.
    content : bytes
        The pickled model.
    known_code : bool
        True if all of the model's code is this package's.
    """

    def __init__(self, token: str, content: bytes, known_code: bool) -> None:
        self.token = token
        self.content = content
        self.known_code = known_code
        self._lock = threading.Lock()
        self._shared = SimpleNamespace(model=None) if known_code else threading.local()

    @classmethod
    def take(cls, model: Sequential) -> PickledModel:
        """Return the pickle of a model, without the parts that only training uses."""
        bare = object.__new__(type(model))
        unneeded: dict[str, Any] = {"optimizer": None, "loss": None, "metrics": [], "history": None}
        vars(bare).update(vars(model) | unneeded | {"_parameters": None})
        known_code = _has_known_code(model)
        try:
            content = _pickle(bare)
        except (TypeError, AttributeError, PicklingError) as error:
            raise TypeError(
                f"the model cannot be sent to other processes, for something that it holds: {error}"
            ) from error
        token = _hash(bare) if known_code else None
        return cls(token or hashlib.sha256(content).hexdigest(), content, known_code)

    def get_model(self) -> Sequential:
        """Return the model for this Python thread; its weights stay packed."""
        with self._lock:
            model: Sequential | None = getattr(self._shared, "model", None)
            if model is None:
                model = require("cloudpickle", "dask").loads(self.content)
                assert model is not None
                model.hold_weights()
                self._shared.model = model
        return model

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (self.token, self.content, self.known_code)

    def __sizeof__(self) -> int:
        # Dask asks for it. The pickle, the model, and its weights once more, packed.
        return 4 * len(self.content)

    def __dask_tokenize__(self) -> str:
        return self.token


_last: PickledModel | None = None


def _unpickle(token: str, content: bytes, known_code: bool) -> PickledModel:
    """Return a pickled model. A process of a pool gets one with each chunk, and keeps the last."""
    global _last
    if not in_pool():
        return PickledModel(token, content, known_code)
    if _last is None or _last.token != token:
        _last = PickledModel(token, content, known_code)
    return _last


def _has_known_code(model: Sequential) -> bool:
    """Return True if model and layers are of this package's classes, with no method replaced."""
    layers = [part for layer in model.layers for part in (layer, *getattr(layer, "directions", ()))]
    values = [value for layer in layers for value in vars(layer).values()]
    functions = [v for v in values if callable(v) and not isinstance(v, weakref.ref)]
    replaced = any(isinstance(value, FunctionType) for value in vars(model).values())
    kinds = [type(item) for item in (*layers, *functions)]
    known = all(kind.__module__.startswith("gru_c.") for kind in kinds)
    return known and type(model) is Sequential and not replaced


def _pickle(model: Sequential) -> bytes:
    """Return a pickle of a model without gradients, with the main program's classes inside."""
    base: Any = require("cloudpickle", "dask").Pickler

    class Pickler(base):  # type: ignore[misc]
        dispatch_table = base.dispatch_table.new_child({Parameter: _reduce_parameter})

    content = BytesIO()
    Pickler(content).dump(model)
    return content.getvalue()


def _reduce_parameter(item: Parameter) -> tuple[Any, ...]:
    return Parameter, (item.name, item.array)


def _hash(model: Sequential) -> str | None:
    """Return a hash of all that determines the outputs; None if a layer cannot be described."""
    try:
        tensors, metadata = contents(model)
    except ValueError:
        return None
    digest = hashlib.sha256(metadata["model"].encode())
    for tensor in tensors.values():
        digest.update(np.ascontiguousarray(tensor).data)
    return digest.hexdigest()


def _predict_chunk(
    x: Array, lengths: Array | None = None, *, pickled: PickledModel, batch_size: int
) -> Array:
    """Return the outputs of a chunk; compute them with this Python thread's share of threads."""
    with shares.take(waits=pickled.known_code):
        model = pickled.get_model()
        try:
            outputs = model.predict(x, batch_size, verbose=0, lengths=lengths)
        except (ValueError, TypeError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"in a chunk, whose first sample is number 0: {error}") from error
    return outputs
