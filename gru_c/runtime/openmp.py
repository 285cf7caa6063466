"""Loads the core, and with it an OpenMP runtime that does not spin for long.

GCC's runtime lets a thread that waits spin for about 10 ms before it sleeps. Beside another busy
program that is a disaster: the thread that spins keeps the one that it waits for from the CPU. 16
small passes on two threads then took 74 to 206 ms, with a short spin 4 to 8 ms; on an idle machine
the short one costs a few percent. The runtime reads the setting once, when it is loaded; the user's
own comes first, and child processes do not inherit ours.
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
