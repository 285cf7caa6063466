"""The end of one process, which must not leave the others waiting for it."""

from __future__ import annotations

import atexit
import os
import sys
import time
import traceback
import warnings
from contextlib import suppress
from types import TracebackType
from typing import Any, NoReturn

import numpy as np

from gru_c.distributed.shared_errors import RankError
from gru_c.utils.arrays import Array
from gru_c.utils.optional import require

_PATIENCE = 10.0  # seconds after which a process that waits for others says so
_LONGEST_NAP = 0.1  # seconds between two looks; the first ones are shorter


def end_all(comm: Any, error: BaseException) -> NoReturn:
    """End all processes with an exception that the others know nothing of."""
    code = error.code if isinstance(error, SystemExit) else 1
    try:
        traceback.print_exception(error)
        print(f"rank {comm.rank} of {comm.size} ends the run of all", file=sys.stderr)
        _flush()
    finally:  # also where nothing can be printed
        comm.Abort(code if isinstance(code, int) and code else 1)
        os._exit(1)  # Abort does not return; a launcher may take its time


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # of a full disk, or a stream of the program's own
            stream.flush()


# ---- what others are told -----------------------------------------------------------------------


class _Watch:
    """Lets the others know when this process ends: one for all communicators.

    `python -m mpi4py` ends all processes when one fails, and so needs none of this.

    Attributes
    ----------
    comms : list of mpi4py.MPI.Comm
        Whose processes are told.
    failed, ended : bool
        Whether MPI will be aborted, so that nobody waits; whether MPI has begun to end.
    """

    def __init__(self) -> None:
        self.comms: list[Any] = []
        self.failed = self.ended = False
        self._process = os.getpid()
        self._before = sys.excepthook
        sys.excepthook = self._hook
        # MPI deletes the attributes of this communicator first when it is finalized, which the
        # program may do itself; later, Python would be gone.
        mpi = require("mpi4py.MPI", "mpi")
        own = mpi.COMM_SELF
        key = mpi.Comm.Create_keyval(delete_fn=self._leave)
        own.Set_attr(key, True)
        atexit.register(lambda: mpi.Is_finalized() or own.Delete_attr(key))

    def _hook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Let an exception that ends this process end the others, too."""
        self.failed = True
        # As `python -m mpi4py` does: when the interpreter ends, MPI is aborted, not finalized.
        require("mpi4py.run", "mpi").set_abort_status(error)
        try:
            self._before(kind, error, trace)
        finally:
            _flush()

    def _leave(self, *attribute: object) -> None:
        """Tell those who come to `meet` that this process has ended."""
        self.ended = True
        if self.failed or os.getpid() != self._process:
            return
        for comm, (all_there, _) in [(comm, _meeting(comm, leaves=True)) for comm in self.comms]:
            _sleep_until(comm, all_there)


_watch: _Watch | None = None
_key_of_private: int | None = None


def private(comm: Any) -> Any:
    """Return a communicator of the same processes for this package's messages; always the same.

    All processes must call it.
    """
    global _watch, _key_of_private
    if _key_of_private is None:
        _key_of_private = type(comm).Create_keyval(delete_fn=_free)
    found = comm.Get_attr(_key_of_private)
    if found is None:
        _sleep_until(comm, comm.Ibarrier(), "make a DataParallel", 4)
        found = comm.Dup()
        comm.Set_attr(_key_of_private, found)
        if _watch is None and "mpi4py.run" not in sys.modules:
            _watch = _Watch()
        if _watch is not None:
            _watch.comms.append(found)
    return found


def _free(comm: Any, key: int, own: Any) -> None:
    """Free the private communicator of one that the program frees."""
    if _watch is not None:
        if _watch.ended:
            return
        _watch.comms.remove(own)
    own.Free()


def meet(comm: Any) -> None:
    """Wait until all have come here; end them when one has ended instead."""
    all_there, left = _meeting(comm, leaves=False)
    _sleep_until(comm, all_there, "call fit or evaluate", 6)
    if left[0] >= 0:
        end_all(comm, RankError(f"rank {left[0]} has ended, and the others wait for it in fit"))


def _meeting(comm: Any, leaves: bool) -> tuple[Any, Array]:
    """Come to a meeting; what is done when all have, and then the last of those who left, or -1."""
    own = np.array([comm.rank if leaves else -1], np.int32)
    left = np.empty_like(own)
    return comm.Iallreduce(own, left, require("mpi4py.MPI", "mpi").MAX), left


def _sleep_until(comm: Any, request: Any, what: str = "", stacklevel: int = 0) -> None:
    """Wait without using a CPU, which those that are late may need; warn once if that takes long.

    `what` is what the others have not done; without it nothing is said. What is raised meanwhile,
    as by Ctrl-C, ends all: the others would count on this process.
    """
    began, silent = time.monotonic(), not what
    try:
        while not request.Test():
            waited = time.monotonic() - began
            time.sleep(min(_LONGEST_NAP, waited / 10))
            if waited > _PATIENCE and not silent:
                silent = True
                warnings.warn(
                    f"rank {comm.rank} has waited {waited:.0f} s for the others to {what}, which "
                    "all processes must do",
                    stacklevel=stacklevel,
                )
    except BaseException as error:
        end_all(comm, error)
