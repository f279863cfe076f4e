"""Cores, and how threads wait; settled before a library that has threads is loaded."""

import os

SPINS = "30000"
"""Looks at a flag, some tens to hundreds of microseconds, for which a thread of OpenMP waits awake
before it sleeps.
"""


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def wait_briefly() -> None:
    """Have OpenMP's threads wait awake for less than a millisecond, where GNU's library would take
    several.

    Which costs nothing alone, and less beside a busy program
    (:func:`dressform.kernels.threads.pinned_threads`). Made by programs that own their process,
    before torch is imported; what the user has set stays.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = SPINS
