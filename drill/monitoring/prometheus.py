"""Asking a Prometheus. Flows in: a way to it. Flows out: what it knows, as typed records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec

from drill.cluster.access import AbsentError, Cluster
from drill.errors import SetupError, UsageError
from drill.settings import Settings

SECONDS = 10.0
Way = Callable[[str, str, dict[str, str]], bytes]
"""Method, path and parameters of one request; gives the body of its answer, or raises SetupError."""
_Answered = TypeVar("_Answered")


class PrometheusError(SetupError):
    """Prometheus does not answer, or refuses. Says what it said."""


class QueriedSeries(msgspec.Struct, frozen=True):
    """One series of an answer: (seconds since the epoch, value) of each of its samples."""

    labels: dict[str, str]
    samples: tuple[tuple[float, float], ...]


class ActiveAlert(msgspec.Struct, frozen=True):
    """An alert that is there now. `since_wall`: when it became pending, seconds since the epoch."""

    name: str
    state: Literal["pending", "firing"]
    labels: dict[str, str]
    since_wall: float


class LoadedRule(msgspec.Struct, frozen=True):
    """An alert that Prometheus has loaded from `file`. `seconds`: its `for`; `interval_seconds`: between two
    evaluations; `evaluated_wall`: when it was last evaluated, seconds since the epoch."""

    file: str
    name: str
    query: str
    seconds: float
    interval_seconds: float
    evaluated_wall: float


class ScrapedTarget(msgspec.Struct, frozen=True):
    """What Prometheus scrapes. `trouble`: why the last scrape failed, "" where it did not."""

    job: str
    url: str
    up: bool
    trouble: str


class _Answer(msgspec.Struct, Generic[_Answered]):
    data: _Answered


class _Vector(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class _Result(msgspec.Struct, rename={"result_type": "resultType"}):
    result_type: str
    result: msgspec.Raw


class _Alert(msgspec.Struct, rename={"active_at": "activeAt"}):
    labels: dict[str, str]
    state: Literal["pending", "firing", "inactive"]
    active_at: datetime


class _Alerts(msgspec.Struct):
    alerts: list[_Alert]


class _Rule(msgspec.Struct):
    type: str
    name: str
    query: str
    duration: float = 0.0


class _Group(msgspec.Struct, rename={"last_evaluation": "lastEvaluation"}):
    file: str
    rules: list[_Rule]
    interval: float
    last_evaluation: datetime


class _Groups(msgspec.Struct):
    groups: list[_Group]


class _Target(msgspec.Struct, rename={"scrape_url": "scrapeUrl", "last_error": "lastError"}):
    labels: dict[str, str]
    scrape_url: str
    health: str
    last_error: str = ""


class _Targets(msgspec.Struct, rename={"active": "activeTargets"}):
    active: list[_Target]


class _Managers(msgspec.Struct, rename={"active": "activeAlertmanagers"}):
    active: list[dict[str, str]]


class Prometheus:
    """One Prometheus. Every method raises PrometheusError where it does not answer, or not as expected."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def query(self, expression: str, at_wall: float | None = None) -> list[QueriedSeries]:
        """What an expression gives: a sample each, or with a range in it all samples. `at_wall`: as of then,
        seconds since the epoch; now unless given."""
        moment = {} if at_wall is None else {"time": f"{at_wall:.3f}"}
        answer = self._ask("/api/v1/query", _Result, {"query": expression, **moment})
        if answer.result_type == "scalar":
            at, number = msgspec.json.decode(answer.result, type=tuple[float, str])
            return [QueriedSeries({}, ((at, float(number)),))]
        if answer.result_type not in ("vector", "matrix"):
            raise PrometheusError(f"{expression}: expected numbers, its answer is a {answer.result_type}")
        return [
            QueriedSeries(
                each.metric,
                tuple((at, float(value)) for at, value in ([each.value] if each.value else each.values)),
            )
            for each in msgspec.json.decode(answer.result, type=list[_Vector])
        ]

    def alerts(self) -> list[ActiveAlert]:
        """Those that are pending or fire now."""
        return [
            ActiveAlert(each.labels.get("alertname", ""), each.state, each.labels, each.active_at.timestamp())
            for each in self._ask("/api/v1/alerts", _Alerts).alerts
            if each.state != "inactive"
        ]

    def rules(self) -> list[LoadedRule]:
        """The alerts that it has loaded."""
        return [
            LoadedRule(
                group.file,
                rule.name,
                rule.query,
                rule.duration,
                group.interval,
                group.last_evaluation.timestamp(),
            )
            for group in self._ask("/api/v1/rules", _Groups, {"type": "alert"}).groups
            for rule in group.rules
        ]

    def targets(self) -> list[ScrapedTarget]:
        """What it scrapes now."""
        return [
            ScrapedTarget(each.labels.get("job", ""), each.scrape_url, each.health == "up", each.last_error)
            for each in self._ask("/api/v1/targets", _Targets, {"state": "active"}).active
        ]

    def alertmanagers(self) -> list[str]:
        """Where it sends alerts to."""
        return [each.get("url", "") for each in self._ask("/api/v1/alertmanagers", _Managers).active]

    def metric_names(self) -> set[str]:
        """Every metric that it has."""
        return set(self._ask("/api/v1/label/__name__/values", list[str]))

    def page(self, name: str) -> str:
        """A console template, rendered."""
        return self._way("GET", f"/consoles/{name}.html", {}).decode(errors="replace")

    def reload(self) -> None:
        """Have it read its configuration and rules anew."""
        self._way("POST", "/-/reload", {})

    def _ask(self, path: str, kind: type[_Answered], parameters: dict[str, str] | None = None) -> _Answered:
        body = self._way("GET", path, parameters or {})
        try:
            answer: _Answer[_Answered] = msgspec.json.decode(body, type=_Answer[kind])  # type: ignore[valid-type]
        except (msgspec.DecodeError, ValueError) as error:
            shown = body[:200].decode(errors="replace")
            raise PrometheusError(f"{path}: expected Prometheus' answer ({error}), got {shown}") from error
        return answer.data


def at_address(address: str) -> Prometheus:
    """The one at http://HOST:PORT."""

    def way(method: str, path: str, parameters: dict[str, str]) -> bytes:
        url = f"{address}{path}" + (f"?{urlencode(parameters)}" if parameters else "")
        try:
            with urlopen(Request(url, method=method), timeout=SECONDS) as response:
                body: Any = response.read()
        except HTTPError as error:
            said = error.read()[:400].decode(errors="replace")
            raise PrometheusError(f"{method} {url}: {error.code} {said}") from error
        except (URLError, OSError) as error:
            raise PrometheusError(f"{method} {url}: no answer ({error})") from error
        return bytes(body)

    return Prometheus(way)


def in_cluster(settings: Settings, cluster: Cluster) -> Prometheus:
    """The target's, through the API server: no port of this machine is needed. Raises UsageError where
    drill.toml describes none."""
    monitoring = settings.monitoring
    if monitoring is None:
        raise UsageError(
            f"{settings.file}: there is no [monitoring], so there is nobody to ask; docs/adopting.md "
            "says what stands there"
        )
    place = f"/api/v1/namespaces/{monitoring.namespace}/services/{monitoring.service}:{monitoring.port}/proxy"

    def way(method: str, path: str, parameters: dict[str, str]) -> bytes:
        try:
            return cluster.request(method, f"{place}{path}", query=parameters, seconds=SECONDS)
        except AbsentError as error:
            raise PrometheusError(f"{error}. `drill monitoring up` brings Prometheus up") from error
        except SetupError as error:
            raise PrometheusError(
                f"{error}; `kubectl get pods -n {monitoring.namespace}` may say why"
            ) from error

    return Prometheus(way)
