"""Intervals for examples in groups (photos of one sender, of one article), which are no independent
observations: the groups are.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.text import counted
from dressform.evaluation.intervals import Estimate, score_bounds, student, t_quantile, wilson


def numbered(groups: NDArray[np.str_]) -> NDArray[np.int64]:
    """The number of each example's group, 0..G-1, int64 [N]."""
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class Error:
    """The standard error of a mean over examples in groups.

    Attributes:
        value: infinite with one group.
        dof: degrees of freedom, 1 or more: the effective number of groups, less 1.
        groups: their number.
    """

    value: float
    dof: float
    groups: int


def standard_error(
    values: NDArray[np.float64] | NDArray[np.bool_], clusters: NDArray[np.int64]
) -> Error:
    """The standard error of a mean by the jackknife over groups, which a few large ones do not
    make too small (MacKinnon, Nielsen & Webb 2023, J. Appl. Econometrics 38:671).

    Groups of different sizes count as (sum of sizes)^2 / (sum of squared sizes) equal ones (Kish
    1965; Carter, Schnepel & Steigerwald 2017, Rev. Econ. Stat. 99:698).

    Args:
        values: [N].
        clusters: int64 [N], any numbers.
    """
    _, cluster, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    count, n = len(sizes), len(values)
    if count < 2:
        return Error(math.inf, 1, count)
    sums = np.bincount(cluster, np.asarray(values, dtype=np.float64))
    without = (sums.sum() - sums) / (n - sizes) - float(np.mean(values))
    error = math.sqrt((count - 1) / count * float(without @ without))
    return Error(error, max(1.0, n**2 / float(sizes @ sizes) - 1), count)


def mean(
    values: NDArray[np.float64] | NDArray[np.bool_],
    clusters: NDArray[np.int64] | None,
    confidence: float = 0.95,
) -> Estimate:
    """A mean over examples with Student's t interval by groups.

    Args:
        values: [N].
        clusters: int64 [N], any numbers, with one group the interval is infinite; None for
            independent examples.
        confidence: coverage, between 0 and 1.
    """
    if clusters is None:
        return student(np.asarray(values, np.float64), confidence)
    error, value = standard_error(values, clusters), float(np.mean(values))
    half_width = t_quantile((1 + confidence) / 2, error.dof) * error.value
    method = f"Student's t over {counted(error.groups, 'group')}, {100 * confidence:.0f} %"
    return Estimate(value, value - half_width, value + half_width, method, len(values))


def proportion(
    successes: NDArray[np.bool_], clusters: NDArray[np.int64] | None, confidence: float = 0.95
) -> Estimate:
    """A proportion of examples with Wilson's interval at the effective sample size.

    That is the number of independent examples which would have the same variance (Kish 1965), with
    t in place of the normal quantile (Korn & Graubard 1998, Survey Methodology 24:193; Franco et
    al. 2019, J. Surv. Stat. Methodol. 7:334, for Wilson's interval). If all examples or none
    succeed, the variance cannot be estimated, and a group counts as one observation, repeated.

    In simulations of 6 to 150 groups of 1 to 80 examples, 95 % intervals covered the truth in 93 to
    99.8 % of cases, Wilson's for independent examples in 58 to 69 % (tests/evaluation).

    Args:
        successes: bool [N], N at least 1.
        clusters: int64 [N], any numbers; None for independent examples.
        confidence: coverage, between 0 and 1.
    """
    if clusters is None:
        return wilson(int(successes.sum()), len(successes), confidence)
    n, p = len(successes), float(np.mean(successes))
    error = standard_error(successes, clusters)
    method = f"Wilson score for {counted(error.groups, 'group')}, {100 * confidence:.0f} %"
    if error.groups < 2:
        return Estimate(p, 0.0, 1.0, method, n)
    effective = error.dof + 1
    if 0 < p < 1:
        effective = n if error.value == 0 else min(n, p * (1 - p) / error.value**2)
    low, high = score_bounds(p, effective, t_quantile((1 + confidence) / 2, error.dof))
    return Estimate(p, 0.0 if p == 0 else low, 1.0 if p == 1 else high, method, n)
