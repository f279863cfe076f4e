"""Estimates: a number with its interval, the method that made it, and n."""

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Estimate:
    """A number that does not travel alone.

    Attributes:
        value: the estimate.
        low: lower end of the interval.
        high: upper end.
        method: how the interval was made.
        n: examples behind it.
    """

    value: float
    low: float
    high: float
    method: str
    n: int


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """A proportion with Wilson's score interval (E. B. Wilson 1927, JASA 22:209).

    Args:
        successes: 0 to n.
        n: at least 1.
        confidence: coverage, between 0 and 1.

    Raises:
        ValueError: arguments out of range.
    """
    if not 0 <= successes <= n or n < 1 or not 0 < confidence < 1:
        raise ValueError(f"wilson({successes}, {n}, {confidence}): need 0 <= successes <= n, n >= 1, 0 < confidence < 1")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Estimate(p, low, high, f"Wilson score, {confidence:.0%}", n)
