"""One drill as the page shows it. Flows in: its verdict, recording and evidence. Flows out: all that the
templates say of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markupsafe import Markup

from drill.judge.verdict import DrillVerdict
from drill.recording import REQUESTS, Event, read_requests
from drill.recording.events import DataForgotten, DrillError, FaultInjected, TargetPutBack, WritesAudited
from drill.report.annotated import commands_on, line_of_source
from drill.report.chapters import ChapterPlace
from drill.report.strips import Axis, Strip, strip
from drill.report.timeline import draw, identifier
from drill.report.transcripts import Transcript, transcripts
from drill.report.units import quantity
from drill.report.words import (
    age_text,
    called_text,
    control_says,
    criterion_name,
    gain_lines,
    outcome,
    says,
)
from drill.run.facts import Facts, KeptFacts
from drill.run.manifest import VERDICT
from drill.run.outcome import as_expected

ABSENT_WRITES_SHOWN = 20
STILL_OUT = "then watched, not recovered"


@dataclass(frozen=True)
class Segment:
    """The time from one moment to the next. `share`: of the whole bar, 0 to 1."""

    name: str
    seconds: float
    share: float
    kind: str


@dataclass(frozen=True)
class LostWrite:
    identity: str
    acknowledged_seconds: float | None


@dataclass(frozen=True)
class DrillView:
    """One drill as the page shows it. `says`: its row in a few words, `outcome`: in one of a few, by which
    readers choose; `age`: of a control that an earlier run measured, empty otherwise; `strip`: its small
    picture; `called`: how long it all would have taken, had an alert called somebody, in one line; `gain`:
    what a procedure without a fault changed, a line each; `lines`: line and text of a command, and sources
    of limits, -> where the page shows that line; `controls`: shown within this drill; `controls_elsewhere`:
    shown within another."""

    anchor: str
    verdict: DrillVerdict
    as_expected: bool
    says: str
    outcome: str
    age: str
    chapter: ChapterPlace
    strip: Strip | None
    picture: Markup
    segments: list[Segment]
    transcripts: list[Transcript]
    files: list[str]
    next_steps: list[str]
    absent: list[LostWrite]
    absent_more: int
    put_back: str
    forgotten: str
    called: str
    gain: list[str]
    lines: Mapping[tuple[int, str] | str, str]
    controls: list[DrillView]
    controls_elsewhere: list[DrillView]

    @property
    def deviates(self) -> bool:
        """True for what a reader has to look at."""
        return not self.as_expected or any(not control.as_expected for control in self.controls)


@dataclass(frozen=True)
class Common:
    """What the views of all drills of a run are made with."""

    run_folder: Path
    run: Facts
    axis: Axis
    chapters: Mapping[str, ChapterPlace]
    proves: Mapping[str, Sequence[str]]
    anchors: Mapping[tuple[str, int], str]
    transcript_characters: int

    def kept(self, drill: str) -> KeptFacts | None:
        """Of which earlier run a control is, if of one."""
        return next((stored.kept for stored in self.run.drills if stored.drill == drill), None)

    def lines(self, verdict: DrillVerdict, events: Sequence[Event]) -> dict[tuple[int, str] | str, str]:
        """Where the page shows the lines of a drill's commands and limits."""
        found: dict[tuple[int, str] | str, str] = {}
        for text, command in commands_on(self.run, events):
            found[command.line, command.command] = self.anchors.get((text.name, command.line), "")
        for criterion in verdict.criteria:
            place = line_of_source(self.run, criterion.source)
            if place is not None:
                found[criterion.source] = self.anchors.get((place[0].name, place[1]), "")
        return found


def view(common: Common, verdict: DrillVerdict, events: Sequence[Event]) -> DrillView:
    """The drill, as yet without its controls."""
    run_folder, kept = common.run_folder, common.kept(verdict.drill)
    proves = common.proves.get(verdict.drill, ())
    folder = run_folder / verdict.evidence
    absent = _absent(events)
    return DrillView(
        anchor=identifier(verdict.drill),
        verdict=verdict,
        as_expected=as_expected(verdict),
        says=control_says(verdict, kept)
        if verdict.control and as_expected(verdict)
        else says(verdict, proves),
        outcome=outcome(verdict, proves),
        age=age_text(kept) if kept else "",
        chapter=common.chapters[verdict.drill],
        strip=strip(verdict, common.axis),
        picture=draw(events, read_requests(folder / REQUESTS), verdict),
        segments=_segments(verdict),
        transcripts=transcripts(folder, common.transcript_characters),
        files=_files(folder),
        next_steps=_next_steps(run_folder, common.run.place, verdict, events),
        absent=absent[:ABSENT_WRITES_SHOWN],
        absent_more=max(0, len(absent) - ABSENT_WRITES_SHOWN),
        put_back=_put_back(events) if not kept else "",
        forgotten=_forgotten(events) if not kept else "",
        called=called_text(verdict),
        gain=gain_lines(verdict),
        lines=common.lines(verdict, events),
        controls=[],
        controls_elsewhere=[],
    )


def _files(folder: Path) -> list[str]:
    """The evidence, below its folder; the verdict is made from it and there in any case."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return sorted(found | {VERDICT}) if folder.is_dir() else []


def _segments(verdict: DrillVerdict) -> list[Segment]:
    """The time to recovery, cut at the moments between; without recovery, up to the last moment watched."""
    moments = sorted(((p.seconds, p.name) for p in verdict.phases), key=lambda moment: moment[0])
    end = next((seconds for seconds, name in moments if name == "recovered"), None)
    if end is not None:
        moments = [moment for moment in moments if moment[0] <= end]
    kinds = {"procedure done": "operator", "recovered": "recovering"}
    if moments and end is None and verdict.outages and verdict.watched_seconds > moments[-1][0]:
        moments.append((verdict.watched_seconds, STILL_OUT))
    whole = moments[-1][0] - moments[0][0] if moments else 0.0
    segments = []
    for (start, _), (finish, name) in pairwise(moments):
        share = (finish - start) / whole if whole > 0 else 0.0
        segments.append(
            Segment(
                name if name == STILL_OUT else f"until {name}",
                finish - start,
                round(share, 4),
                kinds.get(name, "waiting"),
            )
        )
    return segments


def _absent(events: Sequence[Event]) -> list[LostWrite]:
    """The acknowledged writes that were not found again, each with its acknowledgement in seconds since the
    injection.
    """
    injected = next((e.monotonic for e in events if isinstance(e.data, FaultInjected)), None)
    audit = next((e.data for e in reversed(events) if isinstance(e.data, WritesAudited)), None)
    return [
        LostWrite(write.id, write.acknowledged_at - injected if injected is not None else None)
        for write in (audit.absent if audit else [])
    ]


def _put_back(events: Sequence[Event]) -> str:
    """Whether the target came back to its known state after the drill."""
    put_back = next((e.data for e in reversed(events) if isinstance(e.data, TargetPutBack)), None)
    if put_back is None:
        return "The recording does not say that the target was put back. Do: drill put-back"
    differences = "; ".join(put_back.differences)
    if not differences:
        return "After the drill the target was in its known state."
    return f"After the drill the target differed from its known state ({differences}); " + (
        "it was repaired." if put_back.repaired else "it was not repaired. Do: drill put-back"
    )


def _forgotten(events: Sequence[Event]) -> str:
    """What of earlier drills was removed before this one began; empty where drill.toml names nothing."""
    sentences = []
    for data in (each.data for each in events if isinstance(each.data, DataForgotten)):
        removed = f"rows: {quantity(data.rows, '')}, files and folders beside them: {data.beside}"
        if not data.trouble:
            sentences.append(f"What earlier drills had left in {data.part} was removed first ({removed}).")
        else:
            sentences.append(
                f"What earlier drills had left in {data.part} is not all removed ({removed}): {data.trouble}."
            )
    return " ".join(sentences)


def _next_steps(run_folder: Path, place: str, verdict: DrillVerdict, events: Sequence[Event]) -> list[str]:
    """What someone who reads of a failure does next. Empty where the procedure passed as expected. `place`:
    the run's folder, as hints name it."""
    if verdict.verdict == "pass" and as_expected(verdict):
        return []
    folder = verdict.evidence
    steps = [f"{e.data.error}: {e.data.message}" for e in events if isinstance(e.data, DrillError)]
    steps += [f"Could not be understood, and was left out: {name}" for name in verdict.unreadable]
    if verdict.verdict == "setup":
        steps.append(
            "The machine, the cluster or the target was not fit to be drilled: see what is missing with: "
            "drill doctor"
        )
    failed = next(
        (
            (n, c)
            for n, c in enumerate(verdict.commands, start=1)
            if c.hung or (c.status and not c.interrupted)
        ),
        None,
    )
    if failed is not None:
        number, command = failed
        there = (run_folder / folder / "transcripts").is_dir()
        where = f"; what it printed is in {folder}/transcripts/" if there else ""
        how = "did not end by itself" if command.hung else f"ended with status {command.status}"
        steps.append(f"Look first at command {number} (runbook line {command.line}), which {how}{where}")
    broken = [criterion_name(c) for c in verdict.criteria if c.verdict == "fail"]
    if broken and not verdict.control:
        steps.append(f"Limits broken: {', '.join(broken)}. The numbers are in the table of criteria")
    if verdict.verdict == "inconclusive":
        steps.append(
            "Inconclusive criteria say what is missing: more requests, a longer window, a calibration"
        )
    if any(fault.injected_seconds is not None and not fault.witness for fault in verdict.faults):
        steps.append(f"No witness of the fault: what the injection did is in {folder}/")
    steps.append(f"Judge the stored evidence again, without a cluster: drill judge {place}")
    return steps
