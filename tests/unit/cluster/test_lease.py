"""One run at a time: against a small API server that keeps a Lease as the real one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from drill import wait
from drill.cluster import lease
from drill.cluster.access import Cluster, open_cluster
from drill.cluster.lease import Holder, LeaseError, hold
from tests.unit.cluster.api_server import LeaseServer

ROOT = Path(__file__).parents[3]
US = Holder.of_this_process("first")
FOREIGN = replace(US, name="elsewhere", machine="another machine", process=1)
LONG_SECONDS = 60.0
"""Longer than any machine needs: what is waited for comes by itself."""


@pytest.fixture
def server() -> Iterator[LeaseServer]:
    server = LeaseServer()
    yield server
    server.close()


@pytest.fixture
def kubeconfig(server: LeaseServer, tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server.address}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "kind-c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@pytest.fixture
def cluster(kubeconfig: Path) -> Cluster:
    return open_cluster(kubeconfig, "kind-c", "default")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY_SECONDS", 0.3)


def test_a_second_run_is_refused_and_told_who_has_the_cluster(server: LeaseServer, cluster: Cluster) -> None:
    with hold(cluster, US, 0):
        assert server.lease is not None
        with (
            pytest.raises(LeaseError, match=rf"run first, process {os.getpid()} on ") as caught,
            hold(cluster, replace(US, name="second"), 0),
        ):
            pass
        assert caught.value.exit_status == 3
    assert server.lease is None


def before_each_look(server: LeaseServer, happens: Callable[[int], None]) -> list[int]:
    """Let something happen before each look at the lease of another, by the look's number from 1. Returns the
    numbers until now."""
    looks: list[int] = []
    honest = server.answer

    def answer(method: str, body: Any) -> tuple[int, Any]:
        theirs = server.lease is not None and server.lease["spec"]["holderIdentity"] != US.identity
        if method == "GET" and theirs:
            looks.append(len(looks) + 1)
            happens(looks[-1])
        return honest(method, body)

    server.answer = answer  # type: ignore[method-assign]
    return looks


@pytest.fixture
def stated(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of whoever waits, in place of the machine's: `seconds`."""
    stated = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(lease, "time", SimpleNamespace(monotonic=lambda: stated.seconds))
    monkeypatch.setattr(lease, "EXPIRES_SECONDS", 2)
    monkeypatch.setattr(lease, "LOOK_EVERY_SECONDS", 0.02)
    return stated


def test_a_second_run_that_waits_gets_it_when_the_first_is_done(
    server: LeaseServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LOOK_EVERY_SECONDS", 0.02)
    entered = threading.Event()

    def second() -> None:
        with hold(cluster, US, LONG_SECONDS):
            entered.set()

    thread = threading.Thread(target=second)
    looks = before_each_look(server, lambda _: None)
    with hold(cluster, replace(US, name="first to come"), 0):
        thread.start()
        wait.until("looks of the second", lambda: len(looks), lambda seen: seen > 5, seconds=LONG_SECONDS)
        assert not entered.is_set()
    assert entered.wait(LONG_SECONDS)
    thread.join()


def test_a_lease_that_is_renewed_outlasts_its_time(
    server: LeaseServer, cluster: Cluster, stated: SimpleNamespace
) -> None:
    """By far: 19 s for 2."""
    server.answer("POST", lease._lease(FOREIGN))

    def renewed(look: int) -> None:
        stated.seconds += 1.9
        assert server.lease is not None
        server.answer("PUT", server.lease)
        if look == 10:
            server.lease = None

    looks = before_each_look(server, renewed)
    with hold(cluster, US, LONG_SECONDS):
        assert looks == list(range(1, 11))


def test_a_silent_holder_elsewhere_is_waited_for_until_its_lease_expires(
    server: LeaseServer, cluster: Cluster, stated: SimpleNamespace
) -> None:
    """Seen first at the first look; 2 s later is not longer than 2 s."""
    server.answer("POST", lease._lease(FOREIGN))

    def silent(_: int) -> None:
        stated.seconds += 0.5

    looks = before_each_look(server, silent)
    with hold(cluster, US, LONG_SECONDS):
        assert looks == list(range(1, 7))


def test_a_holder_of_this_machine_that_was_killed_is_not_waited_for(
    server: LeaseServer, kubeconfig: Path
) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from drill.cluster.access import open_cluster; from drill.cluster.lease import Holder, hold\n"
        "cluster = open_cluster(Path(sys.argv[1]), 'kind-c', 'default')\n"
        "with hold(cluster, Holder.of_this_process('killed'), 0):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(kubeconfig)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    cluster = open_cluster(kubeconfig, "kind-c", "default")
    with pytest.raises(LeaseError, match=f"run killed, process {process.pid} "), hold(cluster, US, 0):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with hold(cluster, US, 0):
        assert server.lease is not None
        assert server.lease["spec"]["holderIdentity"] == US.identity


@pytest.mark.usefixtures("quick")
def test_a_run_that_lost_the_cluster_is_told_and_does_not_take_it_from_the_next(
    server: LeaseServer, cluster: Cluster
) -> None:
    with hold(cluster, US, 0) as held:
        held.check()
        assert server.lease is not None
        server.lease = lease._lease(FOREIGN, "7")
        with pytest.raises(LeaseError, match="run elsewhere"):
            wait.until("the loss", held.check, lambda _: False, seconds=LONG_SECONDS, every_seconds=0.1)
    assert server.lease is not None
    assert server.lease["spec"]["holderIdentity"] == FOREIGN.identity


@pytest.mark.usefixtures("quick")
def test_an_api_server_that_is_away_for_a_while_costs_nothing(server: LeaseServer, cluster: Cluster) -> None:
    with hold(cluster, US, 0) as held:
        server.silent = True
        wait.until("refusals", lambda: server.refused, lambda seen: seen > 2, seconds=LONG_SECONDS)
        server.silent = False
        before = server.lease and server.lease["metadata"]["resourceVersion"]
        wait.until(
            "the lease to be renewed",
            lambda: server.lease and server.lease["metadata"]["resourceVersion"],
            lambda version: version != before,
            seconds=LONG_SECONDS,
        )
        held.check()


def test_of_many_that_want_it_at_once_one_has_it(cluster: Cluster) -> None:
    inside: list[str] = []
    most: list[int] = []
    refused: list[str] = []

    def want(number: int) -> None:
        try:
            with hold(cluster, replace(US, name=f"{number}"), 0):
                inside.append(f"{number}")
                most.append(len(inside))
                wait.pause(0.5)
                inside.remove(f"{number}")
        except LeaseError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) + len(refused) == 8
