"""findings.yaml: read strictly, opened by what failed, closed only by a passing drill of its procedure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from judged_runs import SCENARIO, judged_run

from drill.cli import cli
from drill.errors import InputError
from drill.evidence.findings import Finding, read_findings, write_changes
from drill.evidence.life import Changed, changed_by, overdue, unfounded
from drill.history.flaky import Flaky
from drill.history.store import History
from drill.judge.verdict import DrillVerdict
from drill.run.facts import read_facts
from drill.run.stored import read_verdicts

ROOT = Path(__file__).parents[3]
FILE = """\
findings:
- id: F-001
  what: "fail, expected pass: users were still out"
  scenario: First
  procedures: [Down / Immediate]
  severity: P0
  opened: {run: one, day: 2001-09-01}
  owner: A. Person   # asked on Monday
  due: 2001-10-01
  status: open   # until the retest
"""


def file_of(tmp_path: Path, text: str = FILE) -> Path:
    path = tmp_path / "findings.yaml"
    path.write_text(text)
    return path


def changes(tmp_path: Path, known: list[Finding], name: str = "two", **spoilt: object) -> Changed:
    folder = judged_run(tmp_path / "reports", name, **spoilt)
    facts = read_facts(folder)
    return changed_by(known, facts, read_verdicts(folder, facts), 30)


FAILS = {"failing": set(range(3700, 6700, 30))}
UNDECIDED = {"settings": {"minimum_requests": 1_000_000}}


@pytest.mark.parametrize(
    ("spoilt", "what"), [(FAILS, "fail, expected pass"), (UNDECIDED, "could not be decided")]
)
def test_what_failed_or_could_not_be_decided_opens_a_finding(
    tmp_path: Path, spoilt: dict[str, object], what: str
) -> None:
    (opened,) = changes(tmp_path, [], **spoilt).opened
    assert opened.what.startswith(what)
    assert (opened.id, opened.scenario, opened.procedures) == ("F-001", SCENARIO, ("Down / Immediate",))
    assert (opened.owner, opened.status, opened.due) == ("unassigned", "open", date(2001, 10, 9))
    again = changes(tmp_path, [opened], "three", **spoilt)
    assert (again.opened, again.closed) == ((), ())


def test_a_passing_drill_opens_none_and_closes_that_of_its_procedure(tmp_path: Path) -> None:
    known = read_findings(file_of(tmp_path))
    found = changes(tmp_path, known)
    (closed,) = found.closed
    assert found.opened == ()
    assert closed.retest is not None
    assert (closed.status, closed.retest.run, closed.retest.day) == ("closed", "two", date(2001, 9, 9))


@pytest.mark.parametrize(
    "other",
    [
        FILE.replace("Down / Immediate", "Another / Procedure"),
        FILE.replace("run: one, day: 2001-09-01", "run: two, day: 2001-09-09"),
        FILE.replace("day: 2001-09-01", "day: 2001-09-20"),
        FILE.replace("procedures: [Down / Immediate]", "procedures: []"),
    ],
    ids=["another procedure", "opened by this very run", "opened later", "nobody acted, another scenario"],
)
def test_nothing_else_closes_it(tmp_path: Path, other: str) -> None:
    assert changes(tmp_path, read_findings(file_of(tmp_path, other))).closed == ()


@pytest.mark.parametrize("spoilt", [FAILS, UNDECIDED])
def test_what_did_not_pass_closes_nothing(tmp_path: Path, spoilt: dict[str, object]) -> None:
    assert changes(tmp_path, read_findings(file_of(tmp_path)), **spoilt).closed == ()


def test_one_drill_that_passes_beside_one_that_fails_closes_nothing(tmp_path: Path) -> None:
    folder = judged_run(tmp_path / "reports", "two")
    facts = read_facts(folder)
    (passing,) = read_verdicts(folder, facts)
    failing: DrillVerdict = msgspec.structs.replace(passing, drill="other", scenario="Other", verdict="fail")
    assert changed_by(read_findings(file_of(tmp_path)), facts, [passing, failing], 30).closed == ()


def test_of_two_runs_of_one_day_only_the_later_one_closes(tmp_path: Path) -> None:
    """The history knows when the run began that opened it; where it does not, a later day must come."""
    history = History(tmp_path / "history.sqlite")
    noon = judged_run(tmp_path / "reports", "noon", **FAILS)  # type: ignore[arg-type]
    history.add(noon)
    facts = read_facts(noon)
    (opened,) = changed_by([], facts, read_verdicts(noon, facts), 30).opened
    passing = judged_run(tmp_path / "reports", "passing")
    verdicts = read_verdicts(passing, read_facts(passing))
    for hours, known, closed in ((-1, history.drills(), 0), (1, [], 0), (1, history.drills(), 1)):
        other = msgspec.structs.replace(facts, run="other", started_wall=facts.started_wall + hours * 3600)
        assert len(changed_by([opened], other, verdicts, 30, drills=known).closed) == closed


def test_a_scenario_that_is_changed_to_state_the_failure_closes_nothing(tmp_path: Path) -> None:
    folder = judged_run(tmp_path / "reports", "two", **FAILS)  # type: ignore[arg-type]
    facts = read_facts(folder)
    (verdict,) = read_verdicts(folder, facts)
    stated = msgspec.structs.replace(verdict, expected="fail")
    assert verdict.expected == "pass"
    day = {"opened": {"run": "one", "day": date(2001, 9, 1)}}
    (opened,) = changed_by([], facts, [verdict], 30).opened
    opened = Finding.model_validate(opened.model_dump() | day)
    assert changed_by([opened], facts, [stated], 30).closed == ()
    undecided = msgspec.structs.replace(stated, verdict="inconclusive")
    (opened,) = changed_by([], facts, [undecided], 30).opened
    opened = Finding.model_validate(opened.model_dump() | day)
    assert len(changed_by([opened], facts, [stated], 30).closed) == 1


def test_a_run_that_was_altered_or_did_not_end_closes_nothing(tmp_path: Path) -> None:
    folder = judged_run(tmp_path / "reports", "two", **FAILS)  # type: ignore[arg-type]
    file = file_of(tmp_path)
    verdict = folder / "evidence" / "scaled" / "verdict.json"
    verdict.write_text(json.dumps(json.loads(verdict.read_text()) | {"verdict": "pass"}))
    target = tmp_path / "drill.toml"
    target.write_text((ROOT / "drill.toml").read_text())
    for name in ("runbook", "novel_engine"):
        (tmp_path / name).symlink_to(ROOT / name)
    for expected in ("altered: evidence/scaled/verdict.json", "this run did not end"):
        done = CliRunner().invoke(
            cli, ["--target", str(target), "evidence", "findings", str(folder)], standalone_mode=False
        )
        assert expected in str(done.exception)
        assert file.read_text() == FILE
        (folder / "manifest.json").unlink(missing_ok=True)


def test_a_flaky_drill_opens_one_with_its_rate_and_closes_none_while_it_is(tmp_path: Path) -> None:
    folder = judged_run(tmp_path / "reports", "two")
    facts = read_facts(folder)
    passing = read_verdicts(folder, facts)
    flaky = [Flaky(SCENARIO, ("pass", "fail", "pass", "pass"), "pass")]
    (opened,) = changed_by([], facts, passing, 30, flaky).opened
    assert opened.what == "flaky, 25% of 4 runs of the same digests (3 pass, 1 fail)"
    assert (opened.scenario, opened.procedures) == (SCENARIO, ("Down / Immediate",))
    assert changed_by([opened], facts, passing, 30, flaky).opened == ()
    known = read_findings(file_of(tmp_path))
    still = changed_by(known, facts, passing, 30, flaky)
    assert (still.closed, [each.id for each in still.opened]) == ((), ["F-002"])
    assert [each.id for each in changed_by(known, facts, passing, 30).closed] == ["F-001"]


def test_the_command_reads_from_the_history_what_is_flaky(tmp_path: Path) -> None:
    target = tmp_path / "drill.toml"
    target.write_text((ROOT / "drill.toml").read_text())
    for name in ("runbook", "novel_engine"):
        (tmp_path / name).symlink_to(ROOT / name)
    history = History(tmp_path / "reports" / "history.sqlite")
    for name, spoilt in (("one", FAILS), ("two", {})):
        history.add(judged_run(tmp_path / "reports", name, **spoilt))
    command = ["--target", str(target), "evidence", "findings", str(tmp_path / "reports" / "two")]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert "opened F-001" in done.output
    (found,) = read_findings(tmp_path / "findings.yaml")
    assert found.what == "flaky, 50% of 2 runs of the same digests (1 fail, 1 pass)"


def test_the_file_keeps_what_people_wrote(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    known = read_findings(path)
    closed = changes(tmp_path, known).closed
    opened = changes(tmp_path, known, "three", **FAILS).opened
    write_changes(path, opened, closed)
    text = path.read_text()
    assert "owner: A. Person   # asked on Monday" in text
    assert "status: closed  # until the retest" in text
    assert [(each.id, each.status) for each in read_findings(path)] == [
        ("F-001", "closed"),
        ("F-002", "open"),
    ]


@pytest.mark.parametrize("text", [FILE, "# of July\nfindings: []\n"])
def test_lines_that_end_in_another_way_stay_so(tmp_path: Path, text: str) -> None:
    path = file_of(tmp_path)
    path.write_bytes(text.replace("\n", "\r\n").encode())
    write_changes(path, changes(tmp_path, read_findings(path), **FAILS).opened, ())
    assert len(read_findings(path)) == text.count("F-001") + 1
    assert path.read_bytes().startswith(text.replace(": []", ":").replace("\n", "\r\n").encode())


def test_a_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "findings.yaml"
    write_changes(path, changes(tmp_path, [], **FAILS).opened, ())
    assert [each.id for each in read_findings(path)] == ["F-001"]
    assert path.read_text().startswith("# What drills found.")


def test_a_form_that_cannot_be_added_to_is_refused_and_left(tmp_path: Path) -> None:
    path = file_of(tmp_path, "findings: []\n# the end\n...\n")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"findings\.yaml"):
        write_changes(path, changes(tmp_path, [], **FAILS).opened, ())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.glob(".findings*")] == []


@pytest.mark.parametrize(
    ("right", "wrong", "line", "expected"),
    [
        ("F-001", "X-1", 2, "F-"),
        ("status: open", "status: done", 10, "'open', 'accepted' or 'closed'"),
        ("status: open", "status: closed", 2, "the retest that closed it"),
        ("status: open", "status: accepted", 2, "accepted: {by, until, reason}"),
        ("due: 2001-10-01", "due: soon", 9, "due: a day, such as"),
        ("due: 2001-10-01", "due: 2001-10-01 10:00:00", 9, "due: a day, such as"),
        ("  owner: A. Person   # asked on Monday\n", "", 2, "owner"),
        ("  severity: P0", "  severty: P0", 6, "a name that drill knows"),
        ("findings:\n", "finding:\n", 2, "a name that drill knows"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_value(
    tmp_path: Path, right: str, wrong: str, line: int, expected: str
) -> None:
    assert right in FILE
    path = file_of(tmp_path, FILE.replace(right, wrong, 1))
    with pytest.raises(InputError) as caught:
        read_findings(path)
    assert f"{path}:{line}: " in str(caught.value)
    assert expected in str(caught.value)


def test_an_id_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    path = file_of(tmp_path, FILE + FILE.partition("\n")[2])
    with pytest.raises(InputError, match=r"findings\.yaml:11: 'F-001'"):
        read_findings(path)


def test_overdue_is_what_is_open_too_long_or_accepted_until_before(tmp_path: Path) -> None:
    known = read_findings(file_of(tmp_path))
    assert overdue(known, date(2001, 10, 1)) == []
    (late,) = overdue(known, date(2001, 10, 2))
    assert "F-001 is overdue since 2001-10-01 (A. Person)" in late
    text = FILE.replace(
        "status: open", "accepted: {by: B, until: 2001-12-01, reason: cost}\n  status: accepted"
    )
    accepted = read_findings(file_of(tmp_path, text))
    assert overdue(accepted, date(2001, 12, 1)) == []
    assert "accepted by B until 2001-12-01" in overdue(accepted, date(2001, 12, 2))[0]


def test_a_closing_that_no_drill_did_is_unfounded(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite")
    history.add(judged_run(tmp_path / "reports", "two"))
    history.add(judged_run(tmp_path / "reports", "three", **FAILS))  # type: ignore[arg-type]
    for run, problems in (("two", 0), ("three", 1), ("never", 1)):
        text = FILE.replace("status: open", f"retest: {{run: {run}, day: 2001-09-09}}\n  status: closed")
        known = read_findings(file_of(tmp_path, text))
        assert len(list(unfounded(known, history.drills()))) == problems
        text = text.replace("{run: one, day: 2001-09-01}", "{run: three, day: 2001-09-09}")
        known = read_findings(file_of(tmp_path, text))
        assert len(list(unfounded(known, history.drills()))) == 1, "not later than the run that opened it"


@pytest.mark.parametrize("spoilt", ["beside one that fails", "kept", "did not end"])
def test_a_closing_by_what_closes_nothing_is_unfounded(tmp_path: Path, spoilt: str) -> None:
    folder = judged_run(tmp_path / "reports", "two")
    history = History(tmp_path / "history.sqlite")
    history.add(folder)
    (drill,) = history.drills()
    drills = {
        "beside one that fails": [drill, replace(drill, drill="other", as_expected=False, verdict="fail")],
        "kept": [replace(drill, kept_run="before")],
        "did not end": [replace(drill, run=replace(drill.run, manifest=""))],
    }[spoilt]
    text = FILE.replace("status: open", "retest: {run: two, day: 2001-09-09}\n  status: closed")
    known = read_findings(file_of(tmp_path, text))
    assert list(unfounded(known, [drill])) == []
    assert len(list(unfounded(known, drills))) == 1
