"""What keeps a cluster from being made is told in one clear message, and the exit status is 3. Real sockets,
file systems and containers.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drill.errors import SetupError, filling_disk

ROOT = Path(__file__).resolve().parents[3]
PYTHON = sys.executable
NAME = "drill-test-foreign"
IMAGE = "debian:bookworm-slim"


def _drill(
    *arguments: str, prefix: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, PYTHON, "-c", "from drill.start import main; main()", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


PORTS = "ports = { 18080 = 30080, 18443 = 30443, 18081 = 30081 }"


def _target(folder: Path, *, context: str = "kind-drill", port: int = 18080) -> str:
    text = (ROOT / "drill.toml").read_text(encoding="utf-8")
    assert text.count('context = "kind-drill"') == text.count(PORTS) == 1
    text = text.replace('context = "kind-drill"', f'context = "{context}"').replace(
        PORTS, f"ports = {{ {port} = 30080 }}"
    )
    text = text.replace("http://127.0.0.1:18080", f"http://127.0.0.1:{port}")
    for name in ("runbook", "novel_engine"):
        (folder / name).symlink_to(ROOT / name)
    file = folder / "drill.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def _one_message(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 3, done.stderr
    messages = [line for line in done.stderr.splitlines() if line.startswith("drill: ")]
    assert len(messages) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in messages[0], messages[0]


def test_neither_root_nor_docker(tmp_path: Path) -> None:
    # in a user namespace of its own the process is not root, whoever runs this test
    done = _drill(
        "up", prefix=("unshare", "--user"), DOCKER_HOST="unix:///nowhere.sock", XDG_CACHE_HOME=str(tmp_path)
    )
    _one_message(done, "no Docker engine answers", "root")


def test_full_disk(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], check=True)
    try:
        done = _drill("up", XDG_CACHE_HOME=str(tmp_path))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    _one_message(done, str(tmp_path), "GiB", "make room")


def test_port_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _drill("--target", _target(tmp_path, context="kind-drill-test-port", port=port), "up")
    _one_message(done, f"port {port} on 127.0.0.1 is taken", "cluster.ports")


def test_port_taken_by_another_cluster(tmp_path: Path) -> None:
    name = f"drill-test-port-{os.getpid()}"
    label = f"io.x-k8s.kind.cluster={name}"
    options = f"--detach --name {name} --label {label} --publish 127.0.0.1::80"
    subprocess.run(
        f"docker run {options} {IMAGE} sleep 600".split(),
        check=True,
        capture_output=True,
    )
    try:
        published = subprocess.run(["docker", "port", name, "80"], check=True, capture_output=True, text=True)
        port = int(published.stdout.rpartition(":")[2])
        done = _drill("--target", _target(tmp_path, context="kind-drill-test-port", port=port), "up")
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)
    _one_message(done, f"port {port} on 127.0.0.1 is taken (by the kind cluster '{name}')", "cluster.ports")


def test_what_one_cluster_needs_stays_when_another_is_removed(tmp_path: Path) -> None:
    other = tmp_path / "cache" / "drill" / "clusters" / "kind-other"
    other.mkdir(parents=True)
    (other / "nodes").write_text("an id\n", encoding="utf-8")
    (other / "kubeconfig").write_text("the other's", encoding="utf-8")
    own = other.with_name("kind-drill-test-gone")
    own.mkdir()
    (own / "kubeconfig").write_text("ours", encoding="utf-8")
    done = _drill(
        "--target",
        _target(tmp_path, context="kind-drill-test-gone"),
        "down",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    assert done.returncode == 0, done.stderr
    assert "kind-other is here too" in done.stderr
    assert (other / "kubeconfig").read_text(encoding="utf-8") == "the other's"
    assert not own.exists()


def test_a_disk_that_fills_up_is_told_with_the_file(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], check=True)
    try:
        with (
            pytest.raises(SetupError, match=r"cannot keep it there: the disk is full; make room"),
            filling_disk("keep it there"),
        ):
            (tmp_path / "file").write_bytes(b"x" * (1 << 17))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.fixture
def foreign_cluster() -> Iterator[str]:
    """A container called as a kind node, which drill did not make."""
    node = f"{NAME}-control-plane"
    subprocess.run(
        ["docker", "create", "--name", node, "debian:bookworm-slim", "true"], check=True, capture_output=True
    )
    yield node
    subprocess.run(["docker", "rm", "--force", node], check=True, capture_output=True)


@pytest.mark.parametrize("command", ["up", "down"])
def test_cluster_of_that_name_made_by_someone_else(
    tmp_path: Path, foreign_cluster: str, command: str
) -> None:
    done = _drill(
        "--target", _target(tmp_path, context=f"kind-{NAME}"), command, XDG_CACHE_HOME=str(tmp_path / "cache")
    )
    _one_message(done, NAME, "drill did not make it")
    still_there = subprocess.run(["docker", "inspect", foreign_cluster], capture_output=True, check=False)
    assert still_there.returncode == 0
