"""What is said of mutants. Flows in: mutants, and what became of them. Flows out: lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from drill.mutate.drilling import Fate, MutationPlan
from drill.mutate.mutant import OPERATORS, Mutant
from drill.mutate.state import State, digest
from drill.statistics import proportion_interval

UNMEASURED = "unmeasured"
TOLD: tuple[Fate, ...] = ("survived", "undecided", "refused", "caught")


def list_lines(mutants: Sequence[Mutant], reasons: Mapping[str, str]) -> Iterator[str]:
    """Each mutant on a line, with the reason where it is equivalent."""
    for mutant in mutants:
        reason = f" (equivalent: {reasons[mutant.id]})" if mutant.id in reasons else ""
        yield f"{mutant.id} line {mutant.line}: {mutant.shown()}{reason}"
    yield ""
    counted = Counter(mutant.operator for mutant in mutants)
    for operator, meaning in OPERATORS.items():
        yield f"{counted[operator]:5d} {operator}: {meaning}"
    yield f"{len(mutants):5d} in all, of which {len(reasons)} are equivalent"


def reading_lines(mutants: Sequence[Mutant], state: State, text: str) -> Iterator[str]:
    """What lint alone finds: the rules of each mutant, those that it misses, the score."""
    read = _read(mutants, state, text)
    for mutant in mutants:
        rules = read.get(mutant.id)
        if rules is not None:
            told = ", ".join(rules) if rules else "missed"
            yield f"{mutant.id} line {mutant.line}: {told}: {mutant.shown()}"
    yield ""
    for operator in OPERATORS:
        own = [read[mutant.id] for mutant in mutants if mutant.operator == operator and mutant.id in read]
        if own:
            yield f"{operator}: {_share(sum(1 for rules in own if rules), len(own))}"
    yield f"caught by lint alone: {_share(sum(1 for rules in read.values() if rules), len(read))}"


def report_lines(plan: MutationPlan, state: State, reasons: Mapping[str, str]) -> Iterator[str]:
    """The scores, who survived, and what was not run."""
    fates = {mutant.id: plan.fate(mutant, state) for mutant in plan.mutants}
    by_fate: dict[Fate, list[Mutant]] = {fate: [] for fate in (*TOLD, "not run")}
    for mutant in plan.mutants:
        by_fate[fates[mutant.id][0]].append(mutant)
    yield (
        f"{len(plan.mutants)} mutants of procedures followed by scenarios ({len(plan.followers)}); "
        f"{len(reasons)} more are equivalent"
    )
    read = _read(plan.mutants, state, plan.text)
    caught_by_lint = {identity for identity, rules in read.items() if rules}
    told = _share(len(caught_by_lint), len(read)) if read else f"{UNMEASURED} (drill mutate lint)"
    partly = f", of {len(plan.mutants)}" if read and len(read) < len(plan.mutants) else ""
    yield f"caught by lint alone: {told}{partly}"
    yield from _drilled(plan, state, by_fate)
    yield from _unfit(plan, state)
    for fate in TOLD:
        found = by_fate[fate]
        if found:
            counts = ", which counts as caught" if fate == "refused" else ""
            yield from ("", f"{fate.capitalize()}{counts}:")
        for mutant in found:
            by = f" by {fates[mutant.id][1]!r}" if fates[mutant.id][1] else ""
            lint = "; lint finds it" if mutant.id in caught_by_lint else ""
            yield f"  {mutant.id} line {mutant.line}{by}{lint}: {mutant.shown()}"
    followed = [mutant for mutant in by_fate["not run"] if plan.scenarios_of(mutant, state)]
    alone = [mutant for mutant in by_fate["not run"] if mutant not in followed]
    for words, rest in (("Not run", followed), ("Followed by no scenario", alone)):
        if rest:
            counted = Counter(mutant.operator for mutant in rest)
            told = ", ".join(f"{count} {operator}" for operator, count in counted.items())
            yield from ("", f"{words}: {len(rest)} ({told})")


def _drilled(plan: MutationPlan, state: State, by_fate: Mapping[Fate, Sequence[Mutant]]) -> Iterator[str]:
    noticed = [*by_fate["caught"], *by_fate["refused"]]
    caught, survived = len(noticed), len(by_fate["survived"])
    decided = caught + survived
    if not decided:
        yield f"caught by drills: {UNMEASURED}; {len(by_fate['undecided'])} undecided"
        return
    yield (
        f"caught by drills: {_share(caught, decided)}{_between(caught, decided)}; "
        f"{len(by_fate['undecided'])} undecided, {len(by_fate['not run'])} not run"
    )
    drawn = set(state.kept.sampled)
    found = [mutant for mutant in noticed if mutant.id in drawn]
    own = len(found) + sum(1 for mutant in by_fate["survived"] if mutant.id in drawn)
    if drawn and own == len(drawn):
        yield f"of the random sample of {own}: {_share(len(found), own)}{_between(len(found), own)}"
    elif decided < len(plan.mutants):
        yield (
            "these are not a random sample, for which the interval holds: those of the cheapest scenarios "
            "came first (drill mutate drill --sample N draws one)"
        )


def _unfit(plan: MutationPlan, state: State) -> Iterator[str]:
    for follower in plan.followers:
        basis = plan.basis(None, follower)
        tried = state.tried("", follower.scenario, basis)
        if tried is not None and tried.outcome not in {"as expected", "error"}:
            told = f"with the corrected runbook it is {tried.outcome}, so it tells nothing of mutants"
            yield f"{follower.scenario!r}: {told}"


def _read(mutants: Sequence[Mutant], state: State, text: str) -> dict[str, tuple[str, ...]]:
    found = {mutant.id: state.rules(mutant.id, digest(mutant.applied(text))) for mutant in mutants}
    return {identity: rules for identity, rules in found.items() if rules is not None}


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else UNMEASURED


def _between(part: int, whole: int) -> str:
    low, high = proportion_interval(part, whole)
    return f", {100 * low:.1f} % to {100 * high:.1f} % (95 %, Clopper and Pearson)"
