"""`drill incident`: runs judged by the real judge, told by the reference target's own runbook."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drill.errors import InputError
from drill.incident.severity import IN_A_ROW
from drill.incident.template import Value, fill, template_of
from drill.run.manifest import write_manifest
from drill.runbook import parse
from drill.statistics import proportion_interval
from tests.unit.evidence.judged_runs import judged_run
from tests.unit.gate.stored_sides import ROOT, drill, service
from tests.unit.judge.recorded_drill import BACK, END, INJECTED, PER_SECOND

TITLE = "Incident Communication Template"
FIRST, SERVED = 1200, 2400
"""Indexes of the requests planned at the injection and at recovery."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return service(
        tmp_path_factory.mktemp("incident") / "service", '\n[communication]\ncontact = "A. Person"\n'
    )


def told(target: Path, reports: Path, *options: str, **changes: object) -> tuple[int, str]:
    return drill(target, "incident", judged_run(reports, **changes), *options)


def line_of(beginning: str) -> int:
    """Where the runbook says so."""
    lines = (ROOT / "runbook" / "operations-runbook.md").read_text(encoding="utf-8").splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if line.startswith(beginning)]
    return found


def moment(monotonic: float) -> str:
    return f"{datetime.fromtimestamp(1e9 + monotonic, UTC):%Y-%m-%d %H:%M:%S} UTC"


def every(step: int) -> dict[str, object]:
    """One of so many requests fails while the fault lasts."""
    return {"outages": [], "failing": set(range(FIRST, SERVED, step))}


def test_an_outage_fills_every_placeholder_of_the_runbook(target: Path, tmp_path: Path) -> None:
    status, said = told(target, tmp_path)
    assert status == 0, said
    filled = said.partition("\n\n")[2]
    assert filled.startswith(
        f"""Subject: [P0] Novel Engine - nobody is served

Status: RESOLVED
Start Time: {moment(INJECTED)}
Impact: 1200 of 1200 requests failed (100 %); out for 10 s; 0 of 900 acknowledged writes lost
Affected Components: novel-engine

Updates:
- {moment(INJECTED)}: INVESTIGATING: requests of users fail
- {moment(1012)}: IDENTIFIED: the operator begins: Down / Immediate
- {moment(BACK)}: MONITORING: users are served again, after 10 s
- {moment(END)}: RESOLVED: users have been served well for 35 s

Next Update: none, it is resolved
Contact: A. Person
"""
    )
    assert (
        "severity: P0: nobody was served for 10 s: 1200 requests failed in a row (runbook line 11)\n" in said
    )
    assert "{" not in filled


RATE_LINE = line_of("- Error rate > 5%")


@pytest.mark.parametrize(
    ("changes", "severity", "because"),
    [
        (
            every(10),
            "P1",
            f"requests failed, more than 5 % (line {RATE_LINE}) (runbook line 12). The scenario says P0",
        ),
        (
            every(33),
            "P2",
            f"requests failed, less than 5 % (line {RATE_LINE}) (runbook line 13). The scenario says P0",
        ),
        (
            {"outages": [], "slowness": [(INJECTED, BACK)]},
            "P2",
            "requests were answered, and late (runbook line 13). The scenario says P0",
        ),
        (
            {
                "outages": [],
                "slowness": [(INJECTED, BACK)],
                "audit": {
                    "acknowledged": 900,
                    "checked": 900,
                    "absent": [{"id": "one", "acknowledged_at": 1005.0}],
                    "newest_survivor_at": 1009.5,
                },
            },
            "P0",
            "1 acknowledged write lost (runbook line 11)",
        ),
    ],
)
def test_severity_is_what_users_felt_beside_what_the_scenario_says(
    target: Path, tmp_path: Path, changes: dict[str, object], severity: str, because: str
) -> None:
    status, said = told(target, tmp_path, **changes)
    assert f"Subject: [{severity}] " in said
    assert because in said
    assert status == 0


@pytest.mark.parametrize(
    ("changes", "possible", "tells"),
    [
        (every(20), "P1 or P2", "more requests while users are out would tell"),
        ({"outages": [(INJECTED, INJECTED + 0.5)]}, "P0 or P1", f"{IN_A_ROW} requests in a row would tell"),
    ],
)
def test_a_severity_that_cannot_be_told_is_unknown_and_says_what_would_tell(
    target: Path, tmp_path: Path, changes: dict[str, object], possible: str, tells: str
) -> None:
    status, said = told(target, tmp_path, **changes)
    assert (status, "Subject: [unknown] Novel Engine" in said) == (2, True)
    assert f"severity: {possible}: " in said
    assert f"unknown: {{severity}} (line {line_of('Subject: [P{severity}]')}); " in said
    assert tells in said
    assert "escalation: unknown" in said


def test_lost_data_decides_where_the_share_of_failures_cannot(target: Path, tmp_path: Path) -> None:
    lost = [{"id": "one", "acknowledged_at": 1005.0}]
    audit = {"acknowledged": 900, "checked": 900, "absent": lost, "newest_survivor_at": 1009.5}
    status, said = told(target, tmp_path, **every(20), audit=audit)
    assert (status, "Subject: [P0] Novel Engine - 5.08 % of requests fail" in said) == (0, True), said


def test_one_failure_less_in_the_row_does_not_say_that_nobody_was_served(
    target: Path, tmp_path: Path
) -> None:
    assert proportion_interval(0, IN_A_ROW)[1] <= 0.05 < proportion_interval(0, IN_A_ROW - 1)[1]
    enough = {"outages": [], "failing": set(range(FIRST, FIRST + IN_A_ROW))}
    less = {"outages": [], "failing": set(range(FIRST, FIRST + IN_A_ROW - 1))}
    assert "Subject: [P0]" in told(target, tmp_path / "enough", **enough)[1]
    assert "P0 or P1" in told(target, tmp_path / "less", **less)[1]


def test_nobody_felt_anything_makes_no_incident(target: Path, tmp_path: Path) -> None:
    status, said = told(target, tmp_path, outages=[], unnoticed=15.0)
    assert status == 0
    assert "no incident: nobody felt anything: 7200 requests, none of them within an outage" in said
    assert "Subject" not in said


def test_what_was_not_measured_is_no_proof_that_nobody_felt_anything(target: Path, tmp_path: Path) -> None:
    absent = set(range(FIRST + 100, FIRST + 400))
    status, said = told(target, tmp_path, outages=[], unnoticed=15.0, absent=absent)
    assert (status, "not told: no outage was seen, but not all was: 300 requests" in said) == (2, True), said


def test_a_drill_that_was_not_carried_out_tells_nothing(target: Path, tmp_path: Path) -> None:
    status, said = told(target, tmp_path, healthy=False)
    assert (status, "not told: it was not carried out: the target was not healthy" in said) == (2, True)


def test_users_who_are_out_at_the_end_are_not_resolved_and_the_next_update_is_due(
    target: Path, tmp_path: Path
) -> None:
    status, said = told(target, tmp_path, outages=[(INJECTED, END)])
    assert status == 0, said
    assert "Status: IDENTIFIED\n" in said
    assert f"Next Update: {moment(1012 + 900)}\n" in said
    assert "out for 50 s, and out at the end" in said
    assert "not resolved: users were out when watching ended" in said


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"failing": set(range(3000, 7200, 300))}, "the window after did not hold: "),
        ({"failing": set(range(3000, 7200, 1000))}, "the window after could not be judged: "),
        ({"closed": False, "load_ended": None}, "no window after was watched to its end"),
    ],
)
def test_a_window_after_that_did_not_hold_is_not_resolved(
    target: Path, tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    _, said = told(target, tmp_path, **changes)
    assert "RESOLVED" not in said
    assert f"not resolved: {why}" in said


def test_service_that_comes_and_goes_is_told_in_order(target: Path, tmp_path: Path) -> None:
    _, said = told(target, tmp_path, outages=[(INJECTED, 1015.0), (1025.0, 1030.0)])
    updates = [line for line in said.splitlines() if line.startswith("- 2001")]
    assert [line.split(": ")[1] for line in updates] == [
        "INVESTIGATING",
        "IDENTIFIED",
        "MONITORING",
        "IDENTIFIED",
        "MONITORING",
    ]
    assert "not resolved: the window after did not hold: " in said
    assert [line.split(" UTC")[0] for line in updates] == sorted(line.split(" UTC")[0] for line in updates)
    assert "out for 10 s" in said


def test_nobody_who_acts_identifies_nothing(target: Path, tmp_path: Path) -> None:
    _, said = told(target, tmp_path, procedure=None, commands=[])
    assert "IDENTIFIED" not in said
    assert "never identified: nobody acted" in said


def test_who_acts_once_users_are_served_again_identifies_nothing(target: Path, tmp_path: Path) -> None:
    _, said = told(target, tmp_path, procedure=(1021.0, 1024.0))
    updates = [line.split(" UTC: ")[1] for line in said.splitlines() if line.startswith("- 2001")]
    assert updates[1:3] == [
        "MONITORING: users are served again, after 10 s",
        "MONITORING: the operator begins: Down / Immediate",
    ]


@pytest.mark.parametrize("audit", [None, {"acknowledged": 900, "checked": 899, "unchecked": 1}])
def test_writes_that_nobody_looked_for_are_unmeasured(
    target: Path, tmp_path: Path, audit: dict[str, object] | None
) -> None:
    _, said = told(target, tmp_path, audit=audit)
    assert "lost writes: unmeasured" in said
    assert "whether writes were lost is unmeasured" in said


def test_the_part_that_the_fault_hits_is_affected(target: Path, tmp_path: Path) -> None:
    run = judged_run(tmp_path)
    verdict = run / "evidence" / "scaled" / "verdict.json"
    content = json.loads(verdict.read_text())
    content["faults"][0]["part"] = "redis"
    verdict.write_text(json.dumps(content))
    assert "Affected Components: redis\n" in drill(target, "incident", run)[1]


def test_a_drill_without_a_fault_does_not_invent_what_is_affected(target: Path, tmp_path: Path) -> None:
    run = judged_run(tmp_path)
    verdict = run / "evidence" / "scaled" / "verdict.json"
    verdict.write_text(json.dumps(json.loads(verdict.read_text()) | {"faults": []}))
    status, said = drill(target, "incident", run)
    assert (status, "Affected Components: unknown\n" in said) == (2, True)
    line = line_of("Affected Components: {services}")
    assert f"unknown: {{services}} (line {line}); a fault that was injected" in said


def test_contact_is_an_option_or_unknown(tmp_path: Path) -> None:
    nobody = service(tmp_path / "service", "")
    run = judged_run(tmp_path / "reports")
    status, said = drill(nobody, "incident", run)
    assert (status, "Contact: unknown\n" in said) == (2, True)
    assert "[communication] contact of drill.toml, or --contact would tell" in said
    status, said = drill(nobody, "incident", run, "--contact", "B. Person")
    assert (status, "Contact: B. Person\n" in said) == (0, True)
    assert drill(nobody, "incident", run, "--contact", "two\nlines")[0] == 3


def test_levels_are_those_of_the_runbook_by_severity_and_time(target: Path, tmp_path: Path) -> None:
    _, said = told(target, tmp_path)
    levels = [line.strip() for line in said.splitlines() if line.strip().startswith("Level ")]
    assert levels[0] == (
        f"Level 1, from {moment(INJECTED)}: DevOps Team (Slack: #novel-engine-ops) "
        f"(line {line_of('- **Level 1**')}): called"
    )
    assert levels[1].startswith(f"Level 2, from {moment(INJECTED + 900)}: Technical Lead")
    assert [line.rpartition(": ")[2] for line in levels[1:]] == ["not reached"] * 3
    assert "the runbook's list states no times" in said
    quick = service(tmp_path / "service", "\n[communication]\nescalate_minutes = { P0 = 0.1 }\n")
    _, said = drill(quick, "incident", judged_run(tmp_path / "quick"))
    assert said.count(": called") == 2
    assert "escalation: 6 s, [communication] escalate_minutes of drill.toml" in said


def test_markdown_and_json_say_the_same(target: Path, tmp_path: Path) -> None:
    run = judged_run(tmp_path)
    _, text = drill(target, "incident", run)
    status, markdown = drill(target, "incident", run, "--markdown")
    assert status == 0
    filled = text[text.index("Subject") : text.index("\n\n  severity")]
    assert f"````text\n{filled}\n````\n" in markdown
    body = json.loads(drill(target, "incident", run, "--json")[1])
    (notice,) = body["notices"]
    incident = notice["incident"]
    assert (body["run"], notice["kind"], incident["severity"]["name"]) == ("one", "incident", "P0")
    assert incident["started_wall"] == 1e9 + INJECTED
    assert incident["next_update_wall"] is None
    assert [each["status"] for each in incident["updates"]] == [
        "investigating",
        "identified",
        "monitoring",
        "resolved",
    ]
    assert incident["impact"]["total"]["failed"] == (BACK - INJECTED) * PER_SECOND
    assert incident["filled"]["text"].strip() == filled.strip()


def test_one_drill_by_its_name_or_title(target: Path, tmp_path: Path) -> None:
    run = judged_run(tmp_path)
    assert drill(target, "incident", run, "--drill", "scaled") == drill(target, "incident", run)
    status, said = drill(target, "incident", run, "--drill", "nothing")
    assert (status, "no drill is called 'nothing'. Expected one of: scaled" in said) == (3, True)


def test_a_run_of_another_target_is_refused(target: Path, tmp_path: Path) -> None:
    run = judged_run(tmp_path)
    facts = run / "run.json"
    facts.write_text(facts.read_text().replace('"Novel Engine"', '"Another"'))
    status, said = drill(target, "incident", run)
    assert (status, "a run of 'Another'" in said) == (3, True)


def test_times_after_the_clock_was_set_are_said_to_be_so(target: Path, tmp_path: Path) -> None:
    run = judged_run(tmp_path)
    recording = run / "evidence" / "scaled" / "recording.jsonl"
    lines = recording.read_text().splitlines()
    moved = [json.loads(line) for line in lines]
    for each in moved:
        each["wall"] += 60 if each["monotonic"] > 1011 else 0
    recording.write_text("\n".join(map(json.dumps, moved)) + "\n")
    status, said = drill(target, "incident", run)
    assert (status, "'altered: evidence/scaled/recording.jsonl'" in said) == (3, True)
    write_manifest(run)
    _, said = drill(target, "incident", run)
    assert "the machine's clock was set meanwhile" in said
    assert f"- {moment(1012 + 60)}: IDENTIFIED" in said


TEMPLATE = f"""# Runbook
## {TITLE}
```
Title: {{priority}} {{what}} {{ticket}}
Status: OPEN | CLOSED
Weather: {{sky}}
Updates:
- {{date}} {{news}}
```
"""


def test_what_drill_does_not_know_is_named_with_its_line_and_nothing_is_invented(tmp_path: Path) -> None:
    (tmp_path / "runbook.md").write_text(TEMPLATE)
    template = template_of(parse(tmp_path / "runbook.md"), TITLE)
    values = {"severity": Value("P1"), "description": Value("slow"), "status": Value("resolved")}
    filled = fill(template, values, [("now", "one"), ("later", "two")])  # type: ignore[arg-type]
    assert filled.text == (
        "Title: P1 slow unknown\nStatus: unknown\nWeather: unknown\nUpdates:\n- now one\n- later two\n"
    )
    assert [(each.placeholder, each.line) for each in filled.unknown] == [
        ("ticket", 4),
        ("OPEN | CLOSED", 5),
        ("sky", 6),
    ]
    assert "an alternative for resolved" in filled.unknown[1].would_tell
    assert filled.line == 4


@pytest.mark.parametrize("fence", ["", "```bash\ntrue\n```\n", "```\none\n```\n\n```\ntwo\n```\n"])
def test_a_runbook_without_one_template_is_refused_with_its_line(tmp_path: Path, fence: str) -> None:
    (tmp_path / "runbook.md").write_text(f"# Runbook\n## {TITLE}\n{fence}")
    with pytest.raises(InputError, match=r"runbook\.md:2: .*one fenced block without a language"):
        template_of(parse(tmp_path / "runbook.md"), TITLE)
