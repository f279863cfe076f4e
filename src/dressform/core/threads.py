"""How threads wait, settled before a library that has them is loaded."""

import os

SPINS = "30000"
"""Looks at a flag, some tens to hundreds of microseconds, for which a thread of OpenMP waits awake
before it sleeps.
"""


def wait_briefly() -> None:
    """Have OpenMP's threads wait awake for less than a millisecond, where GNU's library would take
    several.

    Which costs nothing alone, and less beside a busy program
    (:func:`dressform.kernels.threads.pinned_threads`). Made by programs that own their process,
    before torch is imported; what the user has set stays.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = SPINS
