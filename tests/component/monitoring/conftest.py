"""The real Prometheus, Alertmanager and Redis out of Debian's packages, as processes on 127.0.0.1, with the
reference application, under the configuration that the manifests have. What only a cluster has (addresses of
pods, a kubelet) is told: a page in the kubelet's form is served here.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from drill import settings as drill_settings
from drill import wait
from drill.alerts.receiver import Receiver, receiving
from drill.errors import DrillError
from drill.machine.debian_package import taken_out
from drill.monitoring.dashboards import pages
from drill.monitoring.key_metrics import KeyMetric, key_metrics
from drill.monitoring.prometheus import Prometheus, at_address
from drill.runbook import parse
from tests.component.novel_engine.conftest import Engine, free_port

ROOT = Path(__file__).parents[3]
CONFIGURATION = ROOT / "novel_engine" / "monitoring"
SETTINGS = drill_settings.load(ROOT / "drill.toml")
RULES = """groups:
- name: quick
  rules:
  - alert: Unwell
    expr: sum(up{job="novel-engine"}) == 0
    for: 2s
    labels: {severity: P0}
"""
"""Rules of the test's own: the runbook's wait for minutes."""
OWN = 'id="/a",namespace="novel-engine-production",pod="novel-engine-1"'
KUBELET = f"""
container_cpu_usage_seconds_total{{container="novel-engine",{OWN}}} SECONDS
container_cpu_usage_seconds_total{{container="",id="/",namespace="",pod=""}} SECONDS
container_cpu_usage_seconds_total{{container="other",id="/b",namespace="kube-system",pod="b"}} SECONDS
container_memory_working_set_bytes{{container="novel-engine",{OWN}}} 1e8
container_memory_working_set_bytes{{container="",id="/",namespace="",pod=""}} 4e9
container_fs_usage_bytes{{device="/dev/vda",id="/"}} 25e9
container_fs_limit_bytes{{device="/dev/vda",id="/"}} 100e9
container_fs_limit_bytes{{device="shm",id="/"}} 0
container_network_receive_bytes_total{{{OWN}}} SECONDS
container_network_transmit_bytes_total{{{OWN}}} SECONDS
"""
"""What cAdvisor exposes, its names and labels; stands for a kubelet, which runs in clusters only."""


IN_ITS_OWN_FILES = [
    "unshare",
    *([] if os.geteuid() == 0 else ["--map-root-user"]),
    "--mount",
    "sh",
    "-ec",
    'mount --bind "$0/usr/share" /usr/share; exec "$@"',
]
"""Debian's Alertmanager reads its templates at an absolute path: for this one process that is the package's
own folder, and nothing of the machine changes."""


@dataclass
class Monitored:
    """The application and all that watches it."""

    engine: Engine
    prometheus: Prometheus
    receiver: Receiver
    metrics: list[KeyMetric]
    rules_file: Path
    processes: dict[str, subprocess.Popen[bytes]]

    def load_rules(self, *texts: str) -> None:
        for file in self.rules_file.parent.glob("*.yaml"):
            file.unlink()
        for number, text in enumerate(texts):
            self.rules_file.with_name(f"runbook-{number}.yaml").write_text(text)
        self.prometheus.reload()


def program(package: str, name: str) -> str:
    return str(taken_out(package) / "usr" / "bin" / name)


@contextmanager
def running(command: list[str], folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    name = Path(command[0]).name
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **environment}
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)


@contextmanager
def redis(folder: Path) -> Iterator[int]:
    """A Redis server of Debian's, with the libraries that its package needs."""
    libraries = [taken_out(each) for each in ("liblzf1", "libjemalloc2", "liblua5.1-0", "lua-cjson")]
    taken_out("redis-server")
    server = shutil.copy(program("redis-tools", "redis-check-rdb"), folder / "redis-server")
    path = os.pathsep.join(str(each / "usr" / "lib" / "x86_64-linux-gnu") for each in libraries)
    port = free_port()
    command = [str(server), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, folder, LD_LIBRARY_PATH=path):
        yield port


@contextmanager
def kubelet() -> Iterator[int]:
    """A page in the kubelet's form; its counters go on by 1 with each scrape."""
    scrapes = iter(range(1, 1_000_000))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = KUBELET.replace("SECONDS", str(next(scrapes))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def here(places: dict[str, str], folder: Path) -> dict[str, Any]:
    """The manifests' prometheus.yml with the addresses of this machine, and nothing else changed but that
    it looks every second."""
    made: dict[str, Any] = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())
    made["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    made["rule_files"] = [f"{folder}/rules/*.yaml", f"{CONFIGURATION}/watchdog.yml"]
    made["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [places["alertmanager"]]}]}]
    kept = []
    for job in made["scrape_configs"]:
        if job["job_name"] not in places:
            continue
        labels = {"node": "here"} if job["job_name"] == "cadvisor" else {"pod": "novel-engine-1"}
        for key in ("file_sd_configs", "authorization", "tls_config", "scheme"):
            job.pop(key, None)
        job["static_configs"] = [{"targets": [places[job["job_name"]]], "labels": labels}]
        kept.append(job)
    made["scrape_configs"] = kept
    return made


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    folder = tmp_path_factory.mktemp("monitoring")
    metrics = key_metrics(SETTINGS, parse(ROOT / "runbook" / "operations-runbook.md"))
    assert SETTINGS.monitoring is not None
    (folder / "rules").mkdir()
    (folder / "rules" / "runbook-0.yaml").write_text(RULES)
    (folder / "consoles").mkdir()
    for name, text in pages(SETTINGS.monitoring.dashboards, metrics).items():
        (folder / "consoles" / name).write_text(text)
    with ExitStack() as stack:
        engine = Engine(folder, stack.enter_context(redis(folder)))
        stack.callback(engine.kill)
        engine.start()
        receiver = stack.enter_context(receiving("127.0.0.1", 0, folder / "received.jsonl"))
        alertmanager, prometheus = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        places = {
            "novel-engine": f"127.0.0.1:{engine.port}",
            "cadvisor": f"127.0.0.1:{stack.enter_context(kubelet())}",
            "alertmanager": alertmanager,
            "prometheus": prometheus,
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(here(places, folder)))
        text = (CONFIGURATION / "alertmanager.yml").read_text()
        assert "http://receiver/alerts" in text
        (folder / "alertmanager.yml").write_text(
            text.replace("http://receiver/", f"http://127.0.0.1:{receiver.port}/")
        )
        managing = stack.enter_context(
            running(
                [
                    *IN_ITS_OWN_FILES,
                    str(taken_out("prometheus-alertmanager")),
                    program("prometheus-alertmanager", "prometheus-alertmanager"),
                    f"--config.file={folder}/alertmanager.yml",
                    f"--storage.path={folder}/alertmanager",
                    "--cluster.listen-address=",
                    f"--web.listen-address={alertmanager}",
                ],
                folder,
            )
        )
        watching = stack.enter_context(
            running(
                [
                    program("prometheus", "prometheus"),
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address={prometheus}",
                    f"--web.console.templates={folder}/consoles",
                    f"--web.console.libraries={folder}/consoles",
                    "--web.enable-lifecycle",
                    "--rules.alert.resend-delay=1s",
                ],
                folder,
            )
        )
        asked = at_address(f"http://{prometheus}")
        wait.until(
            "Prometheus to scrape all",
            lambda: _not_scraped(asked, sorted(places)),
            lambda seen: not seen,
            seconds=300,
        )
        yield Monitored(
            engine,
            asked,
            receiver,
            metrics,
            folder / "rules" / "runbook-0.yaml",
            {"prometheus": watching, "alertmanager": managing},
        )


def _not_scraped(prometheus: Prometheus, jobs: list[str]) -> object:
    try:
        targets = prometheus.targets()
    except DrillError as error:
        return error
    if sorted(target.job for target in targets) != jobs:
        return targets
    return [target for target in targets if not target.up]
