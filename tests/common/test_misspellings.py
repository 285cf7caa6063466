"""The known name that a misspelt one most likely stands for."""

import pytest

from gru_c.common.misspellings import nearest

KNOWN = ["units", "learning_rate", "dtype", "state", "history", "return_sequences"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("unit", "units"),
        ("untis", "units"),
        ("Learning_Rate", "learning_rate"),
        ("learning_raet", "learning_rate"),
        ("learn_rate", "learning_rate"),
        ("returnsequences", "return_sequences"),
        ("return_sequence", "return_sequences"),
        ("dytpe", "dtype"),
    ],
)
def test_a_letter_that_is_left_out_added_or_swapped_is_a_slip(name, meant):
    assert nearest(name, KNOWN) == meant


@pytest.mark.parametrize(
    "name", ["type", "stage", "my_learning_rate", "history2", "ab", "units_of_measure", "kernel"]
)
def test_other_words_are_no_slips(name):
    assert nearest(name, KNOWN) is None


def test_the_name_with_the_fewest_slips_is_meant():
    assert nearest("kernel_size", ["kernel_sizes", "kernelsize"]) == "kernelsize"
    assert nearest("units", []) is None
