"""Recovery on the worst night: until an alert calls, until somebody begins, until users are served. The
replay is stated, so that each share is known to the second."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drill.judge.verdict import Criterion, DrillVerdict
from drill.recording.events import AlertKnown, AlertSpell, AlertsReplayed, AlertStaged
from tests.unit.judge.recorded_drill import (
    BACK,
    END,
    FAULT,
    INJECTED,
    PER_SECOND,
    START,
    RecordedDrill,
    criterion,
)

DOWN = AlertKnown("Down", "P0", 900.0, 300.0, needs_seconds=120.0)
ILL = AlertKnown("Ill", "P1", 3600.0, None, needs_seconds=120.0)
ACTED = 8.0


@dataclass
class Night:
    """A drill that passes in all else; users are served again 10 s after the fault, 8 s after somebody began.
    `fired`: seconds after the fault, by alert; `stated`: what the scenario says of alerts; `received`: when
    an alert arrived in life."""

    folder: Path
    fired: dict[str, float] = field(default_factory=lambda: {"Down": 120.0})
    rules: list[AlertKnown] = field(default_factory=lambda: [DOWN, ILL])
    stated: list[str] | None = field(default_factory=lambda: ["Down"])
    replay: dict[str, Any] = field(default_factory=dict)
    received: float | None = None
    drill: dict[str, Any] = field(default_factory=dict)

    def judged(self) -> DrillVerdict:
        spells = [AlertSpell(name, at - 60, at, 1000.0) for name, at in self.fired.items()]
        replay = AlertsReplayed(
            rules=self.rules,
            spells=spells,
            evaluate_seconds=5.0,
            held_seconds=900.0,
            until_seconds=990.0,
            recovered=True,
            resolve_seconds=600.0,
            scrapes=20,
        )
        replay = msgspec.structs.replace(replay, **self.replay)
        drill = RecordedDrill(self.folder / "drill", **self.drill)
        drill.started = {"faults": [{"fault": FAULT, "alerts": ["Down", "Ill"]}], "alerts": self.stated}
        drill.extra = [(END + 1.0, replay.kind, msgspec.to_builtins(replay))]
        if self.received is not None:
            staged = AlertStaged("Down", "received", self.received)
            drill.extra.append((INJECTED + 1.0, staged.kind, msgspec.to_builtins(staged)))
        return drill.judged()

    def recovered(self) -> Criterion:
        return criterion(self.judged(), "recovered")


def test_the_whole_time_is_within_the_limit_and_says_what_is_assumed(tmp_path: Path) -> None:
    found = Night(tmp_path).recovered()
    assert found.verdict == "pass"
    assert found.value == pytest.approx(120 + 300 + ACTED, abs=0.2)
    assert found.why == (
        "Down calls 120 s after the fault (replayed) + 300 s until somebody begins (assumed) + "
        "8.0 s until users are served (measured) = 428 s"
    )


def test_an_alert_that_comes_too_late_for_the_sum_fails_it(tmp_path: Path) -> None:
    """900 s are allowed: 592 + 300 + 8 is one too many, 591 is not."""
    late = Night(tmp_path / "late", {"Down": 592.1}).judged()
    assert criterion(late, "recovered").verdict == "fail"
    assert late.verdict == "fail"
    assert criterion(late, "detected").verdict == "pass"
    assert Night(tmp_path / "in time", {"Down": 591.0}).recovered().verdict == "pass"


def test_where_the_scenario_says_nothing_of_alerts_the_measured_share_is_judged(tmp_path: Path) -> None:
    verdict = Night(tmp_path, {"Down": 700.0}, stated=None).judged()
    found = criterion(verdict, "recovered")
    assert (found.verdict, found.value) == ("pass", pytest.approx(10.0, abs=0.1))
    assert verdict.called is not None
    assert verdict.called.total_seconds == pytest.approx(1008.0, abs=0.2)


def test_nobody_called_is_the_failure_of_the_alerts_and_not_of_the_procedure(tmp_path: Path) -> None:
    verdict = Night(tmp_path, {}).judged()
    found = criterion(verdict, "recovered")
    assert (found.verdict, found.value) == ("pass", pytest.approx(10.0, abs=0.1))
    assert "nobody would have been called, which is the failure of the alerts" in found.why
    assert criterion(verdict, "detected").verdict == "fail"
    assert (verdict.verdict, verdict.why.split(":")[0]) == ("fail", "detected")


def test_a_severity_of_which_nothing_is_assumed_is_decided_only_where_the_rest_decides_it(
    tmp_path: Path,
) -> None:
    found = Night(tmp_path / "open", {"Ill": 120.0}).recovered()
    assert (found.verdict, found.value) == ("inconclusive", None)
    assert "[alerts] response_seconds says nothing of P1; less than 772 s would do" in found.why
    over = Night(tmp_path / "over", {"Ill": 893.0}).recovered()
    assert over.verdict == "fail"
    assert over.value == pytest.approx(901.0, abs=0.2)


def test_who_begins_first_counts_not_who_is_called_first(tmp_path: Path) -> None:
    verdict = Night(tmp_path, {"Ill": 90.0, "Down": 120.0}).judged()
    assert verdict.called is not None
    assert (verdict.called.alert, verdict.called.severity) == ("Down", "P0")


@pytest.mark.parametrize(
    ("replay", "why"),
    [
        ({"why": "the tool is missing"}, "the tool is missing"),
        ({"held_seconds": 0.0}, "fewer than two scrapes"),
        ({"gap_seconds": 16.0}, "nothing was scraped for 16 s"),
        ({"spells": [], "until_seconds": 100.0}, "Down is silent for 100 s; 120 s would tell"),
    ],
)
def test_when_the_replay_tells_nothing_neither_does_the_sum(
    tmp_path: Path, replay: dict[str, Any], why: str
) -> None:
    night = Night(tmp_path, replay=replay)
    found = night.recovered()
    assert found.verdict == "inconclusive"
    assert why in found.why
    night.drill = {"limits": {"recovered": {"value": 9.0, "unit": "s"}}}
    assert night.recovered().verdict == "fail"  # the measured share alone is too long


def test_an_alert_that_was_received_counts_before_the_replay(tmp_path: Path) -> None:
    night = Night(tmp_path, stated=None, received=131.0)
    found = night.recovered()
    assert found.value == pytest.approx(131 + 300 + ACTED, abs=0.2)
    assert "Down calls 131 s after the fault (received)" in found.why
    night.received = 593.0
    assert night.recovered().verdict == "fail"
    night.received = -2.0  # of something else, before the fault
    assert night.recovered().why == "users were served again 10.0 s after the fault"


def test_what_the_platform_healed_before_anybody_acted_needs_no_call(tmp_path: Path) -> None:
    night = Night(tmp_path, drill={"procedure": (BACK + 1.0, BACK + 2.0)})
    found = night.recovered()
    assert found.verdict == "pass"
    assert "before anybody who was called had acted" in found.why


def test_what_spoils_the_measured_share_spoils_the_sum(tmp_path: Path) -> None:
    night = Night(tmp_path, drill={"limits": {}})
    found = night.recovered()
    assert found.verdict == "inconclusive"
    assert "the runbook states no response time" in found.why


def test_the_sum_is_too_long_only_where_users_are_known_to_have_been_out_for_so_long(tmp_path: Path) -> None:
    """Nothing was measured for the 10 s before they were seen to be served."""
    absent = set(range(int(BACK - START) * PER_SECOND, int(BACK - START + 10) * PER_SECOND))
    found = Night(tmp_path / "open", {"Down": 585.0}, drill={"absent": absent}).recovered()
    assert (found.verdict, found.value) == ("inconclusive", pytest.approx(585 + 300 + ACTED + 10))
    assert Night(tmp_path / "over", {"Down": 592.1}, drill={"absent": absent}).recovered().verdict == "fail"


def test_a_fault_that_users_did_not_notice_has_to_call_nobody_unless_it_is_stated(tmp_path: Path) -> None:
    unnoticed = {"outages": [], "unnoticed": INJECTED + 3.0, "witness": None}
    silent = Night(tmp_path / "silent", {}, stated=None, drill=unnoticed).judged()
    assert criterion(silent, "detected").verdict == "not applicable"
    stated = Night(tmp_path / "stated", {}, drill=unnoticed).judged()
    assert criterion(stated, "detected").verdict == "fail"
