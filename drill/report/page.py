"""The page of a run: index.html, one file that needs nothing else.

Whatever comes from the target, transcripts above all, is escaped by the templates and stripped of control
characters here.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from markupsafe import Markup

from drill.judge.verdict import DrillVerdict
from drill.recording import Event
from drill.recording.events import Calibration, ProcedureStarted
from drill.report.annotated import AnnotatedRunbook, Told, annotate
from drill.report.calls import calls
from drill.report.chapters import Contents, chapters, sections
from drill.report.coverage import cover
from drill.report.marks import MARKS
from drill.report.matrix import matrix, with_apart
from drill.report.needed import needed_view
from drill.report.strips import common_axis
from drill.report.summary import exit_meaning
from drill.report.templates import render
from drill.report.timeline import identifier
from drill.report.transcripts import printable, room_for_each
from drill.report.view import Common, DrillView, view
from drill.report.words import criterion_name, days_text
from drill.run.apart import needed_commands_of, symptom_shares_of, wrong_sections_of
from drill.run.defects import Proof, proves_by_drill
from drill.run.facts import Facts
from drill.run.outcome import as_expected

MOST_UNFOLDED = 3
"""Of what deviates: where more does, one sees all of it first."""


@dataclass(frozen=True)
class DrillGroup:
    """Rows under one heading. `anchor`: where the page shows that heading in the runbook, if it does."""

    title: str
    anchor: str
    drills: list[DrillView]


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
    *,
    told: Sequence[Told] = (),
) -> str:
    """The whole page as HTML. `recordings`: events by drill; `told`: what others say of the runbook's
    lines."""
    texts = annotate(run_folder, run, verdicts, proofs, recordings, told=told)
    anchors = _line_anchors(texts)
    contents = Contents(run_folder, run)
    axis = common_axis(verdicts)
    common = Common(
        run_folder,
        run,
        axis,
        chapters(contents, verdicts, recordings),
        proves_by_drill(proofs),
        anchors,
        room_for_each([run_folder / verdict.evidence for verdict in verdicts]),
    )
    views = [view(common, each, recordings[each.drill]) for each in verdicts]
    drills = _with_controls(
        [view for view in views if not view.verdict.control], [view for view in views if view.verdict.control]
    )
    shown = {control.anchor for drill in drills for control in drill.controls}
    lone = [view for view in views if view.verdict.control and view.anchor not in shown]
    groups = _groups([*drills, *lone], anchors, texts[-1].name if texts else "")
    script = render("page.js")
    return render(
        "index.html.j2",
        run=run,
        groups=groups,
        rows=[drill for group in groups for drill in group.drills],
        faults=sorted({fault.fault for verdict in verdicts for fault in verdict.faults}),
        axis=axis,
        script=Markup(script),  # our own text, named by its digest in the page's policy
        script_digest=b64encode(sha256(script.encode()).digest()).decode(),
        exit_meaning=exit_meaning(run.exit_status),
        proofs=proofs,
        anchor=identifier,
        coverages=cover(run_folder, run, recordings),
        texts=texts,
        marks=MARKS,
        few_deviate=sum(drill.deviates for drill in drills) <= MOST_UNFOLDED,
        as_stated={verdict.drill for verdict in verdicts if as_expected(verdict)},
        matrix=with_apart(
            matrix(
                verdicts,
                {drill: sections(contents, events) for drill, events in recordings.items()},
                _as_written(recordings),
            ),
            wrong_sections_of(run_folder),
            contents.place,
            run.started_wall,
        ),
        needed=needed_view(needed_commands_of(run_folder), run.started_wall),
        symptoms=symptom_shares_of(run_folder),
        line_anchor=lambda line: anchors.get((texts[-1].name, line), "") if texts else "",
        calls=calls(verdicts, recordings, _as_written(recordings)),
        calibrations=_calibrations(run, verdicts),
        criterion_name=criterion_name,
        printable=printable,
        headline=_headline(views),
    )


def _line_anchors(texts: Sequence[AnnotatedRunbook]) -> dict[tuple[str, int], str]:
    """Name of a text and line -> the id of that line on the page, where it has one."""
    return {
        (text.name, line.number): f"text-{number}-line-{line.number}"
        for number, text in enumerate(texts, start=1)
        for line in text.lines
        if line.marked or line.heading
    }


def _groups(rows: Sequence[DrillView], anchors: Mapping[tuple[str, int], str], text: str) -> list[DrillGroup]:
    """What deviates, what failed before what is open, then the chapters in the order of the runbook; `text`:
    the name of the one that gives the order."""
    open_last = {"inconclusive": 1, "setup": 2}
    deviating = sorted(
        (row for row in rows if row.deviates), key=lambda row: open_last.get(row.verdict.verdict, 0)
    )
    others = [row for row in rows if not row.deviates]
    found = [DrillGroup("Not as expected", "", deviating)] if deviating else []
    for chapter in sorted(dict.fromkeys(row.chapter for row in others), key=lambda place: place.order):
        drills = [row for row in others if row.chapter == chapter]
        found.append(DrillGroup(chapter.title, anchors.get((text, chapter.line or 0), ""), drills))
    return found


def _as_written(recordings: Mapping[str, Sequence[Event]]) -> set[str]:
    """The drills that followed the text as first written."""
    return {
        drill
        for drill, events in recordings.items()
        if any(isinstance(event.data, ProcedureStarted) and event.data.as_written for event in events)
    }


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
