"""The page of a run: index.html, one file that needs nothing else.

Whatever comes from the target, transcripts above all, is escaped by the templates and stripped of control
characters here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from markupsafe import Markup

from drill.judge.verdict import DrillVerdict
from drill.recording import Event, read_requests
from drill.recording.events import Calibration, DrillError, FaultInjected, TargetPutBack, WritesAudited
from drill.report.annotated import annotate
from drill.report.coverage import cover
from drill.report.summary import exit_meaning
from drill.report.templates import render
from drill.report.timeline import draw, identifier
from drill.report.words import age_text, control_says, criterion_name, days_text, says
from drill.run.defects import Proof, proves_by_drill
from drill.run.facts import Facts, KeptFacts
from drill.run.manifest import VERDICT
from drill.run.outcome import as_expected
from drill.run.stored import REQUESTS

TRANSCRIPT_CHARACTERS = 100_000
"""Of a longer transcript the page shows the end; the whole is in the evidence."""
ABSENT_WRITES_SHOWN = 20
STILL_OUT = "then watched, not recovered"
TERMINAL_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Segment:
    """The time from one moment to the next. `share`: of the whole bar, 0 to 1."""

    name: str
    seconds: float
    share: float
    kind: str


@dataclass(frozen=True)
class Transcript:
    name: str
    text: str
    omitted: int


@dataclass(frozen=True)
class AbsentWrite:
    identity: str
    acknowledged_seconds: float | None


@dataclass(frozen=True)
class DrillView:
    """One drill as the page shows it. `says`: its row in a few words; `age`: of a control that an earlier run
    measured, empty otherwise; `controls`: shown within this drill; `controls_elsewhere`: shown within
    another."""

    anchor: str
    verdict: DrillVerdict
    as_expected: bool
    says: str
    age: str
    picture: Markup
    segments: list[Segment]
    transcripts: list[Transcript]
    files: list[str]
    next_steps: list[str]
    absent: list[AbsentWrite]
    absent_more: int
    put_back: str
    controls: list[DrillView]
    controls_elsewhere: list[DrillView]


@dataclass(frozen=True)
class CalibrationView:
    """A calibration that drills of this run rest on, and how old it was when the run began."""

    calibration: Calibration
    age: str
    drills: int


def page(
    run_folder: Path,
    run: Facts,
    verdicts: Sequence[DrillVerdict],
    proofs: Sequence[Proof],
    recordings: Mapping[str, Sequence[Event]],
) -> str:
    """The whole page as HTML. `recordings`: events by drill."""
    kept = {drill.drill: drill.kept for drill in run.drills}
    proves = proves_by_drill(proofs)
    views = [
        _view(
            run_folder,
            each,
            recordings[each.drill],
            place=run.place,
            kept=kept.get(each.drill),
            proves=proves.get(each.drill, ()),
        )
        for each in verdicts
    ]
    drills = _with_controls(
        [view for view in views if not view.verdict.control], [view for view in views if view.verdict.control]
    )
    shown = {control.anchor for drill in drills for control in drill.controls}
    lone = [view for view in views if view.verdict.control and view.anchor not in shown]
    return render(
        "index.html.j2",
        run=run,
        rows=sorted([*drills, *lone], key=_deviation_first),
        drills=drills,
        lone_controls=lone,
        exit_meaning=exit_meaning(run.exit_status),
        proofs=proofs,
        anchor=identifier,
        coverages=cover(run_folder, run, recordings),
        texts=annotate(run_folder, run, verdicts, proofs, recordings),
        calibrations=_calibrations(run, verdicts),
        criterion_name=criterion_name,
        printable=printable,
        headline=_headline(views),
    )


def printable(text: str) -> str:
    """`text` without colours and cursor movements of a terminal, its other control characters made visible,
    its lines ended by newlines.
    """
    lines = TERMINAL_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return CONTROL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", lines)


def _view(
    run_folder: Path,
    verdict: DrillVerdict,
    events: Sequence[Event],
    *,
    place: str,
    kept: KeptFacts | None,
    proves: Sequence[str],
) -> DrillView:
    folder = run_folder / verdict.evidence
    absent = _absent(events)
    return DrillView(
        anchor=identifier(verdict.drill),
        verdict=verdict,
        as_expected=as_expected(verdict),
        says=control_says(verdict, kept)
        if verdict.control and as_expected(verdict)
        else says(verdict, proves),
        age=age_text(kept) if kept else "",
        picture=draw(events, read_requests(folder / REQUESTS), verdict),
        segments=_segments(verdict),
        transcripts=[_transcript(path) for path in sorted((folder / "transcripts").glob("*.txt"))],
        files=_files(folder),
        next_steps=_next_steps(run_folder, place, verdict, events),
        absent=absent[:ABSENT_WRITES_SHOWN],
        absent_more=max(0, len(absent) - ABSENT_WRITES_SHOWN),
        put_back=_put_back(events) if not kept else "",
        controls=[],
        controls_elsewhere=[],
    )


def _files(folder: Path) -> list[str]:
    """The evidence, below its folder; the verdict is made from it and there in any case."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return sorted(found | {VERDICT}) if folder.is_dir() else []


def _with_controls(drills: Sequence[DrillView], controls: Sequence[DrillView]) -> list[DrillView]:
    """A control is shown with the first drill of its faults; the others of those lead to it."""
    shown: set[str] = set()
    complete = []
    for drill in drills:
        mine = [control for control in controls if control.verdict.fault == drill.verdict.fault]
        first = [control for control in mine if control.anchor not in shown]
        shown |= {control.anchor for control in first}
        complete.append(
            replace(
                drill,
                controls=first,
                controls_elsewhere=[control for control in mine if control not in first],
            )
        )
    return complete


def _deviation_first(view: DrillView) -> bool:
    """False, which sorts first, for what a reader has to look at."""
    return view.as_expected and all(control.as_expected for control in view.controls)


def _headline(views: Sequence[DrillView]) -> str:
    if not views:
        return "No drill was run."
    drills = [view for view in views if not view.verdict.control]
    controls = len(views) - len(drills)
    number = _counted(len(drills), "drill") + (f" and {_counted(controls, 'control')}" if controls else "")
    surprising = sum(1 for view in views if not view.as_expected)
    return f"{number}, " + (
        f"{surprising} not as expected." if surprising else "each with the verdict that was expected."
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _calibrations(run: Facts, verdicts: Sequence[DrillVerdict]) -> list[CalibrationView]:
    """Each calibration once, in the order in which drills rest on them."""
    drills = [verdict.calibration for verdict in verdicts if verdict.calibration is not None]
    return [
        CalibrationView(
            each, days_text(max(0.0, run.started_wall - each.taken_wall)), sum(c == each for c in drills)
        )
        for number, each in enumerate(drills)
        if each not in drills[:number]
    ]


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


def _transcript(path: Path) -> Transcript:
    text = path.read_bytes().decode("utf-8", errors="replace")
    return Transcript(
        path.name, printable(text[-TRANSCRIPT_CHARACTERS:]), max(0, len(text) - TRANSCRIPT_CHARACTERS)
    )


def _absent(events: Sequence[Event]) -> list[AbsentWrite]:
    """The acknowledged writes that were not found again, each with its acknowledgement in seconds since the
    injection.
    """
    injected = next((e.monotonic for e in events if isinstance(e.data, FaultInjected)), None)
    audit = next((e.data for e in reversed(events) if isinstance(e.data, WritesAudited)), None)
    return [
        AbsentWrite(write.id, write.acknowledged_at - injected if injected is not None else None)
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
