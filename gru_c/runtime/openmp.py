"""Loads the core, and with it an OpenMP runtime that does not spin for long.

GCC's runtime lets a waiting thread spin for about 10 ms before it sleeps. On a machine that another
program keeps busy, the spinning thread takes the CPU from the thread that it waits for: 16 small
passes on two threads took 74 to 206 ms, but 4 to 8 ms with a short spin. On an idle machine the
short spin costs a few percent. The runtime reads the setting once, when it is loaded. A setting of
the user has precedence, and child processes do not inherit this one.
"""

from __future__ import annotations

import os

_SPINS = "1000"
_chosen_by_user = "GOMP_SPINCOUNT" in os.environ or "OMP_WAIT_POLICY" in os.environ

if not _chosen_by_user:
    os.environ["GOMP_SPINCOUNT"] = _SPINS
try:
    from gru_c import _core as _core
finally:
    if not _chosen_by_user:
        del os.environ["GOMP_SPINCOUNT"]
