"""Models of ONNX files: nodes are computed in order, the recurrent ones by this package's core."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.interop.onnx.evaluate import PASS_ABSENCE_ON, Step, Values, evaluate
from gru_c.interop.onnx.file import Graph, GraphInput, read
from gru_c.interop.onnx.node_checker import Checker
from gru_c.interop.onnx.operators import OPERATORS
from gru_c.interop.onnx.proto import shown
from gru_c.interop.onnx.recurrent_attributes import OPERATORS as RECURRENT
from gru_c.interop.onnx.recurrent_attributes import SEQUENCE_LENS
from gru_c.interop.onnx.recurrent_node import RecurrentOperator
from gru_c.interop.onnx.size_limit import ElementBudget
from gru_c.interop.onnx.to_sequential import to_sequential
from gru_c.models.sequential import Sequential


class ONNXModel:
    """A model of an ONNX file, as `load` returns it.

    Attributes
    ----------
    input_names : list of str
        Names of the inputs of `run`.
    output_names : list of str
        Names of the outputs of `run`.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from gru_c import Dense, GRU, Sequential
    >>> from gru_c.interop import onnx
    >>> model = Sequential([GRU(5, input_shape=(None, 3)), Dense(2)], seed=0)
    >>> x = np.ones((4, 7, 3), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.onnx")
    ...     onnx.export(model, path)
    ...     served = onnx.load(path)
    >>> served.input_names, served.output_names
    (['x'], ['output'])
    >>> bool(np.allclose(served.run(None, {"x": x})[0], model.predict(x, verbose=0)))
    True
    >>> [layer.name for layer in served.to_sequential().layers]
    ['gru', 'dense']
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._constants = graph.constants
        self._inputs = {item.name: item for item in graph.inputs}
        self._weights = [array.shape for array in graph.constants.values()]
        for node in graph.nodes:
            numbers = [a for a in node.attributes.values() if isinstance(a, np.ndarray)]
            self._weights += [array.shape for array in numbers]
        self._steps = self._prepare()
        self._optional = _optional_inputs(graph)
        self._uses = Counter(name for node, _ in self._steps for name in node.inputs if name)
        self._uses.update(graph.outputs)
        for name in set(self._constants) - set(self._uses):
            del self._constants[name]

    def __getstate__(self) -> dict[str, Any]:
        steps = [
            (node, op if isinstance(op, RecurrentOperator) else None) for node, op in self._steps
        ]
        return {**vars(self), "_steps": steps}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._steps = [(node, op or OPERATORS[node.operator]) for node, op in state["_steps"]]

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs that have no value in the file."""
        return list(self._inputs)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs."""
        return list(self._graph.outputs)

    def _prepare(self) -> list[Step]:
        """Compute the nodes that depend on constants alone; return the others, ready to run."""
        budget, checker = ElementBudget(self._weights), Checker(self._graph)
        steps: list[Step] = []
        for node in self._graph.nodes:
            checker.check(node)
            if node.operator in RECURRENT:
                steps.append((node, RecurrentOperator(node, self._constants)))
                continue
            step = node, OPERATORS[node.operator]
            if not all(name in self._constants for name in node.inputs if name):
                steps.append(step)
                continue
            for name, array in evaluate(step, self._constants, budget):
                assert array is not None
                array.setflags(write=False)
                self._constants[name] = array
                checker.constant(name, array)
                budget.used += array.size
        for name, dtype in self._graph.output_types.items():
            checker.require_type(name, dtype)
        return steps

    def run(
        self, output_names: Sequence[str] | None, feeds: Mapping[str, npt.ArrayLike]
    ) -> list[Array]:
        """Compute outputs, as ``onnxruntime.InferenceSession.run`` does.

        Parameters
        ----------
        output_names : sequence of str or None
            Names of the outputs to return; None for all.
        feeds : dict of str to array_like
            A value for each input. Initial states and sequence_lens of recurrent nodes may be left
            out; they default to zeros and to all time steps.

        Returns
        -------
        list of ndarray

        Raises
        ------
        TypeError
            When a value is not of the kind that the model wants, such as a float for an index.
        ValueError
            When a name is unknown, a value is missing or does not have the shape that the model
            wants, or when a node cannot be computed with its inputs, or its result is far larger
            than inputs and weights account for; the message then names the node.
        """
        wanted = self.output_names if output_names is None else list(output_names)
        for name in wanted:
            if name not in self._graph.outputs:
                raise ValueError(f"there is no output {name!r}: {', '.join(self.output_names)}")
        inputs = self._checked(feeds)
        values: Values = {**self._constants, **inputs}
        budget = ElementBudget(self._weights, [a.shape for a in inputs.values() if a is not None])
        uses_left = self._uses.copy()
        for step in self._steps:
            for name, array in evaluate(step, values, budget):
                if uses_left[name] and array is not None:
                    budget.used += array.size
                values[name] = array
            for name in step[0].inputs:
                uses_left[name] -= 1
                if name and not uses_left[name] and name not in self._constants:
                    array = values.pop(name)
                    budget.used -= 0 if array is None or name in inputs else array.size
        return [np.array(values[name], order="C") for name in wanted]

    def predict(self, x: npt.ArrayLike) -> Array:
        """Return the first output, given the only input that is required.

        Parameters
        ----------
        x : array_like
            The value of that input.

        Returns
        -------
        ndarray

        Raises
        ------
        ValueError, TypeError
            When the model requires more than one input, and as in `run`.
        """
        required = [name for name in self._inputs if name not in self._optional]
        if len(required) != 1:
            raise ValueError(
                f"predict is for models with one input, this one has {len(required)} "
                f"({', '.join(map(shown, required))}): call run"
            )
        return self.run(self.output_names[:1], {required[0]: x})[0]

    def to_sequential(self) -> Sequential:
        """Return the model as a `gru_c.Sequential`, which trains, saves and streams.

        Dropout layers are missing, since a file for prediction does not hold them.

        Raises
        ------
        ValueError
            When the graph is not a chain of this package's layers; the message names the first node
            that does not belong to one.
        """
        return to_sequential(self._graph, self._steps, self._optional)

    def _checked(self, feeds: Mapping[str, npt.ArrayLike]) -> Values:
        """Return the inputs as arrays, None for an optional one that is left out."""
        unknown = sorted(set(feeds) - set(self._inputs))
        if unknown and unknown[0] in self._constants:
            raise ValueError(
                f"the value of {shown(str(unknown[0]))} is in the file and cannot be replaced"
            )
        if unknown:
            raise ValueError(
                f"there is no input {shown(str(unknown[0]))}: "
                + ", ".join(map(shown, self.input_names))
            )
        missing = [n for n in self._inputs if n not in feeds and n not in self._optional]
        if missing:
            raise ValueError(f"the input {shown(missing[0])} is missing")
        return {
            name: _checked_input(item, feeds[name]) if name in feeds else None
            for name, item in self._inputs.items()
        }

    def __repr__(self) -> str:
        counts = Counter(node.operator for node in self._graph.nodes)
        nodes = ", ".join(f"{count} {name}" for name, count in counts.most_common())
        return f"<ONNXModel {self.input_names} -> {self.output_names}: {nodes}>"


def load(path: str | os.PathLike[str]) -> ONNXModel:
    """Read a model as exporters of PyTorch and Keras write it.

    This package computes GRU, LSTM and RNN nodes in all their forms, and the operators that
    exporters write around them. The whole model is checked when it is read, so that `run` can fail
    only for lengths that the file leaves open and for values that depend on its inputs.

    Parameters
    ----------
    path : path

    Returns
    -------
    ONNXModel
        `ONNXModel.run` and `ONNXModel.predict` compute its outputs; `ONNXModel.to_sequential`
        converts it to a model of this package.

    Raises
    ------
    ImportError
        When onnx is not installed.
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is damaged or not an ONNX file, this package does not know an operator, a
        type, an attribute or an output of a node, types or shapes do not match, values are stored
        in another file, or a tensor's data does not match its shape. The message names the first
        such fault.

    Notes
    -----
    ``torch.onnx.export`` writes a GRU node for each layer of an ``nn.GRU``. With ``dynamo=True`` it
    needs ``external_data=False`` to write a single file. Some versions leave out
    ``linear_before_reset``, which then means 0: every reader of such a file computes something
    else than the PyTorch model did.

    Keras 3 writes no GRU nodes. On PyTorch its exporter writes the operators of every time step,
    so the file can be run for that number of time steps only. On TensorFlow (tf2onnx) it writes a
    ``Loop``, which is refused.

    A node ``Dropout`` does nothing, as in prediction. One for training is refused.

    Examples
    --------
    See `ONNXModel`.
    """
    graph = read(path)
    try:
        return ONNXModel(graph)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def _checked_input(item: GraphInput, value: npt.ArrayLike) -> Array:
    """Return a value in the dtype of its input; raise an exception if it does not fit."""
    array = as_real(f"the input {shown(item.name)}", value)
    if not np.can_cast(array.dtype, item.dtype, "same_kind") and array.dtype.kind != "b":
        raise TypeError(f"the input {shown(item.name)} wants {item.dtype}, got {array.dtype}")
    cast = array.astype(item.dtype, copy=False)
    if item.dtype.kind in "iu" and (cast != array).any():
        raise ValueError(f"the input {shown(item.name)} has numbers that are none of {item.dtype}")
    if not item.fits(array.shape):
        sizes = ", ".join("any" if not isinstance(n, int) else str(n) for n in item.shape or ())
        raise ValueError(f"the input {shown(item.name)} wants shape ({sizes}), got {array.shape}")
    return cast


def _optional_inputs(graph: Graph) -> set[str]:
    """Return the inputs that are only initial states and sequence_lens of recurrent nodes."""
    optional = {item.name for item in graph.inputs}
    passed_on: dict[str, set[str]] = {name: {name} for name in optional}
    for node in graph.nodes:
        for place, name in enumerate(node.inputs):
            sources = passed_on.get(name, set())
            kind = RECURRENT.get(node.operator)
            if kind is not None and place in (SEQUENCE_LENS, *kind.states):
                continue
            if node.operator in PASS_ABSENCE_ON and place == 0 and node.outputs:
                passed_on[node.outputs[0]] = sources
            else:
                optional -= sources
    for name in graph.outputs:
        optional -= passed_on.get(name, set())
    return optional
