"""The runbook's `aws` commands, by a real AWS command line, answered by moto's server. Where neither can be
installed, the tests fail and say why.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from drill import present, wait
from drill.conduct.acting import Acting
from drill.conduct.book import Book
from drill.conduct.cloud import EmulatedCloud, with_cloud
from drill.conduct.scenario import Place
from drill.errors import SetupError, ToolMissingError
from drill.machine import cloud_tools
from drill.machine.cloud_tools import CloudTools, ensure_cloud_tools
from drill.operate import ProcedureResult, World
from drill.recording.events import CloudBegun, CommandFinished
from drill.runbook import Runbook, parse
from drill.settings import Cloud, load

ROOT = Path(__file__).parents[3]
CORRECTED = parse(ROOT / "runbook" / "operations-runbook.md")
AS_FIRST_WRITTEN = parse(ROOT / "runbook" / "as-first-written.md")
INFRASTRUCTURE = "Service Completely Down / Investigation Steps / # Check infrastructure health"
COSTS = "Cost Optimization / Infrastructure Optimization"
REFUSED = 255
"""awscli's own status where the service answers with an error."""
HANGING_SECONDS = 300.0
HOLDER = """
import sys
from pathlib import Path
from drill.conduct.cloud import EmulatedCloud
from drill.machine.cloud_tools import CloudTools
from drill.settings import Cloud
cloud = EmulatedCloud(Cloud(region="eu-central-1"), CloudTools(Path(sys.argv[1]), "awscli", "moto"))
print(cloud.address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def holds() -> Cloud:
    """What the reference target's file says."""
    found = load(ROOT / "drill.toml").cloud
    assert found is not None
    return found


@pytest.fixture(scope="module")
def tools() -> CloudTools:
    """Installed now, where no drill has yet."""
    return ensure_cloud_tools()


@pytest.fixture(scope="module")
def cloud(holds: Cloud, tools: CloudTools) -> Iterator[EmulatedCloud]:
    """With what the reference target's file says."""
    cloud = EmulatedCloud(holds, tools)
    yield cloud
    cloud.close()


@pytest.fixture
def ask(place: Any, cloud: EmulatedCloud) -> Callable[[str], tuple[ProcedureResult, CommandFinished]]:
    """Has the operator follow a text; what came of it, and of its last command."""

    def follow(text: str) -> tuple[ProcedureResult, CommandFinished]:
        world = with_cloud(World(kubeconfig=place.kubeconfig), cloud)
        operator = place.operator(world, longest_command_seconds=HANGING_SECONDS)
        result = operator.follow("Procedure", [place.step(text)])
        return result, place.events(CommandFinished)[-1]

    return follow


def answers(cloud: EmulatedCloud) -> bool:
    place = urlsplit(cloud.address)
    with socket.socket() as client:
        return client.connect_ex((str(place.hostname), int(str(place.port)))) == 0


def text_of(place: str, runbook: Runbook = CORRECTED) -> str:
    """Its first paragraph."""
    return runbook.step(place).text.split("\n\n")[0]


def test_the_cluster_is_described_as_the_runbook_asks(ask: Any, holds: Cloud) -> None:
    result, asked = ask(text_of(INFRASTRUCTURE))
    assert (result.status, result.missing_tools) == (0, ())
    cluster = json.loads(asked.output)["cluster"]
    assert (cluster["name"], cluster["status"]) == (holds.eks_clusters[0], "ACTIVE")
    assert f":{holds.region}:" in cluster["arn"]
    assert text_of(INFRASTRUCTURE) == text_of(INFRASTRUCTURE, AS_FIRST_WRITTEN)


def test_a_cluster_that_is_not_there_is_refused(ask: Any, holds: Cloud) -> None:
    text = text_of(INFRASTRUCTURE).replace(holds.eks_clusters[0], "of-somebody-else")
    assert "of-somebody-else" in text
    result, asked = ask(text)
    assert (result.status, asked.status) == (REFUSED, REFUSED)
    assert "ResourceNotFoundException" in asked.output
    assert "of-somebody-else" in asked.output


def test_the_costs_of_the_last_month_are_told_by_service(ask: Any, holds: Cloud) -> None:
    """moto gives them to the first who asks for costs, whatever period that is, and nothing to those who ask
    for another afterwards: so what is wrong with the period of RB-018 it does not tell."""
    result, asked = ask(text_of(COSTS))
    assert result.status == 0
    [month] = json.loads(asked.output)["ResultsByTime"]
    this = present.today().replace(day=1)
    last = (this - timedelta(days=1)).replace(day=1)
    assert month["TimePeriod"] == {"Start": last.isoformat(), "End": this.isoformat()}
    told = {group["Keys"][0]: float(group["Metrics"]["BlendedCost"]["Amount"]) for group in month["Groups"]}
    assert told == holds.costs
    result, asked = ask(text_of(COSTS, AS_FIRST_WRITTEN))
    assert (result.status, json.loads(asked.output)["ResultsByTime"]) == (0, [])


def test_a_command_that_aws_does_not_know_is_refused_before_anybody_is_asked(ask: Any) -> None:
    result, asked = ask(text_of(INFRASTRUCTURE).replace("--name", "--named"))
    assert result.status not in (0, REFUSED)
    assert "--name" in asked.output


def test_it_begins_with_a_drill_that_calls_aws_and_ends_with_it(place: Any, tools: CloudTools) -> None:
    scene: Any = SimpleNamespace(
        settings=place.settings,
        book=Book(place.settings),
        facts=SimpleNamespace(procedures=(Place(INFRASTRUCTURE, False, {}),), looks=()),
        folder=place.folder,
        recorder=place.recorder,
        show=lambda phase, awaiting: None,
    )
    acting = Acting(scene)
    acting._begin_cloud()
    assert place.events(CloudBegun) == [CloudBegun(tools.emulator, tools.client)]
    cloud = acting._cloud
    assert cloud is not None
    assert answers(cloud)
    acting.close()
    acting.close()
    assert not answers(cloud)


def test_it_ends_with_a_drill_that_is_killed(tools: CloudTools, cloud: EmulatedCloud) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tools.folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        address = urlsplit(holder.stdout.readline().strip())
        holder.send_signal(signal.SIGKILL)

    def gone() -> bool:
        with socket.socket() as client:
            return client.connect_ex((str(address.hostname), int(str(address.port)))) != 0

    wait.until("the emulator of a drill that was killed to end", gone, seconds=HANGING_SECONDS)
    assert answers(cloud), "another drill's emulator goes on"


def test_where_it_does_not_start_its_own_words_are_told(holds: Cloud, tmp_path: Path) -> None:
    server = tmp_path / "bin" / "moto_server"
    server.parent.mkdir()
    server.write_text("#!/bin/sh\necho no such module\nexit 4\n", encoding="utf-8")
    server.chmod(0o755)
    with pytest.raises(SetupError, match=r"ended with exit status 4 before it listened: no such module"):
        EmulatedCloud(holds, CloudTools(tmp_path, "awscli 1", "moto 5"))


def test_what_is_not_as_it_was_locked_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lock = tmp_path / "requirements.lock"
    lock.write_text("awscli==1.46.3 \\\n    --hash=sha256:" + "0" * 64 + "\nmoto==5.2.5\n", encoding="utf-8")
    with pytest.raises(ToolMissingError, match=r"`aws` is not in .*, and cannot be installed: could not "):
        ensure_cloud_tools(lock)
    assert not cloud_tools.cloud_tools(lock).folder.exists()
    assert not list((tmp_path / "drill" / "cloud").iterdir()), "nothing half made is left"
