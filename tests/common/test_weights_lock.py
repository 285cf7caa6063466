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


def read(lock):
    lock.begin_reading()
    lock.end_reading()


def write(lock):
    with lock:
        pass


def test_readers_go_together():
    lock = WeightsLock()
    lock.begin_reading()
    assert is_done(in_thread(lambda: read(lock)), 10)
    lock.end_reading()


@pytest.mark.parametrize("other", [read, write])
def test_a_writer_is_alone(other):
    lock = WeightsLock()
    with lock:
        thread = in_thread(lambda: other(lock))
        assert not is_done(thread)
    assert is_done(thread, 10)


def test_a_writer_waits_for_readers_and_new_readers_for_it():
    lock = WeightsLock()
    lock.begin_reading()
    writer = in_thread(lambda: write(lock))
    assert not is_done(writer)
    while not lock._waiting:
        time.sleep(0.001)
    reader = in_thread(lambda: read(lock))
    assert not is_done(reader)
    lock.end_reading()
    assert is_done(writer, 10)
    assert is_done(reader, 10)


def test_a_thread_reads_and_writes_within_its_own_parts():
    lock = WeightsLock()

    def nested():
        lock.begin_reading()
        read(lock)
        with lock:  # a layer that changes a weight in a prediction
            read(lock)
            write(lock)
        lock.end_reading()
        with lock:
            read(lock)

    assert is_done(in_thread(nested), 10)
    assert is_done(in_thread(lambda: write(lock)), 10)


def test_two_readers_that_write_do_not_wait_for_each_other():
    lock, both = WeightsLock(), threading.Barrier(2)

    def upgrade():
        lock.begin_reading()
        both.wait(10)
        write(lock)
        lock.end_reading()

    threads = [in_thread(upgrade) for _ in range(2)]
    assert all(is_done(thread, 10) for thread in threads)


def test_an_exception_ends_the_writing():
    lock = WeightsLock()
    with pytest.raises(KeyError), lock:
        raise KeyError
    assert is_done(in_thread(lambda: write(lock)), 10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_free_lock():
    begun, end = threading.Event(), threading.Event()

    def hold():
        with weights_lock:
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
