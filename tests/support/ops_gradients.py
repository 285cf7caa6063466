"""Gradients of functions of gru_c.ops by finite differences, and their shapes for open sizes."""

import numpy as np

from gru_c import ops
from gru_c.ops.tape import Tape


def check_gradients(function, arrays, d_output=None):
    """Compare the gradients of ``function(*tensors)`` with central differences in float64."""
    tape = Tape(training=True)
    tensors = [tape.tensor(x) for x in arrays]
    with tape:
        y = function(*tensors)
    d = np.cos(1 + np.arange(y.size)).reshape(y.shape) if d_output is None else d_output
    gradients = tape.gradients(y, d, tensors)
    for k, (x, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        gradient = np.zeros_like(x) if gradient is None else gradient
        assert gradient.shape == x.shape
        assert gradient.dtype == x.dtype
        for place in np.ndindex(x.shape):
            values = []
            for step in (1e-6, -1e-6):
                moved = [a.copy() for a in arrays]
                moved[k][place] += step
                values.append(float((np.asarray(function(*moved)) * d).sum()))
            slope = (values[0] - values[1]) / 2e-6
            np.testing.assert_allclose(gradient[place], slope, rtol=2e-6, atol=2e-8)


class Symbol:
    """A tensor of a graph: a shape with open sizes, without a value."""

    def __init__(self, shape):
        self.shape = tuple(shape)

    def _record(self, operation, inputs):
        return Symbol(operation.output_shape([np.shape(x) for x in inputs]))


def check_shapes(function, arrays):
    """Compare the shapes that operations tell beforehand with those of results."""
    wanted = np.shape(function(*arrays))
    assert function(*[Symbol(x.shape) for x in arrays]).shape == wanted
    opened = function(*[Symbol([None, *x.shape[1:]]) for x in arrays]).shape
    assert len(opened) == len(wanted)
    assert all(a in (None, b) for a, b in zip(opened, wanted, strict=True)), (opened, wanted)


def check_case(case):
    """Check gradients and shapes of a case of `ops_cases`."""
    name, arrays, arguments = case

    def function(*xs):
        return getattr(ops, name)(*xs, **arguments)

    check_gradients(function, arrays)
    check_shapes(function, arrays)


def cases_of(module):
    """Return parameters for pytest: the cases of the functions that a module defines."""
    import pytest
    from ops_cases import CASES

    return pytest.mark.parametrize(
        "case",
        [case for case in CASES if case[0] in module.__all__],
        ids=lambda case: f"{case[0]}-{case[2]}",
    )
