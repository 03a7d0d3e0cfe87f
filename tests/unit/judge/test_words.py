"""What a verdict says, whole: every field of every criterion, and each reason word for word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recorded_drill import BACK, END, FAULT, INJECTED, RecordedDrill, command, criterion

from drill.judge import DrillVerdict
from drill.judge.verdict import Change, Criterion, FaultSeen, Outage, RequestCount, Unmeasured, Writes
from drill.recording.events import Calibration

OUT = 2000.0
UNMEASURED = "1 planned requests unmeasured from +20.0 s to +20.0 s (no record)"
ALONE = "failures taken as independent: no calibration"
NO_WINDOW = "users were not served for long enough, so there is no window after"


def _about(value: float) -> float:
    return pytest.approx(value, rel=1e-4)  # type: ignore[no-any-return]


def test_a_verdict_on_a_drill_that_holds_everything(tmp_path: Path) -> None:
    verdict = RecordedDrill(tmp_path / "drill").judged()
    served = "users were served again 10.0 s after the fault"
    source = "operations-runbook.md:"
    no_alerts = "nothing was recorded for alerts: the target has no [alerts], no [metrics] or no alert rules"
    found = [
        Criterion(
            "recovered",
            "pass",
            "Users served again",
            _about(10.0),
            900.0,
            "s",
            None,
            4800,
            f"{source}14",
            served,
        ),
        Criterion(
            "procedure",
            "pass",
            "Commands that failed",
            0.0,
            0.0,
            "commands",
            None,
            1,
            "",
            "all 1 commands ended as they should",
        ),
        Criterion(
            "early_end",
            "not applicable",
            "Users out after the procedure's end",
            unit="s",
            why="the scenario does not state that the procedure waits for users",
        ),
        Criterion(
            "diagnosis",
            "not applicable",
            "Blocks that tell what they should",
            unit="statements",
            why="the scenario does not state what a block tells of the fault",
        ),
        Criterion(
            "harm",
            "not applicable",
            "Users left undisturbed",
            unit="ratio",
            why="users were not yet served again when the operator began",
        ),
        Criterion(
            "left_behind",
            "not applicable",
            "Left over, missing or changed",
            unit="differences",
            why="the scenario does not state what is left of the procedure",
        ),
        Criterion(
            "response_time",
            "pass",
            "Response time",
            _about(0.01),
            0.5,
            "s",
            (_about(0.01), _about(0.0321065)),
            4200,
            f"{source}546",
            "95 % of requests took less than 10 ms; blocks of 1.5 s taken as independent: no calibration; "
            "beyond the slowest seen (10 ms) the tail taken as no heavier than 1 / latency",
        ),
        Criterion(
            "error_rate",
            "pass",
            "Error rate",
            0.0,
            0.001,
            "ratio",
            (0.0, _about(0.00078333)),
            4200,
            f"{source}547",
            f"0 of 4200 requests failed; {ALONE}",
        ),
        Criterion(
            "cpu",
            "pass",
            "CPU usage, average",
            _about(0.3),
            0.7,
            "ratio",
            None,
            18,
            f"{source}548",
            "30.0% of the CPU limit on average over 2 pods",
        ),
        Criterion(
            "memory",
            "pass",
            "Memory usage, of the limit",
            _about(0.5),
            0.8,
            "ratio",
            (_about(0.5), _about(0.5)),
            18,
            f"{source}549",
            "the fullest pod used 50.0% of its memory limit in the last part of the window",
        ),
        Criterion(
            "database",
            "pass",
            "Database response, average",
            _about(0.004),
            0.05,
            "s",
            None,
            4080,
            f"{source}550",
            "a query took 4.00 ms on average",
        ),
        Criterion(
            "writes",
            "pass",
            "Acknowledged writes lost",
            0.0,
            0.0,
            "writes",
            None,
            900,
            "",
            "0 of 900 acknowledged writes are absent",
        ),
        Criterion(
            "data_age",
            "not applicable",
            "Age of the restored data",
            unit="s",
            why="no backup is restored in this drill",
        ),
        Criterion("detected", "not applicable", "Somebody is called in time", unit="s", why=no_alerts),
        Criterion("quiet", "not applicable", "Nobody is called for nothing", unit="alerts", why=no_alerts),
        Criterion("resolved", "not applicable", "Alerts end after recovery", unit="s", why=no_alerts),
    ]
    assert verdict.criteria == found
    assert verdict.stays_out == Criterion("stays out", "fail", "The service stays out", unit="s", why=served)
    assert verdict.faults == [
        FaultSeen(FAULT, "failed", "", 0.0, "no endpoints", 0.5, "failed requests", noticed=True)
    ]
    assert (verdict.feature, verdict.scenario) == (
        "features/emergencies.feature",
        "Someone scaled the service away",
    )
    assert (verdict.procedures, verdict.expected) == (["Service Completely Down"], "pass")
    assert verdict.requests == RequestCount(7200, 7200, 1200, 0)
    assert verdict.writes == Writes(900, 0, 0, None)
    assert verdict.outages == [Outage("failed", 0.0, _about(10.0))]
    assert (verdict.procedure_started_seconds, verdict.out_seconds, verdict.flapping) == (
        2.0,
        _about(10.0),
        False,
    )
    assert verdict.changes == [Change("patch", "deployments/novel-engine", 3.0)]
    assert verdict.came_back_after == verdict.commands[0]
    assert (verdict.commands[0].finished_seconds, verdict.calibration) == (_about(2.2), None)


def _absent(*moments: float) -> Callable[[RecordedDrill], None]:
    def change(drill: RecordedDrill) -> None:
        drill.absent = {drill.index_at(moment) for moment in moments}

    return change


def _both(*changes: Callable[[RecordedDrill], None]) -> Callable[[RecordedDrill], None]:
    def change(drill: RecordedDrill) -> None:
        for each in changes:
            each(drill)

    return change


def _failing(first: float, count: int = 1) -> Callable[[RecordedDrill], None]:
    def change(drill: RecordedDrill) -> None:
        drill.failing = set(range(drill.index_at(first), drill.index_at(first) + count))

    return change


def _unlimited(name: str) -> Callable[[RecordedDrill], None]:
    return lambda drill: drill.limits.pop(name) and None


def _lost(*acknowledged_at: float, survivor: float | None = 1009.0) -> dict[str, Any]:
    absent = [{"id": f"w{n}", "acknowledged_at": moment} for n, moment in enumerate(acknowledged_at)]
    return {"acknowledged": 900, "checked": 900, "absent": absent, "newest_survivor_at": survivor}


def _rows(there: tuple[float | None, float | None], survived: float | None) -> dict[str, Any]:
    walls = [None if age is None else 1e6 - age for age in (*there, survived)]
    part = {"part": "database"}
    return {
        "started": {"restores": True},
        "audit": _lost(survivor=None),
        "extra": [
            (INJECTED - 8, "rows.there", part | {"newest_wall": walls[0], "overdue_wall": walls[1]}),
            (END + 1.5, "rows.survived", part | {"fault_wall": 1e6, "newest_wall": walls[2]}),
        ],
    }


HEALED = {"outages": [(INJECTED, 1013.0)], "procedure": (1019.0, 1020.0)}
HUNG = command(52, "a", 130, interrupted=True, hung=True, started=1012.0, finished=1015.0)
RESTORED = {"started": {"restores": True}, "backup": (1004.0, 1004.5)}
SLOW = {"faults": [{"fault": FAULT, "felt": "slow"}]}
LATENT = {"faults": [{"fault": FAULT, "felt": "latent"}]}
COMES_AND_GOES = {"faults": [{"fault": FAULT, "comes_and_goes": True}]}
NO_FAULT = {
    "started": {"faults": [], "procedures": [], "control": True},
    "injected": None,
    "procedure": None,
    "outages": [],
    "extra": [
        (1005.0, "window.closed", {"window": "before"}),
        (1005.0, "window.opened", {"window": "after"}),
    ],
}


@pytest.mark.parametrize(
    ("fields", "change", "name", "outcome", "why"),
    [
        # recovered
        (
            {"outages": [], "unnoticed": 15.0},
            _failing(1030.0),
            "recovered",
            ("not applicable", None, 0),
            "users were never out: 1 requests failed, no more than the limit allows",
        ),
        (
            {"outages": [], "unnoticed": 15.0},
            _absent(1030.0),
            "recovered",
            ("inconclusive", None, 0),
            f"no outage was seen, but {UNMEASURED}",
        ),
        (
            {},
            _absent(1030.0),
            "recovered",
            ("inconclusive", 10.0, 4799),
            f"{UNMEASURED}; as far as seen, users were served again 10.0 s after the fault",
        ),
        (
            {"outages": [], "unnoticed": 15.0},
            _failing(1002.0),
            "recovered",
            ("not applicable", None, 0),
            "users were never out: no request failed",
        ),
        (
            {},
            _absent(1030.0, 1040.0),
            "recovered",
            ("inconclusive", 10.0, 4798),
            "2 planned requests unmeasured from +20.0 s to +20.0 s and in 1 more stretches (no record); as "
            "far as seen, users were served again 10.0 s after the fault",
        ),
        (
            {"outages": [(INJECTED, 1013.0), (1026.0, 1028.0)]},
            None,
            "recovered",
            ("pass", 18.0, 3840),
            "users were served again 18.0 s after the fault, having been out 2 times for 5.0 s altogether",
        ),
        (
            {"outages": [(INJECTED, 1013.0), (1026.0, 1028.0), (1045.0, OUT)]},
            None,
            "recovered",
            ("inconclusive", None, 6000),
            "users are out, and were watched for 15.0 s only since users were lost again, of 30 s",
        ),
        (
            {"outages": [(INJECTED, END - 2)]},
            None,
            "recovered",
            ("fail", None, 6000),
            "users are still out 50.0 s after the fault, and nothing in the cluster is on its way",
        ),
        (
            {},
            _absent(1030.0, 1040.0, 1050.0),
            "recovered",
            ("inconclusive", 10.0, 4797),
            "3 planned requests unmeasured from +20.0 s to +20.0 s and in 2 more stretches (no record); as "
            "far "
            "as seen, users were served again 10.0 s after the fault",
        ),
        (
            {"outages": [(INJECTED, OUT)]},
            None,
            "recovered",
            ("fail", None, 6000),
            "users are still out 50.0 s after the fault, and nothing in the cluster is on its way",
        ),
        (
            {"outages": [(INJECTED, OUT)], "procedure": (1012.0, None)},
            None,
            "recovered",
            ("inconclusive", None, 6000),
            "users are out, and the recording ends before the procedure did",
        ),
        (
            {"outages": [(INJECTED, OUT)], "end": 1040.0},
            None,
            "recovered",
            ("inconclusive", None, 3600),
            "users are out, and were watched for 24.0 s only since the procedure ended, of 30 s",
        ),
        (
            {"outages": [(INJECTED, 1013.0), (1040.0, OUT)]},
            None,
            "recovered",
            ("inconclusive", None, 6000),
            "users are out, and were watched for 20.0 s only since users were lost again, of 30 s",
        ),
        (
            {"outages": [(INJECTED, OUT)], "on_its_way": ["rollout b", "pod a"]},
            None,
            "recovered",
            ("inconclusive", None, 6000),
            "users are still out 50.0 s after the fault; still on its way: pod a, rollout b",
        ),
        (
            {"outages": [(INJECTED, OUT)], "on_its_way": None},
            None,
            "recovered",
            ("inconclusive", None, 6000),
            "users are still out 50.0 s after the fault; whether anything in the cluster was on its way was "
            "not recorded",
        ),
        (
            {"outages": [(INJECTED, END - 4)]},
            None,
            "recovered",
            ("inconclusive", None, 6000),
            "users were served for the last 4.0 s, too short to tell (5 s)",
        ),
        (
            {"outages": [(INJECTED, OUT)]},
            lambda drill: setattr(drill, "absent", drill.indexes(1040.0, 1059.0)),
            "recovered",
            ("inconclusive", None, 3720),
            "users are out, and were watched for 25.0 s only since the procedure ended, of 30 s, less 19.0 "
            "s: "
            "2280 planned requests unmeasured from +30.0 s to +49.0 s (no record)",
        ),
        (
            {},
            _unlimited("recovered"),
            "recovered",
            ("inconclusive", 10.0, 4800),
            "users were served again 10.0 s after the fault, but the runbook states no response time",
        ),
        (
            NO_FAULT,
            None,
            "recovered",
            ("not applicable", None, 0),
            "no fault was injected, so there is nothing to recover from",
        ),
        (
            {"outages": [(1030.0, OUT)], "end": 1050.0},
            None,
            "recovered",
            ("fail", None, 4800),
            "users are still out 40.0 s after the fault, and nothing in the cluster is on its way",
        ),
        (
            {"outages": [], "unnoticed": 15.0},
            _absent(1005.0),
            "recovered",
            ("not applicable", None, 0),
            "users were never out: no request failed",
        ),
        (
            {"outages": [(INJECTED, OUT)]},
            lambda drill: drill.limits["recovered"].update(value=49.0),
            "recovered",
            ("fail", None, 6000),
            "users are still out 50.0 s after the fault, and the time is up",
        ),
        (  # a stretch of the outage was not measured: the time may have been up later
            {"outages": [(INJECTED, OUT)], "on_its_way": ["pod a"]},
            _both(lambda drill: drill.limits["recovered"].update(value=49.0), _absent(1030.0)),
            "recovered",
            ("inconclusive", None, 5999),
            "users are still out 50.0 s after the fault; still on its way: pod a",
        ),
        # procedure
        (
            {"commands": [HUNG]},
            None,
            "procedure",
            ("fail", 1.0, 1),
            "line 52: `a` hung, and was ended after 3 s",
        ),
        (
            {"commands": [command(52, "a", 1), command(53, "b", 2), command(54, "c", 3)]},
            None,
            "procedure",
            ("fail", 3.0, 3),
            "line 52: `a` ended with status 1 (and 2 more)",
        ),
        (
            {"commands": [command(52, "terraform", 127)], "missing_tools": ["terraform", "aws"]},
            None,
            "procedure",
            ("inconclusive", None, 1),
            "not on this machine: aws, terraform",
        ),
        (
            {"commands": []},
            None,
            "procedure",
            ("inconclusive", None, 0),
            "the procedure ended without a command having been run",
        ),
        (
            {"procedure": (1012.0, None)},
            None,
            "procedure",
            ("inconclusive", None, 1),
            "the recording ends before the procedure did",
        ),
        (
            {"procedure_status": 2},
            None,
            "procedure",
            ("fail", 1.0, 1),
            "every command ended with status 0, but the procedure itself with 2",
        ),
        (
            {"procedure": None, "started": {"procedures": []}},
            None,
            "procedure",
            ("not applicable", None, 0),
            "the drill has no procedure: nobody acted",
        ),
        (
            {},
            lambda drill: drill.limits["recovered"].update(value=5.0),
            "recovered",
            ("fail", 10.0, 4800),
            "users were served again 10.0 s after the fault",
        ),
        # harm
        (
            {"outages": [(INJECTED, 1013.0)], "procedure": (1017.0, 1018.0)},
            None,
            "harm",
            ("not applicable", None, 0),
            "users were not yet served again when the operator began",
        ),
        (
            HEALED,
            None,
            "harm",
            ("pass", 0.0, 4920),
            f"0 of 4920 requests failed from the start of the procedure to the end of watching; {ALONE}",
        ),
        (
            HEALED,
            _absent(1030.0),
            "harm",
            ("inconclusive", 0.0, 4919),
            f"{UNMEASURED}; of the rest: 0 of 4919 requests failed from the start of the procedure to the "
            "end "
            f"of watching; {ALONE}",
        ),
        (
            HEALED,
            _failing(1030.0, 5),
            "harm",
            ("fail", 5 / 4920, 4920),
            "users were out; 5 of 4920 requests failed from the start of the procedure to the end of "
            "watching; " + ALONE,
        ),
        (
            {
                "outages": [(INJECTED, 1013.0), (1021.0, 1023.0), (1035.0, 1037.0)],
                "procedure": (1030.0, 1031.0),
            },
            None,
            "harm",
            ("not applicable", None, 0),
            "the service was going up and down before the operator began",
        ),
        (
            {"outages": [(1016.0, BACK)], "procedure": (1011.0, 1014.0)},
            None,
            "harm",
            ("not applicable", None, 0),
            "users had not yet noticed the fault when the operator began",
        ),
        (
            {"outages": [], "slowness": [(1016.0, BACK)], "procedure": (1011.0, 1014.0), "started": SLOW},
            None,
            "harm",
            ("not applicable", None, 0),
            "users had not yet noticed the fault when the operator began",
        ),
        (
            {"outages": [(1016.0, BACK)], "procedure": (1011.0, 1014.0), "started": LATENT},
            None,
            "harm",
            ("fail", 480 / 5880, 5880),
            "users were out; 480 of 5880 requests failed from the start of the procedure to the end of "
            f"watching; {ALONE}",
        ),
        (
            {"outages": [(INJECTED, 1013.0)], "procedure": (1019.0, 1020.0), "started": COMES_AND_GOES},
            None,
            "harm",
            ("pass", 0.0, 4800),
            "0 of 4800 requests failed from when the procedure had ended and users were served to the end of "
            f"watching; {ALONE}; the fault comes and goes, and what failed before that may be its own doing",
        ),
        (
            {
                "outages": [(INJECTED, 1013.0), (1030.0, 1032.0)],
                "procedure": (1019.0, 1020.0),
                "started": COMES_AND_GOES,
            },
            None,
            "harm",
            ("inconclusive", None, 0),
            "users were out again after the procedure had ended: by the fault, which comes and goes and was "
            "not ended, or by the procedure",
        ),
        (
            NO_FAULT,
            None,
            "harm",
            ("pass", 0.0, 6600),
            f"0 of 6600 requests failed although nothing was broken to the end of watching; {ALONE}",
        ),
        # the window after
        (
            {"end": BACK + 8.5, "settings": {"minimum_requests": 10}},
            None,
            "response_time",
            ("inconclusive", None, 420),
            "3 blocks of 1.5 s are too few to tell",
        ),
        (
            {"started": {"calibration": {"dispersion": 1.3, "correlation_seconds": 0.7}}},
            None,
            "response_time",
            ("pass", 0.01, 4200),
            "95 % of requests took less than 10 ms; blocks of 1.4 s taken as independent, since "
            "calibration found "
            "latencies correlated over 0.7 s; beyond the slowest seen (10 ms) the tail taken as no heavier "
            "than "
            "1 / latency",
        ),
        (
            {},
            _absent(1030.0),
            "error_rate",
            ("inconclusive", 0.0, 4199),
            f"{UNMEASURED}; of the rest: 0 of 4199 requests failed; {ALONE}",
        ),
        ({"outages": [(INJECTED, OUT)]}, None, "error_rate", ("inconclusive", None, 0), NO_WINDOW),
        ({"outages": [(INJECTED, OUT)]}, None, "cpu", ("inconclusive", None, 0), NO_WINDOW),
        (
            {"sample_every": 29.0},
            None,
            "cpu",
            ("inconclusive", None, 2),
            "2 samples in the window after, fewer than 3",
        ),
        (
            {"memory_share": lambda moment: 0.3 + 0.40 * max(0.0, moment - 1025) / 35},
            None,
            "memory",
            ("inconclusive", 0.642857, 18),
            "the fullest pod used 64.3% of its memory limit in the last part of the window, and rises to "
            "104% in "
            "another 35 s",
        ),
        (
            {"memory_share": lambda moment: 0.81 if moment == 1054 else 0.70},
            None,
            "memory",
            ("inconclusive", 0.718333, 18),
            "the fullest pod used 71.8% of its memory limit in the last part of the window, at times 81.0%",
        ),
        (
            {"queries_per_second": 98 / 68},
            None,
            "database",
            ("inconclusive", None, 98),
            "98 queries measured, fewer than 100",
        ),
        # writes and the age of the data
        (
            {"audit": _lost(1005.0, 1006.0)},
            None,
            "writes",
            ("fail", 2.0, 900),
            "2 of 900 acknowledged writes are absent",
        ),
        (
            RESTORED | {"audit": _lost(1004.0, 1011.0, 1019.9, survivor=1003.9)},
            None,
            "writes",
            ("pass", 0.0, 900),
            "3 of 900 acknowledged writes are absent, 3 of them as the restored backup may",
        ),
        (
            RESTORED | {"audit": _lost(1004.0, survivor=1003.9)},
            None,
            "data_age",
            ("pass", 6.1, 900),
            "the newest write that survived is 6.1 s older than the fault",
        ),
        ({"audit": None}, None, "writes", ("inconclusive", None, 0), "the writes were not audited"),
        (
            RESTORED | {"audit": None},
            None,
            "data_age",
            ("inconclusive", None, 0),
            "the writes were not audited",
        ),
        (
            {"audit": {"acknowledged": 0, "checked": 0}},
            None,
            "writes",
            ("inconclusive", None, 0),
            "no write was acknowledged, so none could be lost",
        ),
        (
            {"audit": {"acknowledged": 900, "checked": 899}},
            None,
            "writes",
            ("inconclusive", None, 899),
            "only 899 of 900 acknowledged writes could be looked for",
        ),
        (
            {"outages": [(INJECTED, OUT)]},
            None,
            "writes",
            ("inconclusive", None, 0),
            "users are out, so what is absent cannot be told from what is out of reach",
        ),
        (
            {"outages": [(INJECTED, OUT)]},
            None,
            "data_age",
            ("not applicable", None, 0),
            "no backup is restored in this drill",
        ),
        (
            {"outages": [(INJECTED, OUT)], "started": {"restores": True, "control": True}},
            None,
            "data_age",
            ("not applicable", None, 0),
            "no backup is restored in this drill",
        ),
        (
            {"outages": [(INJECTED, OUT)], "started": {"restores": True}},
            None,
            "data_age",
            ("inconclusive", None, 0),
            "users are out, so what is absent cannot be told from what is out of reach",
        ),
        (
            RESTORED | {"audit": _lost(1001.0, 1005.0, survivor=None)},
            None,
            "data_age",
            ("inconclusive", 9.0, 900),
            "no write that survived could be dated, and the target does not say when rows from before the "
            "drill "
            "were written (row_times); the data is at least 9.0 s old",
        ),
        (
            _rows((9.0, 22000.0), 25000.0),
            None,
            "data_age",
            ("fail", 25000.0, 900),
            "the newest row that survived is 25000.0 s older than the fault, the oldest that is known to "
            "be lost "
            "22000.0 s",
        ),
        (
            _rows((25200.0, 25200.0), 25200.0),
            None,
            "data_age",
            ("inconclusive", 25200.0, 900),
            "the newest row that survived is 25200.0 s older than the fault, none is known to be lost",
        ),
        (
            _rows((9.0, None), None),
            None,
            "data_age",
            ("inconclusive", 9.0, 900),
            "no row from before the fault survived; the data is at least 9.0 s old",
        ),
        (
            {"query_seconds": 0.0404},
            None,
            "database",
            ("pass", 0.0404, 4080),
            "a query took 40.40 ms on average",
        ),
        (
            {"started": {"lacks": ["writes", "backup"]}},
            None,
            "data_age",
            ("not applicable", None, 0),
            "the target has no writes and no backup",
        ),
        (
            {"started": {"lacks": ["database", "metrics"]}},
            None,
            "database",
            ("not applicable", None, 0),
            "the target has no database and no metrics",
        ),
    ],
)
def test_a_criterion_says_why(
    tmp_path: Path,
    *,
    fields: dict[str, Any],
    change: Callable[[RecordedDrill], None] | None,
    name: str,
    outcome: tuple[str, float | None, int],
    why: str,
) -> None:
    drill = RecordedDrill(tmp_path / "drill", **fields)
    if change is not None:
        change(drill)
    found = criterion(drill.judged(), name)
    verdict, value, samples = outcome
    assert found.why == why
    assert (found.verdict, found.samples) == (verdict, samples)
    assert found.value == (None if value is None else pytest.approx(value, rel=1e-4))


@pytest.mark.parametrize(
    ("fields", "outcome", "why"),
    [
        ({"outages": []}, ("not applicable", None), "users were never out"),
        (
            {"outages": [(INJECTED, OUT)]},
            ("pass", 50.0),
            "users were out for the last 50.0 s that were watched",
        ),
        (
            {"outages": [(INJECTED, OUT)], "on_its_way": ["rollout b", "pod a"]},
            ("inconclusive", 50.0),
            "users are out, but still on its way is: pod a, rollout b",
        ),
        (
            {"outages": [(INJECTED, OUT)], "on_its_way": None},
            ("inconclusive", 50.0),
            "users are out, but whether anything in the cluster was on its way was not recorded",
        ),
        (
            {"outages": [(INJECTED, 1013.0), (1040.0, OUT)]},
            ("inconclusive", 20.0),
            "users are out, and were watched for 20.0 s only since users were lost again, of 30 s",
        ),
        ({}, ("fail", None), "users were served again 10.0 s after the fault"),
    ],
)
def test_the_service_stays_out_says_why(
    tmp_path: Path, fields: dict[str, Any], outcome: tuple[str, float | None], why: str
) -> None:
    found = RecordedDrill(tmp_path / "drill", **fields).judged().stays_out
    assert found is not None
    assert (found.why, found.verdict, found.value) == (why, *outcome)


def _verdict(folder: Path, **fields: Any) -> DrillVerdict:
    return RecordedDrill(folder / "drill", **fields).judged()


@pytest.mark.parametrize(
    ("fields", "verdict", "why"),
    [
        ({"healthy": None}, "setup", "the target's health was never checked before the fault"),
        (
            {"witness": None},
            "setup",
            f"the fault {FAULT} has no witness: the recording ends before one was seen",
        ),
        (
            {"outages": [(1003.0, BACK)]},
            "setup",
            f"users were out already when the fault {FAULT} was injected",
        ),
        ({"injected": None}, "setup", f"the fault {FAULT} was never injected"),
        (
            {"audit": None, "queries_per_second": 0.0},
            "inconclusive",
            "database: 0 queries measured, fewer than 100; writes: the writes were not audited",
        ),
    ],
)
def test_a_verdict_says_why(tmp_path: Path, fields: dict[str, Any], verdict: str, why: str) -> None:
    found = _verdict(tmp_path, **fields)
    assert (found.verdict, found.why) == (verdict, why)


def test_changes_of_a_drill_without_a_fault_count_from_no_moment(tmp_path: Path) -> None:
    found = _verdict(tmp_path, injected=None)
    assert found.changes == [Change("patch", "deployments/novel-engine", 1013.0)]


def test_a_verdict_carries_its_calibration(tmp_path: Path) -> None:
    found = _verdict(tmp_path, started={"calibration": {"dispersion": 1.3}})
    assert found.calibration == Calibration(dispersion=1.3)


def test_unmeasured_stretches_count_from_the_fault(tmp_path: Path) -> None:
    drill = RecordedDrill(tmp_path / "drill")
    drill.absent = drill.indexes(1030.0, 1031.0)
    assert drill.judged().unmeasured == [Unmeasured(_about(20.0), _about(21.0), 120, "no record")]


def test_a_fault_that_nobody_noticed_is_told_as_such(tmp_path: Path) -> None:
    found = _verdict(tmp_path, outages=[], unnoticed=15.0)
    assert found.faults == [FaultSeen(FAULT, "failed", "", 0.0, "no endpoints", None, "", noticed=False)]


@pytest.mark.parametrize(
    ("fields", "credit", "why"),
    [
        ({"healthy": False}, "not measured", "the drill could not be carried out"),
        ({"outages": []}, "not measured", "users were never out, so nothing was repaired"),
        (
            {"outages": [(INJECTED, OUT)], "on_its_way": ["pod a"]},
            "not measured",
            "whether users were served again is not known",
        ),
        (
            {"outages": [(INJECTED, OUT)], "on_its_way": None},
            "not measured",
            "whether users were served again is not known",
        ),
        (
            {"outages": [(INJECTED, OUT)]},
            "nobody",
            "users were out for the last 50.0 s that were watched",
        ),
        ({"absent": {3700}}, "not measured", "the time of recovery is inconclusive"),
        (
            {"outages": [(INJECTED, 1013.0), (1019.0, 1021.0)], "procedure": (1040.0, 1042.0)},
            "not measured",
            "the service was going up and down",
        ),
        (
            {"procedure": (1025.0, 1027.0)},
            "platform",
            "users were served again after 10.0 s, before anyone acted",
        ),
        (
            {"changes": None},
            "not measured",
            "no audit log of the cluster was read, so no cause can be shown",
        ),
        ({}, "not measured", "there is no control"),
    ],
)
def test_the_credit_says_why(tmp_path: Path, fields: dict[str, Any], credit: str, why: str) -> None:
    found = _verdict(tmp_path, **fields)
    assert (found.credit, found.credit_why) == (credit, why)


def test_a_slow_fault_that_nobody_noticed_is_a_result_too(tmp_path: Path) -> None:
    assert _verdict(tmp_path, outages=[], unnoticed=15.0, started=SLOW).verdict == "not noticed"
    assert _verdict(tmp_path / "latent", outages=[], started=LATENT).verdict == "pass"


def test_procedures_are_named_one_after_the_other(tmp_path: Path) -> None:
    both = _verdict(tmp_path, started={"procedures": ["Pods / Pending", "Redis / Restart"]})
    assert both.procedure == "Pods / Pending; Redis / Restart"


def test_what_a_verdict_without_a_beginning_says_of_faults(tmp_path: Path) -> None:
    faults = {"faults": [{"fault": FAULT, "felt": "slow", "part": "redis"}]}
    setup = _verdict(tmp_path, healthy=False, started=faults)
    assert (setup.verdict, setup.criteria) == ("setup", [])
    assert [(each.fault, each.felt, each.part) for each in setup.faults] == [(FAULT, "slow", "redis")]
    passed = _verdict(tmp_path / "well", started=faults)
    assert [(each.felt, each.part) for each in passed.faults] == [("slow", "redis")]
