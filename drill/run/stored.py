"""Reading a stored run: its verdicts and recordings, in the order of its drills."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from drill.judge.credit import with_credits
from drill.judge.judge import judge
from drill.judge.verdict import DrillVerdict
from drill.recording import RECORDING, Event, decode_event
from drill.run.facts import Facts
from drill.run.files import write_file
from drill.run.json_file import decode_file
from drill.run.manifest import VERDICT


def read_verdicts(folder: Path, facts: Facts) -> list[DrillVerdict]:
    """The verdicts that the run's folder holds, in the order in which the drills ended. A drill that was not
    judged has none. Raises InputError for one that cannot be read."""
    paths = [folder / drill.folder / VERDICT for drill in facts.drills]
    return [decode_file(path, DrillVerdict, "a drill's verdict") for path in paths if path.is_file()]


def judge_all(folder: Path, facts: Facts) -> list[DrillVerdict]:
    """The verdicts made again from the recordings of a run, in order, with their credits. Raises InputError
    for a record that cannot be read."""
    verdicts = [
        replace(judge(folder / drill.folder), drill=drill.drill, evidence=drill.folder)
        for drill in facts.drills
        if (folder / drill.folder).is_dir()
    ]
    return list(with_credits(verdicts))


def read_recordings(folder: Path, verdicts: Iterable[DrillVerdict]) -> dict[str, Sequence[Event]]:
    """The events of each drill, by its name; none where a drill left no recording. What cannot be read is
    left out: the verdict names it."""
    return {verdict.drill: _events(folder / verdict.evidence / RECORDING) for verdict in verdicts}


def write_verdicts(folder: Path, verdicts: Iterable[DrillVerdict]) -> None:
    """Keep each verdict beside its evidence. Raises SetupError."""
    for verdict in verdicts:
        content = msgspec.json.format(msgspec.json.encode(verdict))
        write_file(folder / verdict.evidence / VERDICT, content)


def _events(path: Path) -> list[Event]:
    found = []
    for line in path.read_bytes().split(b"\n") if path.is_file() else ():
        try:
            found.append(decode_event(line))
        except (msgspec.DecodeError, ValueError):
            continue
    return found
