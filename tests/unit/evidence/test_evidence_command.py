"""`drill evidence` as people use it, and the quarterly that an overdue finding turns red."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from judged_runs import judged_run
from test_findings import FILE
from test_pack import PLAN

from drill.run.facts import read_facts, write_facts
from drill.run.manifest import write_manifest
from tests.unit import commands
from tests.unit.commands import DRILL, ROOT


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """The second service's folder, copied, with a scenario of the quarterly; no cluster is to be found from
    it."""
    folder = tmp_path / "service"
    ignored = shutil.ignore_patterns("__pycache__", "reports")
    shutil.copytree(ROOT / "tests" / "second_service", folder, ignore=ignored)
    feature = next((folder / "features").glob("*.feature"))
    feature.write_text(feature.read_text().replace("@P0\n", "@P0 @quarterly\n", 1))
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = features\nmarkers =\n    quarterly: so\n")
    return folder


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.python(folder, *arguments, XDG_CONFIG_HOME=str(folder.parent / "configuration"))


def evidence(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(folder, *DRILL, "evidence", *arguments)


def test_from_a_key_to_a_pack_that_holds_and_one_that_does_not(service: Path) -> None:
    made = evidence(service, "init")
    assert made.returncode == 0, made.stderr
    run = judged_run(service / "reports")
    (service / "plan.yaml").write_text(PLAN)
    assert evidence(service, "plan", "plan.yaml").stdout == "plan.yaml.seal.json\n"
    late = evidence(service, "pack", str(run), "--plan", "plan.yaml")
    assert (late.returncode, "after run one began" in late.stderr) == (3, True)
    packed = evidence(service, "pack", str(run))
    assert packed.returncode == 0, packed.stderr
    assert "FAILED: no plan was stated before the run" in packed.stdout
    pack = service / "reports" / "one.drillpack.tar"
    holds = evidence(service, "verify", str(pack))
    assert (holds.returncode, "holds; run one" in holds.stdout) == (0, True), holds.stdout
    content = pack.read_bytes()
    at = content.index(b"$ kubectl get nodes")
    pack.write_bytes(content[:at] + b"%" + content[at + 1 :])
    broken = evidence(service, "verify", str(pack))
    assert broken.returncode == 1
    assert "run/evidence/scaled/transcripts/01.txt: altered" in broken.stdout
    assert "does not hold" in broken.stdout


def test_without_a_key_it_says_how_to_make_one(service: Path) -> None:
    done = evidence(service, "pack", str(judged_run(service / "reports")))
    assert (done.returncode, "drill evidence init" in done.stderr) == (3, True)


def test_findings_are_opened_told_and_closed(service: Path) -> None:
    run = judged_run(service / "reports", "bad", failing=set(range(3700, 6700, 30)))
    opened = evidence(service, "findings", str(run))
    assert "opened F-001, due 2001-10-09" in opened.stdout
    assert "F-001 is overdue since 2001-10-09 (unassigned)" in opened.stdout
    assert opened.returncode == 1
    good = judged_run(service / "reports", "good")
    facts = read_facts(good)
    write_facts(good, msgspec.structs.replace(facts, started_wall=facts.started_wall + 86400))
    write_manifest(good)
    closed = evidence(service, "findings", str(good))
    assert (closed.returncode, closed.stdout) == (0, "closed F-001 by The scale-up brings the service back\n")
    unknown = evidence(service, "findings", str(run))
    assert unknown.returncode == 3
    assert "drill history import" in unknown.stderr


@pytest.mark.parametrize(
    ("expression", "status", "said"), [("quarterly", 1, True), ("not quarterly", 3, False)]
)
def test_an_overdue_finding_turns_the_quarterly_red_and_nothing_else(
    service: Path, expression: str, status: int, said: bool
) -> None:
    """Without a cluster either is a setup error; the quarterly is a failure before that."""
    (service / "findings.yaml").write_text(FILE)
    done = python(service, "-m", "pytest", "features", "-m", expression, "--run", "first")
    assert done.returncode == status, done.stdout
    assert ("F-001 is overdue since 2001-10-01 (A. Person)" in done.stdout) is said
    (service / "findings.yaml").write_text(FILE.replace("due: 2001", "due: 2101"))
    done = python(service, "-m", "pytest", "features", "-m", expression, "--run", "second")
    assert done.returncode == 3, done.stdout


def test_findings_that_cannot_be_read_stop_the_quarterly_with_file_and_line(service: Path) -> None:
    (service / "findings.yaml").write_text(FILE.replace("status: open", "status: done"))
    done = python(service, "-m", "pytest", "features", "-m", "quarterly", "--run", "first")
    assert done.returncode == 3
    assert "findings.yaml:10: 'done' is not right here" in done.stdout
