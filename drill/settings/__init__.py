"""The target, as drill.toml describes it: one module a section, read and checked by `load`.

Every field's own text says what it is; docs/adopting.md is made of the same words.
"""

from drill.settings.gate import Gate, Waiver
from drill.settings.judge import Judge
from drill.settings.load import Load, PlannedRequest, Write
from drill.settings.monitoring import Monitoring
from drill.settings.others import (
    Alerts,
    Checklists,
    Cloud,
    ClusterPorts,
    Communication,
    Evidence,
    History,
    Limits,
    Metrics,
    Operator,
)
from drill.settings.parts import Backup, Part, Redis, Sqlite
from drill.settings.read import load
from drill.settings.settings import DEFAULT_FILE, Settings
from drill.settings.target import Image, Target, Workload

__all__ = [
    "DEFAULT_FILE",
    "Alerts",
    "Backup",
    "Checklists",
    "Cloud",
    "ClusterPorts",
    "Communication",
    "Evidence",
    "Gate",
    "History",
    "Image",
    "Judge",
    "Limits",
    "Load",
    "Metrics",
    "Monitoring",
    "Operator",
    "Part",
    "PlannedRequest",
    "Redis",
    "Settings",
    "Sqlite",
    "Target",
    "Waiver",
    "Workload",
    "Write",
    "load",
]
