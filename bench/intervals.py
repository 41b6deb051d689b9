"""Medians with intervals, for the scripts here."""
import statistics
from math import comb


def interval(values):
    """(median, low, high): the 95 % interval from order statistics (binomial), or the extremes where there are too few values."""
    v, n = sorted(values), len(values)
    k = 0
    while k + 1 < n - k - 1 and 1 - 2 * sum(comb(n, i) for i in range(k + 2)) / 2 ** n >= .95: k += 1
    return statistics.median(v), v[k], v[n - 1 - k]
