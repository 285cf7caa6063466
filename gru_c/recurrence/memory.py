"""Memory of tapes: pools that keep it from pass to pass, and the part that one tape has borrowed.

Fresh memory of this size costs a page fault per 4 KiB, which for a small layer is a third of a
training step.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from gru_c.common.arrays import Array, copied_past_line, past_line


class TapeMemory:
    """A pool of returned memory, from which later passes take theirs.

    Python threads may share a pool. A copy of it is a new pool without memory.

    Parameters
    ----------
    count : int
        Blocks of memory that are kept.
    most_bytes : int, optional
        Size up to which a block is kept; by default any size.
    """

    def __init__(self, count: int = 1, most_bytes: int | None = None) -> None:
        self._blocks: deque[Array] = deque(maxlen=count)
        self._most_bytes = most_bytes

    def take(self, size: int) -> Array:
        """Return at least `size` bytes: a block that was given back, or new memory."""
        try:
            memory = self._blocks.pop()
        except IndexError:  # empty, possibly because another thread was faster
            return np.empty(size, np.uint8)
        return memory if memory.size >= size else np.empty(size, np.uint8)

    def give(self, memory: Array) -> None:
        """Keep a block of memory that nothing refers to any more."""
        if self._most_bytes is None or memory.size <= self._most_bytes:
            self._blocks.append(memory)

    def __reduce__(self) -> tuple[type[TapeMemory], tuple[int | None, int | None]]:
        return TapeMemory, (self._blocks.maxlen, self._most_bytes)


SHARED_MEMORY = TapeMemory(most_bytes=2**26)


class BorrowedMemory:
    """The memory of one tape, until a backward pass uses it up.

    Python threads may run backward passes of one tape at the same time: any number of passes that
    keep the memory, or a single one that uses it up. The lists below are changed only by methods
    that no other thread can interrupt.

    Parameters
    ----------
    memory : ndarray of uint8, or None
        None where it has been used up.
    pool : TapeMemory, optional
        Gets the memory when it has been used up.
    """

    __slots__ = ("_blocks", "_pool", "_readers")

    def __init__(self, memory: Array | None, pool: TapeMemory | None = None) -> None:
        self._blocks = [] if memory is None else [memory]
        self._readers: list[None] = []
        self._pool = pool

    @property
    def memory(self) -> Array | None:
        """The memory; None once it has been used up."""
        try:
            return self._blocks[0] if self._blocks else None
        except IndexError:  # another thread has used it up in between
            return None

    @property
    def nbytes(self) -> int:
        """Size of the memory; 0 once it has been used up."""
        memory = self.memory
        return 0 if memory is None else memory.nbytes

    def begin(self, keep: bool) -> Array:
        """Return the memory for a backward pass; `end` or `cancel` must follow.

        Parameters
        ----------
        keep : bool
            False if the pass uses up the memory.

        Raises
        ------
        ValueError
            When the memory has been used up.
        RuntimeError
            When it would be used up while another thread's pass reads it.
        """
        # Each kind of pass announces itself before it looks for the other one, so that at least one
        # of two threads sees the other.
        if keep:
            self._readers.append(None)
            memory = self.memory
            if memory is None:
                self._readers.pop()
                raise ValueError(_USED_UP)
            return memory
        try:
            memory = self._blocks.pop()
        except IndexError:
            raise ValueError(_USED_UP) from None
        if self._readers:
            self._blocks.append(memory)
            raise RuntimeError(
                "keep_tape=False would use up the tape while another thread's backward pass reads "
                "it: let that one end first, or pass keep_tape=True"
            )
        return memory

    def end(self, memory: Array, keep: bool) -> None:
        """End a backward pass; without `keep` the memory returns to its pool."""
        if keep:
            self._readers.pop()
        elif self._pool is not None:
            self._pool.give(memory)

    def cancel(self, memory: Array, keep: bool) -> None:
        """End a backward pass that was refused before it changed the memory."""
        if keep:
            self._readers.pop()
        else:
            self._blocks.append(memory)

    # A copy has its own memory. It begins as far behind a cache line as the original: the core
    # looks for what it has written at that distance.

    def __copy__(self) -> BorrowedMemory:
        return _copied(*self._content())

    def __reduce__(self) -> tuple[object, tuple[Array | None, int]]:
        return _copied, self._content()

    def _content(self) -> tuple[Array | None, int]:
        memory = self.memory
        return memory, 0 if memory is None else past_line(memory)


_USED_UP = (
    "the tape has been used up by a backward pass with keep_tape=False: run the forward pass "
    "again, or go back with keep_tape=True"
)


def _copied(memory: Array | None, past: int) -> BorrowedMemory:
    copied = None if memory is None else copied_past_line(memory, past)
    return BorrowedMemory(copied, SHARED_MEMORY)
