"""What is right in other people's runbooks is not a finding; what is wrong beside it is one."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from drill.errors import InputError
from drill.lint.manifests import load_manifests
from drill.lint.run import Options, lint_text

OPTIONS = Options(today=date(2026, 11, 24), without=("shellcheck", "promtool"))


def rules_in(text: str) -> set[str]:
    return {finding.rule for finding in lint_text(text, OPTIONS)}


def block(shell: str) -> str:
    return f"# T\n\n```bash\n{shell}\n```\n"


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        ("D003", "# Größe prüfen\n[so](#größe-prüfen)\n", "# Größe prüfen\n[so](#große-prüfen)\n"),
        ("D003", "# 13. 운영 기준\n[so](#13-운영-기준)\n", "# 13. 운영 기준\n[so](#13-운영)\n"),
        ("D003", '# T\nSee "[A schema][]".\n\n[A schema]: /a.html\n', '# T\nSee "A schema".\n'),
        ("D010", block("kubectl get pods -n <größe>"), block("kubectl get pods -n <")),
        ("D010", block("mysql -u<user> -p<password>"), block("mysql -u<user> -p<")),
        (
            "D108",
            block('amtool alert add --end "<such as 2023-11-03T15:59>"'),
            block('amtool alert add --end "2023-11-03T15:59"'),
        ),
        ("D110", block("echo $PS1"), block("echo $PS5")),
        ("D110", block('AA=1; BB=2; echo "$AA $BB"'), block('AA=1; echo "$AA $BB"')),
        (
            "D301",
            block("if curl -s https://a.b/livez | grep -qx ok; then echo; fi"),
            block("if curl -s https://a.b/livez | grep -q bad; then echo; fi"),
        ),
    ],
)
def test_what_is_right_is_no_finding(rule: str, right: str, wrong: str) -> None:
    assert rule not in rules_in(right)
    assert rule in rules_in(wrong)


ALIASES = "a: &a [x, {alert: A, expr: up}]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_aliases_of_aliases_are_looked_at_once() -> None:
    begin = time.process_time()
    assert "D905" in rules_in(f"# T\n\n```yaml\n{ALIASES}```\n")
    assert time.process_time() - begin < 5


DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: a, namespace: s}}
spec:
  replicas: {count}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: scaler}}
spec:
  minReplicas: {count}
  scaleTargetRef: {{kind: Deployment, name: a}}
"""
SCALED = block("kubectl exec deployment/a -n s -- ls\nkubectl scale deployment a --replicas=5 -n s")


@pytest.mark.parametrize("count", ["${COUNT}", "[1]", ".inf", "three"])
def test_a_number_of_pods_that_nobody_has_filled_in_is_one(tmp_path: Path, count: str) -> None:
    (tmp_path / "a.yaml").write_text(DEPLOYMENT.format(count=count), encoding="utf-8")
    found = lint_text(SCALED, replace(OPTIONS, manifests=load_manifests(tmp_path)))
    assert {finding.rule for finding in found} == {"D601"}


def test_a_folder_whose_name_ends_as_that_of_a_manifest_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "a.yaml" / "b.yaml").write_text(DEPLOYMENT.format(count=2), encoding="utf-8")
    manifests = load_manifests(tmp_path)
    assert (manifests.names("Deployment"), manifests.replicas("Deployment", "a")) == ({"a"}, 2)


@pytest.mark.parametrize("value", ["2024-13-45", "9" * 5000])
def test_a_value_that_yaml_cannot_make_is_refused_by_name(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.yaml").write_text(f"a: {value}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.yaml: "):
        load_manifests(tmp_path)
    applied = block(f"kubectl apply -f - <<'EOF'\na: {value}\nEOF")
    (tmp_path / "a.yaml").write_text(DEPLOYMENT.format(count=2), encoding="utf-8")
    assert lint_text(applied, replace(OPTIONS, manifests=load_manifests(tmp_path))) == []
