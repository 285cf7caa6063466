"""Checks of targets, weights and predictions, and the messages of losses."""

import numpy as np
import pytest
from loss_cases import EVERY, C, N, T, data, every_loss

from gru_c import losses


@pytest.mark.parametrize(
    ("name", "y_shapes", "p_shape"),
    [
        ("mse", [(N, 1), (N,)], (N, 1)),
        ("bce", [(N, T, 1), (N, T)], (N, T, 1)),
        ("mae", [(N, C)], (N, C)),
        ("sparse_categorical_crossentropy", [(N,), (N, 1)], (N, C)),
        ("sparse_categorical_crossentropy", [(N, T), (N, T, 1)], (N, T, C)),
    ],
)
def test_shape_rule(name, y_shapes, p_shape):
    loss = losses.get(name)
    labels = np.random.default_rng(0).integers(0, 2, y_shapes[0])
    p = np.random.default_rng(1).uniform(0.1, 0.9, p_shape)
    value, gradient = loss.value_and_gradient(labels, p)
    for shape in y_shapes:
        y, weight = loss.check(labels.reshape(shape), p_shape)
        assert y.shape == y_shapes[0]
        assert weight is None
        again = loss.value_and_gradient(labels.reshape(shape), p)
        assert again[0] == value
        np.testing.assert_array_equal(again[1], gradient)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.int64, np.float32])
@every_loss
def test_dtypes_of_targets(loss, dtype):
    y, p = data(loss, (N, 2))
    y = (y > 0.5).astype(dtype)
    value, gradient = loss.value_and_gradient(y, p)
    expected, expected_gradient = loss.value_and_gradient(y.astype(np.float64), p)
    assert value == expected
    np.testing.assert_array_equal(gradient, expected_gradient)


def test_check_does_not_copy():
    y, w = np.ones((N, 1), np.float32), np.ones(N)
    checked = losses.get("mse").check(y, (N, 1), w)
    assert np.shares_memory(checked[0], y)
    assert checked[1] is w


@pytest.mark.parametrize("bad", [(N, C), (N + 1, 1), (1, 1), (), (1,), (1, N), (N, 1, 1)])
def test_nothing_else_is_broadcast(bad):
    message = rf"^loss 'mse' expects y of shape \(4, 1\) or \(4,\), got \({str(bad)[1:-1]}\)$"
    loss = losses.get("mse")
    with pytest.raises(ValueError, match=message):
        loss.check(np.zeros(bad), (N, 1))
    with pytest.raises(ValueError, match=message):
        loss.value_and_gradient(np.zeros(bad), np.zeros((N, 1)))


@pytest.mark.parametrize(
    ("name", "y", "shape", "weight", "error", "message"),
    [
        ("mse", ["a", "b"], (2, 1), None, TypeError, "expects y of .* floats, got dtype <U1"),
        ("mse", [None, 1], (2, 1), None, TypeError, "got dtype object"),
        ("mse", [1j, 1], (2, 1), None, TypeError, "got dtype complex128"),
        ("mse", [1, 1], (2,), None, ValueError, r"\(samples, \.\.\., outputs\), got \(2,\)"),
        ("MSE", [1, 1], (2, 3), None, ValueError, r"loss 'MSE' expects y of shape \(2, 3\), got"),
        ("bce", [0, 2], (2, 1), None, ValueError, r"target 2 of sample 1 \(y\[1, 0\]\) is not in"),
        ("bce", [np.nan, 0], (2, 1), None, ValueError, "target nan of sample 0"),
        ("categorical_crossentropy", [[1, -1]], (1, 2), None, ValueError, "target -1 of sample 0"),
        ("categorical_crossentropy", [0], (1, 2), None, ValueError, "integer labels go with"),
        (
            "mse",
            [1, 1],
            (2, 1),
            [1, 2, 3],
            ValueError,
            r"sample_weight of shape \(2,\), got \(3,\)",
        ),
        ("mse", [[1] * 3] * 2, (2, 3, 1), [[1, 1]] * 2, ValueError, r"\(2,\) or \(2, 3\), got"),
        ("mse", [1, 1], (2, 1), [1, np.inf], ValueError, "sample_weight inf of sample 1 is not f"),
        ("mse", [1, 1], (2, 1), ["1", "2"], TypeError, "expects sample_weight of bools"),
    ],
)
def test_check_says_what_is_wrong(name, y, shape, weight, error, message):
    with pytest.raises(error, match=message):
        losses.get(name).check(y, shape, weight)


@pytest.mark.parametrize(
    ("y", "shape", "message"),
    [
        ([0, 1, 5], (3, 5), r"label 5 of sample 2 \(y\[2\]\) is not an integer in \[0, 5\)"),
        ([0, -1], (2, 5), "label -1 of sample 1"),
        ([[0, 1], [2, 9]], (2, 2, 5), r"label 9 of sample 1 \(y\[1, 1\]\)"),
        ([0.0, 0.5], (2, 5), "label 0.5 of sample 1"),
        ([np.nan, 1], (2, 5), "label nan of sample 0"),
        ([[1, 0, 0]], (1, 3), "one-hot targets go with 'categorical_crossentropy'"),
    ],
)
def test_labels(y, shape, message):
    loss = losses.get("sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=message):
        loss.check(y, shape)
    with pytest.raises(ValueError, match=message):
        loss.value_and_gradient(y, np.full(shape, 0.2))


def test_nan_is_a_valid_regression_target():
    y, _ = losses.get("mse").check([np.nan, 1.0], (2, 1))
    assert np.isnan(y[0, 0])
    assert np.isnan(losses.get("mse")(y, np.zeros((2, 1))))


@pytest.mark.parametrize("loss", [x for x in EVERY if not x.paired_activation], ids=repr)
def test_logits_wants_a_paired_activation(loss):
    y, p = data(loss, (N, C))
    with pytest.raises(ValueError, match="has no paired activation"):
        loss.value_and_gradient(y, p, logits=True)


@pytest.mark.parametrize(
    ("names", "cls"),
    [
        (["mse", "MSE", "mean_squared_error", "MeanSquaredError"], losses.MeanSquaredError),
        (["mae", "MAE", "mean_absolute_error"], losses.MeanAbsoluteError),
        (["huber", "Huber"], losses.Huber),
        (["bce", "BCE", "binary_crossentropy", "BinaryCrossentropy"], losses.BinaryCrossentropy),
        (["categorical_crossentropy"], losses.CategoricalCrossentropy),
        (["sparse_categorical_crossentropy"], losses.SparseCategoricalCrossentropy),
    ],
)
def test_get_names(names, cls):
    for name in names:
        loss = losses.get(name)
        assert type(loss) is cls
        assert loss.name == name
    assert losses.get(loss) is loss
    assert cls().name in names


def test_get_unknown():
    with pytest.raises(ValueError, match=r"unknown loss 'msee'; did you mean 'mse'\? Known: bce,"):
        losses.get("msee")


@pytest.mark.parametrize(
    ("name", "y", "outputs", "message"),
    [
        ("bce", [-1, 1], 1, r"not in \[0, 1\]: of targets -1 and 1, \(y \+ 1\) / 2 makes 0 and 1"),
        ("bce", [0, 2], 1, r"target 2 of sample 1 .* is not in \[0, 1\]$"),
        ("bce", [0, 1], 2, "labels of several classes go with 'sparse_categorical_crossentropy'"),
        ("sparse_categorical_crossentropy", [0, 1], 1, "one output knows one class; two classes"),
    ],
)
def test_targets_of_another_loss_are_told_from_it(name, y, outputs, message):
    with pytest.raises(ValueError, match=message):
        losses.get(name).check(y, (2, outputs))
