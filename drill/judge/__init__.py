"""The judge. Flows in: one drill's folder on disk. Flows out: a DrillVerdict, the same whenever the same
folder is judged."""

from drill.judge.credit import judge_credit, with_credit
from drill.judge.judge import judge
from drill.judge.verdict import (
    CommandRun,
    Criterion,
    DrillVerdict,
    Phase,
    RequestCount,
    Witness,
    Writes,
)

__all__ = [
    "CommandRun",
    "Criterion",
    "DrillVerdict",
    "Phase",
    "RequestCount",
    "Witness",
    "Writes",
    "judge",
    "judge_credit",
    "with_credit",
]
