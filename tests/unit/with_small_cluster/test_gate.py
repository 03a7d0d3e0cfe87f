"""What a drill waits for before it begins."""

from __future__ import annotations

from small_cluster import NAMESPACE, SmallCluster

from drill.cluster.access import Cluster
from drill.conduct.gate import ready_for_a_drill
from drill.settings import Settings

MEASURED = f"/apis/metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/pods"


def test_a_target_whose_pods_are_all_new_is_not_ready_until_one_is_measured(
    small: SmallCluster, cluster: Cluster, settings: Settings
) -> None:
    small.objects[MEASURED] = {}
    seen = ready_for_a_drill(cluster, settings)
    assert (seen.healthy, "measured: 0" in seen.observed) == (False, True)
    small.objects[MEASURED] = {"web-0": {"metadata": {"name": "web-0"}, "containers": []}}
    assert ready_for_a_drill(cluster, settings).healthy


def test_a_cluster_without_a_metrics_api_is_ready(
    small: SmallCluster, cluster: Cluster, settings: Settings
) -> None:
    assert MEASURED not in small.objects
    assert ready_for_a_drill(cluster, settings).healthy


def test_a_target_that_is_not_well_is_not_ready_whatever_is_measured(
    small: SmallCluster, cluster: Cluster, settings: Settings
) -> None:
    small.objects[MEASURED] = {"web-0": {"metadata": {"name": "web-0"}, "containers": []}}
    small.get("Deployment", "web")["status"]["readyReplicas"] = 0
    seen = ready_for_a_drill(cluster, settings)
    assert (seen.healthy, "measured" in seen.observed) == (False, False)
