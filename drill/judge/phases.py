"""The phases of a drill. Flows in: a Timeline. Flows out: the moments that came, in seconds since the origin,
in order of time."""

from __future__ import annotations

from drill.judge.timeline import Timeline
from drill.judge.verdict import Phase


def phases_of(timeline: Timeline) -> list[Phase]:
    """Empty where nothing was injected and nobody acted."""
    moments = {
        "injected": min(timeline.injected.values(), default=None),
        "first felt": timeline.first_felt,
        "witnessed": timeline.settled if timeline.injected else None,
        "procedure started": timeline.procedure_started,
        "procedure done": timeline.procedure_finished,
        "recovered": timeline.recovered,
    }
    seconds = {name: timeline.since_origin(moment) for name, moment in moments.items()}
    came = [Phase(name, value) for name, value in seconds.items() if value is not None]
    return sorted(came, key=lambda phase: phase.seconds)
