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

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.distributed.shared_errors import RankError

_PATIENCE = 10.0  # seconds after which a process that waits for others warns
_LONGEST_NAP = 0.1  # seconds between two tests of a request; the first ones follow sooner


def abort_all(comm: Any, error: BaseException) -> NoReturn:
    """Print an exception that the other processes do not share, and end all processes."""
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
        with suppress(Exception):  # because of a full disk, or a stream of the program
            stream.flush()


# ---- notice of the end of a process -------------------------------------------------------------


class _ExitNotice:
    """Tells the other processes when this one ends; one object serves all communicators.

    `python -m mpi4py` ends all processes when one fails, and needs no notice.

    Attributes
    ----------
    comms : list of mpi4py.MPI.Comm
        The communicators whose processes are told.
    failed : bool
        True if an exception ends this process. MPI is then aborted, which ends all processes.
    ended : bool
        True if MPI has begun to end in this process.
    """

    def __init__(self) -> None:
        self.comms: list[Any] = []
        self.failed = self.ended = False
        self._process = os.getpid()
        self._previous_hook = sys.excepthook
        sys.excepthook = self._hook
        # MPI deletes the attributes of COMM_SELF first when it is finalized, which the program may
        # do by itself. If it does not, the attribute is deleted at exit, while Python still runs.
        mpi = require("mpi4py.MPI", "mpi")
        this_process = mpi.COMM_SELF
        key = mpi.Comm.Create_keyval(delete_fn=self._leave)
        this_process.Set_attr(key, True)
        atexit.register(lambda: mpi.Is_finalized() or this_process.Delete_attr(key))

    def _hook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """End the other processes, too, when an exception ends this one."""
        self.failed = True
        # As `python -m mpi4py` does: when the interpreter ends, MPI is aborted, not finalized.
        require("mpi4py.run", "mpi").set_abort_status(error)
        try:
            self._previous_hook(kind, error, trace)
        finally:
            _flush()

    def _leave(self, *attribute: object) -> None:
        """Tell the processes that come to `wait_for_all` that this one has ended."""
        self.ended = True
        if self.failed or os.getpid() != self._process:
            return
        for comm, (request, _) in [(comm, _meet(comm, leaves=True)) for comm in self.comms]:
            _wait(comm, request)


_notice: _ExitNotice | None = None
_key_of_private: int | None = None


def private_communicator(comm: Any) -> Any:
    """Return a communicator of the same processes that only this package uses.

    All processes must call it. Later calls return the same communicator.
    """
    global _notice, _key_of_private
    if _key_of_private is None:
        _key_of_private = type(comm).Create_keyval(delete_fn=_free)
    private = comm.Get_attr(_key_of_private)
    if private is None:
        _wait(comm, comm.Ibarrier(), "make a DataParallel", 4)
        private = comm.Dup()
        comm.Set_attr(_key_of_private, private)
        if _notice is None and "mpi4py.run" not in sys.modules:
            _notice = _ExitNotice()
        if _notice is not None:
            _notice.comms.append(private)
    return private


def _free(comm: Any, key: int, private: Any) -> None:
    """Free the private communicator of a communicator that the program frees."""
    if _notice is not None:
        if _notice.ended:
            return
        _notice.comms.remove(private)
    private.Free()


def wait_for_all(comm: Any) -> None:
    """Wait until all processes have called this; end them all if one has ended instead."""
    request, left = _meet(comm, leaves=False)
    _wait(comm, request, "call fit or evaluate", 6)
    if left[0] >= 0:
        abort_all(comm, RankError(f"rank {left[0]} has ended, and the others wait for it in fit"))


def _meet(comm: Any, leaves: bool) -> tuple[Any, Array]:
    """Take part in a meeting of all processes.

    Returns
    -------
    request : mpi4py.MPI.Request
        Complete once all processes take part.
    left : ndarray of one int
        Then the highest rank of the processes that have ended; -1 if none has.
    """
    mine = np.array([comm.rank if leaves else -1], np.int32)
    left = np.empty_like(mine)
    return comm.Iallreduce(mine, left, require("mpi4py.MPI", "mpi").MAX), left


def _wait(comm: Any, request: Any, missing: str = "", stacklevel: int = 0) -> None:
    """Wait for a request without using a CPU, which the processes that are late may need.

    An exception meanwhile, such as that of Ctrl-C, ends all processes: the others count on this
    one.

    Parameters
    ----------
    missing : str
        What the other processes have not done yet, for a warning after a long time; none if empty.
    """
    began, silent = time.monotonic(), not missing
    try:
        while not request.Test():
            waited = time.monotonic() - began
            time.sleep(min(_LONGEST_NAP, waited / 10))
            if waited > _PATIENCE and not silent:
                silent = True
                warnings.warn(
                    f"rank {comm.rank} has waited {waited:.0f} s for the others to {missing}, "
                    "which all processes must do",
                    stacklevel=stacklevel,
                )
    except BaseException as error:
        abort_all(comm, error)
