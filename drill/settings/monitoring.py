"""[monitoring]: Prometheus and Alertmanager beside the target, where `drill monitoring` brings them up."""

from __future__ import annotations

from pydantic import Field

from drill.settings.section import File, Name, Port, Section, Text
from drill.settings.target import Image


class Monitoring(Section):
    """What watches the target. Nothing of it is there unless `drill monitoring up` was asked for."""

    manifests: File
    """Applied by `kubectl apply -k`, all in `namespace`."""
    namespace: Name = "monitoring"
    images: tuple[Image, ...] = ()
    service: Name = "prometheus"
    """Prometheus' Service in that namespace, and the container behind it."""
    port: Port = 9090
    """Of that Service."""
    receiver_port: Port = 18499
    """Where this machine listens for alerts, on the address by which the cluster's nodes reach it."""
    received: Text = "received-alerts.jsonl"
    """What `drill monitoring receive` writes, a notification a line."""
    dashboards: dict[Name, Text] = Field(default_factory=dict)
    """Each page to the title of the runbook's section whose key metrics it shows."""
    metrics: dict[Text, Text] = Field(default_factory=dict)
    """Key metrics by the runbook's names, each with the query that gives it."""
    missing: dict[Text, Text] = Field(default_factory=dict)
    """Those that nothing gives, each with the reason."""
