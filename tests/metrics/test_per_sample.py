"""The accuracies as functions: one value for each sample or output."""

import numpy as np
import pytest

from gru_c import metrics
from gru_c.metrics import per_sample

P = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5]])
LABELS = np.array([1, 2, 2])


def test_each_output_is_on_one_side_of_the_threshold():
    y, p = np.array([[1, 0], [1, 1]]), np.array([[0.6, 0.4], [0.2, 0.9]])
    values = np.asarray(per_sample.binary_accuracy(y, p))
    assert np.mean(values) == 0.75
    assert np.mean(per_sample.binary_accuracy(y, p, threshold=0.95)) == 0.25


def test_labels_and_one_hot_targets_give_the_same():
    expected = [1, 0, 1]
    sparse = per_sample.sparse_categorical_accuracy(LABELS, P)
    np.testing.assert_array_equal(sparse, expected)
    np.testing.assert_array_equal(per_sample.categorical_accuracy(np.eye(3)[LABELS], P), expected)


@pytest.mark.parametrize(("k", "expected"), [(1, [1, 0, 1]), (2, [1, 1, 1])])
def test_the_largest_outputs_count(k, expected):
    sparse = per_sample.sparse_top_k_categorical_accuracy(LABELS, P, k)
    np.testing.assert_array_equal(sparse, expected)
    one_hot = per_sample.top_k_categorical_accuracy(np.eye(3)[LABELS], P, k)
    np.testing.assert_array_equal(one_hot, expected)


def test_the_mean_over_the_samples_is_the_metric():
    metric = metrics.SparseCategoricalAccuracy()
    metric.update(LABELS, P)
    assert metric.result() == np.mean(per_sample.sparse_categorical_accuracy(LABELS, P))
