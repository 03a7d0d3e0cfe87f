"""Limits, read from the runbook's own list items. Flows in: (line, text) of each item. Flows out: limits in
seconds and ratios, each with the line that it comes from; an InputError for an item that states a limit which
cannot be understood.
"""

from drill.baselines.limits import NAMES, Limit, absent
from drill.baselines.performance import parse_baselines
from drill.baselines.times import parse_response_times, parse_schedule

__all__ = ["NAMES", "Limit", "absent", "parse_baselines", "parse_response_times", "parse_schedule"]
