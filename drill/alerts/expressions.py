"""What alert rules look at. Flows in: PromQL. Flows out: the names of the metrics in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import promql_parser

from drill.alerts.rules import AlertRule

DEEPEST = 60
PLATFORM = (
    "up",
    "kube_",
    "node_",
    "container_",
    "scrape_",
    "apiserver_",
    "kubelet_",
    "prometheus_",
    "alertmanager_",
)
"""What these names begin with is not the application's own."""
ANY = "(any name)"


def metrics_of(rules: Iterable[AlertRule]) -> frozenset[str]:
    """The metrics that the rules name; `ANY` where a selector names none. What is no PromQL names none."""
    return frozenset(name for rule in rules for name in _names(rule.expression))


def is_platforms(name: str) -> bool:
    """True where the platform or the monitoring gives a metric, and not the application."""
    return name == "up" or any(name.startswith(each) for each in PLATFORM if each != "up")


def _names(expression: str) -> Iterator[str]:
    try:
        tree = promql_parser.parse(expression)
    except ValueError:
        return
    for node in _nodes(tree, 0):
        kind = type(node).__name__
        selector = node.vector_selector if kind == "MatrixSelector" else node
        if kind in ("MatrixSelector", "VectorSelector"):
            yield str(selector.name or "") or ANY


def _nodes(node: Any, depth: int) -> Iterator[Any]:
    """Every expression of a tree, itself first."""
    if node is None or depth > DEEPEST:
        return
    yield node
    children = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param")]
    for child in [*children, *getattr(node, "args", ())]:
        yield from _nodes(child, depth + 1)
