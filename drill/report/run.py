"""A run as reports read it. Flows in: the folder reports/<run>/. Flows out: the run's own facts, its
verdicts, its recordings.

run.json                       run, started, target, exit_status, command_line
evidence/<drill>/verdict.json  what the judge said
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from drill.errors import InputError, UsageError
from drill.judge.verdict import DrillVerdict
from drill.recording import Event, read_events

LATEST = "latest"
Decoded = TypeVar("Decoded")


class Run(msgspec.Struct, frozen=True):
    """The facts of a run. `started`: as ISO 8601; `target`: its name; `exit_status`: None while it is not
    known.
    """

    run: str
    started: str
    target: str
    exit_status: int | None = None
    command_line: str = ""


def read_run(folder: Path) -> Run:
    """The facts of the run. Raises UsageError where `folder` is not a run's, InputError where run.json is not
    right.
    """
    path = folder / "run.json"
    if not path.exists():
        raise UsageError(
            f"{folder}: not the folder of a run, since it has no run.json. Name one that lies in reports/, "
            "for example reports/latest"
        )
    return _decode(path, Run, "run, started and target as text, exit_status as a number")


def read_verdicts(folder: Path) -> list[DrillVerdict]:
    """The verdicts kept in the run's folder, in order of their drills' names. A drill that was not judged has
    none.
    """
    return [
        _decode(path, DrillVerdict, "a drill's verdict")
        for path in sorted(folder.glob("evidence/*/verdict.json"))
    ]


def as_expected(verdict: DrillVerdict) -> bool:
    """True where the procedure did what the scenario states. What is expected may carry its reason after a
    colon. A drill that does not apply to the target was expected to do nothing."""
    return verdict.verdict in ("not applicable", verdict.expected.partition(":")[0].strip())


def evidence_folder(run_folder: Path, verdict: DrillVerdict) -> Path:
    """Where the drill's evidence is: below the run's folder, also when that has been moved since it was
    judged.
    """
    inside = run_folder / "evidence" / verdict.drill
    return inside if inside.is_dir() else Path(verdict.evidence)


def read_recordings(run_folder: Path, verdicts: Sequence[DrillVerdict]) -> dict[str, list[Event]]:
    """The events of each drill, by its name; none where a drill left no recording."""
    paths = {verdict.drill: evidence_folder(run_folder, verdict) / "recording.jsonl" for verdict in verdicts}
    return {drill: read_events(path) if path.exists() else [] for drill, path in paths.items()}


def point_latest(run_folder: Path) -> Path:
    """Make `latest`, beside the run's folder, lead to it, in one step: a reader finds the old run or the new
    one, never none.

    Raises UsageError where something that is not a link is called so."""
    link = run_folder.parent / LATEST
    if link.exists() and not link.is_symlink():
        raise UsageError(
            f"{link}: expected a link to the last run, found a file or folder of that name. Move it away"
        )
    fresh = run_folder.parent / f".{LATEST}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(run_folder.name, target_is_directory=True)
    fresh.replace(link)
    return link


def _decode(path: Path, kind: type[Decoded], expected: str) -> Decoded:
    content = path.read_bytes()
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise InputError(
            path, None, content[:80].decode(errors="replace"), f"{expected} ({error})"
        ) from error
