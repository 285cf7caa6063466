"""Warnings point at the line of the program that called the package."""

import sys
import warnings as standard

import gru_c
from gru_c.common.warnings import warn


def test_a_warning_points_at_the_caller():
    with standard.catch_warnings(record=True) as caught:
        standard.simplefilter("always")
        warn("told")
        line = sys._getframe().f_lineno - 1
    (record,) = caught
    assert (record.category, str(record.message)) == (UserWarning, "told")
    assert (record.filename, record.lineno) == (__file__, line)


def test_a_warning_from_deep_inside_the_package_points_at_the_program():
    model = gru_c.Sequential([gru_c.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    model.trainable = False
    with standard.catch_warnings(record=True) as caught:
        standard.simplefilter("always")
        model.fit([[1.0, 2.0]], [1.0], verbose=0)
        line = sys._getframe().f_lineno - 1
    assert [(record.filename, record.lineno) for record in caught] == [(__file__, line)]
