"""Reading a stored run: its verdicts and recordings, in the order of its drills."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from drill.judge.verdict import DrillVerdict
from drill.recording import Event, read_events
from drill.run.facts import Facts, decode_file
from drill.run.files import write_file
from drill.run.manifest import VERDICT

RECORDING = "recording.jsonl"
REQUESTS = "requests.jsonl"


def read_verdicts(folder: Path, facts: Facts) -> list[DrillVerdict]:
    """The verdicts that the run's folder holds, in the order in which the drills ended. A drill that was not judged has
    none. Raises InputError for one that cannot be read."""
    paths = [folder / drill.folder / VERDICT for drill in facts.drills]
    return [decode_file(path, DrillVerdict, "a drill's verdict") for path in paths if path.is_file()]


def read_recordings(folder: Path, verdicts: Iterable[DrillVerdict]) -> dict[str, Sequence[Event]]:
    """The events of each drill, by its name; none where a drill left no recording."""
    paths = {verdict.drill: folder / verdict.evidence / RECORDING for verdict in verdicts}
    return {drill: read_events(path) if path.is_file() else [] for drill, path in paths.items()}

def write_verdicts(folder: Path, verdicts: Iterable[DrillVerdict]) -> None:
    """Keep each verdict beside its evidence. Raises SetupError."""
    for verdict in verdicts:
        content = msgspec.json.format(msgspec.json.encode(verdict))
        write_file(folder / verdict.evidence / VERDICT, content)
