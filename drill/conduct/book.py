"""The runbooks of a run. Flows in: drill.toml's paths. Flows out: steps by place, limits with their lines,
defects by id.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from drill.baselines import parse_baselines, parse_response_times, parse_schedule
from drill.conduct.scenario import Facts, Place, Telling
from drill.errors import InputError, UsageError
from drill.recording.events import Symptom
from drill.runbook.document import Runbook, Step
from drill.runbook.errata import Defect, load_errata
from drill.runbook.facts import backup_schedule_items, baseline_items, severity_limits
from drill.runbook.markdown import parse
from drill.settings import Settings

RECOVERED_BY = ("response_time", "error_rate")


class Book:
    """The corrected runbook, the one as first written, and what is known to be wrong in the latter."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def corrected(self) -> Runbook:
        """The runbook under test."""
        return parse(self._settings.root / self._settings.target.runbook)

    @cached_property
    def as_written(self) -> Runbook:
        """The runbook as first written. Raises UsageError where drill.toml names none."""
        path = self._settings.target.runbook_as_written
        if path is None:
            raise UsageError(
                f"{self._settings.file}: [target] runbook_as_written is not set, and a scenario follows "
                "the runbook as first written"
            )
        return parse(self._settings.root / path)

    @cached_property
    def defects(self) -> list[Defect]:
        """Known defects; none where drill.toml names no errata."""
        path = self._settings.target.errata
        return load_errata(self._settings.root / path) if path else []

    def defect(self, identity: str) -> Defect:
        """The defect of that id. Raises InputError naming the ids there are."""
        for defect in self.defects:
            if defect.id == identity:
                return defect
        known = ", ".join(defect.id for defect in self.defects) or "none"
        raise InputError(
            self._settings.target.errata or self._settings.file,
            None,
            identity,
            f"the id of a defect; known: {known}",
        )

    def waits(self, facts: Facts) -> bool:
        """True where it is asked whether the procedure was over only when users were served: the scenario
        states that it was, or a defect whose evidence is that it was not."""
        stated = [defect for defect in self.defects if defect.id in facts.defects]
        return facts.waits or any(piece.criterion for defect in stated for piece in defect.evidence)

    def step(self, place: Place) -> Step:
        """The block at a place that the operator follows. Raises InputError where there is none."""
        return step_at(self.as_written if place.as_written else self.corrected, place.place)

    def symptom(self, telling: Telling) -> Symptom:
        """What a block must tell, with its lines. Raises InputError for a place that is not there."""
        step = step_at(self.as_written if telling.as_written else self.corrected, telling.place)
        last_line = step.line + len(step.text.splitlines()) - 1
        return Symptom(
            telling.place, telling.pattern, step.line, last_line, telling.before, telling.as_written
        )

    def limits(self, severity: str) -> dict[str, dict[str, Any]]:
        """The limits that a drill of this severity is judged by, by name, as drill.started carries them;
        without a severity (a drill of nothing) there is no response time among them."""
        runbook, titles = self.corrected, self._settings.limits
        source = runbook.path.name
        limits = parse_baselines(baseline_items(runbook, titles.baselines), source)
        for name in RECOVERED_BY:
            if name not in [limit.name for limit in limits]:
                line = runbook.section(titles.baselines).line
                raise InputError(
                    runbook.path,
                    line,
                    titles.baselines,
                    f"a baseline for {name.replace('_', ' ')}: recovery is told by it",
                )
        response_times = parse_response_times(severity_limits(runbook, titles.response_times), source)
        if severity and severity not in response_times:
            raise InputError(
                runbook.path,
                runbook.section(titles.response_times).line,
                severity,
                f"a severity whose response time is stated: {', '.join(response_times) or 'there is none'}",
            )
        if severity:
            limits.append(response_times[severity])
        if not self._settings.lacks("backup"):
            schedule = parse_schedule(backup_schedule_items(runbook, titles.backup_schedule), source)
            limits += [schedule] if schedule is not None else []
        return {
            limit.name: {
                name: value for name, value in msgspec.structs.asdict(limit).items() if name != "name"
            }
            for limit in limits
        }


def step_at(runbook: Runbook, place: str) -> Step:
    """The block at a place, which a shell must be able to run. Raises InputError naming what would be
    right.
    """
    step = runbook.step(place)
    if not step.may_be_shell:
        raise InputError(
            runbook.path, step.line, step.language, f"a block for a shell at {place!r}, such as ```bash"
        )
    return step
