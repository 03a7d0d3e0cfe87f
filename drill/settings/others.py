"""The small sections: [metrics], [alerts], [operator], [limits], [cluster], [history], [checklists],
[evidence], [communication], [cloud]."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from drill.reading import METRIC_NAME
from drill.settings.section import Days, File, Minutes, Port, Seconds, Section, Text, UrlPath

PLACE = re.compile(r"[^\s:/]+:(\d{1,5})")


def _host_and_port(value: str) -> str:
    found = PLACE.fullmatch(value)
    if not found or not 1 <= int(found.group(1)) <= 65_535:
        raise ValueError("HOST:PORT with a port from 1 to 65535")
    return value


Place = Annotated[str, AfterValidator(_host_and_port)]
SeverityName = Annotated[str, Field(pattern=r"^(P|SEV)[0-9]$")]
MetricName = Annotated[str, Field(pattern=f"^{METRIC_NAME}$")]


class Metrics(Section):
    """The application's own numbers, as Prometheus text."""

    path: UrlPath = "/metrics"
    port: Port
    database_seconds: MetricName | None = None
    """A histogram or summary of query times: its _sum and _count are read."""
    cache_hits: MetricName | None = None
    """A counter of lookups that the cache answered."""
    cache_misses: MetricName | None = None
    """A counter of those that it did not; both of them, or neither."""

    @property
    def cache(self) -> tuple[str, str] | None:
        """The counters of hits and of misses; None where the target names none."""
        hits, misses = self.cache_hits, self.cache_misses
        return None if hits is None or misses is None else (hits, misses)

    @property
    def sampled(self) -> bool:
        """True where drills read something of them, alerts or not."""
        return self.database_seconds is not None or self.cache is not None


class Alerts(Section):
    """What is assumed of the monitoring that reads the runbook's alert rules."""

    scrape_seconds: Annotated[float, Field(ge=1, le=300, strict=True)] = 5
    """So often it scrapes, and evaluates the rules."""
    hold_seconds: Annotated[float, Field(gt=0, le=7_200, strict=True)] = 1800
    """For so long at most a fault's last state is held on in the replay; no longer than the slowest rule
    needs."""
    resolve_seconds: Annotated[float, Field(gt=0, le=7_200, strict=True)] = 600
    """So long after recovery an alert may still fire."""
    response_seconds: dict[SeverityName, Seconds] = Field(default_factory=lambda: {"P0": 300.0})
    """By severity, from the call until somebody begins: an assumption."""


class Operator(Section):
    """What the runbook's commands need outside the cluster."""

    names: dict[Place, Place] = Field(default_factory=dict)
    """Where names in them lead on this machine, HOST:PORT each."""
    tools: tuple[Text, ...] = ("bash", "kubectl")
    """Programs that they start; `drill doctor` looks for them."""


class Limits(Section):
    """Titles of the runbook's sections whose lists state what drills are judged by."""

    response_times: Text = "Response Times"
    baselines: Text = "Performance Baselines"
    backup_schedule: Text = "Automated Backup Schedule"


class ClusterPorts(Section):
    """How users enter the cluster that `drill up` makes."""

    ports: dict[Port, Port] = Field(default_factory=dict)
    """This machine's port on 127.0.0.1 to the node's port, which a Service of type NodePort has."""


class History(Section):
    """What is remembered of every run, and how long a proof lasts."""

    file: File | None = None
    """The SQLite file, from this folder; history.sqlite beside the reports unless given."""
    proven_days: Days = 30
    """What last passed longer ago is stale."""


class Evidence(Section):
    """What becomes of what drills find."""

    findings: Text = "findings.yaml"
    """Written by `drill evidence findings`, edited by people."""
    due_days: Annotated[int, Field(gt=0, le=3_650, strict=True)] = 30
    """So long a new finding has until it is overdue."""


class Checklists(Section):
    """What people attest. What else proves an item is in checklists.yaml beside the runbook."""

    attestations: Text = "attestations.yaml"
    """Written by `drill checklist attest`, edited by people."""
    valid_days: Annotated[int, Field(gt=0, le=3_650, strict=True)] | None = None
    """So long a new attestation holds; the period of its checklist and a day unless given."""


class Communication(Section):
    """What others are told of an incident, and who. Titles are of the runbook's sections."""

    contact: Text | None = None
    """Who is on call."""
    template: Text = "Incident Communication Template"
    severities: Text = "Severity Levels"
    escalation: Text = "Escalation Contacts"
    update_minutes: dict[SeverityName, Minutes] = Field(default_factory=dict)
    """By severity, until the next update; its response time in the runbook unless given."""
    escalate_minutes: dict[SeverityName, Minutes] = Field(default_factory=dict)
    """By severity, until the next level is called; its response time in the runbook unless given."""
    status_page: Text | None = None
    """The host that the runbook's updates go to; in a drill a page of this machine takes its place."""


class Cloud(Section):
    """What the emulator of AWS holds that the runbook's `aws` commands ask about. Without this section nobody
    answers them."""

    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    """In which the commands ask, where they name none."""
    eks_clusters: tuple[Annotated[str, Field(pattern=r"^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$")], ...] = ()
    """Names of the EKS clusters in that region."""
    costs: dict[Text, Annotated[float, Field(ge=0, le=1e12)]] = Field(default_factory=dict)
    """US dollars of the last whole month, by service."""
