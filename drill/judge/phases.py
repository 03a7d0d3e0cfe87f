"""The phases of a drill. Flows in: a Timeline. Flows out: the moments that came, in seconds since the
injection, in order of time."""

from __future__ import annotations

from drill.judge.verdict import Phase
from drill.judge.windows import Timeline


def phases_of(timeline: Timeline) -> list[Phase]:
    """Empty where nothing was injected."""
    moments = {
        "injected": timeline.injected,
        "first failed request": timeline.first_failed,
        "witnessed": timeline.witnessed,
        "procedure started": timeline.procedure_started,
        "procedure done": timeline.procedure_finished,
        "restored": timeline.restored,
    }
    seconds = {name: timeline.since_injection(moment) for name, moment in moments.items()}
    came = [Phase(name, value) for name, value in seconds.items() if value is not None]
    return sorted(came, key=lambda phase: phase.seconds)
