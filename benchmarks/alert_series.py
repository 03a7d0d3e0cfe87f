"""Makes the stored series in runbook/alert-series: `python -m benchmarks.alert_series`.

Each is a scene of stated traffic, counted by Novel Engine's own metrics (the very objects of its code) and
scraped as Prometheus does, from the text that prometheus-client gives at /metrics. Restarts of containers,
which kube-state-metrics would tell, are stated. No scene is a recording of a cluster, and each says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from drill.alerts.series import NAME_ENDING, Kind, ScrapedSeries, Scrapes, SeriesHeader, write_series
from drill.recording.events import AlertDue
from novel_engine.app.metrics import REQUEST_SECONDS, REQUESTS

FOLDER = Path(__file__).parents[1] / "runbook" / "alert-series"
SCRAPE_SECONDS = 15
SCRAPES = 121
BEGIN = 600
"""Seconds from the first scrape to what happens."""
KEPT = ("http_requests_total", "http_request_duration_seconds_bucket")
NAMESPACE = "novel-engine-production"
Sample = tuple[dict[str, str], Kind, float]


class Quarter(msgspec.Struct, frozen=True):
    """What one pod answers in the 15 s before a scrape: users' requests that succeed and fail, how long each
    takes, and how many of a rare path; `unmatched`: requests for what is not there, be they users' or the
    platform's probes'."""

    succeed: int = 60
    fail: int = 0
    seconds: float = 0.02
    rare: int = 0
    rare_seconds: float = 0.02
    unmatched: int = 0


Traffic = Callable[[int, int], Quarter | None]
"""Of a pod's number and the seconds since the first scrape: None where there is no such pod."""


class Scene(msgspec.Struct, frozen=True):
    """`restarts`: of a pod's number and the seconds, how often its container was restarted until then;
    `due`: when alerts have to fire; `pods`: how many names of pods there are."""

    name: str
    source: str
    meant: tuple[str, ...]
    traffic: Traffic
    restarts: Callable[[int, int], int] = lambda _pod, _at: 0
    due: tuple[AlertDue, ...] = ()
    fault: bool = True
    pods: int = 3


def _after(then: Quarter, until: int = 10**6) -> Traffic:
    return lambda _pod, at: then if BEGIN < at <= until else Quarter()


def _replaced(pod: int, at: int) -> Quarter | None:
    """Pods 0 to 2 give way to 3 to 5, one a minute, each new one ready before the old one goes."""
    turn = BEGIN + 60 * (pod % 3)
    if pod < 3:
        return Quarter(fail=1 if at == turn else 0) if at <= turn else None
    return Quarter() if at >= turn - 15 else None


def _normal(pod: int, at: int) -> Quarter:
    """One request in about 3,000 fails, on pod 0 twice within two minutes."""
    return Quarter(fail=1 if (pod, at) in ((0, 150), (0, 270), (1, 1200), (2, 1500)) else 0)


def _counted(at: int, moments: tuple[int, ...]) -> int:
    return sum(1 for moment in moments if at >= BEGIN + moment)


def _well_again(then: Quarter, until: int, after: Quarter) -> Traffic:
    """`then` from BEGIN for so many seconds, and `after` from there on."""
    return lambda _pod, at: Quarter() if at <= BEGIN else then if at <= BEGIN + until else after


def _in_turn(*quarters: Quarter) -> Traffic:
    """These quarters of a minute from BEGIN on, one after another, again and again."""

    def turn(_pod: int, at: int) -> Quarter:
        return Quarter() if at <= BEGIN else quarters[(at - BEGIN) // SCRAPE_SECONDS % len(quarters)]

    return turn


ALL = ("ServiceDown", "HighErrorRate")
DOWN = AlertDue("ServiceDown", 100, 150)
"""As the catalogue's faults have it: what is over within 100 s calls nobody."""
SCENES = (
    Scene(
        "normal-traffic",
        "12 requests a second to three pods, of which 4 in half an hour fail",
        (),
        _normal,
        fault=False,
    ),
    Scene(
        "rolling-restart",
        "three pods replaced one after another, one request lost at each",
        (),
        _replaced,
        pods=6,
    ),
    Scene(
        "one-pod-restart",
        "one container restarted once; its counters begin anew, five requests fail",
        (),
        lambda pod, at: Quarter(fail=5 if (pod, at) == (0, BEGIN + 15) else 0),
        lambda pod, at: _counted(at, (15,)) if pod == 0 else 0,
    ),
    Scene(
        "two-restarts",
        "one container restarted twice within five minutes",
        (),
        lambda _pod, _at: Quarter(),
        lambda pod, at: _counted(at, (15, 240)) if pod == 0 else 0,
    ),
    Scene(
        "crash-loop",
        "one container restarted again and again, with the kubelet's pauses of 10 s to 5 min",
        ("PodCrashLooping",),
        lambda _pod, _at: Quarter(),
        lambda pod, at: _counted(at, (15, 30, 60, 120, 210, 390, 690, 990)) if pod == 0 else 0,
    ),
    Scene(
        "all-containers-killed",
        "the containers of all three pods killed at one moment, and back within 15 s",
        ("PodCrashLooping",),
        lambda _pod, at: Quarter(succeed=20, fail=10) if at == BEGIN + 15 else Quarter(),
        lambda _pod, at: _counted(at, (15,)),
    ),
    Scene(
        "all-requests-fail",
        "every request of users is answered with 500",
        ALL,
        _after(Quarter(succeed=0, fail=60)),
        due=(DOWN,),
    ),
    Scene(
        "no-pods",
        "the service is scaled to nothing",
        ("ServiceDown",),
        lambda _pod, at: Quarter() if at <= BEGIN else None,
        due=(DOWN,),
    ),
    Scene(
        "no-user-reaches-it",
        "pods run, none is ready, and only the platform's probes reach them",
        ("ServiceDown",),
        _after(Quarter(succeed=0)),
        due=(DOWN,),
    ),
    Scene(
        "probes-ask-for-what-is-not-there",
        "a release asks for readiness at a path that is not there: no pod is ready, probes are answered 404",
        ("ServiceDown",),
        _after(Quarter(succeed=0, unmatched=3)),
        due=(DOWN,),
    ),
    Scene(
        "no-path-is-known",
        "every request of users is answered 404, for no path is known any more",
        ("ServiceDown",),
        _after(Quarter(succeed=0, unmatched=60)),
        due=(DOWN,),
    ),
    Scene(
        "visitors-that-guess",
        "half as many requests again are for what is not there, and answered 404",
        (),
        _after(Quarter(unmatched=30)),
    ),
    Scene(
        "short-failure",
        "all requests fail for 30 s, and never again",
        (),
        _after(Quarter(succeed=0, fail=60), BEGIN + 30),
    ),
    Scene(
        "seven-percent-fail",
        "7 % of requests fail",
        ("HighErrorRate",),
        _after(Quarter(succeed=93, fail=7)),
        due=(AlertDue("HighErrorRate", 210, 300),),
    ),
    Scene(
        "failures-that-ease",
        "a fifth of the requests fails for five minutes, then 4 %",
        ("HighErrorRate",),
        lambda _pod, at: (
            Quarter()
            if at <= BEGIN
            else Quarter(succeed=80, fail=20)
            if at <= BEGIN + 300
            else Quarter(succeed=96, fail=4)
        ),
    ),
    Scene(
        "short-outage",
        "no request is answered for 90 s, as when all pods are started anew",
        (),
        _well_again(Quarter(succeed=0), 90, Quarter()),
    ),
    Scene(
        "short-failure-then-four-percent",
        "all requests fail for 30 s, and 4 % from then on",
        (),
        _well_again(Quarter(succeed=0, fail=60), 30, Quarter(succeed=96, fail=4)),
    ),
    Scene(
        "short-failure-then-a-rush",
        "all requests fail for 30 s, 4 % from then on, and users come back in a rush, with six times as many",
        (),
        _well_again(Quarter(succeed=0, fail=60), 30, Quarter(succeed=346, fail=14)),
    ),
    Scene(
        "failures-that-come-and-go",
        "in every third quarter of a minute all requests fail",
        ("HighErrorRate",),
        _in_turn(Quarter(succeed=0, fail=60), Quarter(), Quarter()),
        due=(AlertDue("HighErrorRate", 60, 180),),
    ),
    Scene(
        "failures-under-pulses",
        "four requests fail in each quarter of a minute, of 110 twice and of 20 twice in turn",
        ("HighErrorRate",),
        _in_turn(*[Quarter(succeed=106, fail=4)] * 2, *[Quarter(succeed=16, fail=4)] * 2),
        due=(AlertDue("HighErrorRate", 210, 420),),
    ),
    Scene(
        "failures-when-users-leave",
        "two thirds of the users leave, and a tenth of the others' requests fails",
        ("HighErrorRate",),
        _after(Quarter(succeed=18, fail=2)),
        due=(AlertDue("HighErrorRate", 255, 330),),
    ),
    Scene(
        "slow-crash-loop",
        "one container restarted every six minutes, with the kubelet's longest pause",
        ("PodCrashLooping",),
        lambda _pod, _at: Quarter(),
        lambda pod, at: _counted(at, (15, 375, 735, 1095)) if pod == 0 else 0,
    ),
    Scene(
        "restarts-far-apart",
        "one container restarted three times, nine minutes apart",
        (),
        lambda _pod, _at: Quarter(),
        lambda pod, at: _counted(at, (15, 570, 1125)) if pod == 0 else 0,
    ),
    Scene(
        "four-percent-fail",
        "4 % of requests fail, which is below 5 %",
        (),
        _after(Quarter(succeed=96, fail=4)),
    ),
    Scene(
        "slow",
        "every request takes 1.4 s",
        ("HighResponseTime",),
        _after(Quarter(seconds=1.4)),
        due=(AlertDue("HighResponseTime", 300, 420),),
    ),
    Scene(
        "some-slow",
        "of all requests, 8 % take 1.4 s",
        ("HighResponseTime",),
        _after(Quarter(succeed=92, rare=8, rare_seconds=1.4)),
        due=(AlertDue("HighResponseTime", 420, 600),),
    ),
    Scene(
        "past-the-baseline",
        "every request takes 0.7 s, and the baseline is 0.5 s",
        ("HighResponseTime",),
        _after(Quarter(seconds=0.7)),
        due=(AlertDue("HighResponseTime", 300, 420),),
    ),
    Scene(
        "within-the-baseline",
        "every request takes 0.4 s, which is below 0.5 s",
        (),
        _after(Quarter(seconds=0.4)),
    ),
    Scene(
        "one-slow-path",
        "one request in 240, on a path of its own, takes 3 s",
        (),
        _after(Quarter(rare=1, rare_seconds=3.0)),
    ),
)


def scraped(scene: Scene) -> tuple[ScrapedSeries, ...]:
    """The scene's series, by the application's own metrics: one pod after another, each from nothing."""
    found = Scrapes(SCRAPE_SECONDS)
    for pod in range(scene.pods):
        _begin_anew()
        target = {"job": "novel-engine", "namespace": NAMESPACE, "pod": f"novel-engine-{pod}"}
        seen = 0
        for at in range(0, SCRAPES * SCRAPE_SECONDS, SCRAPE_SECONDS):
            quarter = scene.traffic(pod, at)
            restarts = scene.restarts(pod, at)
            if restarts != seen:
                _begin_anew()
                seen = restarts
            if quarter is not None:
                _count(quarter)
                found.add(float(at), target, _exposed())
    _begin_anew()
    for at in range(0, SCRAPES * SCRAPE_SECONDS, SCRAPE_SECONDS):
        found.add(float(at), {"job": "kube-state-metrics"}, _restarts(scene, at))
    return found.series()


def _begin_anew() -> None:
    REQUESTS.clear()
    REQUEST_SECONDS.clear()


def _count(quarter: Quarter) -> None:
    for path, status, count, seconds in (
        ("/campaigns", 200, quarter.succeed, quarter.seconds),
        ("/campaigns", 500, quarter.fail, quarter.seconds),
        ("/exports", 200, quarter.rare, quarter.rare_seconds),
        ("/health", 200, 3, 0.003),
        ("unmatched", 404, quarter.unmatched, 0.003),
    ):
        for _ in range(count):
            REQUESTS.labels("GET", path, status).inc()
            REQUEST_SECONDS.labels("GET", path).observe(seconds)


def _exposed() -> list[Sample]:
    return [
        (dict(sample.labels) | {"__name__": sample.name}, "counter", sample.value)
        for family in text_string_to_metric_families(generate_latest(REGISTRY).decode())
        for sample in family.samples
        if sample.name in KEPT
    ]


def _restarts(scene: Scene, at: int) -> list[Sample]:
    return [
        (
            {
                "__name__": "kube_pod_container_status_restarts_total",
                "namespace": NAMESPACE,
                "pod": f"novel-engine-{pod}",
                "container": "novel-engine",
            },
            "counter",
            float(scene.restarts(pod, at)),
        )
        for pod in range(scene.pods)
        if scene.traffic(pod, at) is not None
    ]


def main() -> None:
    """Write every scene."""
    FOLDER.mkdir(exist_ok=True)
    for scene in SCENES:
        write_series(FOLDER / f"{scene.name}.{NAME_ENDING}", header_of(scene), scraped(scene))


def header_of(scene: Scene) -> SeriesHeader:
    """What its file begins with."""
    return SeriesHeader(
        "drill alert series 1",
        f"stated traffic, counted by Novel Engine's metrics: {scene.source}",
        SCRAPE_SECONDS,
        BEGIN if scene.fault else None,
        None,
        scene.meant,
        due=scene.due,
    )


if __name__ == "__main__":
    main()
