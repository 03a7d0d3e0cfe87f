"""Which commands stream: only those with an explicit sign of it."""

from __future__ import annotations

import pytest

from drill.operate.streaming import streams


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get pods -n novel-engine-production --watch",
        "kubectl -n x get pods -w",
        "kubectl events --watch",
        "kubectl logs -f deployment/x",
        "kubectl logs --follow x",
        "kubectl port-forward service/novel-engine 8080:8000 -n x",
        "KUBECONFIG=y kubectl proxy",
        "tail -f file",
        "journalctl -f",
        "docker logs -f x",
        "watch kubectl get pods",
        "top",
        "ping host",
        "redis-cli MONITOR",
        "/usr/bin/kubectl get pods --watch",
        "sudo tail -F 'unbalanced",
    ],
)
def test_streams(command: str) -> None:
    assert streams(command)


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get pods",
        "kubectl get pods --watch=false",
        "kubectl apply -f file.yaml",
        "kubectl rollout status deployment/x --watch",
        "kubectl wait --for=condition=Ready pod/x",
        "kubectl exec x -- tail -f file",
        "kubectl top pods",
        "kubectl delete -f watch",
        "kubectl logs x --tail=100",
        "curl -w '%{http_code}' -f http://x",
        "grep -w x file",
        "[ -f file ]",
        "tail -5",
        "top -b -n1",
        "ping -c 3 host",
        "docker run -f x",
        "sleep 100",
        "x=1",
        "",
    ],
)
def test_does_not_stream(command: str) -> None:
    assert not streams(command)
