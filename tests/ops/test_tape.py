"""Tensors that record, and what they refuse."""

import numpy as np
import pytest

from gru_c import ops
from gru_c.ops.tape import Tape, active_tape

X = np.array([[1.0, 2.0], [3.0, 4.0]])


def test_gradients_are_summed_over_all_uses():
    tape = Tape()
    x, unused = tape.tensor(X), tape.tensor(X)
    y = ops.sum(x * x) + ops.sum(x)
    gradient, nothing = tape.gradients(y, np.float64(1), [x, unused])
    np.testing.assert_array_equal(gradient, 2 * X + 1)
    assert nothing is None


def test_the_output_may_be_the_input():
    tape = Tape()
    x = tape.tensor(X)
    (gradient,) = tape.gradients(x, X, [x])
    np.testing.assert_array_equal(gradient, X)


def test_constants_and_integers_are_not_differentiated():
    tape = Tape()
    x, labels = tape.tensor(X), tape.tensor(np.array([0, 1]))
    y = ops.take_along_axis(x, labels[:, None], axis=1) * ops.exp(tape.tensor(X, False))
    dx, d_labels = tape.gradients(y, np.ones(y.shape), [x, labels])
    assert d_labels is None
    np.testing.assert_allclose(dx, [[np.exp(X[0]).sum(), 0], [0, np.exp(X[1]).sum()]])


def test_functions_of_numpy_record():
    tape = Tape()
    x = tape.tensor(X)
    for y in (np.exp(x), np.add(1.0, x), np.mean(x, axis=1), np.concatenate([x, x]), X @ x, X * x):
        (gradient,) = tape.gradients(y, np.ones(y.shape), [x])
        assert np.abs(gradient).sum() > 0
    assert np.shape(x) == (2, 2)
    assert np.where(x > 1, x, 0).shape == (2, 2)


def test_attributes():
    x = Tape().tensor(X)
    assert (x.shape, x.ndim, x.size, x.dtype) == ((2, 2), 2, 4, np.float64)
    assert (x.T).value.tolist() == X.T.tolist()
    assert repr(x) == "<tensor of shape (2, 2), float64>"
    assert (x == 1.0).value.tolist() == [[True, False], [False, False]]
    assert (x != 1.0).value.tolist() == [[False, True], [True, True]]


def set_item(x):
    x[0] = 1


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda x: 1 if ops.sum(x) > 0 else 2, r"ops\.where\(condition, a, b\).*line \d+: "),
        (lambda x: max(x[0, 0], 1), r"ops\.maximum"),
        (len, r"x\.shape\[0\]"),
        (list, r"ops\.unstack"),
        (lambda x: float(x[0, 0]), r"functions of gru_c\.ops.*test_tape\.py, line"),
        (lambda x: range(x[0, 0]), "no number"),
        (lambda x: 1.0 in x, r"ops\.any"),
        (set_item, "in place"),
        (np.asarray, r"ops\.mean"),
        (np.linalg.inv, r"numpy\.inv"),
        (lambda x: np.add.reduce(x), r"numpy\.add\.reduce"),
        (lambda x: np.median(x), r"numpy\.median"),
        (lambda x: np.mean(x, where=X > 0), "not available"),
        (lambda x: np.hypot(x, x), r"numpy\.hypot"),
        (lambda x: X[x], "tensor"),
        (lambda x: X.__iadd__(x), "tensor|numpy.add"),
    ],
)
def test_what_needs_values_is_refused_with_the_line(action, words):
    with pytest.raises((TypeError, IndexError), match=words):
        action(Tape().tensor(X))


def test_attributes_that_arrays_have_name_the_function():
    x = Tape().tensor(X)
    with pytest.raises(AttributeError, match=r"write ops\.mean\(x\) \(in test_tape\.py, line \d+"):
        x.mean()
    with pytest.raises(AttributeError, match=r"ops\.cast"):
        x.astype("float32")


def test_an_index_that_is_computed_is_refused():
    x = Tape().tensor(X)
    with pytest.raises(TypeError, match=r"ops\.where"):
        x[x > 1]


def test_a_tensor_of_another_call_is_refused():
    x, old = Tape().tensor(X), Tape().tensor(X)
    with pytest.raises(ValueError, match="another call"):
        ops.add(x, old)


def test_a_tape_is_active_within_its_block():
    outer, inner = Tape(), Tape()
    with outer:
        with inner:
            assert active_tape() is inner
        assert active_tape() is outer
    assert active_tape() is None
