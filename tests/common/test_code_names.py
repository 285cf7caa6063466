"""Names that are read from the code of classes and functions."""

import functools

from gru_c.common.code_names import argument_names, set_in_methods, takes_any_keyword, unwrapped


class Counter:
    kind = "class attribute"

    def __init__(self, start, *, step=1):
        self.start, self.step = start, step
        local = start
        del local

    @property
    def twice(self):
        return self._twice

    @twice.setter
    def twice(self, value):
        self._twice = value

    def later(self):
        def inner():
            self.seen = True

        return inner


class Derived(Counter):
    def rename(self, other):
        other.label = "x"


def any_keyword(first, **options):
    return first, options


def test_arguments_are_named_without_the_first():
    assert argument_names(Counter.__init__.__code__) == ("start", "step")
    assert argument_names(any_keyword.__code__) == ()
    assert takes_any_keyword(any_keyword.__code__)
    assert not takes_any_keyword(Counter.__init__.__code__)


def test_attributes_that_methods_properties_and_inner_functions_set_are_found():
    assert set_in_methods(Counter) == {"start", "step", "_twice", "seen"}
    assert set_in_methods(Derived) == {"label"}  # of the class itself, on any object


def test_all_wrappers_of_a_function_are_taken_off():
    @functools.wraps(any_keyword)
    def once(*arguments):
        return any_keyword(*arguments)

    @functools.wraps(once)
    def twice(*arguments):
        return once(*arguments)

    assert unwrapped(twice) is any_keyword
    assert unwrapped(3) == 3
