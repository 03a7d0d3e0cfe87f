"""All sections of drill.toml together, and what is asked of them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from drill.settings.gate import Gate
from drill.settings.judge import Judge
from drill.settings.load import Load
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
from drill.settings.parts import BACKUP, DATABASE, Part
from drill.settings.section import Section
from drill.settings.target import Target, Workload

DEFAULT_FILE = "drill.toml"
METRICS, WRITES, MONITORING = "metrics", "writes", "monitoring"
STATUS_PAGE = "status page"


class Settings(Section):
    target: Target
    load: Load
    parts: dict[str, Part] = Field(default_factory=dict)
    metrics: Metrics | None = None
    monitoring: Monitoring | None = None
    alerts: Alerts | None = None
    operator: Operator = Operator()
    judge: Judge = Judge()
    limits: Limits = Limits()
    cluster: ClusterPorts = ClusterPorts()
    history: History = History()
    evidence: Evidence = Evidence()
    checklists: Checklists = Checklists()
    communication: Communication = Communication()
    cloud: Cloud | None = None
    gate: Gate = Gate()

    root: Path = Path()
    """The folder that drill.toml lies in: relative paths in it start here. Set by `load`."""
    file: Path = Path(DEFAULT_FILE)
    """drill.toml itself, for processes that read it again. Set by `load`."""

    def part(self, name: str) -> Part | None:
        """The part of that name, else the first of that kind or that provides that; None where there is
        none.
        """
        if name in self.parts:
            return self.parts[name]
        return next((part for part in self.parts.values() if name in (part.kind, part.provides)), None)

    def part_name(self, name: str) -> str:
        """The name under which the target has the part that `part(name)` finds; empty where there is none."""
        found = self.part(name)
        return next((each for each, part in self.parts.items() if part is found), "")

    def parts_of(self, kind: str) -> dict[str, Part]:
        """The parts of a kind, or that provide it, by name."""
        return {name: part for name, part in self.parts.items() if kind in (part.kind, part.provides)}

    def part_kinds(self) -> dict[str, str]:
        """Name of each part to its kind, as the recording carries it."""
        return {name: part.kind for name, part in self.parts.items()}

    def workload(self, name: str | None) -> Workload:
        """The workload of that name; the application for None. Names in drill.toml were checked when it was
        read.
        """
        return next((each for each in self.target.workloads if each.name == name), self.target.application)

    def lacks(self, what: str) -> bool:
        """True where the target has no part of that name or kind, no [metrics], no [monitoring], no status
        page, no writes: what needs it is not applicable."""
        if what == METRICS:
            return self.metrics is None
        if what == MONITORING:
            return self.monitoring is None
        if what == STATUS_PAGE:
            return self.communication.status_page is None
        if what == WRITES:
            return not any(request.write for request in self.load.requests)
        return self.part(what) is None

    def missing_parts(self) -> list[str]:
        """What criteria may need and this target does not have, as the recording carries it."""
        return [what for what in (DATABASE, METRICS, BACKUP, WRITES) if self.lacks(what)]
