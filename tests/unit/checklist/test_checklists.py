"""The runbook's checklists: items, what proves them, and `drill checklist` as people use it."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from drill import wait
from drill.checklist.attestations import Attestation, append_attestation, read_attestations
from drill.checklist.carry_out import carry_out
from drill.errors import InputError
from drill.history.store import History
from drill.run.facts import read_facts, write_facts
from drill.run.inputs import keep_inputs
from drill.run.manifest import write_manifest
from drill.runbook import checklist_items, parse
from tests.unit.evidence.judged_runs import SCENARIO, judged_run
from tests.unit.gate.stored_sides import DAY, drill
from tests.unit.present import NOON, TODAY, state_present

ROOT = Path(__file__).parents[3]
RUNBOOK = """# Runbook

### Daily Checklist
- [ ] Is it well?

### Weekly Checklist
- [ ] Restore a backup
- no box, no item

### Quarterly Checklist
- [ ] Teach the team
"""
DRILLED, COMMANDED, ATTESTED = (
    "Weekly Checklist / Restore a backup",
    "Daily Checklist / Is it well?",
    "Quarterly Checklist / Teach the team",
)
PROOFS = f"""checklists:
- item: {COMMANDED}
  command: test -e well
- item: {DRILLED}
  scenarios: [{SCENARIO}]
"""
FILE = f"""# ours
attestations:
- item: {ATTESTED}
  name: A. Person   # on a Monday
  date: 2001-09-01
  days: 93
"""


@pytest.fixture(autouse=True)
def _stated_day(monkeypatch: pytest.MonkeyPatch) -> None:
    state_present(monkeypatch)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The second service's drill.toml, with a runbook that has checklists."""
    folder = tmp_path / "service"
    (folder / "runbook").mkdir(parents=True)
    text = (ROOT / "tests" / "second_service" / "drill.toml").read_text()
    text = re.sub(r'(?m)^name = ".*"', 'name = "Novel Engine"', text, count=1)
    text = re.sub(r"(?m)^(runbook_as_written|errata|manifests) = .*\n", "", text)
    text = re.sub(r"(?ms)^images = \[.*?^\]\n", "", text)
    text = re.sub(r'(?m)^runbook = ".*"', 'runbook = "runbook/runbook.md"', text)
    (folder / "drill.toml").write_text(text)
    (folder / "runbook" / "runbook.md").write_text(RUNBOOK)
    (folder / "runbook" / "checklists.yaml").write_text(PROOFS)
    return folder / "drill.toml"


def remembered(target: Path, *, days_ago: float, **changes: object) -> None:
    """A run of the scenario, of the runbook as it is."""
    run = judged_run(target.parent / "reports", f"run-{days_ago:g}", **changes)
    began = NOON - days_ago * DAY
    inputs = keep_inputs(run, target.parent, [("runbook", Path("runbook/runbook.md"))])
    write_facts(run, msgspec.structs.replace(read_facts(run), started_wall=began, inputs=inputs))
    path = run / "evidence" / "scaled" / "verdict.json"
    path.write_text(re.sub(r'"began_wall": ?[0-9.e+]+', f'"began_wall": {began}', path.read_text()))
    write_manifest(run)
    History(target.parent / "reports" / "history.sqlite").add(run)


def table(target: Path, *arguments: object) -> tuple[int, dict[str, list[str]]]:
    """Exit status, and the cells of each item by its name."""
    status, said = drill(target, "checklist", "--reports", target.parent / "reports", *arguments)
    rows = [line.strip("| ").split(" | ") for line in said.splitlines() if re.match(r"\| \d", line)]
    return status, {row[1]: row for row in rows}


def attested(target: Path, text: str) -> None:
    (target.parent / "attestations.yaml").write_text(text)


def test_the_items_are_those_with_a_box_in_the_order_of_the_text(target: Path) -> None:
    items = checklist_items(parse(target.parent / "runbook" / "runbook.md"))
    assert [(each.name, each.line, each.period) for each in items] == [
        (COMMANDED, 4, "daily"),
        (DRILLED, 7, "weekly"),
        (ATTESTED, 11, "quarterly"),
    ]
    assert [each.most_days for each in items] == [2, 8, 93]


def test_all_proven_is_0(target: Path) -> None:
    remembered(target, days_ago=3)
    (target.parent / "well").touch()
    attested(target, FILE.replace("2001-09-01", str(TODAY)))
    status, rows = table(target)
    assert [row[2] for row in rows.values()] == ["proven"] * 3
    assert (rows[DRILLED][3], rows[ATTESTED][3]) == ("3 days ago", "today")
    assert rows[ATTESTED][5] == f"A. Person, {TODAY}"
    assert status == 0


def test_what_nothing_has_proven_is_2(target: Path) -> None:
    (target.parent / "well").touch()
    status, rows = table(target)
    assert (status, rows[DRILLED][2], rows[ATTESTED][2]) == (2, "not proven", "not proven")
    assert rows[ATTESTED][5] == "nobody has attested it"
    assert table(target, "daily") == (0, {COMMANDED: rows[COMMANDED]})


def test_a_scenario_of_before_the_period_proves_nothing_any_more(target: Path) -> None:
    remembered(target, days_ago=8.2)
    status, rows = table(target, "weekly")
    assert (status, rows[DRILLED][2], rows[DRILLED][5]) == (2, "not proven", "longer ago than 8 days")


def test_a_scenario_that_fails_since_is_1(target: Path) -> None:
    remembered(target, days_ago=3)
    remembered(target, days_ago=1, outages=[(1010.0, 1060.0)])
    status, rows = table(target, "weekly")
    assert (status, rows[DRILLED][2]) == (1, "failure")
    assert rows[DRILLED][5].startswith("fails since, in run run-1: ")


def test_a_command_that_fails_is_1_and_one_that_is_not_carried_out_2(target: Path) -> None:
    status, rows = table(target, "daily")
    assert (status, rows[COMMANDED][2], rows[COMMANDED][5]) == (1, "failure", "ended with status 1")
    status, rows = table(target, "--no-commands", "daily")
    assert (status, rows[COMMANDED][2]) == (2, "not proven")
    assert "not carried out" in rows[COMMANDED][5]


@pytest.mark.parametrize(
    ("command", "said"),
    [("no-such-program --now", "could not be started"), ("sleep 60", "had not ended after 0.2 s")],
)
def test_a_command_that_tells_nothing_is_not_proven(target: Path, command: str, said: str) -> None:
    proofs = PROOFS.replace("test -e well", f"{command}\n  seconds: 0.2")
    (target.parent / "runbook" / "checklists.yaml").write_text(proofs)
    status, rows = table(target, "daily")
    assert (status, rows[COMMANDED][2], said in rows[COMMANDED][5]) == (2, "not proven", True), rows


def test_a_command_sees_no_kubeconfig_and_leaves_nothing_behind(tmp_path: Path) -> None:
    assert carry_out("sh -c 'echo $KUBECONFIG'", 5, tmp_path).said == "/dev/null"
    script = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid)"
    left = carry_out(f'{sys.executable} -c "{script}"', 5, tmp_path)
    assert left.status == 0
    state = Path(f"/proc/{left.said}/status")
    wait.until(
        "the process that was left is gone",
        lambda: not state.exists() or "zombie" in state.read_text(),
        seconds=60,
        every_seconds=0.05,
    )


def test_an_attestation_that_has_run_out_is_overdue_and_1(target: Path) -> None:
    held = str(TODAY - timedelta(days=93))
    attested(target, FILE.replace("2001-09-01", held))
    assert table(target, "quarterly")[0] == 0
    attested(target, FILE)
    status, rows = table(target, "quarterly")
    assert (status, rows[ATTESTED][2]) == (1, "overdue")
    assert rows[ATTESTED][5] == "A. Person, 2001-09-01; held until 2001-12-03"


def test_attest_writes_what_the_table_then_shows_and_keeps_what_people_wrote(target: Path) -> None:
    attested(target, FILE)
    status, said = drill(target, "checklist", "attest", "Teach the team", "--name", "B. Person")
    assert (status, f"B. Person, {TODAY}, holds until {TODAY + timedelta(days=93)}" in said) == (0, True)
    text = (target.parent / "attestations.yaml").read_text()
    assert text.startswith(FILE)
    status, rows = table(target, "quarterly")
    assert (status, rows[ATTESTED][5]) == (0, f"B. Person, {TODAY}")


def test_what_was_attested_just_before_midnight_is_of_the_day_before(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    midnight = NOON + DAY / 2
    state_present(monkeypatch, midnight - 0.001)
    assert drill(target, "checklist", "attest", ATTESTED, "--name", "A. Person")[0] == 0
    state_present(monkeypatch, midnight)
    status, rows = table(target, "quarterly")
    assert (status, rows[ATTESTED][3], rows[ATTESTED][5]) == (0, "1 day ago", f"A. Person, {TODAY}")
    later = str(TODAY + timedelta(days=1))
    assert drill(target, "checklist", "attest", ATTESTED, "--name", "A", "--date", later)[0] == 0


def test_attest_makes_the_file_and_takes_day_and_days(target: Path) -> None:
    day = str(TODAY - timedelta(days=1))
    options = ("--name", "Zoë", "--date", day, "--days", "7")
    assert drill(target, "checklist", "attest", ATTESTED, *options)[0] == 0
    path = target.parent / "attestations.yaml"
    (found,) = read_attestations(path, [ATTESTED], TODAY)
    assert (found.name, str(found.date), found.days) == ("Zoë", day, 7)
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Dance", "--name", "A"), f"expected one item of the runbook's checklists: {ATTESTED}"),
        ((DRILLED, "--name", "A"), "proven by scenarios"),
        ((COMMANDED, "--name", "A"), "proven by a command"),
        ((ATTESTED, "--name", " "), "--name: ' ' is not right"),
        ((ATTESTED, "--name", "A", "--date", "monday"), "--date: 'monday' is not right"),
        ((ATTESTED, "--name", "A", "--date", "2999-01-01"), "--date: '2999-01-01' is not right"),
    ],
)
def test_attest_refuses_what_says_nothing(target: Path, arguments: tuple[str, ...], said: str) -> None:
    status, text = drill(target, "checklist", "attest", *arguments)
    assert (status, said in text) == (3, True), text
    assert not (target.parent / "attestations.yaml").exists()


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        (ATTESTED, "Quarterly Checklist / Dance", 3, f"an item of a checklist of the runbook: {ATTESTED}"),
        ("2001-09-01", "2999-01-01", 5, "a day that has come"),
        ("2001-09-01", "soon", 5, "attestations.0.date: "),
        ("93", "0", 6, "attestations.0.days: "),
        ("93", "'93'", 6, "attestations.0.days: "),
        ("  name", "  who", 4, "attestations.0.who: a name that drill knows"),
        ("A. Person", "''", 4, "attestations.0.name: some text"),
    ],
)
def test_attestations_are_read_strictly(tmp_path: Path, old: str, new: str, line: int, expected: str) -> None:
    path = tmp_path / "attestations.yaml"
    path.write_text(FILE)
    assert [each.name for each in read_attestations(path, [ATTESTED], TODAY)] == ["A. Person"]
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(InputError) as refused:
        read_attestations(path, [ATTESTED], TODAY)
    assert (refused.value.line, expected in refused.value.expected) == (line, True), refused.value


def test_lines_that_end_in_another_way_stay_so(tmp_path: Path) -> None:
    path = tmp_path / "attestations.yaml"
    path.write_bytes(FILE.replace("\n", "\r\n").encode())
    append_attestation(path, Attestation(item=ATTESTED, name="B", date=TODAY, days=1), [ATTESTED], TODAY)
    assert path.read_bytes().startswith(FILE.replace("\n", "\r\n").encode())
    assert [each.name for each in read_attestations(path, [ATTESTED], TODAY)] == ["A. Person", "B"]


def test_a_file_of_another_form_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "attestations.yaml"
    text = "attestations: []\n"
    path.write_text(text)
    done = Attestation(item=ATTESTED, name="A", date=TODAY, days=1)
    with pytest.raises(InputError, match="below attestations:"):
        append_attestation(path, done, [ATTESTED], TODAY)
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        (DRILLED, "Weekly Checklist / Restore backups", 4, f"of the runbook: {DRILLED}"),
        (DRILLED, COMMANDED, 4, "an item that is named once"),
        ("test -e well", "''", 2, "either scenarios or a command"),
        ("test -e well", "test -e 'well", 3, "a command whose quotes are closed"),
        ("command:", "comand:", 3, "a name that drill knows"),
        (f"[{SCENARIO}]", SCENARIO, 5, "checklists.1.scenarios: "),
    ],
)
def test_what_proves_items_is_read_strictly(
    target: Path, old: str, new: str, line: int, expected: str
) -> None:
    path = target.parent / "runbook" / "checklists.yaml"
    path.write_text(PROOFS.replace(old, new, 1))
    with pytest.raises(InputError) as refused:
        checklist_items(parse(target.parent / "runbook" / "runbook.md"))
    assert refused.value.path == path
    assert (refused.value.line, expected in refused.value.expected) == (line, True), refused.value


def test_what_proves_the_reference_runbook_exists() -> None:
    """Scenarios are those of features; a command is a program's, not a word of the runbook."""
    items = checklist_items(parse(ROOT / "runbook" / "operations-runbook.md"))
    text = "\n".join(path.read_text() for path in (ROOT / "features").glob("*.feature"))
    titles = set(re.findall(r"(?m)^\s*Scenario(?: Outline)?: (.+)$", text))
    named = [title for item in items if item.proof for title in item.proof.scenarios]
    assert named
    assert [title for title in named if title not in titles] == []
    assert {item.period for item in items} == {"daily", "weekly", "monthly", "quarterly"}


def test_a_night_lists_as_due_what_the_checklist_does_not_call_proven(target: Path) -> None:
    remembered(target, days_ago=0.1)
    attested(target, FILE)
    run = target.parent / "reports" / "run-0.1"
    drill(target, "nightly", "--of", run)
    said = (run.parent / "run-0.1.nightly.md").read_text()
    due = [line for line in said.splitlines() if line.startswith("- due: ")]
    assert due == [
        f"- due: {COMMANDED} (not carried out here: drill checklist does)",
        f"- due: {ATTESTED} (A. Person, 2001-09-01; held until 2001-12-03)",
    ]
