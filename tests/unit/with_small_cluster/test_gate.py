"""What a drill waits for before it begins. The clock is the test's own: no look waits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from small_cluster import NAMESPACE, SmallCluster

from drill.cluster.access import Cluster
from drill.cluster.health import Health
from drill.conduct import gate as health_gate
from drill.conduct.gate import CUT_OFF_SECONDS, LASTING_SECONDS, Lasting, pass_gate
from drill.conduct.scene import Scene
from drill.errors import SetupError
from drill.recording import Moment, Recorder, read_events
from drill.recording.events import HealthGate
from drill.settings import Settings

MEASURED = f"/apis/metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/pods"
EVENTS = f"/api/v1/namespaces/{NAMESPACE}/events"
BEGUN = 1_790_000_000.0


class Gate:
    """The gate with a clock that stands still until it is turned. Pods are of long ago at first."""

    def __init__(self, small: SmallCluster, cluster: Cluster, settings: Settings) -> None:
        self.small, self.passed = small, 0.0
        self._lasting = Lasting(cluster, settings, clock=self._clock)

    def _clock(self) -> Moment:
        return Moment(wall=BEGUN + self.passed, monotonic=500.0 + self.passed)

    def look(self, passed: float = 0.0) -> Health:
        self.passed += passed
        return self._lasting.look()

    def pod(self, name: str = "web-0") -> dict[str, Any]:
        return self.small.get("Pod", name)

    def restart(self, ago: float, name: str = "web-0") -> None:
        """Its container started anew so many seconds ago."""
        status = self.pod(name)["status"]["containerStatuses"][0]
        status["restartCount"] += 1
        status["state"] = {"running": {"startedAt": at(self.passed - ago)}}

    def kill(self, ago: float, uid: str = "uid-of-web-0", container: str = "web") -> None:
        """The kubelet began to end a container so many seconds ago."""
        began = at(self.passed - ago)
        about = {"kind": "Pod", "uid": uid, "fieldPath": f"spec.containers{{{container}}}"}
        self.small.objects[EVENTS] = {
            "killing": {
                "metadata": {"name": "killing", "creationTimestamp": began},
                "reason": "Killing",
                "message": "Container web failed liveness probe, will be restarted",
                "involvedObject": about,
                "lastTimestamp": began,
            }
        }


def at(passed: float) -> str:
    """A moment of the test's clock as the API server writes it: whole seconds, cut off."""
    return datetime.fromtimestamp(int(BEGUN + passed), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def gate(small: SmallCluster, cluster: Cluster, settings: Settings) -> Gate:
    return Gate(small, cluster, settings)


def test_a_target_that_has_been_quiet_for_long_passes_at_once(gate: Gate) -> None:
    seen = gate.look()
    assert (seen.healthy, "(pod web-1 was made)" in seen.observed) == (True, True)


def test_a_container_that_has_just_started_again_has_to_last(gate: Gate) -> None:
    gate.restart(ago=2)
    seen = gate.look()
    assert (seen.healthy, "well for 1 s, of 6 s wanted (container web of web-0" in seen.observed) == (
        False,
        True,
    )
    assert not gate.look(LASTING_SECONDS + CUT_OFF_SECONDS - 2.5).healthy
    assert gate.look(0.5).healthy


def test_a_pod_that_was_made_or_became_ready_a_moment_ago_has_to_last(gate: Gate) -> None:
    gate.pod()["metadata"]["creationTimestamp"] = at(-3)
    assert "pod web-0 was made" in gate.look().observed
    gate.pod()["status"]["conditions"][0]["lastTransitionTime"] = at(-2)
    seen = gate.look()
    assert (seen.healthy, "pod web-0 became ready" in seen.observed) == (False, True)


def test_where_clocks_differ_what_was_seen_here_is_enough(gate: Gate) -> None:
    gate.restart(ago=-3600)
    assert not gate.look().healthy
    assert not gate.look(LASTING_SECONDS - 0.5).healthy
    seen = gate.look(0.5)
    assert (seen.healthy, "(as far as was seen)" in seen.observed) == (True, True)


def test_a_restart_while_it_waits_begins_the_time_anew(gate: Gate) -> None:
    gate.restart(ago=3)
    assert not gate.look().healthy
    gate.passed = 3.0
    gate.restart(ago=2)
    assert not gate.look().healthy
    assert not gate.look(LASTING_SECONDS - 0.5).healthy
    assert gate.look(0.5).healthy


@pytest.mark.parametrize("breaks", ["not ready", "deleted", "killed", "astray"])
def test_after_a_break_only_what_is_seen_counts(gate: Gate, breaks: str) -> None:
    gate.restart(ago=3)
    assert not gate.look().healthy
    status = gate.small.get("Deployment", "web")["status"]
    if breaks == "not ready":
        status["readyReplicas"] = 1
    elif breaks == "deleted":
        gate.pod()["metadata"]["deletionTimestamp"] = at(0)
    elif breaks == "killed":
        gate.kill(ago=0)
    else:
        gate.pod()["status"]["podIP"] = "10.0.0.9"
        gate.pod()["status"]["containerStatuses"][0]["ready"] = False
    seen = gate.look(1)
    assert (seen.healthy, "well for" in seen.observed) == (False, False)
    status["readyReplicas"] = 2
    gate.pod()["metadata"].pop("deletionTimestamp", None)
    gate.pod()["status"]["containerStatuses"][0]["ready"] = True
    gate.small.objects[EVENTS] = {}
    assert "well for 0 s" in gate.look(100).observed
    assert not gate.look(LASTING_SECONDS - 0.5).healthy
    assert gate.look(0.5).healthy


def test_a_pod_in_deletion_does_not_last_however_quiet_it_is(gate: Gate) -> None:
    gate.pod()["metadata"]["deletionTimestamp"] = at(-20)
    assert gate.look().observed == "pod web-0 is being deleted"
    assert not gate.look(3 * LASTING_SECONDS).healthy


def test_a_container_that_the_kubelet_is_ending_does_not_last(gate: Gate) -> None:
    gate.pod()["spec"]["terminationGracePeriodSeconds"] = 10
    gate.kill(ago=9)
    assert gate.look().observed == "pod web-0: Container web failed liveness probe, will be restarted"
    gate.restart(ago=0)
    assert "well for 0 s" in gate.look(1).observed


@pytest.mark.parametrize(
    "about", [{"ago": 17}, {"ago": 9, "uid": "uid-of-another"}, {"ago": 9, "container": "other"}]
)
def test_an_end_of_long_ago_or_of_another_is_none(gate: Gate, about: dict[str, Any]) -> None:
    gate.pod()["spec"]["terminationGracePeriodSeconds"] = 10
    if about.get("container"):
        gate.pod()["status"]["containerStatuses"].append(
            {"name": "other", "ready": True, "state": {"running": {"startedAt": at(-8)}}}
        )
        assert "well for 7 s" in gate.look().observed
    gate.kill(**about)
    assert gate.look().healthy


def test_events_that_this_user_may_not_see_are_none(gate: Gate) -> None:
    gate.small.forbidden.add(EVENTS)
    assert gate.look().healthy


def test_a_service_that_does_not_lead_to_every_ready_pod_is_not_ready(gate: Gate) -> None:
    gate.pod()["status"]["podIP"] = "10.0.0.9"
    gate.pod()["status"]["containerStatuses"][0]["ready"] = False
    assert gate.look().observed == "service web does not lead to web-0 yet"
    gate.pod()["status"]["containerStatuses"][0]["ready"] = True
    gate.pod()["status"]["conditions"][0]["status"] = "False"
    assert gate.look().observed == "service web leads to 10.0.0.9, where no pod is ready"
    gate.pod()["status"]["conditions"][0]["status"] = "True"
    gate.pod()["status"]["podIPs"] = [{"ip": "fd00::9"}, {"ip": "10.0.0.9"}]
    assert "well for 0 s" in gate.look().observed


def test_a_service_that_leads_to_others_than_the_application_is_let_be(gate: Gate) -> None:
    for name in ("web-0", "web-1"):
        gate.pod(name)["status"]["conditions"][0]["status"] = "False"
    assert gate.look().healthy


def test_a_target_whose_pods_are_all_new_is_not_ready_until_one_is_measured(gate: Gate) -> None:
    gate.small.objects[MEASURED] = {}
    seen = gate.look()
    assert (seen.healthy, "measured: 0" in seen.observed) == (False, True)
    gate.small.objects[MEASURED] = {"web-0": {"metadata": {"name": "web-0"}, "containers": []}}
    assert gate.look().healthy


def test_a_cluster_without_a_metrics_api_is_ready(gate: Gate) -> None:
    assert MEASURED not in gate.small.objects
    assert gate.look().healthy


def test_a_target_that_is_not_well_is_not_ready_whatever_is_measured(gate: Gate) -> None:
    gate.small.objects[MEASURED] = {"web-0": {"metadata": {"name": "web-0"}, "containers": []}}
    gate.small.get("Deployment", "web")["status"]["readyReplicas"] = 0
    seen = gate.look()
    assert (seen.healthy, "measured" in seen.observed) == (False, False)


def test_the_wait_is_bounded_and_tells_what_was_last_seen(
    small: SmallCluster, cluster: Cluster, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = tmp_path / "recording.jsonl"
    recorder = Recorder(recording)
    scene = SimpleNamespace(
        cluster=cluster, settings=settings, recorder=recorder, show=lambda phase, awaiting: None
    )
    pass_gate(cast(Scene, scene))
    small.get("Pod", "web-1")["metadata"]["deletionTimestamp"] = at(0)
    monkeypatch.setattr(health_gate, "GATE_SECONDS", 0)
    with pytest.raises(SetupError, match=r"health gate: .*pod web-1 is being deleted"):
        pass_gate(cast(Scene, scene))
    recorder.close()
    gates = [event.data for event in read_events(recording) if isinstance(event.data, HealthGate)]
    assert [each.healthy for each in gates] == [True, False]
    assert "pod web-1 is being deleted" in gates[1].observed
