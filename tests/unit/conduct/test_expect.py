"""What Then-steps ask of the status page: the order, and that nothing was said before it was so; and of
commands and criteria: whether they show a defect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from drill.conduct import expect
from drill.judge.verdict import Criterion, Outage
from drill.recording.events import CommandFinished, StatusPageTold
from drill.runbook import Defect, Evidence

COURSE = ("investigating", "identified", "monitoring", "resolved")


@dataclass
class Seen:
    """As much of a verdict as is asked here: users were out from 1 s to 9 s after the fault."""

    outages: list[Outage] = field(default_factory=lambda: [Outage("failed", 1.0, 9.0)])
    recovered_seconds: float | None = 9.0
    evidence: str = "evidence/drill"
    criteria: list[Criterion] = field(default_factory=list)
    verdict: str = "setup"
    why: str = "not healthy"


def told(*updates: tuple[float, str], answered: int = 200) -> list[tuple[float | None, StatusPageTold]]:
    return [(seconds, StatusPageTold("p", "i", status, "", answered)) for seconds, status in updates]


RIGHT = told((1.0, "investigating"), (2.0, "identified"), (9.0, "monitoring"), (20.0, "resolved"))


def check(
    updates: list[tuple[float | None, StatusPageTold]], seen: Seen, statuses: tuple[str, ...] = COURSE
) -> None:
    expect.page_went_through(seen, updates, statuses)  # type: ignore[arg-type]


def test_a_page_that_follows_the_incident_holds() -> None:
    check(RIGHT, Seen())
    check([*RIGHT[:1], *RIGHT], Seen())
    check([*told((0.0, "resolved"), answered=401), *RIGHT], Seen())


@pytest.mark.parametrize("without", range(len(RIGHT)))
def test_a_page_that_lacks_a_status_does_not(without: int) -> None:
    with pytest.raises(AssertionError, match="expected the status page to go through"):
        check([*RIGHT[:without], *RIGHT[without + 1 :]], Seen())


def test_another_order_does_not() -> None:
    with pytest.raises(AssertionError, match="it went through identified, investigating"):
        check([RIGHT[1], RIGHT[0], *RIGHT[2:]], Seen())


def test_a_refused_update_is_none_and_is_told() -> None:
    with pytest.raises(AssertionError, match="it refused 'resolved' with 401; it went through nothing"):
        check(told((20.0, "resolved"), answered=401), Seen(), ("resolved",))


@pytest.mark.parametrize(
    ("updates", "seen", "why"),
    [
        (told((0.99, "investigating")), Seen(), "users were out after 1.0 s"),
        (told((8.99, "monitoring")), Seen(), "users were served again after 9.0 s"),
        (told((8.99, "resolved")), Seen(), "users were served again after 9.0 s"),
        (told((99.0, "resolved")), Seen(recovered_seconds=None), "users were served again after None s"),
    ],
)
def test_what_is_said_before_it_is_so_does_not_hold(
    updates: list[tuple[float | None, StatusPageTold]], seen: Seen, why: str
) -> None:
    with pytest.raises(AssertionError, match=why):
        check(updates, seen, (updates[0][1].status,))


def test_without_an_outage_nobody_can_tell() -> None:
    with pytest.raises(expect.Inconclusive, match="users were never out"):
        check(RIGHT, Seen(outages=[]))


DEFECT = Defect(
    id="RB-001",
    section="S",
    line=1,
    what="w",
    as_written="a",
    as_corrected="b",
    evidence=(Evidence(line=1, status=-1), Evidence(line=2, status=0, output_matches="Apply complete")),
)


def ran(line: int, command: str, status: int, output: str = "") -> CommandFinished:
    return CommandFinished(
        line=line, command=command, status=status, started=1.0, finished=2.0, output=output
    )


def fails_as(
    defect: Defect, commands: list[CommandFinished], missing: list[str], *criteria: Criterion
) -> None:
    expect.fails_as(defect, commands, missing, Seen(criteria=list(criteria)))  # type: ignore[arg-type]


CD = ran(1, "cd terraform", 1)


def test_commands_show_the_defect() -> None:
    applied = ran(2, "terraform apply", 0, "Apply complete!\n")
    fails_as(DEFECT, [CD, applied], ["trivy"])


def test_a_missing_program_leaves_it_open_and_is_named() -> None:
    with pytest.raises(expect.Inconclusive, match=r"RB-001: not on this machine: terraform; evidence: e"):
        fails_as(DEFECT, [CD, ran(2, "terraform apply", 127)], ["terraform", "trivy"])


@pytest.mark.parametrize(
    ("commands", "missing"),
    [
        ([CD, ran(2, "terraform apply", 1)], ["terraform"]),
        ([CD, ran(2, "terraform apply", 127)], []),
        ([CD, ran(3, "trivy image", 127)], ["trivy"]),
        ([ran(1, "cd terraform", 0), ran(2, "terraform apply", 0, "Apply complete!")], ["terraform"]),
    ],
)
def test_any_other_trouble_is_not_the_defect(commands: list[CommandFinished], missing: list[str]) -> None:
    with pytest.raises(AssertionError, match=r"^RB-001 did not show itself"):
        fails_as(DEFECT, commands, missing)


EARLY = DEFECT.model_copy(update={"evidence": (Evidence(line=3, status=0, criterion="early_end"),)})
RESTART = ran(3, "kubectl rollout restart deployment/redis", 0)


def over(outcome: Any) -> Criterion:
    return Criterion("early_end", outcome, why="as it was seen")


def test_a_criterion_that_fails_shows_the_defect_that_names_it() -> None:
    fails_as(EARLY, [CD, RESTART], [], over("fail"))


@pytest.mark.parametrize(
    ("commands", "outcome"),
    [
        ([RESTART], "pass"),
        ([RESTART], "not applicable"),
        ([RESTART, CD], "fail"),
        ([CD], "fail"),
        ([ran(3, "kubectl rollout restart deployment/redis", 1)], "fail"),
    ],
)
def test_another_end_is_not_the_defect(commands: list[CommandFinished], outcome: str) -> None:
    seen = f"; early_end is {outcome}: as it was seen; evidence: evidence/drill"
    with pytest.raises(AssertionError, match=rf"^RB-001 did not show itself: .*{seen}"):
        fails_as(EARLY, commands, [], over(outcome))


def test_a_criterion_in_doubt_or_never_judged_leaves_the_defect_open() -> None:
    with pytest.raises(expect.Inconclusive, match="early_end: as it was seen"):
        fails_as(EARLY, [RESTART], [], over("inconclusive"))
    with pytest.raises(
        expect.Inconclusive, match="early_end was not judged, since the drill's verdict is setup"
    ):
        fails_as(EARLY, [RESTART], [])
