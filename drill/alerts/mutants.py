"""How good the rules' cases are: each rule is changed in one way, and some criterion must say otherwise.
Flows in: rules and cases. Flows out: every mutant with its fate, and the share that was killed.

All mutants are evaluated at once: each is a rule of its own with a label that names it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import promql_parser

from drill.alerts.engine import Episodes, RulesRefusedError, evaluate
from drill.alerts.meaning import CaseMeaning, outcome_of
from drill.alerts.rules import TEXT, AlertRule, AlertRules, seconds_of
from drill.alerts.series import SeriesFile

MUTANT = "drill_mutant"
THRESHOLD = re.compile(r"(?:[<>]=?|[=!]=)\s*(?P<number>[0-9]+(?:\.[0-9]+)?)(?![0-9.smhdwy])")
RANGE = re.compile(r"\[(?P<duration>(?:[0-9]+(?:ms|[smhdwy]))+)")
MATCHER = re.compile(r"(?P<label>[a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)\s*\"")
AGGREGATION = re.compile(r"\bsum\s*(?:by|without)?\s*(?:\([a-z_, ]*\)\s*)?(?=\()")
REMOVED = "alert removed"
Times = tuple[str, float | None, float | None]


class RuleMutant(msgspec.Struct, frozen=True):
    """A rule changed in one way. `change`: in words; `rule`: None where the alert was removed."""

    alert: str
    change: str
    rule: AlertRule | None


class MutantFate(msgspec.Struct, frozen=True):
    """What became of a mutant. `noticed_by`: the cases whose alerts or times change, empty where it survived;
    `killed_by`: those in which `detected`, `quiet` or `resolved` says otherwise; `drills`: of these, those
    that were recorded; the others are stated scenes."""

    alert: str
    change: str
    noticed_by: tuple[str, ...]
    killed_by: tuple[str, ...] = ()
    drills: tuple[str, ...] = ()


class MutantScore(msgspec.Struct, frozen=True):
    """All fates. `uncovered`: rules that no case lets fire; `no_rules`: changes after which Prometheus
    refuses the rule, which are no mutants."""

    fates: tuple[MutantFate, ...]
    uncovered: tuple[str, ...]
    no_rules: tuple[str, ...]

    @property
    def noticed(self) -> int:
        """How many some case noticed."""
        return sum(1 for fate in self.fates if fate.noticed_by)

    @property
    def killed(self) -> int:
        """Of how many some case's criterion says otherwise."""
        return sum(1 for fate in self.fates if fate.killed_by)

    @property
    def killed_by_drills(self) -> int:
        """Of how many a recorded drill's criterion does."""
        return sum(1 for fate in self.fates if fate.drills)

    @property
    def share(self) -> float:
        """Killed of all; 0 where there is none."""
        return self.killed / len(self.fates) if self.fates else 0.0

    def lines(self) -> list[str]:
        """As text."""
        made = [f"{fate.alert}: survived: {fate.change}" for fate in self.fates if not fate.noticed_by]
        made += [
            f"{fate.alert}: by stated scenes only ({', '.join(fate.killed_by)}): {fate.change}"
            for fate in self.fates
            if fate.killed_by and not fate.drills
        ]
        made += [
            f"{fate.alert}: other times only: {fate.change}"
            for fate in self.fates
            if fate.noticed_by and not fate.killed_by
        ]
        made += [f"{name}: uncovered: no case lets it fire" for name in self.uncovered]
        made += [f"{text}: no mutant, for Prometheus refuses it" for text in self.no_rules]
        total = len(self.fates)
        drills = self.killed_by_drills
        made.append(f"{self.noticed} of {total} mutants noticed")
        by = f"{drills} by recorded drills, {self.killed - drills} by stated scenes only"
        return [*made, f"{self.killed} of {total} mutants killed, {self.share:.0%}: {by}"]


def mutants_of(rule: AlertRule) -> list[RuleMutant]:
    """Every change of a rule, each once."""
    made = [RuleMutant(rule.name, REMOVED, None)]
    if rule.waits_seconds:
        waits = f"{2 * rule.waits_seconds:.0f}s"
        made.append(
            RuleMutant(rule.name, f"for {rule.waits} -> {waits}", msgspec.structs.replace(rule, waits=waits))
        )
    for start, end, text in _changes(rule.expression):
        expression = rule.expression[:start] + text + rule.expression[end:]
        change = f"{rule.expression[start:end].strip()} -> {text or 'nothing'} at character {start + 1}"
        made.append(RuleMutant(rule.name, change, msgspec.structs.replace(rule, expression=expression)))
    return [mutant for mutant in made if mutant.rule is None or _is_promql(mutant.rule.expression)]


def _changes(expression: str) -> Iterator[tuple[int, int, str]]:
    """From where to where in the expression, and what takes its place."""
    # texts are blanked, so that nothing within them is taken for a part of the expression
    plain = TEXT.sub(lambda match: '"' + " " * (len(match[0]) - 2) + '"', expression)
    for match in THRESHOLD.finditer(plain):
        value = float(match["number"])
        for factor in (2.0, 0.5) if value else ():
            yield match.start("number"), match.end("number"), f"{value * factor:g}"
    for match in RANGE.finditer(plain):
        for factor in (2.0, 0.5):
            seconds = seconds_of(match["duration"]) * factor
            yield match.start("duration"), match.end("duration"), f"{seconds:.0f}s"
    for match in MATCHER.finditer(plain):
        yield match.start("label"), match.end("label"), f"{match['label']}x"
    for match in AGGREGATION.finditer(plain):
        yield match.start(), match.end(), ""


def _is_promql(expression: str) -> bool:
    try:
        promql_parser.parse(expression)
    except ValueError:
        return False
    return True


def mutated(
    promtool: Path,
    rules: AlertRules,
    cases: Sequence[SeriesFile],
    meanings: Sequence[CaseMeaning],
    resolve_seconds: float = math.inf,
) -> MutantScore:
    """The fate of every mutant of every rule over the cases. `meanings`: one for each; `resolve_seconds`: so
    long alerts may go on after recovery."""
    mutants = [mutant for rule in rules.rules for mutant in mutants_of(rule)]
    original = {rule.name: f"own-{number}" for number, rule in enumerate(rules.rules)}
    marked = {original[rule.name]: rule for rule in rules.rules}
    marked |= {str(number): each.rule for number, each in enumerate(mutants) if each.rule is not None}
    found, refused = _evaluated(promtool, marked, cases)
    replays = [
        _Replay(rules, case, meaning, times, resolve_seconds)
        for case, meaning, times in zip(cases, meanings, found, strict=True)
    ]
    fates, no_rules = [], []
    for number, each in enumerate(mutants):
        mark, own = str(number), original[each.alert]
        if mark in refused:
            no_rules.append(f"{each.alert}: {each.change}")
            continue
        changed = [
            replay
            for replay in replays
            if not replay.meaning.undecided
            and replay.verdicts(original) != replay.verdicts({**original, each.alert: mark})
        ]
        fates.append(
            MutantFate(
                each.alert,
                each.change,
                tuple(one.case.name for one in replays if one.of(mark) != one.of(own)),
                tuple(one.case.name for one in changed),
                tuple(one.case.name for one in changed if one.meaning.recorded),
            )
        )
    uncovered = tuple(name for name, mark in original.items() if not any(times.get(mark) for times in found))
    return MutantScore(tuple(fates), uncovered, tuple(no_rules))


class _Replay(msgspec.Struct, frozen=True):
    """One case, and when each rule and each mutant fires in it, by its mark."""

    rules: AlertRules
    case: SeriesFile
    meaning: CaseMeaning
    times: dict[str, frozenset[Times]]
    resolve_seconds: float

    def of(self, mark: str) -> frozenset[Times]:
        """When the rule of that mark fires."""
        return self.times.get(mark, frozenset())

    def verdicts(self, marks: dict[str, str]) -> tuple[bool, bool, bool]:
        """What `detected`, `quiet` and `resolved` say where each alert is the rule of that mark."""
        begin, recovered = self.case.header.fault_seconds, self.case.recovered_seconds
        origin = begin if begin is not None else self.case.past_seconds
        firing = {
            name: [fires - origin for _, fires, _ in self.of(mark) if fires is not None]
            for name, mark in marks.items()
        }
        going_on = [
            name
            for name, mark in marks.items()
            for _, fires, ends in self.of(mark)
            if recovered is not None
            and fires is not None
            and (math.inf if ends is None else ends) > recovered + self.resolve_seconds
        ]
        return outcome_of(self.rules, self.meaning, firing, going_on).verdicts


def _evaluated(
    promtool: Path, marked: dict[str, AlertRule], cases: Sequence[SeriesFile]
) -> tuple[list[dict[str, frozenset[Times]]], set[str]]:
    """By case and mark, when the rule fires; and the marks of rules that Prometheus cannot evaluate."""
    refused: set[str] = set()
    try:
        found = evaluate(promtool, [_file(marked)], cases)
    except RulesRefusedError:
        for mark, rule in marked.items():
            try:
                evaluate(promtool, [_file({mark: rule})], cases)
            except RulesRefusedError:
                refused.add(mark)
        found = evaluate(promtool, [_file({m: r for m, r in marked.items() if m not in refused})], cases)
    return [_times(episodes) for episodes in found], refused


def _file(marked: dict[str, AlertRule]) -> str:
    rules = []
    for mark, rule in marked.items():
        labelled = msgspec.structs.replace(rule, labels={**rule.labels, MUTANT: mark})
        rules.append(labelled.as_data())
    return json.dumps({"groups": [{"name": "mutants", "rules": rules}]})


def _times(episodes: Episodes) -> dict[str, frozenset[Times]]:
    """Of each mark: who fires, from when to when."""
    found: dict[str, set[Times]] = {}
    for each in episodes:
        if each.firing_seconds is not None:
            labels = sorted(item for item in each.labels.items() if item[0] != MUTANT)
            times = (json.dumps(labels), each.firing_seconds, each.resolved_seconds)
            found.setdefault(each.labels[MUTANT], set()).add(times)
    return {mark: frozenset(times) for mark, times in found.items()}
