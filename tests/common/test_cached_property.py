"""Properties that are computed once: threads do not wait for each other."""

import threading

from gru_c.common.cached_property import cached_property


class Slow:
    def __init__(self, begun=None, end=None):
        self.begun, self.end, self.calls = begun, end, 0

    @cached_property
    def number(self):
        """A number."""
        self.calls += 1
        if self.begun is not None:
            self.begun.set()
            assert self.end.wait(10)
        return 7


def test_the_value_is_computed_once():
    slow = Slow()
    assert (slow.number, slow.number, slow.calls) == (7, 7, 1)
    assert Slow.number.__doc__ == "A number."


def test_another_object_does_not_wait():
    begun, end = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: Slow(begun, end).number, daemon=True)
    thread.start()
    assert begun.wait(10)
    other = threading.Thread(target=lambda: Slow().number, daemon=True)
    other.start()
    other.join(10)
    assert not other.is_alive()
    end.set()
    thread.join(10)
