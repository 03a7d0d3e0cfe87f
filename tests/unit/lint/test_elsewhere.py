"""What lies beside the manifests is found, and what only looks like it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.lint.run import Options, lint_text

HERE = "-n novel-engine-production"
POD = """kubectl apply -n novel-engine-production -f - <<'EOF'
apiVersion: v1
kind: Pod
metadata: {{name: look}}
spec:
  containers: [{{name: a, image: 'novel-engine:drill', volumeMounts: [{{name: {mount}, mountPath: {path}}}]}}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: {claim}}}}}]
EOF"""
RESTART = f"kubectl rollout restart deployment/novel-engine {HERE}"
STATUS = "kubectl rollout status deployment/{name} -n novel-engine-production --timeout={seconds}"
REDIS = STATUS.format(name="redis", seconds="180s")


def found(shell: str, options: Options) -> set[str]:
    rules = ("D102", "D104", "D112", "D113", "D114", "D508", "D509", "D510")
    text = f"# Example\n\n```bash\n{shell}\n```\n"
    return {finding.rule for finding in lint_text(text, options) if finding.rule in rules}


@pytest.mark.parametrize(
    ("shell", "rules"),
    [
        ("kubectl get pods -n default", {"D112"}),
        ("kubectl get service kubernetes -n default", set()),
        ("kubectl get pods -n kube-system", set()),
        (f"kubectl get endpoints novel-engin {HERE}", {"D102"}),
        (f"kubectl get endpoints novel-engine {HERE}", set()),
        (POD.format(mount="data", path="/app/data", claim="novel-engine-data"), set()),
        (POD.format(mount="dat", path="/app/data", claim="novel-engine-data"), {"D113"}),
        (POD.format(mount="data", path="/app/dat", claim="novel-engine-data"), {"D114"}),
        (POD.format(mount="data", path="/app/data", claim="other"), {"D113"}),
        (f"kubectl exec deployment/novel-engine {HERE} -- ls /app/datas/x", {"D114"}),
        (f"kubectl exec deployment/novel-engine {HERE} -- ls /app/data/x /app/data2 /srv", set()),
        (f"{RESTART}\n{REDIS}", {"D508"}),
        (f"{RESTART}\n{REDIS}\n{STATUS.format(name='novel-engine', seconds='180s')}", set()),
        (f"{RESTART}\n{STATUS.format(name='novel-engine', seconds='4s')}", {"D510"}),
        (f"{RESTART}\n{STATUS.format(name='novel-engine', seconds='2m')}", set()),
        (STATUS.format(name="novel-engine", seconds="1s"), set()),
    ],
)  # fmt: skip
def test_beside_the_manifests(shell: str, rules: set[str], beside: Options) -> None:
    assert found(shell, beside) == rules


@pytest.mark.parametrize(
    ("labels", "link", "rules"),
    [
        ("{severity: P1}", "#all-is-out-p0", {"D909"}),
        ("{team: shop}", "runbook.md#all-is-out-p0", {"D909"}),
        ("{severity: P0}", "runbook.md#all-is-out-p0", set()),
        ("{severity: critical}", "#all-is-out-p0", set()),
        ("{severity: P1}", "#both-p0-and-p1", set()),
        ("{severity: P1}", "other.md#all-is-out-p0", set()),
        ("{severity: P1}", "https://example.org/#all-is-out-p0", set()),
    ],
)
def test_an_alert_leads_to_a_section_of_its_own_severity(labels: str, link: str, rules: set[str]) -> None:
    alert = f"- alert: Down\n  expr: up == 0\n  labels: {labels}\n  annotations: {{runbook_url: '{link}'}}\n"
    text = f"# Shop\n## All is out (P0)\n## Both (P0 and P1)\n```yaml\n{alert}```\n"
    found = lint_text(text, Options(select=("D909",)), Path("runbook.md"))
    assert {finding.rule for finding in found} == rules
