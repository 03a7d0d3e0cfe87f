"""Alerts that cannot be right, come too late, or lead nowhere. PromQL is read by promql-parser, and judged by
promtool."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from drill.lint.document import Fence, is_there
from drill.lint.finding import Finding
from drill.lint.place import Span
from drill.lint.rule import rule
from drill.lint.subject import Subject
from drill.programs import program

PROMTOOL_SECONDS = 20.0
LINK_ANNOTATIONS = ("runbook_url", "runbook", "runbookURL", "runbook_link", "playbook", "playbook_url")
DURATION = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
SECONDS_OF = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
RESPONSE = re.compile(
    r"\b(?P<level>P[0-4]|SEV[- ]?\d)\b.*?(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>min(?:ute)?s?|h(?:ou)?rs?|"
    r"hours?|days?|seconds?)",
    re.IGNORECASE,
)
LEVEL = re.compile(r"\b(?:P[0-4]|SEV[- ]?[0-5])\b")
SEVERITY_WORDS = ("critical", "warning", "high", "medium", "low", "major", "minor", "page")
PER_SECOND = frozenset({"rate", "irate", "increase"})


@dataclass(frozen=True)
class Alert:
    """An alert rule of the text. `line`: of its name; `expression_line`: of its expression."""

    name: str
    expression: str
    duration: str
    labels: dict[str, str]
    annotations: dict[str, str]
    fence: Fence
    line: int
    expression_line: int

    @property
    def link(self) -> str:
        """Where its runbook is; empty where no annotation says so."""
        return next((self.annotations[name] for name in LINK_ANNOTATIONS if self.annotations.get(name)), "")


def alerts_of(subject: Subject) -> list[Alert]:
    """The alert rules of all YAML fences, bare lists, rule files and PrometheusRule objects alike."""
    return [
        alert
        for fence in subject.document.fences
        if (fence.is_yaml or not fence.language) and "alert:" in fence.text
        for alert in _alerts(fence)
    ]


@lru_cache(maxsize=256)
def _alerts(fence: Fence) -> tuple[Alert, ...]:
    try:
        root = yaml.compose(fence.text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        # D901 says so; a fragment of a template is no YAML
        return ()
    return tuple(_found(root, fence, set()))


def _found(node: yaml.Node | None, fence: Fence, seen: set[int]) -> Iterator[Alert]:
    """`seen`: what an alias repeats is looked at once, or aliases of aliases would take for ever."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        fields = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        if isinstance(fields.get("alert"), yaml.ScalarNode) and isinstance(
            fields.get("expr"), yaml.ScalarNode
        ):
            yield Alert(
                fields["alert"].value,
                fields["expr"].value,
                _scalar(fields.get("for")),
                _texts(fields.get("labels")),
                _texts(fields.get("annotations")),
                fence,
                fence.line + fields["alert"].start_mark.line,
                fence.line + fields["expr"].start_mark.line,
            )
            return
        for value in fields.values():
            yield from _found(value, fence, seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _found(value, fence, seen)


def _scalar(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _texts(node: yaml.Node | None) -> dict[str, str]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): _scalar(value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}


@lru_cache(maxsize=512)
def _tree(expression: str) -> Any:
    """The expression's tree; None where it is not PromQL, which promtool then says."""
    try:
        return promql_parser.parse(expression)
    except ValueError:
        return None


def _place(subject: Subject, alert: Alert) -> Span:
    return subject.document.line_span(alert.expression_line)


def _nodes(node: Any, depth: int = 0) -> Iterator[Any]:
    """Every expression of a tree, itself first."""
    if node is None or depth > 60:
        return
    yield node
    for child in _children(node):
        yield from _nodes(child, depth + 1)


def _children(node: Any) -> list[Any]:
    kind = type(node).__name__
    if kind == "BinaryExpr":
        return [node.lhs, node.rhs]
    if kind == "Call":
        return list(node.args)
    if kind in {"AggregateExpr", "ParenExpr", "UnaryExpr", "SubqueryExpr"}:
        return [node.expr]
    return []


def _is(node: Any, kind: str) -> bool:
    return type(node).__name__ == kind


def _bare(node: Any) -> Any:
    while _is(node, "ParenExpr"):
        node = node.expr
    return node


def _selector(node: Any) -> Any:
    """The vector selector in a call of rate and the like."""
    return next(
        (
            found.vector_selector if _is(found, "MatrixSelector") else found
            for found in _nodes(node)
            if type(found).__name__ in {"MatrixSelector", "VectorSelector"}
        ),
        None,
    )


@rule(
    "D901",
    "Prometheus refuses the rule",
    why="A rule file with one bad rule is not loaded at all: every alert in it is gone, in silence.",
    bad="- alert: Slow\n  expr: rate(http_requests_total[5m] > 1\n  annotations: {runbook_url: '#example'}",
    good="- alert: Slow\n  expr: rate(http_requests_total[5m]) > 1\n  annotations: {runbook_url: '#example'}",
    language="yaml",
    needs=("promtool",),
)
def refused(subject: Subject) -> Iterator[Finding]:
    """Each alert, as promtool sees it."""
    promtool = program("promtool")
    if promtool is None:
        return
    alerts = alerts_of(subject)
    if not alerts or _said(promtool, tuple(_as_rule(alert) for alert in alerts)) == "":
        return
    for alert in alerts:
        said = _said(promtool, (_as_rule(alert),))
        if said:
            yield subject.finding("D901", _place(subject, alert), f"Prometheus refuses {alert.name}: {said}")


def _as_rule(alert: Alert) -> str:
    entry: dict[str, Any] = {"alert": alert.name, "expr": alert.expression}
    if alert.duration:
        entry["for"] = alert.duration
    return yaml.safe_dump(entry)


@lru_cache(maxsize=256)
def _said(promtool: Path, rules: tuple[str, ...]) -> str:
    """What promtool says of these rules; empty where it takes them."""
    entries = [yaml.safe_load(text) for text in rules]
    with tempfile.TemporaryDirectory(prefix="drill-lint-") as folder:
        file = Path(folder) / "rules.yaml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "lint", "rules": entries}]}), encoding="utf-8")
        try:
            done = subprocess.run(
                [str(promtool), "check", "rules", str(file)],
                capture_output=True,
                text=True,
                timeout=PROMTOOL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ""
    if done.returncode == 0 or "FAILED" not in done.stderr + done.stdout:
        return ""
    lines = [
        line.strip()
        for line in (done.stderr + done.stdout).splitlines()
        if "rules.yaml:" in line or "could not" in line
    ]
    text = lines[0] if lines else "it says FAILED"
    return text.partition("rules.yaml:")[2].strip() or text


@rule(
    "D902",
    "a ratio of single series",
    why="""Both sides keep their labels, so each series is divided by the one with the same labels, itself:
    the answer is 1 or nothing, and one error is a high error rate.""",
    bad="""- alert: HighErrorRate
  expr: rate(http_requests_total{status=~"5.."}[5m]) / rate(http_requests_total[5m]) > 0.05
  annotations: {runbook_url: '#example'}""",
    good="""- alert: HighErrorRate
  expr: sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.05
  annotations: {runbook_url: '#example'}""",
    language="yaml",
)
def ratio(subject: Subject) -> Iterator[Finding]:
    """A division of two rates of the same metric, one with a label the other does not ask for, neither
    aggregated."""
    for alert in alerts_of(subject):
        for node in _nodes(_tree(alert.expression)):
            if (
                _is(node, "BinaryExpr")
                and str(node.op) == "/"
                and node.modifier is None
                and _is_self_ratio(node)
            ):
                yield subject.finding(
                    "D902",
                    _place(subject, alert),
                    f"{alert.name} divides each series by itself: the answer is 1 or nothing",
                    "sum(...) / sum(...), with the same `by` on both sides",
                )
                break


def _is_self_ratio(node: Any) -> bool:
    left, right = _bare(node.lhs), _bare(node.rhs)
    if not all(_is(side, "Call") and side.func.name in PER_SECOND for side in (left, right)):
        return False
    above, below = _selector(left), _selector(right)
    return above is not None and below is not None and above.name == below.name and above.name is not None


@rule(
    "D903",
    "a quantile without `by (le)`",
    why="""histogram_quantile needs the buckets of one distribution. Without `sum by (le)` it is worked out
    for each pod, path and method alone, and a path with one request sets it off; with a sum that drops le
    there is nothing at all.""",
    bad="""- alert: Slow
  expr: histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m])) > 1
  annotations: {runbook_url: '#example'}""",
    good="""- alert: Slow
  expr: histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 1
  annotations: {runbook_url: '#example'}""",
    language="yaml",
)
def quantile(subject: Subject) -> Iterator[Finding]:
    """histogram_quantile over buckets that are not aggregated, or aggregated without le."""
    for alert in alerts_of(subject):
        for node in _nodes(_tree(alert.expression)):
            if not (_is(node, "Call") and node.func.name == "histogram_quantile" and len(node.args) > 1):
                continue
            selector = _selector(node.args[1])
            if selector is None or not str(selector.name or "").endswith("_bucket"):
                continue
            inner = _bare(node.args[1])
            if _is(inner, "Call"):
                yield subject.finding(
                    "D903",
                    _place(subject, alert),
                    f"{alert.name} is a quantile of each series alone, of every pod and path, not of the "
                    "service",
                    "sum by (le) (...)",
                )
            elif _is(inner, "AggregateExpr") and not _keeps_le(inner):
                yield subject.finding(
                    "D903",
                    _place(subject, alert),
                    f"{alert.name} has no quantile: the sum drops le",
                    "sum by (le) (...)",
                )


def _keeps_le(node: Any) -> bool:
    modifier = node.modifier
    if modifier is None:
        return False
    names = set(modifier.labels)
    return ("le" in names) == str(modifier.type).endswith("By")


@rule(
    "D904",
    "the alert waits longer than the response may take",
    why="""`for` is time in which users suffer and nobody knows. It must be well below the response time of
    the alert's own severity.""",
    bad="""# Example

| severity | response |
|---|---|
| P0, alerts of severity critical | 15 minutes |

```yaml
- alert: Down
  expr: up == 0
  for: 30m
  labels: {severity: critical}
  annotations: {runbook_url: '#example'}
```""",
    good="""# Example

| severity | response |
|---|---|
| P0, alerts of severity critical | 15 minutes |

```yaml
- alert: Down
  expr: up == 0
  for: 2m
  labels: {severity: critical}
  annotations: {runbook_url: '#example'}
```""",
    language="markdown",
)
def late_alert(subject: Subject) -> Iterator[Finding]:
    """`for` against the response time that the text gives for the severity, by its own name or beside P0 to
    P4."""
    limits = _response_seconds(subject)
    for alert in alerts_of(subject):
        severity = alert.labels.get("severity", "").lower()
        limit = limits.get(severity)
        waits = _seconds(alert.duration)
        if limit is not None and waits is not None and waits >= limit:
            yield subject.finding(
                "D904",
                subject.document.line_span(alert.line),
                f"{alert.name} is silent for {alert.duration}, and {severity} must be answered within "
                f"{limit / 60:.0f} minutes",
                "a shorter `for`",
            )


def _response_seconds(subject: Subject) -> dict[str, float]:
    """Response times by severity: of P0 and the like, and of the words that stand beside them."""
    levels: dict[str, float] = {}
    for text in subject.document.prose.values():
        match = RESPONSE.search(text)
        if match is not None:
            unit = SECONDS_OF[match["unit"][0].lower()]
            levels.setdefault(match["level"].lower(), float(match["value"]) * unit)
    known = dict(levels)
    for text in subject.document.prose.values():
        found = [match for match in LEVEL.finditer(text) if match[0].lower() in levels]
        for word in SEVERITY_WORDS:
            place = re.search(rf"\b{word}\b", text, re.IGNORECASE)
            if found and place is not None:
                nearest = min(found, key=lambda match: abs(match.start() - place.start()))
                known.setdefault(word, levels[nearest[0].lower()])
    return known


def _seconds(duration: str) -> float | None:
    parts = DURATION.findall(duration)
    return sum(float(value) * SECONDS_OF[unit] for value, unit in parts) if parts else None


@rule(
    "D905",
    "the alert names no runbook",
    why="Whoever is woken by it must look for what to do. The link belongs into the alert.",
    bad="- alert: Down\n  expr: up == 0\n  for: 2m",
    good="- alert: Down\n  expr: up == 0\n  for: 2m\n  annotations: {runbook_url: '#example'}",
    language="yaml",
)
def no_link(subject: Subject) -> Iterator[Finding]:
    """Alerts without a runbook annotation, where the text has sections that it could lead to."""
    for alert in alerts_of(subject):
        if not alert.link:
            yield subject.finding(
                "D905",
                subject.document.line_span(alert.line),
                f"{alert.name} wakes somebody and does not say what to do",
                "annotations: runbook_url",
            )


@rule(
    "D906",
    "the alert's runbook leads nowhere",
    why="A link to a section that nobody wrote, or to a file that is not there, is found out at night.",
    bad="- alert: Down\n  expr: up == 0\n  annotations: {runbook_url: '#service-down'}",
    good="- alert: Down\n  expr: up == 0\n  annotations: {runbook_url: '#example'}",
    language="yaml",
    needs=("folder",),
)
def dead_link(subject: Subject) -> Iterator[Finding]:
    """Runbook annotations that name a section of this file, or a file beside it."""
    anchors = {heading.anchor for heading in subject.document.headings}
    for alert in alerts_of(subject):
        file, _, anchor = alert.link.partition("#")
        if "://" in alert.link or "{{" in alert.link or not alert.link:
            continue
        own = not file or file.rsplit("/", 1)[-1] == subject.document.path.name
        if (own and anchor and anchor not in anchors) or (
            not own and not is_there(subject.document.path.parent / file)
        ):
            yield subject.finding(
                "D906",
                subject.document.line_span(alert.line),
                f"{alert.name} leads to {alert.link!r}, which is not there",
            )


@rule(
    "D907",
    "a severity that the text does not define",
    why="""The alert says `fatal`, the runbook knows P0 to P3: how soon somebody must come is left to who is
        woken.""",
    bad="""# Example
- **P0**: within 15 minutes

```yaml
- alert: Down
  expr: up == 0
  labels: {severity: fatal}
  annotations: {runbook_url: '#example'}
```""",
    good="""# Example
- **P0**: within 15 minutes; alerts of severity fatal

```yaml
- alert: Down
  expr: up == 0
  labels: {severity: fatal}
  annotations: {runbook_url: '#example'}
```""",
    language="markdown",
)
def undefined_severity(subject: Subject) -> Iterator[Finding]:
    """Severity labels in a text that defines severities, none of which goes by that name."""
    defined = [text for text in subject.document.prose.values() if LEVEL.search(text)]
    if not defined:
        return
    # a level's own explanation is no definition of the label: "P0 (Critical)" speaks of incidents
    told = [
        text
        for text in subject.document.prose.values()
        if re.search(r"\b(?:alert|label|severity)\w*\b", text, re.IGNORECASE)
    ]
    named: set[str] = set()
    for alert in alerts_of(subject):
        severity = alert.labels.get("severity", "")
        if not severity or severity in named or "{{" in severity:
            continue
        word = re.compile(rf"\b{re.escape(severity)}\b", re.IGNORECASE)
        if LEVEL.fullmatch(severity) and any(word.search(text) for text in defined):
            continue
        if not any(word.search(text) and LEVEL.search(text) for text in told):
            named.add(severity)
            yield subject.finding(
                "D907",
                subject.document.line_span(alert.line),
                f"severity {severity!r} is none of those that this text defines",
                "say which level it is answered as",
            )


@rule(
    "D908",
    "the alert asks for a metric that the service does not expose",
    why="An alert on a name that nothing exposes never fires, and looks green.",
    bad="- alert: Slow\n  expr: latency_seconds > 1\n  annotations: {runbook_url: '#example'}",
    good="- alert: Busy\n  expr: rate(http_requests_total[5m]) > 9\n  annotations: {runbook_url: '#example'}",
    language="yaml",
    needs=("metrics",),
)
def unexposed(subject: Subject) -> Iterator[Finding]:
    """Names in expressions against the list; those that the platform exposes are left alone."""
    if subject.metrics is None:
        return
    for alert in alerts_of(subject):
        for node in _nodes(_tree(alert.expression)):
            selector = node.vector_selector if _is(node, "MatrixSelector") else node
            name = str(getattr(selector, "name", "") or "") if _is(selector, "VectorSelector") else ""
            if name and not _is_exposed(name, subject.metrics):
                yield subject.finding(
                    "D908",
                    _place(subject, alert),
                    f"{alert.name} asks for {name}, which the service does not expose",
                )
                break


@rule(
    "D909",
    "the alert's severity is not that of its section",
    why="""Whoever is woken at P2 opens a section for P0: one of the two is wrong, and which one is found out
        at night. An alert without a severity is sent to whoever takes the rest.""",
    bad="""# Example
- **P2**: within the day

## Nobody is served (P0)

```yaml
- alert: Down
  expr: up == 0
  labels: {severity: P2}
  annotations: {runbook_url: '#nobody-is-served-p0'}
```""",
    good="""# Example
- **P2**: within the day

## Nobody is served (P0)

```yaml
- alert: Down
  expr: up == 0
  labels: {severity: P0}
  annotations: {runbook_url: '#nobody-is-served-p0'}
```""",
    language="markdown",
)
def other_severity(subject: Subject) -> Iterator[Finding]:
    """Alerts whose link leads to a heading of this text that names one level, against their own label."""
    levels_of = {heading.anchor: set(LEVEL.findall(heading.title)) for heading in subject.document.headings}
    for alert in alerts_of(subject):
        file, _, anchor = alert.link.partition("#")
        if "://" in alert.link or (file and file.rsplit("/", 1)[-1] != subject.document.path.name):
            continue
        levels, severity = levels_of.get(anchor, set()), alert.labels.get("severity", "")
        if len(levels) == 1 and severity not in levels and (not severity or LEVEL.fullmatch(severity)):
            (level,) = levels
            yield subject.finding(
                "D909",
                subject.document.line_span(alert.line),
                f"{alert.name} has {f'severity {severity}' if severity else 'no severity'} and leads to a "
                f"section for {level}",
            )


PLATFORM = (
    "up",
    "kube_",
    "node_",
    "container_",
    "ALERTS",
    "scrape_",
    "apiserver_",
    "kubelet_",
    "prometheus_",
    "absent",
)


def _is_exposed(name: str, metrics: frozenset[str]) -> bool:
    stem = name
    for ending in ("_bucket", "_count", "_sum"):
        stem = stem.removesuffix(ending)
    return name in metrics or stem in metrics or name.startswith(PLATFORM)
