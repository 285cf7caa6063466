"""The functions on arrays of ``keras.utils``."""

import random

import numpy as np
import pytest

from gru_c.preprocessing.arrays import normalize, split_dataset, to_categorical


@pytest.mark.parametrize(
    ("x", "shape"),
    [
        (2, (3,)),
        ([0, 1, 2], (3, 3)),
        ([[0], [2]], (2, 3)),
        ([[[0, 2]]], (1, 1, 2, 3)),
        ([2.0, 0.0], (2, 3)),
        (np.array([2, 1], np.uint8), (2, 3)),
        ([False, True, 2], (3, 3)),
    ],
)
def test_each_row_has_a_one_in_the_column_of_the_class(x, shape):
    rows = to_categorical(x)
    assert rows.shape == shape
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows.argmax(-1).ravel(), np.ravel(x))
    assert (rows.sum(-1) == 1).all()


@pytest.mark.parametrize(
    ("x", "count", "message"),
    [
        ([0, 1.5], None, "class 1.5 .* is not an integer in"),
        ([0, -1], None, "class -1 "),
        ([0, 3], 3, r"class 3 .* is not an integer in \[0, 3\)"),
        ([0, np.nan], None, "must hold numbers of classes, got nan"),
        ([], None, "x has no entries"),
        (["a"], None, "x must hold real numbers"),
        ([0, 1], 1.5, "num_classes must be an integer"),
    ],
)
def test_numbers_that_are_no_classes_are_refused(x, count, message):
    with pytest.raises((ValueError, TypeError), match=message):
        to_categorical(x, count)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_norms_along_each_axis_are_one(axis):
    x = np.random.default_rng(4).standard_normal((3, 3, 3)).astype(np.float32)
    y = normalize(x, axis)
    assert y.dtype == np.float32
    np.testing.assert_allclose((y**2).sum(axis), 1, rtol=1e-6)
    np.testing.assert_array_equal(normalize(np.zeros((2, 2)), axis=0), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({"left_size": 0.8}, (8, 2)),
        ({"right_size": 3}, (7, 3)),
        ({"left_size": 3, "right_size": 0.5}, (3, 5)),
        ({"left_size": np.float64(0.5), "right_size": np.int64(5)}, (5, 5)),
    ],
)
def test_parts_have_the_sizes_and_come_from_both_ends(options, sizes):
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    (x_left, y_left), (x_right, y_right) = split_dataset([x, y], **options)
    np.testing.assert_array_equal(y_left, y[: sizes[0]])
    np.testing.assert_array_equal(x_right, x[-sizes[1] :])
    assert (len(x_left), len(y_right)) == sizes
    left, right = split_dataset(x, **options)
    assert (len(left), len(right)) == sizes


def test_mixed_parts_hold_each_sample_once_and_leave_other_draws_alone():
    random.seed(3)
    expected = random.random()
    random.seed(3)
    left, right = split_dataset(np.arange(8), left_size=0.5, shuffle=True, seed=5)
    assert random.random() == expected
    order = list(range(8))
    random.Random(5).shuffle(order)  # as Keras on TensorFlow mixes them
    assert left.tolist() + right.tolist() == order


@pytest.mark.parametrize(
    ("dataset", "options", "message"),
    [
        (np.arange(9), {}, "give left_size or right_size"),
        (np.arange(9), {"left_size": 0}, "left_size must be an integer from 1 to 8, got 0"),
        (np.arange(9), {"left_size": 1.0}, r"left_size must be a number in \(0, 1\)"),
        (np.arange(9), {"left_size": 0.9, "right_size": 0.2}, "must be at most 1, got 1.1"),
        (np.arange(9), {"left_size": 8, "right_size": 8}, "make parts of 8 and 8 of 9 samples"),
        (np.arange(9), {"left_size": 0.01}, "make parts of 0 and 9 of 9 samples"),
        ([np.arange(9), np.arange(8)], {"left_size": 0.5}, r"same length, got \[9, 8\]"),
        ([1, 2, 3], {"left_size": 0.5}, "got list of int, int, int"),
        (np.arange(9), {"left_size": 0.5, "preferred_backend": "torch"}, "the parts are arrays"),
    ],
)
def test_sizes_and_data_that_do_not_fit_are_refused(dataset, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        split_dataset(dataset, **options)
