"""The history as text. Flows in: past drills, series, what was last proven. Flows out: lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from drill.history.proven import LastProven
from drill.history.series import PastChange, Point, Series
from drill.history.store import PastDrill
from drill.report.templates import markdown_cell
from drill.report.units import interval_text, quantity, seconds_text

SHORT_DIGEST = 8
HEADINGS = ("began", "run", "verdict", "recovered", "p95", "errors", "lost", "credit", "images")


def history_lines(drills: Sequence[PastDrill], series: Sequence[Series]) -> Iterator[str]:
    """Each drill with its runs, oldest first, and below them where a measure changed."""
    by_name: dict[str, list[PastDrill]] = {}
    for drill in drills:
        if not drill.kept_run:
            by_name.setdefault(drill.drill, []).append(drill)
    for name, past in by_name.items():
        yield f"{past[-1].scenario}  ({name})"
        rows = [HEADINGS, *map(_row, past)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            yield (
                "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            )
        for each in series:
            if each.drill == name:
                yield from (f"  changed: {change_text(each, change)}" for change in each.changes)
        yield ""


def change_text(series: Series, change: PastChange) -> str:
    """A change in one sentence, with what else was new."""
    first = series.points[change.index].run
    new = (
        f"; new in it: {', '.join(change.new)}" if change.new else "; nothing else that is kept was new in it"
    )
    before, after = quantity(change.before, series.unit), quantity(change.after, series.unit)
    return (
        f"{series.title} from {before} to {after} "
        f"since run {first.run} of {first.started[:10]} (p {change.probability:.3f}){new}"
    )


def point_text(series: Series, point: Point) -> str:
    """A point in words."""
    between = _interval(point.low, point.high, series.unit)
    of = f", {point.samples} samples" if point.samples else ""
    return (
        f"{point.run.run}, {point.run.started}: {quantity(point.value, series.unit)}"
        + (f" ({between})" if between else "")
        + f"{of}, {point.outcome}"
    )


def proven_table(pieces: Sequence[LastProven]) -> str:
    """As a table of Markdown, for a README."""
    lines = [
        "| line | procedure, alert, checklist item | last proven | by drill, credit | runbook | images | |",
        "|---:|---|---|---|---|---|---|",
    ]
    for piece in pieces:
        name = piece.name if piece.kind == "procedure" else f"{piece.kind}: {piece.name}"
        run = piece.run
        when = f"{_day(run.started_wall)} ({days_text(piece.days or 0)})" if run else "never"
        by = ", ".join(filter(None, [f"{piece.by} in {run.run}", piece.credit])) if run else ""
        text = f"rule {piece.rule[:SHORT_DIGEST]}" if piece.rule else piece.runbook[:SHORT_DIGEST]
        images = (
            ", ".join(f"{each.split('/')[0]} {_short(image)}" for each, image in run.images.items())
            if run
            else ""
        )
        state = f"{piece.state}: {piece.why}" if piece.why else piece.state
        cells = (name, when, by, text, images, state)
        lines.append(f"| {piece.line} | " + " | ".join(markdown_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def days_text(days: float) -> str:
    """An age in whole days."""
    return "today" if days < 1 else f"{days:.0f} day{'' if round(days) == 1 else 's'} ago"


def _row(drill: PastDrill) -> tuple[str, ...]:
    measures = drill.measures
    response, errors = measures.get(("criterion", "response_time")), measures.get(("criterion", "error_rate"))
    lost = measures.get(("writes", "lost"))
    began = datetime.fromtimestamp(drill.began_wall or drill.run.started_wall, UTC)
    verdict = drill.verdict if drill.as_expected else f"{drill.verdict} (expected {drill.expected})"
    images = "+".join(_short(image) for image in drill.run.images.values())
    return (
        f"{began:%Y-%m-%d %H:%M}",
        drill.run.run if drill.run.ended else f"{drill.run.run} (did not end)",
        verdict,
        seconds_text(drill.recovered_seconds) if drill.recovered_seconds is not None else "–",
        _with_interval(response.value, response.low, response.high, "s") if response else "–",
        _with_interval(errors.value, errors.low, errors.high, "ratio") if errors else "–",
        f"{lost.value:g}" if lost and lost.value is not None else "–",
        "control" if drill.control else drill.credit,
        images,
    )


def _with_interval(value: float | None, low: float | None, high: float | None, unit: str) -> str:
    between = _interval(low, high, unit)
    return f"{quantity(value, unit)} [{between}]" if between else quantity(value, unit)


def _interval(low: float | None, high: float | None, unit: str) -> str:
    return "" if low is None or high is None else interval_text((low, high), unit)


def _day(wall: float) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d}"


def _short(image: str) -> str:
    """The beginning of an image's digest, or its name where it has none."""
    digest = image.rpartition("sha256:")[2] if "sha256:" in image else ""
    return digest[:SHORT_DIGEST] or image
