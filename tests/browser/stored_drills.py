"""Real drills, kept to make reports of. Flows in: folders of runs. Flows out: an archive of their drills, and
from that a run of fifty.

    python -m tests.browser.stored_drills reports/RUN ...

The first run gives facts and texts; what no report reads is left out.
"""

from __future__ import annotations

import shutil
import sys
import tarfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from msgspec.structs import replace

from drill.judge.verdict import DrillVerdict
from drill.report import write_report
from drill.run.facts import FILE, StoredDrill, read_facts, write_facts
from drill.run.stored import read_verdicts, write_verdicts

ARCHIVE = Path(__file__).with_name("stored") / "drills.tar.xz"
DRILLS = 50
"""Controls aside, which are lines within their drills."""
READ = ("recording.jsonl", "requests.jsonl", "verdict.json", "journal*.json", "load.log", "transcripts/*.txt")


@dataclass(frozen=True)
class ManyDrills:
    """A run and its page. `verdicts`: controls among them."""

    page: Path
    verdicts: list[DrillVerdict]

    @property
    def drills(self) -> list[DrillVerdict]:
        """Those that have a row."""
        return [verdict for verdict in self.verdicts if not verdict.control]


def store(runs: Sequence[Path], archive: Path) -> None:
    """Put the drills of these runs into an archive."""
    with tarfile.open(archive, "w:xz", preset=9) as file:
        for number, run in enumerate(runs):
            facts = read_facts(run)
            paths = [run / FILE] if number else [run / FILE, *(run / text.kept for text in facts.inputs)]
            for drill in facts.drills:
                paths += [path for kind in READ for path in sorted((run / drill.folder).glob(kind))]
            for path in paths:
                file.add(path, f"{number}/{path.relative_to(run)}", filter=_without_owner)


def make_fifty(folder: Path) -> ManyDrills:
    """A run of fifty drills below `folder`, with its report: the stored ones, then the same once more, with
    other names of drills, scenarios and faults."""
    with tarfile.open(ARCHIVE) as file:
        file.extractall(folder / "stored", filter="data")
    sources = sorted((folder / "stored").iterdir())
    run = folder / "run"
    shutil.copytree(sources[0] / "inputs", run / "inputs")
    stored = [(source, kept, verdict) for source in sources for kept, verdict in _drills(source)]
    drills: list[StoredDrill] = []
    verdicts: list[DrillVerdict] = []
    times: Counter[str] = Counter()
    for source, kept, verdict in cycle(stored):
        times[verdict.drill] += 1
        again = _again(verdict, times[verdict.drill])
        _copy(source / kept.folder, run / again.evidence, verdict, again)
        drills.append(replace(kept, drill=again.drill, scenario=again.scenario, folder=again.evidence))
        verdicts.append(again)
        if sum(not each.control for each in verdicts) == DRILLS:
            break
    write_facts(run, replace(read_facts(sources[0]), drills=drills))
    write_verdicts(run, verdicts)
    write_report(run, verdicts)
    return ManyDrills(run / "index.html", verdicts)


def _without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


def _drills(source: Path) -> list[tuple[StoredDrill, DrillVerdict]]:
    facts = read_facts(source)
    verdicts = {verdict.drill: verdict for verdict in read_verdicts(source, facts)}
    return [(drill, verdicts[drill.drill]) for drill in facts.drills if drill.drill in verdicts]


def _again(verdict: DrillVerdict, time: int) -> DrillVerdict:
    """The drill under another name, but for the first time."""
    if time == 1:
        return verdict
    return replace(
        verdict,
        drill=f"{verdict.drill}-{time}",
        scenario=f"{verdict.scenario} ({time})",
        faults=[replace(fault, fault=f"{fault.fault}-{time}") for fault in verdict.faults],
        evidence=f"{verdict.evidence}-{time}",
    )


def _copy(source: Path, target: Path, verdict: DrillVerdict, again: DrillVerdict) -> None:
    """Its evidence, with the faults' new names in the recording."""
    shutil.copytree(source, target)
    recording = target / "recording.jsonl"
    content = recording.read_bytes()
    for old, new in zip(verdict.faults, again.faults, strict=True):
        content = content.replace(f'"{old.fault}"'.encode(), f'"{new.fault}"'.encode())
    recording.write_bytes(content)


if __name__ == "__main__":
    store([Path(each) for each in sys.argv[1:]], ARCHIVE)
