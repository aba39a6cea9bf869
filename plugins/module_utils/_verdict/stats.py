# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The statistics of a watch: exact, standard library only, safe to look at every second."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

# What a bad release may look like: multiples of the allowed share, and two outright failures.
MULTIPLES = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
FAILURES = (0.5, 0.95)


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(X <= k) for X ~ Binomial(n, p), summed downwards from k; meant for p >= k/n, where the terms only shrink."""
    if k < 0 or p >= 1:
        return 1.0 if k >= n else 0.0
    if k >= n or p <= 0:
        return 1.0
    log_pmf = (
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
    )
    term = total = 1.0
    for j in range(k, 0, -1):
        term *= j / (n - j + 1) * (1 - p) / p
        total += term
        if term < 1e-16 * total:
            break
    return min(1.0, math.exp(log_pmf) * total)


def upper_bound(k: int, n: int, error: float) -> float:
    """One-sided Clopper-Pearson upper bound of a share (k bad of n) that is wrong with probability ``error``."""
    if n <= 0 or k >= n:
        return 1.0
    low, high = k / n, 1.0
    for _step in range(60):
        middle = (low + high) / 2
        if binomial_cdf(k, n, middle) > error:
            low = middle
        else:
            high = middle
    return high


def lower_bound(k: int, n: int, error: float) -> float:
    """One-sided Clopper-Pearson lower bound."""
    return 1.0 - upper_bound(n - k, n, error) if n > 0 else 0.0


def allowed_share(k: int, n: int, *, error: float, ratio: float, floor: float, ceiling: float) -> float:
    """The share of bad answers that the new colour may have, from the old one's k bad of n.

    ``ceiling`` caps what is allowed out of ignorance: where the old colour answered so little that its bound says
    nothing. What it has shown (``ratio`` times its share) is never cut.
    """
    share = k / n if n else 0.0
    return max(min(ceiling, upper_bound(k, n, error)), ratio * share, floor)


def error_evidence(k: float, n: float, allowed: float) -> float:
    """log E of the mixture likelihood ratio for k bad of n against any share up to ``allowed``.

    E is a supermartingale for every true share <= allowed, so P(E ever >= c) <= 1/c (Ville), however often one looks.
    """
    tried = [allowed * multiple for multiple in MULTIPLES] + list(FAILURES)
    logs = [
        k * math.log(share / allowed) + (n - k) * (math.log1p(-share) - math.log1p(-allowed))
        for share in tried
        if allowed < share < 1
    ]
    if not logs:
        return 0.0
    top = max(logs)
    return top + math.log(sum(math.exp(value - top) for value in logs) / len(logs))


def paired_evidence(new_bad: int, old_bad: int) -> float:
    """log E that, of the pairs in which exactly one colour failed, the new one fails more often than not.

    Uniform mixture over theta in (1/2, 1), in exact integers: b! c! / (n+1)! * sum of C(n+1, j) for j <= b.
    """
    n = new_bad + old_bad
    total = sum(math.comb(n + 1, j) for j in range(new_bad + 1))
    return math.lgamma(new_bad + 1) + math.lgamma(old_bad + 1) - math.lgamma(n + 2) + math.log(total)


def dispersion(counts: Sequence[int]) -> float:
    """Index of dispersion of the bad answers per time slot, empty ones included; at least 1. Errors come in bursts."""
    if len(counts) < 3 or not any(counts):
        return 1.0
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / (len(counts) - 1)
    return max(1.0, variance / mean)


def slots(times: Iterable[float], begin: float, end: float, width: float) -> list[int]:
    """How many of ``times`` fall into each slot of ``width`` seconds between begin and end."""
    found = [0] * max(1, math.ceil((end - begin) / width))
    for at in times:
        index = int((at - begin) // width)
        if 0 <= index < len(found):
            found[index] += 1
    return found
