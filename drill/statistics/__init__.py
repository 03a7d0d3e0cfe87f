"""Exact intervals and three-valued comparison with a limit. Flows in: samples and counts. Flows out:
intervals, "pass" | "fail" | "inconclusive".

Nothing here assumes a distribution of latencies: quantiles carry order-statistic intervals, rates carry
Clopper-Pearson bounds.
"""

from drill.statistics.comparison import Held, hold
from drill.statistics.counters import Average, Reading, average_rate, covered_seconds, increase
from drill.statistics.intervals import (
    Interval,
    mean_interval,
    quantile,
    quantile_interval,
    quantile_rank,
    rate_interval,
)

__all__ = [
    "Average",
    "Held",
    "Interval",
    "Reading",
    "average_rate",
    "covered_seconds",
    "hold",
    "increase",
    "mean_interval",
    "quantile",
    "quantile_interval",
    "quantile_rank",
    "rate_interval",
]
