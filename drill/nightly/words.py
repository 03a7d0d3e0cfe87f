"""The summary of a night, as Markdown. Flows in: a Night. Flows out: text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from drill.gate.words import decision_markdown, headline
from drill.nightly.night import Night
from drill.report.templates import markdown_cell
from drill.report.units import seconds_text
from drill.report.words import says
from drill.run.outcome import as_expected

STATUS = {0: "all as expected", 1: "regression", 2: "inconclusive", 3: "could not be carried out"}
MARKS = {
    "pass": "P",
    "fail": "F",
    "inconclusive": "?",
    "not noticed": "N",
    "setup": "S",
    "not applicable": "-",
}


def night_line(night: Night) -> str:
    """The night in one line."""
    own = [each for each in night.verdicts if not each.control]
    deviating = [each for each in own if not as_expected(each)]
    gate = headline(night.decision) if night.decision else f"gate: not decided, {night.undecided}"
    return (
        f"{night.target}, {night.run}: {STATUS[night.exit_status]}; {len(own)} drills, {len(deviating)} not "
        f"as expected, {len(night.flaky)} flaky; {gate}"
    )


def night_markdown(night: Night) -> str:
    """The whole summary: what is wrong first."""
    return "\n".join(_lines(night)) + "\n"


def _lines(night: Night) -> Iterator[str]:
    yield f"# {markdown_cell(night.target)}: {STATUS[night.exit_status]} (exit status {night.exit_status})"
    yield ""
    yield markdown_cell(night_line(night))
    yield ""
    yield from (f"- could not be done: {markdown_cell(each)}" for each in night.troubles)
    yield from (f"- finding: {markdown_cell(each.text)}" for each in night.flaky)
    if night.facts is not None:
        yield from (f"- {each.kind}: {markdown_cell(each.text)}" for each in night.facts.findings)
    yield from _drills(night)
    yield ""
    yield (
        decision_markdown(night.decision)
        if night.decision
        else f"## Gate: not decided\n\n{night.undecided}\n"
    )
    yield from _proven(night)
    if night.steps:
        yield "## Steps"
        yield ""
        yield from (
            f"- {each.name}: exit status {each.exit_status}, {seconds_text(each.seconds)}"
            for each in night.steps
        )


def _drills(night: Night) -> Iterator[str]:
    own = [each for each in night.verdicts if not each.control]
    if not own:
        return
    yield ""
    yield "## Drills"
    yield ""
    yield "P pass, F fail, ? inconclusive, N not noticed, S setup; tonight is the last."
    yield ""
    yield "| | scenario | tonight | the last ten |"
    yield "|---|---|---|---|"
    for each in sorted(own, key=as_expected):
        marks = " ".join(MARKS.get(verdict, verdict) for verdict in night.last.get(each.scenario, ()))
        cells = ("" if as_expected(each) else "not as expected", each.scenario, says(each), marks)
        yield "| " + " | ".join(markdown_cell(cell) for cell in cells) + " |"


def _proven(night: Night) -> Iterator[str]:
    """Checklists are named one by one, procedures and alerts counted."""
    if not night.pieces:
        return
    yield "## Last proven"
    yield ""
    for kind in ("procedure", "alert"):
        counted = Counter(each.state for each in night.pieces if each.kind == kind)
        said = ", ".join(f"{number} {state}" for state, number in counted.items())
        yield f"- {kind}s: {said or 'none in the runbook'}"
    yield from (
        f"- due: {markdown_cell(each.item.name)} ({markdown_cell(each.why or each.standing)})"
        for each in night.checklist
        if each.standing != "proven"
    )
    yield ""
