"""`drill monitoring`. Flows in: arguments. Flows out: text or JSON, and an exit status: 0 as it should be, 1
not so, 2 nobody can tell, 3 bad input, or monitoring that does not answer."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from drill import wait
from drill.alerts.receiver import Heartbeat, heartbeat, read_received, receiving
from drill.alerts.rules import AlertRules, alert_rules
from drill.arguments import FORMAT, RUNBOOK, Number, settings_of
from drill.cluster.access import Cluster, connect
from drill.errors import DeadlineError
from drill.monitoring import deploy
from drill.monitoring.key_metrics import key_metrics, measure
from drill.monitoring.prometheus import Prometheus, in_cluster
from drill.runbook import parse
from drill.settings import Settings

WRONG, UNDECIDED = 1, 2
COSTS = {
    "CPU, cores": 'sum(rate(container_cpu_usage_seconds_total{namespace="%s",container!=""}[2m]))',
    "memory, MiB": 'sum(container_memory_working_set_bytes{namespace="%s",container!=""}) / 1048576',
}


@click.group()
def monitoring() -> None:
    """Prometheus and Alertmanager beside the target, with the runbook's own alert rules and dashboards.

    They are nowhere unless asked for: drills need them only where an alert calls the operator.
    """


@monitoring.command()
@RUNBOOK
@click.pass_context
def up(context: click.Context, *, runbook: Path | None) -> None:
    """Bring it up in the cluster that `drill up` made, or load other rules where it is up already."""
    settings, cluster = _at(context)
    metrics = key_metrics(settings, parse(settings.root / settings.target.runbook))
    deploy.bring_up(settings, cluster, _rules(settings, runbook), metrics)


@monitoring.command()
@click.pass_context
def down(context: click.Context) -> None:
    """Remove all of it from the cluster."""
    settings, cluster = _at(context)
    deploy.take_down(settings, cluster)


@monitoring.command()
@RUNBOOK
@FORMAT
@click.pass_context
def status(context: click.Context, *, runbook: Path | None, output: str) -> None:
    """Whether it would call anybody: targets, rules, the way to the receiver, the dead man's switch; and what
    it costs."""
    settings, cluster = _at(context)
    beat = heard(settings.root / deploy.monitoring_of(settings).received)
    prometheus = in_cluster(settings, cluster)
    said, wrong = state(settings, prometheus, _rules(settings, runbook))
    if beat.alive is False:
        wrong.append(beat.why)
    if output == "json":
        found = {"said": said, "wrong": wrong, "heartbeat": beat}
        click.echo(msgspec.json.encode(found).decode())
    else:
        for line in [*said, f"dead man's switch: {beat.why}", *(f"WRONG: {text}" for text in wrong)]:
            click.echo(line)
    if wrong:
        raise SystemExit(WRONG)
    if beat.alive is None:
        raise SystemExit(UNDECIDED)


@monitoring.command()
@FORMAT
@click.pass_context
def metrics(context: click.Context, *, output: str) -> None:
    """The runbook's key metrics, as Prometheus has them now. A declared one that gives no number: exit status
    1."""
    settings, cluster = _at(context)
    asked = key_metrics(settings, parse(settings.root / settings.target.runbook))
    found = measure(in_cluster(settings, cluster), asked)
    if output == "json":
        click.echo(msgspec.json.encode(found).decode())
    else:
        for line in (line for each in found for line in each.lines()):
            click.echo(line)
    if any(each.trouble for each in found):
        raise SystemExit(WRONG)


@monitoring.command()
@click.option("--seconds", type=Number(min=1), help="Listen for so long; until Ctrl-C unless given.")
@click.option("--address", help="Listen there; where the cluster's nodes reach this machine unless given.")
@click.pass_context
def receive(context: click.Context, *, seconds: float | None, address: str | None) -> None:
    """Be on call: write down each alert that arrives, and when. Where nobody listens, nothing breaks."""
    settings = settings_of(context)
    described = deploy.monitoring_of(settings)
    file = settings.root / described.received
    with receiving(address or deploy.gateway_of(settings), described.receiver_port, file) as receiver:
        click.echo(f"listening on port {receiver.port}; what arrives goes to {file}", err=True)
        try:
            if seconds is not None:
                wait.pause(seconds)
            else:
                _until_interrupted()
        except KeyboardInterrupt:
            click.echo("no more", err=True)


def _until_interrupted() -> None:
    while True:
        try:
            wait.until("Ctrl-C", lambda: False, seconds=3600, every_seconds=1)
        except DeadlineError:
            continue


def state(settings: Settings, prometheus: Prometheus, rules: AlertRules) -> tuple[list[str], list[str]]:
    """What Prometheus says of itself, a line each; and what of it is wrong."""
    said, wrong = [], []
    targets = prometheus.targets()
    jobs = sorted({target.job for target in targets})
    for job in jobs:
        own = [target for target in targets if target.job == job]
        said.append(f"{job}: {sum(target.up for target in own)} of {len(own)} targets are scraped")
        wrong += [f"{job}: {target.url}: {target.trouble}" for target in own if not target.up]
    if not targets:
        wrong.append("nothing is scraped")
    loaded = prometheus.rules()
    said.append(f"alerts: {', '.join(rule.name for rule in loaded) or 'none'}")
    differs = deploy.difference(loaded, rules)
    if differs:
        wrong.append(differs)
    managers = prometheus.alertmanagers()
    said.append(f"alerts go to: {', '.join(managers) or 'nobody'}")
    if not managers:
        wrong.append("Prometheus knows no Alertmanager, so nobody is called")
    described = deploy.monitoring_of(settings)
    for page in described.dashboards:
        shown = prometheus.page(page)
        said.append(f"dashboard {page}: {shown.count('<section')} panels")
    for what, query in COSTS.items():
        answer = prometheus.query(query % described.namespace)
        said.append(f"costs, {what}: {f'{answer[0].samples[-1][1]:.3g}' if answer else 'unmeasured'}")
    return said, wrong


def heard(file: Path) -> Heartbeat:
    """What the dead man's switch tells by a receiver's file; nothing where there is none."""
    if not file.exists():
        return Heartbeat(None, f"unmeasured: nobody has listened (`drill monitoring receive` writes {file})")
    return heartbeat(read_received(file), time.time())


def _at(context: click.Context) -> tuple[Settings, Cluster]:
    settings = settings_of(context)
    deploy.monitoring_of(settings)
    return settings, connect(settings, context.obj["allow_context"])


def _rules(settings: Settings, runbook: Path | None) -> AlertRules:
    return alert_rules(parse(runbook or settings.root / settings.target.runbook))
