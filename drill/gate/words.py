"""A decision for people and for CI. Flows in: a decision. Flows out: lines, Markdown, JSON, annotations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from drill.gate.decide import Decision, Row
from drill.report.templates import markdown_cell
from drill.report.units import quantity
from drill.settings.gate import RATIO, SHARE

ORDER = ("regression", "inconclusive", "pass", "not compared")
POINTS = 100.0
WORDS = {"pass": "PASS", "regression": "REGRESSION", "inconclusive": "INCONCLUSIVE", "not compared": "-"}


def headline(decision: Decision) -> str:
    """The decision in one line."""
    counted = {
        outcome: sum(1 for row in decision.rows if row.outcome == outcome and row.decides)
        for outcome in ORDER
    }
    said = ", ".join(f"{number} {outcome}" for outcome, number in counted.items() if number)
    more = decision.more_seconds if decision.outcome == "inconclusive" else None
    return (
        f"{WORDS[decision.outcome]}: {', '.join(decision.candidate)} against {', '.join(decision.baseline)} "
        f"({said or 'nothing'} of what blocks)"
        + (f"; about {more:.0f} s more of {decision.by} would decide" if more is not None else "")
    )


def decision_lines(decision: Decision) -> Iterator[str]:
    """What is not a pass first, a line each, then how many passed."""
    yield headline(decision)
    for each in decision.expired:
        yield f"  expired waiver: {each.criterion} ({each.owner}, until {each.expires}: {each.reason})"
    for row in _ordered(decision):
        if row.outcome != "pass":
            yield f"  {row_text(row)}"
    passed = [row.name for row in decision.rows if row.outcome == "pass"]
    if passed:
        yield f"  passed: {', '.join(passed)}"
    for each in decision.unused:
        yield f"  waiver that nothing needed: {each.criterion} ({each.owner}, until {each.expires})"
    if decision.left_out:
        yield f"  not compared, since not in every run: {', '.join(decision.left_out)}"


def row_text(row: Row) -> str:
    """One comparison in one line."""
    mark = "waived" if row.waived else row.outcome if row.blocks else f"{row.outcome}, warns only"
    numbers = _numbers(row)
    waived = f"; waived by {row.waived}" if row.waived else ""
    return f"{mark}: {row.name}: {numbers + '; ' if numbers else ''}{row.why}{waived}"


def decision_markdown(decision: Decision) -> str:
    """A section of a CI run's page."""
    lines = [f"## Gate: {decision.outcome}", "", markdown_cell(headline(decision)), ""]
    for each in decision.expired:
        said = f"{each.criterion} ({each.owner}, {each.expires}: {each.reason})"
        lines += [f"**Expired waiver, which blocks:** {markdown_cell(said)}", ""]
    lines += [
        "| | what | candidate | baseline | difference | interval | minimum effect | why |",
        "|---|---|---:|---:|---:|---|---:|---|",
    ]
    for row in _ordered(decision):
        mark = "waived" if row.waived else row.outcome
        cells = (
            mark if row.blocks else f"{mark} (warns)",
            row.name,
            value_text(row, row.candidate),
            value_text(row, row.baseline),
            effect_text(row.effect, row.unit),
            _interval(row),
            effect_text(row.minimum_effect, row.unit),
            row.why + (f"; waived by {row.waived}" if row.waived else ""),
        )
        lines.append("| " + " | ".join(markdown_cell(cell) for cell in cells) + " |")
    if decision.left_out:
        lines += ["", f"Not in every run: {markdown_cell(', '.join(decision.left_out))}"]
    return "\n".join(lines) + "\n"


def decision_json(decision: Decision) -> bytes:
    """All of it; numbers in seconds, shares and ratios."""
    whole = {
        "outcome": decision.outcome,
        "exit_status": decision.exit_status,
        "more_seconds": decision.more_seconds,
        "decision": decision,
    }
    return msgspec.json.format(msgspec.json.encode(whole)) + b"\n"


def annotation_lines(decision: Decision, runbook: Path) -> Iterator[str]:
    """Workflow commands of GitHub: an error for what blocks, a warning else, on the line of the runbook where
    the limit stands. `runbook`: its path in the repository."""
    for each in decision.expired:
        yield _annotation("error", f"expired waiver: {each.criterion}", f"{each.owner}: {each.reason}", "")
    for row in _ordered(decision):
        if row.outcome not in ("regression", "inconclusive"):
            continue
        level = "error" if row.decides and row.outcome == "regression" else "warning"
        name, _, line = row.source.rpartition(":")
        place = f"file={_property(runbook.as_posix())},line={line}" if name == runbook.name else ""
        yield _annotation(level, f"{row.outcome}: {row.name}", row_text(row), place)


def value_text(row: Row, value: float | None) -> str:
    """A number of one side, in what people read it."""
    criterion = row.name.split(" ")[0]
    unit = "s" if criterion in ("p50", "p95", "p99") else row.unit
    if criterion == "drift":
        unit = "s" if row.unit in (RATIO, "s") else RATIO
    if criterion == "memory":
        return "–" if value is None else f"{value / 1024:.4g} KiB per request/s"
    if criterion == "cpu":
        return "–" if value is None else f"{value * 1000:.4g} ms per request"
    if criterion == "throughput":
        return "–" if value is None else f"{value:.4g}/s"
    return quantity(value, RATIO if unit == SHARE else unit)


def effect_text(effect: float | None, unit: str) -> str:
    """A difference: percent of the baseline, percentage points, or seconds, with its sign."""
    if effect is None:
        return ""
    if unit == "s":
        return f"{effect:+.2f} s"
    percent = f"{effect * POINTS:+.3g} %"
    return f"{percent} points" if unit == SHARE else percent


def _numbers(row: Row) -> str:
    if row.candidate is None and row.baseline is None:
        return ""
    if row.effect is None:
        return f"{value_text(row, row.candidate)}, limit {value_text(row, row.baseline)}"
    between = _interval(row)
    return (
        f"{value_text(row, row.candidate)}, baseline {value_text(row, row.baseline)}, "
        f"{effect_text(row.effect, row.unit)}"
        + (f" ({between})" if between else "")
        + f", minimum effect {effect_text(row.minimum_effect, row.unit)}"
    )


def _interval(row: Row) -> str:
    if row.interval is None:
        return ""
    return " to ".join(effect_text(end, row.unit) for end in row.interval)


def _ordered(decision: Decision) -> list[Row]:
    return sorted(decision.rows, key=lambda row: (ORDER.index(row.outcome), not row.decides))


def _annotation(level: str, title: str, message: str, place: str) -> str:
    properties = ",".join(each for each in (place, f"title={_property(title)}") if each)
    return f"::{level} {properties}::{_escaped(message)}"


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
