"""Do rounds of plain load see what is worse, and only that? Flows in: stored runs. Flows out: how often
`drill.gate.pairs` decides how, by resampling what they recorded.

A stretch of a run's rounds is drawn from the windows after of that run's drills, each under the mood of its
own minute and on pods of its own: TURN_SECONDS from its beginning, and as many after them. Within a turn,
blocks of a second are drawn anew with replacement, so that no two turns are the same; this adds noise to what
was recorded. In the worse image, latencies are multiplied and requests fail: it is scaled, no image was
built. Drills of a run are about a minute apart, turns of a pair half of that: moods cancel less than in
rounds.

Decisions are made after PAIRS of pairs, as many as six minutes have room for, with the last decision's share
of the error rates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.row import MeasureError, Options, Row, reached
from drill.gate.decide import Decision
from drill.gate.pairs import decide_pairs
from drill.gate.rounds import LAST_SHARE, TURN_SECONDS
from drill.gate.turns import Pair, SeenTurn, StoredRounds, seen_turn
from drill.judge.case import Case
from drill.recording import Requests
from drill.run.facts import FILE, read_facts
from drill.settings import Gate

BLOCK_SECONDS = 1.0
PAIRS, PAIR_SECONDS = 11, 30.0
DRAWN = 8
"""Turns that are drawn of each half of a window."""
DECISIONS = 400
TODAY = date(2026, 1, 1)
POLICY = Gate(block=("p95", "error_rate", "throughput"), warn=("p50", "p99"))

Random = np.random.Generator


@dataclass(frozen=True)
class Worse:
    """`slower`: a factor; `errors`: share of requests that fail besides; `criterion`: that is to tell it;
    `aim`: what it is held against, empty where the effect is below the minimum."""

    name: str
    criterion: str = ""
    slower: float = 1.0
    errors: float = 0.0
    aim: str = ">= 95 %"


SAME = Worse("the same image")
WORSE = (
    Worse("p95 +10 %", "p95", slower=1.1, aim=""),
    Worse("p95 +20 %", "p95", slower=1.2),
    Worse("p95 +50 %", "p95", slower=1.5),
    Worse("errors +0.2 %", "error_rate", errors=0.002),
    Worse("errors +0.5 %", "error_rate", errors=0.005),
)


@dataclass
class Pool:
    """Turns of one run: effect -> window -> half -> drawings."""

    run: str
    stored: StoredRounds
    turns: dict[str, list[tuple[list[SeenTurn], list[SeenTurn]]]] = field(default_factory=dict)


def runs_of(folder: Path) -> list[Path]:
    """The folder itself where it is a run's, else the runs in it. Raises MeasureError where there is none."""
    found = (
        [folder] if (folder / FILE).is_file() else sorted(each.parent for each in folder.glob(f"*/{FILE}"))
    )
    found = [each for each in found if not each.is_symlink()] or found
    if not found:
        raise MeasureError(f"{folder}: no run lies there; name one, or a folder of runs, with --run")
    return found


def pool_of(run: Path, effects: Sequence[Worse], seed: int = 1) -> Pool | None:
    """None where fewer than two windows after are long enough for two turns."""
    windows, stored = [], None
    for drill in read_facts(run).drills:
        case = Case(run / drill.folder)
        if drill.kept is not None or case.started is None or case.timeline.after is None:
            continue
        start, end = case.window
        if end - start < 2 * TURN_SECONDS:
            continue
        settings = case.setup.settings
        windows.append(
            [
                case.after.between(start + turn * TURN_SECONDS, start + (turn + 1) * TURN_SECONDS)
                for turn in (0, 1)
            ]
        )
        stored = StoredRounds(
            released="a",
            candidate="b",
            requests_per_second=settings.requests_per_second,
            timeout_seconds=settings.timeout_seconds,
            turn_seconds=TURN_SECONDS,
            names=sorted(case.after.names),
            seconds=PAIRS * PAIR_SECONDS,
            share=LAST_SHARE,
        )
    if stored is None or len(windows) < 2:
        return None
    pool, random = Pool(run.name, stored), np.random.default_rng(seed)
    for effect in effects:
        pool.turns[effect.name] = [
            (
                [_drawn(halves[0], stored, effect, random) for _ in range(DRAWN)],
                [_drawn(halves[1], stored, effect, random) for _ in range(DRAWN)],
            )
            for halves in windows
        ]
    return pool


def _drawn(requests: Requests, stored: StoredRounds, effect: Worse, random: Random) -> SeenTurn:
    return seen_turn(
        worse(drawn_anew(requests, random), effect, random),
        (),
        seconds=TURN_SECONDS,
        requests_per_second=stored.requests_per_second,
        timeout_seconds=stored.timeout_seconds,
        names=stored.names,
    )


def drawn_anew(requests: Requests, random: Random) -> Requests:
    """As many blocks of time, each any of them; every request keeps its distance to its block."""
    block = np.floor((requests.planned - requests.planned.min()) / BLOCK_SECONDS).astype(np.int64)
    number = int(block.max()) + 1
    picked = [np.flatnonzero(block == each) for each in random.integers(0, number, number)]
    rows: NDArray[np.int64] = np.concatenate(picked)
    target = np.repeat(np.arange(number), [len(each) for each in picked])
    moved = (target - block[rows]) * BLOCK_SECONDS
    return Requests(
        requests.planned[rows] + moved,
        requests.finished[rows] + moved,
        requests.failed[rows],
        requests.name[rows],
        requests.names,
    )


def worse(requests: Requests, effect: Worse, random: Random) -> Requests:
    """With the effect on latencies and failures."""
    return Requests(
        requests.planned,
        requests.planned + requests.latency * effect.slower,
        requests.failed | (random.random(len(requests)) < effect.errors),
        requests.name,
        requests.names,
    )


def decided(pool: Pool, effect: Worse, random: Random, pairs: int = PAIRS) -> Decision:
    """One decision on rounds that are drawn."""
    found: list[dict[str, SeenTurn]] = [{} for _ in range(pairs)]
    for stretch in range(pairs + 1):
        side, name = ("released", SAME.name) if stretch % 2 == 0 else ("candidate", effect.name)
        window = pool.turns[name][int(random.integers(len(pool.turns[name])))]
        if stretch > 0:
            found[stretch - 1][side] = window[0][int(random.integers(DRAWN))]
        if stretch < pairs:
            found[stretch][side] = window[1][int(random.integers(DRAWN))]
    made = [Pair(each["released"], each["candidate"]) for each in found]
    return decide_pairs(made, pool.stored, POLICY, TODAY, ("candidate", "released"))


def decisions(
    pools: Sequence[Pool], effect: Worse, number: int = DECISIONS, pairs: int = PAIRS
) -> list[Decision]:
    """Each on rounds of one of the runs, in turn."""
    random = np.random.default_rng([2, pairs])
    return [decided(pools[index % len(pools)], effect, random, pairs) for index in range(number)]


def rounds(options: Options) -> list[Row]:
    """See the module's text."""
    made = [pool_of(run, (SAME, *WORSE)) for run in runs_of(options.run)]
    pools = [each for each in made if each is not None]
    if not pools:
        raise MeasureError(f"{options.run}: no run there has two windows after of {2 * TURN_SECONDS:.0f} s")
    drawn_from = ", ".join(pool.run for pool in pools)
    note = f"{PAIRS} pairs of {TURN_SECONDS:.0f} s, {DECISIONS} decisions drawn from {drawn_from}"
    rows = [_false_alarms(decisions(pools, SAME), note)]
    return rows + [_power(effect, decisions(pools, effect), note) for effect in WORSE]


def _said(found: Sequence[Decision]) -> str:
    outcomes = Counter(each.outcome for each in found)
    return ", ".join(f"{name} {outcomes[name]}" for name in ("pass", "inconclusive", "regression"))


def _false_alarms(found: Sequence[Decision], note: str) -> Row:
    alarms = sum(each.outcome == "regression" for each in found)
    bounds = stats.binomtest(alarms, len(found)).proportion_ci(method="exact")
    notes = (
        note,
        f"{_said(found)}; {bounds.low:.1%} to {bounds.high:.1%} at 95 % if decisions were independent",
    )
    share = alarms / len(found)
    return Row("rounds A/A, false alarms", "<= 1 %", f"{share:.2%}", reached(share <= 0.01), notes)


def _power(effect: Worse, found: Sequence[Decision], note: str) -> Row:
    share = sum(each.outcome == "regression" for each in found) / len(found)
    passed = sum(each.outcome == "pass" for each in found) / len(found)
    return Row(
        f"rounds A/B, {effect.name}, scaled",
        effect.aim or "none: below the minimum effect",
        f"{share:.1%}; {passed:.1%} pass",
        reached(share >= 0.95 or not effect.aim),
        (note, _said(found)),
    )
