"""run.json: the facts of a run. Written when the run begins, after each drill, and when it ends, so that a
killed run can be judged as far as it came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from drill.errors import UsageError
from drill.recording.events import SCHEMA_VERSION
from drill.run.files import write_file
from drill.run.json_file import Place, decode_file, refused

FILE = "run.json"
Role = Literal[
    "target",
    "runbook",
    "runbook as written",
    "errata",
    "checklists",
    "attestations",
    "symptoms",
    "not drilled",
    "experiment",
    "feature",
]


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all that stands in run.json."""


class Input(Fact, frozen=True):
    """A file that the run was made with. `name`: as drill.toml or pytest names it; `kept`: its copy, below
    the run's folder; `sha256`: of the content."""

    role: Role
    name: str
    kept: str
    sha256: str


class Project(Fact, frozen=True):
    """The checkout that the run came from. `commit`: empty outside of git; `changed`: files that differed
    from it."""

    commit: str = ""
    changed: list[str] = []


class Machine(Fact, frozen=True):
    """What everything ran on, the load included."""

    cores: int = 0
    memory_bytes: int = 0
    kernel: str = ""


class Cluster(Fact, frozen=True):
    """`version`: of the API server; `target_digest`: of the target's objects and images; `images`: what its
    pods ran, workload/container -> image and digest."""

    context: str = ""
    version: str = ""
    target_digest: str = ""
    images: dict[str, str] = {}


class KeptFacts(Fact, frozen=True):
    """A control that an earlier run measured. `run`: that run's name; `taken_wall`: when, in seconds since
    the epoch; `age_seconds`: how old it was when this run began."""

    run: str
    taken_wall: float
    age_seconds: float


class StoredDrill(Fact, frozen=True):
    """One drill, in the order in which they ended. `folder`: its evidence, below the run's folder; `kept`:
    set where it is a copy of a control measured before."""

    drill: str
    scenario: str
    folder: str
    kept: KeptFacts | None = None


class Finding(Fact, frozen=True):
    """What a run found beside verdicts, which judging again cannot find again. failure: a Then-step did not
    hold; doubt: a Then-step could not be decided; trouble: not the target's fault. `scenario`: empty for the
    whole run."""

    kind: Literal["failure", "doubt", "trouble"]
    scenario: str
    what: str

    @property
    def text(self) -> str:
        """In one line."""
        return f"{self.scenario}: {self.what}" if self.scenario else self.what


class ScenarioOutcome(Fact, frozen=True):
    """How a scenario ended for pytest. `outcome`: passed, failed, inconclusive, setup, not applicable or
    kept."""

    scenario: str
    outcome: str


class Facts(Fact, frozen=True):
    """run.json. `started`: ISO 8601; `started_wall`: seconds since the epoch; `place`: the run's folder as
    the command line led to it, for hints; `exit_status`: None until the run has ended; `tools`: program or
    library -> version; `not_selected`: titles of scenarios that the command line (-m, -k) leaves out."""

    run: str
    started: str
    target: str
    place: str = ""
    started_wall: float = 0.0
    exit_status: int | None = None
    command_line: str = ""
    schema: int = SCHEMA_VERSION
    project: Project = Project()
    machine: Machine = Machine()
    cluster: Cluster = Cluster()
    tools: dict[str, str] = {}
    inputs: list[Input] = []
    drills: list[StoredDrill] = []
    scenarios: list[ScenarioOutcome] = []
    not_selected: list[str] = []
    findings: list[Finding] = []


def read_facts(folder: Path) -> Facts:
    """The facts of a stored run. Raises UsageError where `folder` is not a run's, InputError where run.json
    is not right or of another schema."""
    path = folder / FILE
    if not path.is_file():
        raise UsageError(
            f"{folder}: not the folder of a run, since it has no run.json. Name one that lies in reports/, "
            "for example reports/latest"
        )
    found = decode_file(path, Facts, "the facts of a run")
    if found.schema != SCHEMA_VERSION:
        raise refused(
            path,
            ("schema",),
            f"{SCHEMA_VERSION}: this run was recorded by another version of drill (commit "
            f"{found.project.commit or 'unknown'}); judge it with that",
        )
    for place, inside in _paths(found):
        if not _stays_inside(inside):
            raise refused(path, place, "the path of something in the run's folder, below it")
    return found


def _paths(facts: Facts) -> Iterator[tuple[Place, str]]:
    """All that is read of the run by a path in run.json."""
    for index, kept in enumerate(facts.inputs):
        yield ("inputs", index, "kept"), kept.kept
    for index, drill in enumerate(facts.drills):
        yield ("drills", index, "folder"), drill.folder


def _stays_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and "\0" not in path


def day_of(facts: Facts) -> date:
    """The day on which the run began, in UTC."""
    return datetime.fromtimestamp(facts.started_wall, UTC).date()


def write_facts(folder: Path, facts: Facts) -> None:
    """Write run.json. Raises SetupError where it cannot be written."""
    write_file(folder / FILE, msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n")
