"""`pad_sequences`; tests/against_keras/test_masks.py compares it with that of Keras."""

import numpy as np
import pytest

from gru_c.data.padding import pad_sequences

SEQUENCES = [[1], [2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]),
        ({"padding": "post", "value": 9}, [[1, 9, 9], [2, 3, 9], [4, 5, 6]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [4, 5]]),
        ({"maxlen": 0}, [[], [], []]),
    ],
)
def test_sequences_are_filled_and_cut_on_the_side_that_is_given(options, expected):
    padded = pad_sequences(SEQUENCES, **options)
    assert padded.dtype == np.int32
    assert padded.tolist() == expected


def test_the_other_axes_are_those_of_the_first_sequence_with_steps():
    steps = np.arange(6.0).reshape(3, 2)
    padded = pad_sequences([[], steps], dtype="float64", padding="post", value=-1)
    np.testing.assert_array_equal(padded, [np.full((3, 2), -1.0), steps])
    with pytest.raises(ValueError, match=r"Shape of sample \(3,\) of sequence at position 1"):
        pad_sequences([steps, np.ones((2, 3))])


@pytest.mark.parametrize(
    ("sequences", "options", "message"),
    [
        (3, {}, "`sequences` must be iterable"),
        ([1, 2], {}, "Found non-iterable: 1"),
        (SEQUENCES, {"padding": "left"}, 'Padding type "left" not understood'),
        (SEQUENCES, {"truncating": "left"}, 'Truncating type "left" not understood'),
        (SEQUENCES, {"value": "pad"}, "`dtype` int32 is not compatible"),
    ],
)
def test_sequences_and_settings_that_do_not_fit_are_refused(sequences, options, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, **options)
