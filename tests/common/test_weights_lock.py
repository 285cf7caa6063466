"""The lock of the weights: readers together, writers alone, and no thread that waits for itself."""

import os
import threading
import time

import pytest

from gru_c.common.weights_lock import WeightsLock, weights_lock


def in_thread(work):
    """Start `work` in a thread and return the thread."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def is_done(thread, seconds=0.05):
    thread.join(seconds)
    return not thread.is_alive()


class Holder:
    """A layer with one weight."""

    def __init__(self):
        self.parameters = [object()]


LAYERS = [Holder(), Holder()]


def read(lock, layers=LAYERS):
    with lock.reading(layers):
        pass


def write(lock, layers=LAYERS):
    with lock.writing(layers):
        pass


def test_readers_go_together():
    lock = WeightsLock()
    with lock.reading(LAYERS):
        assert is_done(in_thread(lambda: read(lock)), 10)


@pytest.mark.parametrize("other", [read, write])
def test_a_writer_is_alone(other):
    lock = WeightsLock()
    with lock.writing(LAYERS[:1]):
        thread = in_thread(lambda: other(lock))
        assert not is_done(thread)
    assert is_done(thread, 10)


def wait_for_writer(lock, layers=LAYERS):
    """Start a thread that writes, and return it once it waits."""
    writer = in_thread(lambda: write(lock, layers))
    while not lock._waiting:
        time.sleep(0.001)
    return writer


def test_a_writer_waits_for_readers_and_new_readers_for_it():
    lock = WeightsLock()
    with lock.reading(LAYERS):
        writer = wait_for_writer(lock)
        assert not is_done(writer)
        reader = in_thread(lambda: read(lock))
        assert not is_done(reader)
    assert is_done(writer, 10)
    assert is_done(reader, 10)


@pytest.mark.parametrize("other", [read, write])
def test_other_weights_do_not_wait(other):
    lock, others = WeightsLock(), [Holder()]
    with lock.reading(LAYERS):
        writer = wait_for_writer(lock)
        assert is_done(in_thread(lambda: other(lock, others)), 10)
    assert is_done(writer, 10)
    with lock.writing(LAYERS):
        assert is_done(in_thread(lambda: other(lock, others)), 10)


def test_readers_that_read_what_others_wait_for_do_not_wait():
    lock, (first, second), both = WeightsLock(), LAYERS, threading.Barrier(3)

    def nested(outer, inner):
        with lock.reading([outer]):
            both.wait(10)
            both.wait(10)
            read(lock, [inner])

    readers = [in_thread(lambda: nested(first, second)), in_thread(lambda: nested(second, first))]
    both.wait(10)
    writers = [wait_for_writer(lock, [first]), in_thread(lambda: write(lock, [second]))]
    both.wait(10)
    assert all(is_done(thread, 10) for thread in [*readers, *writers])


def test_a_thread_reads_and_writes_within_its_own_parts():
    lock = WeightsLock()

    def nested():
        with lock.reading(LAYERS):
            read(lock)
            with lock.writing(LAYERS):  # a layer that changes a weight in a prediction
                read(lock)
                write(lock)
        with lock.writing(LAYERS):
            read(lock)

    assert is_done(in_thread(nested), 10)
    assert is_done(in_thread(lambda: write(lock)), 10)


def test_two_readers_that_write_do_not_wait_for_each_other():
    lock, both = WeightsLock(), threading.Barrier(2)

    def upgrade():
        with lock.reading(LAYERS):
            both.wait(10)
            write(lock)

    threads = [in_thread(upgrade) for _ in range(2)]
    assert all(is_done(thread, 10) for thread in threads)


@pytest.mark.parametrize("part", ["reading", "writing"])
def test_an_exception_ends_a_part(part):
    lock = WeightsLock()
    with pytest.raises(KeyError), getattr(lock, part)(LAYERS):
        raise KeyError
    assert is_done(in_thread(lambda: write(lock)), 10)


def test_an_interrupted_wait_leaves_nothing_behind(monkeypatch):
    lock = WeightsLock()

    def interrupt():
        raise KeyboardInterrupt

    with lock.reading(LAYERS):
        thread = in_thread(lambda: write(lock))
        while not lock._waiting:
            time.sleep(0.001)
    assert is_done(thread, 10)
    lock._parts.append(lock.reading(LAYERS))
    lock._parts[0].thread = -1  # another thread's
    monkeypatch.setattr(lock._changed, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(lock)
    monkeypatch.undo()
    lock._parts.clear()
    assert is_done(in_thread(lambda: read(lock)), 10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_free_lock():
    begun, end = threading.Event(), threading.Event()

    def hold():
        with weights_lock.writing(LAYERS):
            begun.set()
            end.wait(20)

    thread = in_thread(hold)
    begun.wait(10)
    child = os.fork()
    if not child:
        read(weights_lock)
        write(weights_lock)
        os._exit(7)
    _, status = os.waitpid(child, 0)
    end.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("part", ["reading", "writing"])
def test_a_process_that_is_forked_within_a_part_goes_on(part):
    with getattr(weights_lock, part)(LAYERS):
        child = os.fork()
        if not child:
            read(weights_lock)
            write(weights_lock)
    if not child:
        os._exit(7 if is_done(in_thread(lambda: write(weights_lock)), 10) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
