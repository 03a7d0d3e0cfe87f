"""The health gate: the target must be well, and last, before anything is blamed on it.

A drill that begins right after another may meet what that one left: a container that the kubelet is still
ending, pods that have just started, a service that does not lead to all of them yet. One good look does not
see that. So nothing may have happened to the pods for LASTING_SECONDS; what pods and events say of the past
counts, and a target that has been quiet for long passes at the first look.
"""

from __future__ import annotations

from collections.abc import Callable

from drill import wait
from drill.cluster.access import Cluster, ClusterError, Json
from drill.cluster.health import Health, measured_pods
from drill.cluster.stirs import addresses_of, is_ready, last_stir, marks_of, under_way
from drill.conduct.scene import Scene
from drill.errors import DeadlineError, SetupError
from drill.parts.health import service_health, target_health
from drill.recording import Moment, now
from drill.recording.events import HealthGate
from drill.settings import Settings

GATE_SECONDS = 60
LASTING_SECONDS = 6.0
"""A readiness that is asked each second, may take two seconds, and is given up after two answers, is given up
by then.
"""
CUT_OFF_SECONDS = 1.0
"""Times in the API are whole seconds, cut off: something may be so much younger than they say."""
LOOK_EVERY_SECONDS = 0.3


def pass_gate(scene: Scene) -> None:
    """Wait until the target is healthy and lasts, and record it. Raises SetupError with what was last
    seen.
    """
    scene.show("health gate", "a healthy target")
    lasting = Lasting(scene.cluster, scene.settings)
    try:
        seen = wait.until(
            "a healthy target",
            lasting.look,
            lambda health: health.healthy,
            seconds=GATE_SECONDS,
            every_seconds=LOOK_EVERY_SECONDS,
        )
    except DeadlineError as error:
        scene.recorder.record(HealthGate(healthy=False, observed=str(error.last_seen)))
        raise SetupError(f"health gate: {error}") from error
    scene.recorder.record(HealthGate(healthy=True, observed=seen.observed))


class Lasting:
    """Is the target well, and has it been for `seconds` without a break? Ask `look` again and again.

    What pods say of their past is trusted, by this machine's clock, until the target is seen not to be well;
    from then on only what was seen here. Parts are asked at the first good look and after a break.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        seconds: float = LASTING_SECONDS,
        clock: Callable[[], Moment] = now,
    ) -> None:
        self._cluster, self._settings, self._seconds, self._clock = cluster, settings, seconds, clock
        self._marks: frozenset[tuple[str, str, int]] = frozenset()
        self._since = 0.0
        """Monotonic seconds from which on every look found these containers, and all well."""
        self._asked: Health | None = None
        """What the target with its parts said; None until it is well, and after a break."""
        self._broken = False

    def look(self) -> Health:
        """Look once. Healthy: ready for a drill. Else `observed` says what is not well, or not for long."""
        moment = self._clock()
        if self._asked is None:
            health = target_health(self._cluster, self._settings)
        else:
            health = service_health(self._cluster, self._settings)
        if not health.healthy:
            return self._break(health.observed)
        try:
            pods = [
                pod
                for workload in self._settings.target.workloads
                for pod in self._cluster.pods(workload.name, workload.kind)
            ]
            unsettled = under_way(pods, self._killings(), moment.wall, self._seconds) or self._astray()
        except ClusterError as error:
            return self._break(str(error))
        if unsettled:
            return self._break(unsettled)
        self._asked = self._asked or health
        return self._lasted(pods, moment, self._asked.observed)

    def _lasted(self, pods: list[Json], moment: Moment, observed: str) -> Health:
        marks = marks_of(pods)
        if marks != self._marks:
            self._broken = self._broken or bool(self._marks)
            self._marks, self._since = marks, moment.monotonic
        known = [(moment.monotonic - self._since, "as far as was seen")]
        stir = last_stir(pods)
        if stir is not None and not self._broken:
            known.append((moment.wall - stir.wall - CUT_OFF_SECONDS, stir.what))
        quiet, what = max(known)
        said = f"{observed}; well for {max(0.0, quiet):.0f} s, of {self._seconds:g} s wanted ({what})"
        return self._measured(said) if quiet >= self._seconds else Health(False, said)

    def _measured(self, observed: str) -> Health:
        """Measured again where all pods are new: without that `kubectl top`, a command of many runbooks,
        fails and the autoscaler is blind. A cluster that measures no pods, since it has no metrics API, is as
        ready.
        """
        try:
            count = measured_pods(self._cluster, self._settings.target.namespace)
        except ClusterError:
            return Health(True, observed)
        return Health(count > 0, f"{observed}; pods that the metrics API has measured: {count}")

    def _break(self, observed: str) -> Health:
        self._asked, self._marks, self._broken = None, frozenset(), True
        return Health(False, observed)

    def _killings(self) -> list[Json]:
        """The events Killing of the namespace; none where this user may not see events."""
        try:
            found = self._cluster.get(
                self._cluster.core("events"), query={"fieldSelector": "reason=Killing"}
            )["items"]
        except ClusterError:
            return []
        return [each for each in found if each.get("reason") == "Killing"]

    def _astray(self) -> str:
        """Where the service and the ready pods of the application differ, in words; empty where they do not,
        and where users' service leads to other pods than the application's.
        """
        target = self._settings.target
        led = set(self._cluster.endpoints(target.service))
        pods = self._cluster.pods(target.application.name, target.application.kind)
        ready = {pod["metadata"]["name"]: addresses_of(pod) for pod in pods if is_ready(pod)}
        if not any(addresses & led for addresses in ready.values()):
            return ""
        missed = sorted(name for name, addresses in ready.items() if not addresses & led)
        gone = sorted(led.difference(*ready.values()))
        if missed:
            return f"service {target.service} does not lead to {', '.join(missed)} yet"
        return f"service {target.service} leads to {', '.join(gone)}, where no pod is ready" if gone else ""
