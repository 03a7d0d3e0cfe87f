"""When each piece of a runbook was last proven. Flows in: the runbook as it is, and past drills. Flows out:
one record for each procedure, alert and item of a checklist, in the order of the text.

A procedure is proven by a drill that carried its block out, as corrected, and passed. An item of a checklist
is proven when all scenarios that checklists.yaml beside the runbook names for it have passed within its
period; what people or commands prove is drill.checklist's to say. An alert is proven by a drill, a
control too, in which it fired as meant and `detected` passed, with the rule as it is now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from drill.alerts.rules import alert_rules
from drill.errors import InputError
from drill.history.store import PastDrill, PastRun
from drill.history.taken import DETECTED, alert_place, digest_of, digest_of_rule
from drill.runbook import ChecklistItem, Runbook, checklist_items

DAY_SECONDS = 86400.0
CLOCKS_DIFFER_DAYS = 1.0
"""By so much the clock of the machine that drilled may be ahead of this one's."""

Kind = Literal["procedure", "alert", "checklist item"]
State = Literal["proven", "stale", "failing", "never"]


@dataclass(frozen=True)
class LastProven:
    """`name`: as a scenario names it; `line`: in the runbook; `days`: since it last passed, `by` which drill,
    in `run`, None and empty where never; `credit`: who that drill says repaired the service; `why`: what
    makes it stale or failing, empty else; `rule`: of an alert, the digest of the rule that was proven."""

    kind: Kind
    name: str
    line: int
    state: State = "never"
    days: float | None = None
    run: PastRun | None = None
    by: str = ""
    credit: str = ""
    why: str = ""
    rule: str = ""

    @property
    def runbook(self) -> str:
        """Of the run that proved it."""
        return self.run.runbook if self.run else ""


@dataclass(frozen=True)
class Terms:
    """What a proof is held against. `now_wall`: seconds since the epoch; `most_days`: an older one is stale;
    `images`: what the target runs now, by container; `most_days` of an item of a checklist is that of its
    period."""

    now_wall: float
    most_days: float
    images: Mapping[str, str]


def terms_of(drills: Sequence[PastDrill], now_wall: float, most_days: float) -> Terms:
    """The images are those of the newest run that knows any: reading the history asks no cluster."""
    known = [drill.run.images for drill in drills if drill.run.images]
    return Terms(now_wall, most_days, known[-1] if known else {})


def last_proven(runbook: Runbook, drills: Sequence[PastDrill], terms: Terms) -> list[LastProven]:
    """`drills`: of one target, in order of time. Raises InputError where checklists.yaml is not right."""
    digest = hashlib.sha256(runbook.path.read_bytes()).hexdigest()
    counted = [drill for drill in drills if drill.run.ended and not drill.kept_run and not drill.control]
    pieces = [
        *_procedures(runbook, digest, counted, terms),
        *_alerts(runbook, drills, terms),
        *_checklists(runbook, digest, counted, terms),
    ]
    return sorted(pieces, key=lambda piece: piece.line)


def _procedures(
    runbook: Runbook, digest: str, drills: Sequence[PastDrill], terms: Terms
) -> Iterator[LastProven]:
    tried: dict[str, list[tuple[PastDrill, str]]] = {}
    for drill in drills:
        for done in drill.carried_out:
            if not done.as_written:
                tried.setdefault(done.place, []).append((drill, done.digest))
    for step in runbook.steps:
        if not step.is_shell:
            continue
        block = runbook.place_of(step)
        own = digest_of(step.text)
        parts = sorted(each for each in tried if each.startswith(f"{block} / # "))
        for place in (block, *parts):
            piece = LastProven("procedure", place, step.line)
            yield _judged(piece, tried.get(place, ()), own, digest, terms)


def _alerts(runbook: Runbook, drills: Sequence[PastDrill], terms: Terms) -> Iterator[LastProven]:
    """A control proves an alert as any drill does: somebody is called before anybody acts."""
    counted = [drill for drill in drills if drill.run.ended and not drill.kept_run]
    try:
        rules = alert_rules(runbook).rules
    except InputError:
        rules = ()  # without an alert, or with rules that nobody can load
    for rule in rules:
        tried = [
            (_as_detected(drill), done)
            for drill in counted
            for done in drill.carried_out
            if done.place == alert_place(rule.name) and not done.as_written
            if ("criterion", DETECTED) in drill.measures
        ]
        piece = LastProven("alert", rule.name, rule.line)
        texts = [(drill, done.digest) for drill, done in tried]
        # what else the runbook says does not change when an alert fires
        found = _judged(piece, texts, digest_of_rule(rule), None, terms)
        proof = next((digest for drill, digest in reversed(texts) if drill.verdict == "pass"), "")
        yield replace(found, credit="", rule=proof)


def _as_detected(drill: PastDrill) -> PastDrill:
    """The drill as its criterion `detected` sees it."""
    outcome = drill.measures["criterion", DETECTED].outcome
    why = "nobody would have been called in time" if outcome == "fail" else ""
    return replace(drill, verdict=outcome, as_expected=outcome != "fail", why=why)


def _checklists(
    runbook: Runbook, digest: str, drills: Sequence[PastDrill], terms: Terms
) -> Iterator[LastProven]:
    for item in checklist_items(runbook):
        yield _item(item, digest, drills, terms)


def _item(item: ChecklistItem, digest: str, drills: Sequence[PastDrill], terms: Terms) -> LastProven:
    piece = LastProven("checklist item", item.name, item.line)
    own = replace(terms, most_days=item.most_days or terms.most_days)
    each = [
        _judged(piece, [(drill, "") for drill in drills if drill.scenario == scenario], "", digest, own)
        for scenario in (item.proof.scenarios if item.proof else ())
    ]
    return min(each, key=_worst, default=piece)


def _worst(piece: LastProven) -> tuple[int, float]:
    order: tuple[State, ...] = ("failing", "never", "stale", "proven")
    return order.index(piece.state), -(piece.days or 0.0)


def _judged(
    piece: LastProven, tried: Sequence[tuple[PastDrill, str]], own: str, runbook: str | None, terms: Terms
) -> LastProven:
    """What became of a piece. `tried`: every drill that carried it out with the digest of its text then, in
    order of time; `own`: the digest of its text now; `runbook`: of the whole text now,
    None where the rest of it does not matter."""
    passed = [each for each in tried if each[0].verdict == "pass"]
    failed = [drill for drill, _ in tried if drill.verdict == "fail" and not drill.as_expected]
    if not passed:
        if not failed:
            return piece
        return replace(piece, state="failing", why=f"fails in run {failed[-1].run.run}: {failed[-1].why}")
    drill, text = passed[-1]
    days = (terms.now_wall - drill.began_wall) / DAY_SECONDS
    proven = replace(
        piece, state="proven", days=max(0.0, days), run=drill.run, by=drill.drill, credit=drill.credit
    )
    since = [each for each in failed if each.began_wall > drill.began_wall]
    if since:
        return replace(
            proven, state="failing", why=f"fails since, in run {since[-1].run.run}: {since[-1].why}"
        )
    reasons = list(_changed(drill.run, text, own, runbook, terms.images))
    if days < -CLOCKS_DIFFER_DAYS:
        reasons.append("its day has not come: a clock was wrong, and what failed since cannot be told")
    if days > terms.most_days:
        reasons.append(f"longer ago than {terms.most_days:g} days")
    return replace(proven, state="stale", why="; ".join(reasons)) if reasons else proven


def _changed(
    run: PastRun, text: str, own: str, runbook: str | None, images: Mapping[str, str]
) -> Iterator[str]:
    if text != own:
        yield "its own text has changed"
    elif runbook is not None and run.runbook != runbook:
        yield "the runbook has changed elsewhere"
    changed = [name for name, image in images.items() if run.images.get(name) != image]
    gone = [name for name in run.images if images and name not in images]
    if changed or gone:
        yield f"another image of {', '.join(sorted([*changed, *gone]))}"
