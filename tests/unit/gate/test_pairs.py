"""Pairs of turns: what is worse is blocked, the same passes, and too little tells nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_rounds import Like, write_stretch

from drill.errors import InputError
from drill.gate.decide import Decision, Row
from drill.gate.pairs import LEAST_PAIRS, decide_pairs
from drill.gate.turns import StoredRounds, Turn, seen_pairs
from drill.gate.words import decision_lines
from drill.recording import REQUESTS
from drill.settings import Gate
from drill.settings.gate import Waiver

DAY = date(2026, 3, 1)
PER_SECOND, SECONDS = 60.0, 4.0
SAME = Like()
POLICY = Gate(
    block=("p95", "error_rate", "throughput", "cpu", "memory", "recovery"), warn=("p50", "p99", "drift")
)


def rounds(
    folder: Path, released: Like, candidate: Like, *, pairs: int = 8, names: tuple[str, ...] = ("GET /",)
) -> StoredRounds:
    """As the gate takes them: a stretch has two turns, but for the first and the last."""
    random, turns, images = np.random.default_rng(3), [], {}
    for number in range(pairs + 1):
        side = "candidate" if number % 2 else "released"
        name, start = f"{number:02d}-{side}", 100.0 * number
        count = 1 if number in (0, pairs) else 2
        like = candidate if side == "candidate" else released
        write_stretch(folder / name, like, random, start, seconds=count * SECONDS, per_second=PER_SECOND)
        images[name] = [side]
        for turn in range(count):
            begins = start + turn * SECONDS
            turns.append(Turn(max(0, number - 1) + turn, side, name, begins, begins + SECONDS))  # type: ignore[arg-type]
    return StoredRounds(
        released="web:1",
        candidate="web:2",
        requests_per_second=PER_SECOND,
        timeout_seconds=2.0,
        turn_seconds=SECONDS,
        names=list(names),
        turns=turns,
        images=images,
        seconds=20.0 * (pairs + 1),
    )


def decided(folder: Path, stored: StoredRounds, policy: Gate = POLICY) -> Decision:
    return decide_pairs(seen_pairs(folder, stored), stored, policy, DAY, ("candidate", "released"))


def row(decision: Decision, name: str) -> Row:
    return next(each for each in decision.rows if each.name == name)


def test_the_same_image_passes(tmp_path: Path) -> None:
    found = decided(tmp_path, rounds(tmp_path, SAME, SAME))
    assert found.outcome == "pass", list(decision_lines(found))
    assert row(found, "p95 all requests").outcome == "pass"
    assert row(found, "cpu").outcome == row(found, "memory").outcome == "pass"
    # what plain load cannot tell is neither passed nor held against it
    assert row(found, "recovery").outcome == row(found, "drift").outcome == "not compared"
    assert "plain load does not tell it" in row(found, "recovery").why


@pytest.mark.parametrize(
    ("worse", "name"),
    [
        (replace(SAME, slow=0.015), "p95 GET /"),
        (replace(SAME, failing=0.03), "error_rate"),
        (replace(SAME, cores=0.15), "cpu"),
        (replace(SAME, memory_bytes=65_000_000), "memory"),
    ],
)
def test_what_is_worse_is_blocked_by_its_own_criterion_and_the_reverse_is_not(
    tmp_path: Path, worse: Like, name: str
) -> None:
    found = decided(tmp_path / "worse", rounds(tmp_path / "worse", SAME, worse))
    assert (found.outcome, row(found, name).outcome) == ("regression", "regression")
    better = decided(tmp_path / "better", rounds(tmp_path / "better", worse, SAME))
    assert not [each.name for each in better.rows if each.outcome == "regression"]


def test_a_regression_is_told_by_a_number_close_to_the_truth(tmp_path: Path) -> None:
    found = row(decided(tmp_path, rounds(tmp_path, SAME, replace(SAME, slow=0.015))), "p95 all requests")
    assert found.effect == pytest.approx(0.5, abs=0.15)
    assert found.interval is not None
    assert found.interval[0] < found.effect < found.interval[1]


def test_few_pairs_tell_nothing_and_how_many_seconds_would(tmp_path: Path) -> None:
    found = decided(tmp_path, rounds(tmp_path, SAME, replace(SAME, slow=0.1), pairs=LEAST_PAIRS - 1))
    assert found.outcome == "inconclusive"
    # one pair is a stretch of 20 s
    assert found.more_seconds == pytest.approx(20.0, abs=1)
    assert "3 of 3 pairs tell something, fewer than 4" in row(found, "p95 GET /").why
    assert "s more of rounds would decide" in next(iter(decision_lines(found)))


@pytest.mark.parametrize("spoiled", [replace(SAME, silent=0.5), replace(SAME, stalled=60.0)])
def test_a_load_that_stood_still_never_passes(tmp_path: Path, spoiled: Like) -> None:
    found = decided(tmp_path, rounds(tmp_path, SAME, spoiled))
    assert found.outcome == "inconclusive"
    assert found.more_seconds is not None
    assert "0 of 8 pairs tell something" in row(found, "throughput").why
    assert "the load sent" in row(found, "throughput").why


def test_turns_in_which_nothing_was_served_are_compared(tmp_path: Path) -> None:
    """Half of the candidate's turns; those in which it serves do not make up for them."""
    stored = rounds(tmp_path / "good", SAME, SAME)
    pairs = seen_pairs(tmp_path / "good", stored)
    bad = rounds(tmp_path / "bad", SAME, replace(SAME, failing=1.0))
    mixed = [*pairs[:4], *seen_pairs(tmp_path / "bad", bad)[4:]]
    policy = Gate(block=("throughput",), warn=())
    found = decide_pairs(mixed, stored, policy, DAY, ("candidate", "released"))
    assert found.outcome != "pass", list(decision_lines(found))
    worst = decided(tmp_path / "bad", bad, policy)
    assert worst.outcome == "regression", list(decision_lines(worst))


def test_a_short_stall_is_left_out_and_the_rest_is_compared(tmp_path: Path) -> None:
    found = decided(tmp_path, rounds(tmp_path, SAME, replace(SAME, stalled=0.2)))
    assert found.outcome == "pass", list(decision_lines(found))


def test_a_request_too_seldom_sent_is_inconclusive_where_it_blocks_and_only_there(tmp_path: Path) -> None:
    seldom = replace(SAME, names={"GET /": 19, "GET /seldom": 1})
    stored = rounds(tmp_path, seldom, seldom, names=("GET /", "GET /seldom", "GET /never"))
    found = decided(tmp_path, stored)
    assert found.outcome == "inconclusive"
    told = row(found, "p95 GET /seldom")
    assert (told.outcome, "a turn has 12 requests of it, fewer than 100; turns 8.3 times" in told.why) == (
        "inconclusive",
        True,
    )
    assert row(found, "p95 GET /never").outcome == "inconclusive"
    assert row(found, "p99 GET /seldom").outcome == "not compared"


def test_what_nobody_measured_is_not_compared_and_what_one_side_measured_is_inconclusive(
    tmp_path: Path,
) -> None:
    stored = rounds(tmp_path, SAME, SAME)
    pairs = seen_pairs(tmp_path, stored)

    def without(side: str, pair: object) -> object:
        turn = getattr(pair, side)
        levels = {key: level for key, level in turn.levels.items() if key.criterion != "cpu"}
        return replace(pair, **{side: replace(turn, levels=levels)})  # type: ignore[type-var]

    one = [without("candidate", pair) for pair in pairs]
    neither = [without("released", pair) for pair in one]
    for made, outcome in ((one, "inconclusive"), (neither, "not compared")):
        found = decide_pairs(made, stored, POLICY, DAY, ("candidate", "released"))  # type: ignore[arg-type]
        assert row(found, "cpu").outcome == outcome


def test_a_decision_of_two_asks_for_more(tmp_path: Path) -> None:
    stored = rounds(tmp_path, SAME, replace(SAME, slow=0.0115))
    whole, part = decided(tmp_path, stored), decided(tmp_path, msgspec.structs.replace(stored, share=0.05))
    wide, wider = (row(each, "p95 all requests").interval for each in (whole, part))
    assert wide is not None
    assert wider is not None
    assert wider[0] < wide[0]
    assert wide[1] < wider[1]


def test_a_waiver_lets_it_pass_until_its_day(tmp_path: Path) -> None:
    stored = rounds(tmp_path, SAME, replace(SAME, cores=0.15))
    waiver = Waiver(criterion="cpu", owner="A. Person", reason="known", expires=DAY)
    assert decided(tmp_path, stored, POLICY.model_copy(update={"waivers": (waiver,)})).outcome == "pass"
    late = waiver.model_copy(update={"expires": date(2026, 2, 28)})
    assert decided(tmp_path, stored, POLICY.model_copy(update={"waivers": (late,)})).outcome == "regression"


def test_a_damaged_line_is_an_error_that_names_it(tmp_path: Path) -> None:
    stored = rounds(tmp_path, SAME, SAME, pairs=4)
    file = tmp_path / "01-candidate" / REQUESTS
    file.write_bytes(file.read_bytes() + b"{}\n")
    with pytest.raises(InputError, match="01-candidate"):
        seen_pairs(tmp_path, stored)
