"""Intervals and three-valued comparison with a limit. Flows in: samples and counts. Flows out: intervals,
"pass" | "fail" | "inconclusive".

Rates carry bounds that are right however often one looks (sequential.py), quantiles of correlated latencies
bounds from blocks of time (blocks.py); both take the dispersion that calibration found.
"""

from drill.statistics.blocks import (
    LEAST_BLOCKS,
    Blocks,
    block_quantile_interval,
    counted_share_interval,
    in_blocks,
    log_quantile_variance,
    share_interval,
)
from drill.statistics.change_points import ChangePoint, change_points
from drill.statistics.comparison import Held, hold
from drill.statistics.counters import Average, Reading, average_rate, increase
from drill.statistics.intervals import (
    Interval,
    difference_interval,
    mean_interval,
    proportion_interval,
    quantile,
    quantile_rank,
    ratio_interval,
)
from drill.statistics.paired import PairedDifference, paired_difference
from drill.statistics.sequential import lower_expected, rate_bounds, trials_needed, upper_expected
from drill.statistics.two_sides import (
    Counted,
    Difference,
    MeanDifference,
    RateDifference,
    RunSpread,
    holm_levels,
    mean_difference,
    rate_difference,
    run_spread,
)

__all__ = [
    "LEAST_BLOCKS",
    "Average",
    "Blocks",
    "ChangePoint",
    "Counted",
    "Difference",
    "Held",
    "Interval",
    "MeanDifference",
    "PairedDifference",
    "RateDifference",
    "Reading",
    "RunSpread",
    "average_rate",
    "block_quantile_interval",
    "change_points",
    "counted_share_interval",
    "difference_interval",
    "hold",
    "holm_levels",
    "in_blocks",
    "increase",
    "log_quantile_variance",
    "lower_expected",
    "mean_difference",
    "mean_interval",
    "paired_difference",
    "proportion_interval",
    "quantile",
    "quantile_rank",
    "rate_bounds",
    "rate_difference",
    "ratio_interval",
    "run_spread",
    "share_interval",
    "trials_needed",
    "upper_expected",
]
