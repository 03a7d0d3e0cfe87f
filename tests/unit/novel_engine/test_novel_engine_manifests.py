"""The manifests and the images against what the issue, the runbook and drill.toml say of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from novel_engine.app.settings import Settings
from novel_engine.backup.configuration import KINDS

ROOT = Path(__file__).parents[3]
MANIFESTS = ROOT / "novel_engine" / "manifests"
TARGET = tomllib.loads((ROOT / "drill.toml").read_text())


def load() -> dict[tuple[str, str], dict[str, Any]]:
    kustomization = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())
    assert kustomization["namespace"] == TARGET["target"]["namespace"]
    listed = [
        document
        for name in kustomization["resources"]
        for document in yaml.safe_load_all((MANIFESTS / name).read_text())
    ]
    return {(document["kind"], document["metadata"]["name"]): document for document in listed}


OBJECTS = load()
WORKLOADS = [
    OBJECTS["Deployment", "novel-engine"]["spec"]["template"],
    OBJECTS["Deployment", "redis"]["spec"]["template"],
    OBJECTS["Deployment", "edge"]["spec"]["template"],
    *(
        each["spec"]["jobTemplate"]["spec"]["template"]
        for (kind, _), each in OBJECTS.items()
        if kind == "CronJob"
    ),
]
CONTAINERS = [
    container
    for template in WORKLOADS
    for container in [*template["spec"]["containers"], *template["spec"].get("initContainers", [])]
]


def test_every_manifest_is_in_the_kustomization():
    listed = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(
        path.name for path in MANIFESTS.glob("*.yaml") if path.name != "kustomization.yaml"
    )


@pytest.mark.parametrize(
    "wanted",
    [
        ("Namespace", "novel-engine-production"),
        ("Deployment", "novel-engine"),
        ("Deployment", "redis"),
        ("Service", "novel-engine"),
        ("Service", "redis"),
        ("HorizontalPodAutoscaler", "novel-engine-hpa"),
        ("PodDisruptionBudget", "novel-engine"),
        ("PodDisruptionBudget", "redis"),
        ("NetworkPolicy", "novel-engine-network-policy"),
        ("Ingress", "novel-engine"),
        ("CronJob", "novel-engine-backup"),
        ("PersistentVolumeClaim", "novel-engine-data"),
        ("PersistentVolumeClaim", "redis-data"),
        ("PersistentVolumeClaim", "novel-engine-backups"),
    ],
)
def test_object_is_there(wanted):
    assert wanted in OBJECTS


def test_novel_engine_runs_as_the_issue_says():
    deployment = OBJECTS["Deployment", "novel-engine"]
    assert deployment["spec"]["replicas"] == 3
    assert deployment["spec"]["template"]["metadata"]["labels"] == {"app": "novel-engine"}
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "250m", "memory": "256Mi"},
        "limits": {"cpu": "500m", "memory": "512Mi"},
    }
    assert container["ports"][0]["containerPort"] == 8000
    probes = {
        container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert probes == {"/health"}
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
        "/app/data",
        "/app/logs",
        "/etc/novel-engine/accounts",
        "/tmp",
    }


def test_redis_keeps_an_append_only_file_on_its_own_volume():
    configuration = OBJECTS["ConfigMap", "redis"]["data"]["redis.conf"]
    assert "appendonly yes" in configuration
    assert "maxmemory 64mb" in configuration
    template = OBJECTS["Deployment", "redis"]["spec"]["template"]["spec"]
    assert template["volumes"][0]["persistentVolumeClaim"]["claimName"] == "redis-data"
    assert template["containers"][0]["livenessProbe"]["exec"]["command"] == ["redis-cli", "ping"]


@pytest.mark.parametrize("template", WORKLOADS, ids=lambda template: template["metadata"]["labels"]["app"])
def test_pod_is_uid_1000_without_a_token(template):
    assert template["spec"]["securityContext"]["runAsUser"] == 1000
    assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    needs_token = template["metadata"]["labels"].get("backup") == "configuration"
    assert template["spec"]["automountServiceAccountToken"] is needs_token


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container["name"])
def test_container_has_a_read_only_root_limits_and_a_local_image(container):
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["resources"]["limits"]["memory"]
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["image"] in {image["name"] for image in TARGET["target"]["images"]}


def test_autoscaler_follows_the_runbook_s_numbers():
    spec = OBJECTS["HorizontalPodAutoscaler", "novel-engine-hpa"]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 10)
    targets = {
        metric["resource"]["name"]: metric["resource"]["target"]["averageUtilization"]
        for metric in spec["metrics"]
    }
    assert targets == {"cpu": 70, "memory": 80}


SCHEDULES = {  # the runbook's: every 6 hours, daily, daily, weekly
    "novel-engine-backup": ("0 */6 * * *", ["make", "database"]),
    "novel-engine-backup-configuration": ("15 1 * * *", ["make", "configuration"]),
    "novel-engine-backup-data": ("30 1 * * *", ["make", "data"]),
    "novel-engine-backup-infrastructure": ("45 1 * * 0", ["make", "infrastructure"]),
    "novel-engine-backup-verification": ("30 2 * * *", ["verify"]),
}


def test_every_backup_of_the_runbook_has_its_job():
    assert TARGET["parts"]["backup"]["cronjob"] in SCHEDULES
    assert {name for kind, name in OBJECTS if kind == "CronJob"} == set(SCHEDULES)
    readme = (ROOT / "novel_engine" / "README.md").read_text()
    assert {f"`{name}`" for name in SCHEDULES} <= set(re.findall("`[a-z-]+`", readme))


@pytest.mark.parametrize("name", SCHEDULES)
def test_backup_runs_as_often_as_the_runbook_says_and_is_no_endpoint_of_the_service(name):
    spec = OBJECTS["CronJob", name]["spec"]
    template = spec["jobTemplate"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    schedule, arguments = SCHEDULES[name]
    assert spec["schedule"] == schedule
    assert container["command"] == ["python", "-m", "novel_engine.backup", *arguments]
    selector = OBJECTS["Service", "novel-engine"]["spec"]["selector"]
    assert not selector.items() <= template["metadata"]["labels"].items()
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in template["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert claims[mounted["/backups"]] == "novel-engine-backups"
    if arguments[-1] in ("database", "data"):
        assert claims[mounted["/app/data"]] == "novel-engine-data"
    state = [volume for volume in template["spec"]["volumes"] if volume["name"] == "state"]
    assert [each["secret"]["secretName"] for each in state] == (
        ["terraform-state"] if arguments[-1] == "infrastructure" else []
    )


def test_the_saver_of_the_configuration_may_read_just_what_it_saves():
    role = OBJECTS["Role", "novel-engine-backup-configuration"]
    assert OBJECTS["RoleBinding", role["metadata"]["name"]]["roleRef"]["name"] == role["metadata"]["name"]
    listed = {
        (group, resource)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if rule["verbs"] == ["list"]
    }
    assert listed == {
        (version.partition("/")[0] if "/" in version else "", plural) for version, _, plural in KINDS
    }
    assert [rule for rule in role["rules"] if rule["verbs"] != ["list"]] == [
        {
            "apiGroups": [""],
            "resources": ["namespaces"],
            "resourceNames": [TARGET["target"]["namespace"]],
            "verbs": ["get"],
        }
    ]


def test_every_kind_of_the_manifests_is_saved():
    saved = {kind for _, kind, _ in KINDS}
    assert {kind for kind, _ in OBJECTS} - saved == {"Namespace"}


def test_passwords_come_from_secrets_that_are_there():
    application = OBJECTS["Deployment", "novel-engine"]["spec"]["template"]["spec"]
    redis = OBJECTS["Deployment", "redis"]["spec"]["template"]["spec"]["containers"][0]
    for container, variable in ((application["containers"][0], "REDIS_PASSWORD"), (redis, "REDISCLI_AUTH")):
        (source,) = [each["valueFrom"] for each in container["env"] if each["name"] == variable]
        wanted = source["secretKeyRef"]
        assert OBJECTS["Secret", wanted["name"]]["stringData"][wanted["key"]]
    assert "admin" in OBJECTS["Secret", "novel-engine-accounts"]["stringData"]
    mounts = {mount["name"]: mount["mountPath"] for mount in application["containers"][0]["volumeMounts"]}
    assert Path(mounts["accounts"]) == Settings().accounts


@pytest.mark.parametrize("image", TARGET["target"]["images"], ids=lambda image: image["name"])
def test_image_is_built_on_the_base_that_is_given_or_on_one_that_is_built_before(image):
    lines = (ROOT / image["dockerfile"]).read_text().splitlines()
    images = TARGET["target"]["images"]
    before = [f"FROM {each['name']}" for each in images[: images.index(image)]]
    bases = [line for line in lines if line.startswith("FROM")]
    if not set(bases) <= set(before):
        assert "ARG BASE=debian:bookworm-slim" in lines
        assert all(line.startswith("FROM ${BASE}") for line in bases)
    assert "USER 1000:1000" in lines


def test_requirements_are_pinned_by_hash_and_name_no_host():
    text = (ROOT / "novel_engine" / "requirements.txt").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 10
    assert all(
        re.match(r"[a-z0-9-]+==\S+ \\\n    --hash=sha256:", entry)
        for entry in entries
        if not entry.startswith("#")
    )
    assert "://" not in text
    wanted = {
        re.match(r"[a-z-]+", line)[0]
        for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["novel-engine"]
    }
    assert wanted <= {entry.split("==")[0] for entry in entries}
