"""`allocate`: groups of examples go to parts (folds, or the two sides of a hold-out) so that every
part has its share of each class.
"""

import numpy as np
from numpy.typing import NDArray

MAX_PASSES = 20
FEW, STARTS_OF_FEW = 100, 32
"""Up to so many groups, so many random starts are tried."""
STARTS, STARTS_TIMES_GROUPS = 8, 4000
"""Random starts for more groups, and their most with the groups: thousands are even after one."""
JITTER = 0.5
"""Of the logarithm of a group's weight in the order in which groups are placed."""
MAX_SWAPPED = 1500
"""Groups up to which exchanges of two are tried as well as moves of one."""


def allocate(
    counts: NDArray[np.int64], fractions: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.int64]:
    """The part of each group, int64 [G].

    Minimises the squared deviations of the parts' class fractions and sizes from what they should
    be. Equal parts are filled group by group, large ones and ones with much of a rare class first,
    each where it adds least (as scikit-learn's StratifiedGroupKFold does); unequal parts begin with
    groups drawn at random, so that large ones are held out too. Then groups are moved and exchanged
    as long as that helps. The best of several random starts is kept.

    No part but the first gets all examples of a class that two or more groups have, as far as that
    is possible; with equal fractions no part does.

    Args:
        counts: int64 [G, K], examples of each class in each group.
        fractions: float64 [P], what each part should hold of every class; their sum is 1.
        random: source of all draws.
    """
    used = counts[:, counts.any(axis=0)]
    columns = np.column_stack([used, used.sum(axis=1)]).astype(np.float64)
    units = columns / columns.sum(axis=0)  # fractions of each class, and of all examples
    most = STARTS_OF_FEW if len(units) <= FEW else STARTS
    starts = int(np.clip(STARTS_TIMES_GROUPS // len(units), 1, most))
    equal = bool(np.ptp(fractions) < 1e-9)
    limits = np.full((len(fractions), units.shape[1]), 1 - 1e-9)
    limits[:, -1] = np.inf  # of sizes
    if equal:
        limits[:, units.max(axis=0) > 1 - 1e-9] = np.inf  # classes of a single group
    else:
        limits[0] = np.inf
    best: tuple[float, NDArray[np.int64]] | None = None
    for _ in range(starts):
        allocation = _Allocation(units, fractions, limits)
        if equal:
            weight = (units**2).sum(axis=1) * np.exp(JITTER * random.standard_normal(len(units)))
            for unit in np.argsort(-weight).tolist():
                allocation.place(unit)
        else:
            drawn = random.choice(len(fractions), size=len(units), p=fractions)
            for unit in random.permutation(len(units)).tolist():
                allocation.place(unit, int(drawn[unit]))
        allocation.improve()
        cost = allocation.cost
        if best is None or cost < best[0] - 1e-15:
            best = cost, allocation.part
    assert best is not None
    return best[1]


class _Allocation:
    """Groups, some of them in parts.

    Args:
        units: float64 [G, C], of each group as fractions of all.
        targets: float64 [P], that each part should hold of everything.
        limits: float64 [P, C], that no part may exceed.
    """

    def __init__(
        self,
        units: NDArray[np.float64],
        targets: NDArray[np.float64],
        limits: NDArray[np.float64],
    ) -> None:
        self.part = np.full(len(units), -1, dtype=np.int64)
        self._units, self._limits = units, limits
        self._squares = (units**2).sum(axis=1)
        self._excess = np.repeat(-targets[:, None], units.shape[1], axis=1)
        self._targets = targets[:, None]

    @property
    def cost(self) -> float:
        """Sum of the squared deviations of all parts."""
        return float((self._excess**2).sum())

    def place(self, unit: int, there: int | None = None) -> None:
        """Put a group where it adds least, or ``there`` if that part is not full."""
        full = self._is_full(unit)
        if there is None or full[there]:
            added = self._excess @ self._units[unit]
            there = 0 if full.all() else int(np.where(full, np.inf, added).argmin())
        self._put(unit, there)

    def improve(self) -> None:
        """Move groups and exchange two of them, as long as that helps."""
        for _ in range(MAX_PASSES):
            better = [self._move(unit) for unit in range(len(self.part))]
            if len(self.part) <= MAX_SWAPPED:
                better += [self._exchange(unit) for unit in range(len(self.part))]
            if not any(better):
                return

    def _move(self, unit: int) -> bool:
        here = self.part[unit]
        added = self._excess @ self._units[unit]
        change = added - added[here] + self._squares[unit]
        change[here] = 0
        change[self._is_full(unit)] = np.inf
        there = int(change.argmin())
        if change[there] >= -1e-12:
            return False
        self._put(unit, there)
        return True

    def _exchange(self, unit: int) -> bool:
        """Exchange a group with the one elsewhere with which that helps most."""
        here = self.part[unit]
        steps = self._units - self._units[unit]  # what this part gains, and the other loses
        apart = self._excess[here] - self._excess[self.part]
        change = (steps * (apart + steps)).sum(axis=1)
        change[self.part == here] = np.inf
        other = int(change.argmin())
        if change[other] >= -1e-12:
            return False
        there, before = int(self.part[other]), self.part[unit]
        self._put(unit, there)
        self._put(other, int(before))
        if (self._excess + self._targets > self._limits).any():
            self._put(unit, int(before))
            self._put(other, there)
            return False
        return True

    def _is_full(self, unit: int) -> NDArray[np.bool_]:
        """Whether each part would exceed a limit with this group, if it is not there already."""
        own = self.part[unit]
        held = self._excess + self._targets + self._units[unit]
        if own >= 0:
            held[own] -= self._units[unit]
        return np.asarray((held > self._limits).any(axis=1))

    def _put(self, unit: int, there: int) -> None:
        if self.part[unit] >= 0:
            self._excess[self.part[unit]] -= self._units[unit]
        self._excess[there] += self._units[unit]
        self.part[unit] = there
