"""The judge. Flows in: one drill's folder on disk. Flows out: a DrillVerdict, the same whenever the same
folder is judged, from wherever."""

from drill.judge.credit import judge_credit, with_credit, with_credits
from drill.judge.criteria.error_rate import error_rate_so_far
from drill.judge.criteria.response_time import response_time_so_far
from drill.judge.judge import judge
from drill.judge.outages import Standard, recovered_since, standard_of
from drill.judge.verdict import (
    Change,
    CommandRun,
    Criterion,
    DrillVerdict,
    FaultSeen,
    Outage,
    Phase,
    RequestCount,
    Unmeasured,
    Writes,
)

__all__ = [
    "Change",
    "CommandRun",
    "Criterion",
    "DrillVerdict",
    "FaultSeen",
    "Outage",
    "Phase",
    "RequestCount",
    "Standard",
    "Unmeasured",
    "Writes",
    "error_rate_so_far",
    "judge",
    "judge_credit",
    "recovered_since",
    "response_time_so_far",
    "standard_of",
    "with_credit",
    "with_credits",
]
