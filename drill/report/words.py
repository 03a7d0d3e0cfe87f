"""What a row says: the word that a reader wants to know of a drill, rather than whether a box is green."""

from __future__ import annotations

from collections.abc import Sequence

from drill.judge.called import shares_of
from drill.judge.verdict import Called, Criterion, DrillVerdict, Gain, HitRate
from drill.report.units import interval_text, quantity, seconds_text
from drill.run.facts import Facts, KeptFacts
from drill.run.outcome import as_expected, undecided_as_stated


def says(verdict: DrillVerdict, proves: Sequence[str] = ()) -> str:
    """The drill in a few words. `proves`: ids of the runbook's defects whose evidence it recorded."""
    if undecided_as_stated(verdict):
        return verdict.expected
    if verdict.verdict in ("setup", "not applicable", "inconclusive"):
        return {"setup": "could not be carried out"}.get(verdict.verdict, verdict.verdict)
    if not as_expected(verdict):
        return f"{verdict.verdict}, expected {verdict.expected}"
    if proves:
        return f"proves {_listed(proves)}"
    return _alone(verdict) if verdict.control else _went_well(verdict)


def control_says(verdict: DrillVerdict, kept: KeptFacts | None) -> str:
    """A control as a line within its drill: what became of the fault with nobody acting, and its age."""
    if verdict.verdict in ("setup", "not applicable"):
        return f"control: {says(verdict)}"
    return f"control: {_alone(verdict)}{f', {age_text(kept)}' if kept else ''}"


def age_text(kept: KeptFacts) -> str:
    """How old a kept control was when the run began: "measured 3 days before"."""
    return f"measured {days_text(kept.age_seconds)} before this run"


def apart_text(started_wall: float, walls: tuple[float, float]) -> str:
    """When drills apart from a run were made, the first and the last: "2 days before this run", or "the first
    2 days before this run, the last 3 hours after this run began"."""
    first, last = (_from_run(wall - started_wall) for wall in walls)
    return first if first == last else f"the first {first}, the last {last}"


def _from_run(seconds: float) -> str:
    return f"{days_text(abs(seconds))} {'after this run began' if seconds > 0 else 'before this run'}"


def days_text(seconds: float) -> str:
    """An age, in its largest whole unit."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def outcome(verdict: DrillVerdict, proves: Sequence[str] = ()) -> str:
    """The drill in one of a few words, by which a reader chooses. `proves`: as of `says`."""
    if verdict.verdict in ("setup", "not applicable", "inconclusive"):
        return "a tool is missing" if undecided_as_stated(verdict) else says(verdict)
    if not as_expected(verdict):
        return "not as expected"
    if proves:
        return "proves a defect"
    if verdict.verdict == "not noticed":
        return "nobody noticed"
    if verdict.recovered_seconds is not None:
        return "recovers"
    return "stays out" if verdict.outages else "served throughout"


def called_text(verdict: DrillVerdict) -> str:
    """How long everything would have taken on the worst night, from the fault to recovery, in one line; empty
    where nobody can tell."""
    called = verdict.called
    if called is None:
        return ""
    if called.detected_seconds is None:
        return (
            "Nobody would have been called: no alert fires while the fault lasts. That is a failure of the "
            "alerts, not of this procedure."
        )
    total = "" if called.total_seconds is None else f" = {seconds_text(called.total_seconds)}"
    return f"On the worst night: {shares_of(called, seconds_text, seconds_text)}{total}{_left(called)}."


def _left(called: Called) -> str:
    """Where nothing is assumed of when somebody begins: what the runbook leaves for it."""
    if called.response_seconds is not None or called.acted_seconds is None or called.limit_seconds is None:
        return ""
    left = called.limit_seconds - (called.detected_seconds or 0.0) - called.acted_seconds
    whole = f"{called.severity}'s {seconds_text(called.limit_seconds)}"
    return f"; {seconds_text(left)} of {whole} are left to begin in" if left > 0 else f"; {whole} are over"


def gain_lines(verdict: DrillVerdict) -> list[str]:
    """How long users waited before a procedure and after it, and how often the cache answered, in one line
    each; none of what nobody looked at or, for the waiting, can tell."""
    lines = []
    gain, rate = verdict.gain, verdict.hit_rate
    if gain is not None:
        name = f"p{gain.probability * 100:g}"
        lines.append(f"{name} {_sides(gain, 's')}: {_changed(gain.ratio, 1, 'shorter', 'longer')}")
    if rate is not None:
        changed = _changed(rate.difference, 0, "lower", "higher")
        lines.append(f"cache hit rate {_sides(rate, 'share')}: {changed}")
    elif verdict.hit_rate_why:
        lines.append(f"cache hit rate not measured: {verdict.hit_rate_why}")
    return lines


def _sides(change: Gain | HitRate, unit: str) -> str:
    sides = (
        ("before", change.before, change.before_interval),
        ("after", change.after, change.after_interval),
    )
    return ", ".join(
        f"{when} {quantity(value, unit)} ({interval_text(bounds, unit)})" for when, value, bounds in sides
    )


def _changed(interval: tuple[float, float], none: float, less: str, more: str) -> str:
    low, high = interval
    return "not told apart" if low <= none <= high else less if high < none else more


def criterion_name(criterion: Criterion) -> str:
    """What the criterion is called for people."""
    return criterion.title or criterion.name.replace("_", " ").capitalize()


def summary_lines(facts: Facts, verdicts: Sequence[DrillVerdict]) -> list[str]:
    """The verdicts, one line each, those that deviate first, and what went wrong beside them."""
    kept = {drill.drill: drill.kept for drill in facts.drills}
    lines = []
    for each in sorted(verdicts, key=as_expected):
        mark = "not as expected" if not as_expected(each) else ""
        mark = "not applicable" if each.verdict == "not applicable" else mark
        word = f"{each.verdict:>14}" + (f" ({mark})" if mark and mark != each.verdict else "")
        lines.append(f"{word}: {each.scenario}: {_with_credit(each, kept.get(each.drill))}")
        if not as_expected(each) or each.verdict == "not applicable":
            lines.append(f"{'':>14}  {each.why}")
    named = {"failure": "fail", "doubt": "inconclusive", "trouble": "setup"}
    return lines + [f"{named[finding.kind]:>14}: {finding.text}" for finding in facts.findings]


def _went_well(verdict: DrillVerdict) -> str:
    if verdict.verdict == "not noticed":
        return "nobody noticed"
    if verdict.expected.startswith("fail"):
        return "fails, as the scenario states"
    if verdict.recovered_seconds is not None:
        return f"recovers in {seconds_text(verdict.recovered_seconds)}{_limit(verdict)}"
    return "users were served throughout" if verdict.faults else "nothing was broken, and nothing is"


def _with_credit(verdict: DrillVerdict, kept: KeptFacts | None) -> str:
    if verdict.control:
        return control_says(verdict, kept)
    credit = "" if verdict.verdict in ("setup", "not applicable") or not verdict.faults else verdict.credit
    return says(verdict) + (f"; repaired by: {credit}" if credit else "")


def _alone(control: DrillVerdict) -> str:
    if control.recovered_seconds is not None:
        return f"with nobody acting it recovers in {seconds_text(control.recovered_seconds)}"
    if control.verdict == "not noticed":
        return "with nobody acting nobody notices"
    return f"nobody else would have, in {seconds_text(control.watched_seconds)}"


def _limit(verdict: DrillVerdict) -> str:
    limit = next((c for c in verdict.criteria if c.name == "recovered" and c.limit is not None), None)
    return f" (limit {quantity(limit.limit, limit.unit)})" if limit else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
