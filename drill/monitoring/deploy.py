"""Monitoring in the cluster, and the runbook's rules in it. Flows in: settings, a cluster that is ours. Flows
out: a Prometheus that answers and has loaded these rules; or nothing of it any more.
"""

from __future__ import annotations

import json
from hashlib import sha256

from drill import wait
from drill.alerts.rules import AlertRules
from drill.cluster.access import AbsentError, Cluster, ClusterError
from drill.errors import DeadlineError, SetupError, UsageError
from drill.machine import kube_state_metrics
from drill.machine.kind import control_plane_of, name_of
from drill.machine.stage import output, say, stage
from drill.machine.target import build_images, digest_of, load_named_images
from drill.monitoring.dashboards import pages
from drill.monitoring.key_metrics import KeyMetric
from drill.monitoring.prometheus import LoadedRule, Prometheus, PrometheusError, in_cluster
from drill.settings import Monitoring, Settings

HELD = "/kind/drill-monitoring-images"
RULES, DASHBOARDS, RECEIVER = "runbook-rules", "dashboards", "receiver"
RULE_FOLDER = "/etc/runbook-rules"
READY_SECONDS = 120
Object = dict[str, object]


def monitoring_of(settings: Settings) -> Monitoring:
    """What drill.toml says of it. Raises UsageError where it says nothing, or the cluster is not one that
    drill makes."""
    name_of(settings)
    if settings.monitoring is None:
        raise UsageError(
            f"{settings.file}: there is no [monitoring]; docs/adopting.md says what stands there"
        )
    return settings.monitoring


def bring_up(settings: Settings, cluster: Cluster, rules: AlertRules, metrics: list[KeyMetric]) -> None:
    """Images, manifests, the runbook's rules and dashboards; then wait until Prometheus has loaded them."""
    monitoring = monitoring_of(settings)
    manifests = settings.root / monitoring.manifests
    rendered = cluster.kubectl("kustomize", str(manifests)).decode()
    digests = {image.name: digest_of(settings, image) for image in monitoring.images}
    build_images(settings, monitoring.images)
    if kube_state_metrics.IMAGE in rendered:
        kube_state_metrics.ensure_image()
        digests[kube_state_metrics.IMAGE] = kube_state_metrics.digest()
    changed = load_named_images(digests, [control_plane_of(name_of(settings))], HELD)
    with stage(f"applying {monitoring.manifests}"):
        was_up = is_up(settings, cluster)
        ours = objects_of(monitoring, rules, metrics, gateway_of(settings))
        _apply(cluster, ours)
        cluster.kubectl("apply", "-k", str(manifests))
        if changed and was_up:  # the name of a changed image stays the same
            cluster.kubectl("rollout", "restart", "deployment", "-n", monitoring.namespace)
    with stage(f"waiting until all deployments of {monitoring.namespace} are ready"):
        _wait_until_ready(cluster, monitoring)
    prometheus = in_cluster(settings, cluster)
    with stage(f"loading the rules of {rules.path.name}"):
        _wait_until_loaded(cluster, monitoring, prometheus, rules)


def is_up(settings: Settings, cluster: Cluster) -> bool:
    """Whether monitoring was brought up in this cluster; whether it answers is another question."""
    monitoring = settings.monitoring
    if monitoring is None:
        return False
    try:
        cluster.get(f"/api/v1/namespaces/{monitoring.namespace}/services/{monitoring.service}")
    except AbsentError:
        return False
    return True


def take_down(settings: Settings, cluster: Cluster) -> None:
    """Remove all of it from the cluster; the images stay until `drill down`."""
    monitoring = monitoring_of(settings)
    with stage(f"removing {monitoring.manifests} and the namespace {monitoring.namespace}"):
        cluster.kubectl(
            "delete",
            "--ignore-not-found",
            "--timeout=100s",
            "-k",
            str(settings.root / monitoring.manifests),
            seconds=READY_SECONDS,
        )


def gateway_of(settings: Settings) -> str:
    """The address by which the cluster's nodes reach this machine. Raises SetupError where there is none."""
    node = control_plane_of(name_of(settings))
    form = "{{range .NetworkSettings.Networks}}{{.Gateway}} {{end}}"
    found = output(["docker", "inspect", "--format", form, node], why="ask how a node reaches this machine")
    if not found.split():
        raise SetupError(f"{node}: its network has no gateway, so it cannot reach this machine")
    return found.split()[0]


def rules_object(monitoring: Monitoring, rules: AlertRules) -> Object:
    """The ConfigMap with the runbook's rules, each fence a file, byte for byte."""
    files = {f"runbook-{number}.yaml": text for number, text in enumerate(rules.files())}
    return _config_map(monitoring, RULES, files)


def objects_of(
    monitoring: Monitoring, rules: AlertRules, metrics: list[KeyMetric], receiver: str
) -> list[Object]:
    """What drill makes itself: the namespace first, rules, dashboards, and the way to the receiver at that
    address of this machine."""
    name = monitoring.namespace
    place = {"name": RECEIVER, "namespace": name}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        rules_object(monitoring, rules),
        _config_map(monitoring, DASHBOARDS, pages(monitoring.dashboards, metrics)),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": place,
            "spec": {"ports": [{"name": "http", "port": 80, "targetPort": monitoring.receiver_port}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**place, "labels": {"kubernetes.io/service-name": RECEIVER}},
            "addressType": "IPv4",
            "ports": [{"name": "http", "protocol": "TCP", "port": monitoring.receiver_port}],
            "endpoints": [{"addresses": [receiver], "conditions": {"ready": True}}],
        },
    ]


def _config_map(monitoring: Monitoring, name: str, files: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": monitoring.namespace},
        "data": files,
    }


def _apply(cluster: Cluster, objects: list[Object]) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(listed).encode())


def _wait_until_ready(cluster: Cluster, monitoring: Monitoring) -> None:
    path = f"/apis/apps/v1/namespaces/{monitoring.namespace}/deployments"

    def waiting_for() -> str:
        return ", ".join(
            each["metadata"]["name"]
            for each in cluster.get(path)["items"]
            if each["status"].get("observedGeneration", 0) < each["metadata"]["generation"]
            or each["status"].get("updatedReplicas", 0) < each["spec"]["replicas"]
            or each["status"].get("availableReplicas", 0) < each["spec"]["replicas"]
            or each["status"].get("replicas", 0) > each["spec"]["replicas"]
        )

    try:
        wait.until("all deployments to be ready", waiting_for, lambda seen: not seen, seconds=READY_SECONDS)
    except DeadlineError as error:
        pods = cluster.kubectl("get", "pods", "-n", monitoring.namespace).decode()
        raise SetupError(f"{error}\n{pods}") from error


def difference(loaded: list[LoadedRule], rules: AlertRules) -> str:
    """How the runbook's rules that Prometheus has differ from these, by their names in order and how long
    each waits; "" where they do not. Prometheus writes expressions anew: those are compared as files."""
    has = [(each.name, each.seconds) for each in loaded if each.file.startswith(RULE_FOLDER)]
    wanted = [(each.name, each.waits_seconds) for each in rules.rules]
    if has == wanted:
        return ""
    return f"Prometheus has {_shown(has)}; the runbook {_shown(wanted)}"


def _shown(rules: list[tuple[str, float]]) -> str:
    return ", ".join(f"{name} (for {seconds:g} s)" for name, seconds in rules) or "no rules"


def _wait_until_loaded(
    cluster: Cluster, monitoring: Monitoring, prometheus: Prometheus, rules: AlertRules
) -> None:
    """A changed ConfigMap reaches its pods when the kubelet looks at them, which it does at once where
    something about the pod has changed."""
    files = rules.files()
    digest = sha256("".join(files).encode()).hexdigest()[:16]
    pods = f"/api/v1/namespaces/{monitoring.namespace}/pods"
    service = cluster.get(f"/api/v1/namespaces/{monitoring.namespace}/services/{monitoring.service}")
    labels = ",".join(f"{key}={value}" for key, value in sorted(service["spec"]["selector"].items()))
    selector = {"labelSelector": labels}
    names = [each["metadata"]["name"] for each in cluster.get(pods, query=selector)["items"]]
    for name in names:
        cluster.patch(f"{pods}/{name}", {"metadata": {"annotations": {"drill/rules": digest}}})

    def in_the_pod() -> list[str]:
        return [
            cluster.kubectl(
                "exec",
                "-n",
                monitoring.namespace,
                name,
                "-c",
                monitoring.service,
                "--",
                "cat",
                f"{RULE_FOLDER}/runbook-{number}.yaml",
            ).decode()
            for name in names
            for number in range(len(files))
        ]

    def look() -> str:
        try:
            if in_the_pod() != files * len(names):
                return "the pod has other files"
            prometheus.reload()
            return difference(prometheus.rules(), rules)
        except (ClusterError, PrometheusError) as error:
            return str(error)

    try:
        wait.until(
            "Prometheus to load the rules",
            look,
            lambda seen: not seen,
            seconds=READY_SECONDS,
            every_seconds=2,
        )
    except DeadlineError as error:
        raise SetupError(
            f"{error}; `kubectl logs -n {monitoring.namespace} deployment/{monitoring.service}` may say why"
        ) from error
    say(f"    {len(rules.rules)} alerts: {', '.join(rule.name for rule in rules.rules)}")
