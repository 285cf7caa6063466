"""Tapes: their memory belongs to one backward pass that uses it up, or to many that read it."""

import threading

import numpy as np
import pytest
from tools import assert_all_same_bits, assert_same_bits, random_arguments, random_gradients

from gru_c import GRU, gru_backward, gru_forward
from gru_c.recurrence import plain

B, T, I, H = 6, 9, 3, 5
LENGTHS = [9, 2, 0, 5, 9, 1]
KINDS = {
    "plain": {},
    "ragged": {"lengths": LENGTHS},
    "checkpointed": {"checkpoint_every": 2},
    "ragged and checkpointed": {"lengths": LENGTHS, "checkpoint_every": 2},
}
each_kind = pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
each_kind_that_is_used_up = pytest.mark.parametrize(
    "options", [KINDS["plain"], KINDS["ragged"], KINDS["ragged and checkpointed"]]
)


def passed(**options):
    return gru_forward(**random_arguments(B, T, I, H), training=True, **options).tape


def at_once(count, work):
    """Return what work() returned or raised in each of several Python threads."""
    results, barrier = [], threading.Barrier(count)

    def run():
        barrier.wait(60)
        try:
            results.append(work())
        except (ValueError, RuntimeError) as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == count
    return results


class WhileCoreWorks:
    """Return the core's backward pass, which once calls a function, as if in another thread."""

    def __init__(self, monkeypatch, happens):
        self.core, self.happens = plain._core.backward, happens
        monkeypatch.setattr(plain._core, "backward", self)

    def __call__(self, *arguments):
        happens, self.happens = self.happens, lambda: None
        happens()
        self.core(*arguments)


# ---- several threads ----------------------------------------------------------------------------


@each_kind_that_is_used_up
def test_one_of_several_threads_uses_a_tape_up(options):
    pair = random_gradients(B, T, H)
    expected = gru_backward(passed(**options), *pair)
    for _ in range(20):
        tape = passed(**options)
        results = at_once(4, lambda tape=tape: gru_backward(tape, *pair, keep_tape=False))
        gradients = [result for result in results if not isinstance(result, Exception)]
        assert len(gradients) == 1
        assert_all_same_bits(gradients[0], expected)
        for error in results:
            assert error is gradients[0] or "the tape has been used up" in str(error)


@each_kind
def test_several_threads_read_a_tape(options):
    pair = random_gradients(B, T, H)
    tape = passed(**options)
    expected = gru_backward(tape, *pair)
    for result in at_once(4, lambda: gru_backward(tape, *pair)):
        assert_all_same_bits(result, expected)


def test_several_threads_go_back_on_one_checkpoint_tape():
    tape, pair = passed(checkpoint_every=2), random_gradients(B, T, H)
    expected = gru_backward(tape, *pair)
    for result in at_once(4, lambda: gru_backward(tape, *pair, keep_tape=False)):
        assert_all_same_bits(result, expected)


@pytest.mark.parametrize("first_keeps", [True, False])
@pytest.mark.parametrize("second_keeps", [True, False])
@pytest.mark.parametrize("options", [KINDS["plain"], KINDS["ragged"]], ids=["plain", "ragged"])
def test_a_second_pass_begins_before_the_first_has_ended(
    options, first_keeps, second_keeps, monkeypatch
):
    tape, pair, seen = passed(**options), random_gradients(B, T, H), []
    expected = gru_backward(tape, *pair)

    def second_pass():
        try:
            seen.append(gru_backward(tape, *pair, keep_tape=second_keeps))
        except (ValueError, RuntimeError) as error:
            seen.append(error)

    WhileCoreWorks(monkeypatch, second_pass)
    assert_all_same_bits(gru_backward(tape, *pair, keep_tape=first_keeps), expected)
    if first_keeps and second_keeps:
        assert_all_same_bits(seen[0], expected)
    elif first_keeps:
        with pytest.raises(RuntimeError, match="while another thread's backward pass reads it"):
            raise seen[0]
        assert_all_same_bits(gru_backward(tape, *pair, keep_tape=False), expected)
    else:
        with pytest.raises(ValueError, match="the tape has been used up"):
            raise seen[0]


def test_threads_that_share_a_layer():
    x, d_output = np.random.default_rng(0).normal(size=(2, B, T, I))[0], np.ones((B, H))
    layer = GRU(H, dtype="float64")
    layer.build((None, T, I), rng=0)
    layer.forward(x, training=True)
    expected, tape = layer.backward(d_output), layer.tape
    results = at_once(3, lambda: layer.backward(d_output, tape=tape, keep_tape=False))
    gradients = [result for result in results if not isinstance(result, Exception)]
    assert len(gradients) == 1
    assert_same_bits(gradients[0], expected)


# ---- passes that fail ---------------------------------------------------------------------------


@pytest.mark.parametrize("keep_tape", [True, False])
def test_a_pass_that_is_refused_leaves_the_tape_as_it_was(keep_tape):
    tape, pair = passed(), random_gradients(B, T, H)
    wrong = tape.weights.empty_gradients()
    wrong.kernel = np.empty((I + 1, 3 * H))
    with pytest.raises(ValueError, match="d_kernel must have shape"):
        tape.backward(*pair, wrong, keep_tape=keep_tape)
    expected = gru_backward(passed(), *pair)
    assert_all_same_bits(gru_backward(tape, *pair, keep_tape=False), expected)


def test_an_interrupted_pass_has_used_up_the_tape(monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    tape = passed()
    WhileCoreWorks(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        gru_backward(tape, keep_tape=False)
    with pytest.raises(ValueError, match="used up"):
        gru_backward(tape)


def test_an_interrupted_pass_that_only_reads_leaves_the_tape(monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    tape, pair = passed(), random_gradients(B, T, H)
    WhileCoreWorks(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        gru_backward(tape, *pair)
    expected = gru_backward(passed(), *pair)
    assert_all_same_bits(gru_backward(tape, *pair, keep_tape=False), expected)
