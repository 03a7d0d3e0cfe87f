"""`drill matrix`: what is crossed, what a procedure did by comparison with nobody acting, and that it goes on
where it was. No cluster: the drills are stored runs that the tests make."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from drill import settings as target_settings
from drill.cli import cli
from drill.conduct.book import Book
from drill.errors import InputError, SetupError, UsageError
from drill.inject.experiment import experiment_of
from drill.lint.document import read_document
from drill.matrix.crossing import (
    FOLDER,
    CrossedFault,
    CrossedProcedure,
    Crossing,
    crossed,
    files_of,
    follower_of,
    procedures_of,
)
from drill.matrix.effect import CrossedSeen, effect, seen_in
from drill.matrix.state import CrossedState
from drill.matrix.words import as_json, table_lines
from drill.matrix.work import CrossingPlan, work
from drill.mutate.followers import Follower
from drill.mutate.held import hold_folder
from drill.mutate.workbench import CAME_TO_NOTHING, Ran, Workbench
from tests.unit.report.recorded_runs import Shape, make_run

ROOT = Path(__file__).parents[3]
FAULTS = (CrossedFault("redis-slow", "Slow"), CrossedFault("backup-gone", "Backups", of_backup=True))
PROCEDURE = CrossedProcedure("Restart it", ("Look", "Down"), "P1", (), ('the operator follows "Down"',))
OWN = CrossedProcedure("Wait for it", ("Slow",), "P2", (), ('the operator follows "Slow"',))
OUT = CrossedSeen(False, None, 0, ("recovered",))
SERVED = CrossedSeen(True, 3.0, 0, ())


@pytest.mark.parametrize(
    ("seen", "alone", "word", "why"),
    [
        (SERVED, OUT, "helps", "users are served, alone they stay out"),
        (OUT, SERVED, "worse", "users stay out, alone they are served"),
        (SERVED, SERVED, "harmless", "served as without it"),
        (OUT, OUT, "harmless", "out as without it"),
        (msgspec.structs.replace(SERVED, lost=2), OUT, "worse", "2 writes lost, alone 0"),
        (
            msgspec.structs.replace(SERVED, lost=2),
            msgspec.structs.replace(OUT, lost=None),
            "worse",
            "2 writes lost, alone unmeasured",
        ),
        (msgspec.structs.replace(SERVED, lost=2), msgspec.structs.replace(OUT, lost=2), "helps", ""),
        (msgspec.structs.replace(SERVED, failed=("cpu",)), SERVED, "worse", "fails besides: cpu"),
        (msgspec.structs.replace(SERVED, failed=("cpu",)), OUT, "helps", ""),
        (OUT, msgspec.structs.replace(OUT, failed=()), "worse", "fails besides: recovered"),
        (CrossedSeen(None, None, None, (), "too few"), OUT, "undecided", "too few"),
        (OUT, CrossedSeen(None, None, None, (), "too few"), "undecided", "alone: too few"),
        (None, OUT, "not run", ""),
        (OUT, None, "not run", ""),
    ],
)
def test_what_a_procedure_did(
    seen: CrossedSeen | None, alone: CrossedSeen | None, word: str, why: str
) -> None:
    found = effect(seen, alone)
    assert found[0] == word
    assert why in found[1]


def test_a_procedure_meets_the_faults_of_other_sections_and_nobody_meets_all() -> None:
    titles = [each.title for each in crossed(FAULTS, (PROCEDURE, OWN))]
    assert titles == [
        "Under redis-slow acts nobody",
        "Under redis-slow acts the procedure of Restart it",
        "Under backup-gone acts nobody",
        "Under backup-gone acts the procedure of Restart it",
        "Under backup-gone acts the procedure of Wait for it",
    ]
    looked = CrossedProcedure("Look", ("Slow", "Down"), "P1", (), ())
    assert len(crossed(FAULTS[:1], (looked,))) == 1


def test_a_scenario_has_a_backup_where_its_fault_hits_one() -> None:
    text = Crossing(FAULTS[1], PROCEDURE).scenario("P1")
    assert "    And a backup was made, and users have written since\n    When the fault" in text
    assert text.endswith('    And the operator follows "Down"\n')
    assert "backup was made" not in Crossing(FAULTS[0], None).scenario("P1")
    assert Crossing(FAULTS[0], None).scenario("P1").endswith("    And nobody acts\n")


def test_the_projects_own_procedures_are_those_of_scenarios_that_bring_users_back() -> None:
    settings = target_settings.load(ROOT / "drill.toml")
    path = ROOT / settings.target.runbook
    found = procedures_of(ROOT / "features", Book(settings).corrected, read_document(path), as_written=False)
    follows = [each.follows for each in found]
    assert len(set(follows)) == len(follows)
    assert ('the operator follows "Database Recovery"',) in follows
    assert not any("as first written" in text for texts in follows for text in texts)
    (recovery,) = [each for each in found if each.sections == ("Database Recovery",)]
    assert recovery.before == ("a backup was made, and users have written since",)
    assert recovery.severity == "P0"


def test_a_folder_without_a_procedure_is_refused(tmp_path: Path) -> None:
    settings = target_settings.load(ROOT / "drill.toml")
    document = read_document(ROOT / settings.target.runbook)
    with pytest.raises(UsageError, match="there is nothing to cross"):
        procedures_of(tmp_path, Book(settings).corrected, document, as_written=False)


@pytest.mark.parametrize("as_written", [False, True])
def test_pytest_accepts_every_scenario_that_is_made(tmp_path: Path, as_written: bool) -> None:
    """Collected as a drill is: sentences, places and order are all looked up; nothing runs."""
    settings = target_settings.load(ROOT / "drill.toml")
    book = Book(settings)
    path = settings.target.runbook_as_written if as_written else settings.target.runbook
    assert path is not None
    runbook = book.as_written if as_written else book.corrected
    procedures = procedures_of(ROOT / "features", runbook, read_document(ROOT / path), as_written=as_written)
    faults = [
        CrossedFault("redis-slow", experiment_of(settings, "redis-slow").section),
        CrossedFault("backup-damaged", "Backup Verification", of_backup=True),
    ]
    crossings = crossed(faults, procedures)
    bench = Workbench(settings, tmp_path, ROOT / FOLDER, added=files_of(crossings, "P0"))
    bench.prepare()
    assert {follower_of(each).test for each in crossings} == set(bench._tests)


class StoredBench:
    """Drills that were made before: each scenario's shape, or none where no drill comes about."""

    def __init__(self, folder: Path, shapes: Sequence[Shape | None]) -> None:
        self.folder, self.shapes, self.drilled = folder, list(shapes), [""][:0]

    def drill(self, text: str, follower: Follower, name: str) -> Ran:
        """The next one."""
        self.drilled.append(follower.scenario)
        shape = self.shapes.pop(0)
        if shape is None:
            return Ran(CAME_TO_NOTHING, 1.0, self.folder / "none", "no cluster")
        run, verdicts = make_run(self.folder, [shape], name=f"{len(self.drilled)}-{name}")
        for verdict in verdicts:
            (run / verdict.evidence / "verdict.json").write_bytes(msgspec.json.encode(verdict))
        return Ran(1, 1.0, run, "")


def a_plan(text: str = "# Runbook\n") -> CrossingPlan:
    return CrossingPlan(text, tuple(crossed(FAULTS[:1], (PROCEDURE,))), "P0", "[target]")


SMALL = Shape(requests_per_second=5.0)
STAYS_OUT = Shape(requests_per_second=5.0, recovered=False, verdict="fail", criteria=())


def test_crossings_are_drilled_once_and_told(tmp_path: Path) -> None:
    state, plan, said = CrossedState(tmp_path / "state.json"), a_plan(), [""][:0]
    bench = StoredBench(tmp_path / "runs", [STAYS_OUT, SMALL])
    assert work(plan, state, bench, said.append)
    assert bench.drilled == [each.title for each in plan.crossings]
    assert said[0] == (
        "2 drills to make: 1 of procedures, 1 of nobody acting; how long one takes is unmeasured until the "
        "first has ended"
    )
    assert said[1].startswith("1 of 2: Under redis-slow acts nobody: out; 1 s, about 0 min left")
    assert "acts the procedure of Restart it: helps (users are served, alone they stay out)" in said[2]
    again = CrossedState(state.file)
    assert work(plan, again, StoredBench(tmp_path / "more", []), said.append)
    lines = list(table_lines(plan, again))
    assert lines[0] == "| fault | its section | alone | Down |"
    assert lines[2] == "| redis-slow | Slow | out | helps |"
    assert lines[4] == "1 procedures under faults of other sections: 1 helps"
    (row,) = as_json(plan, again)["faults"]
    assert row["alone"]["users"] == "out"
    assert [each["effect"] for each in row["procedures"]] == ["helps"]


def test_what_made_things_worse_is_named(tmp_path: Path) -> None:
    state, plan = CrossedState(tmp_path / "state.json"), a_plan()
    assert work(plan, state, StoredBench(tmp_path / "runs", [SMALL, STAYS_OUT]), [""].append)
    assert (
        "worse: Under redis-slow acts the procedure of Restart it: users stay out, alone they are served"
        in table_lines(plan, state)
    )


def test_another_runbook_sets_aside_what_was_found(tmp_path: Path) -> None:
    state = CrossedState(tmp_path / "state.json")
    assert work(a_plan(), state, StoredBench(tmp_path / "runs", [SMALL, SMALL]), [""].append)
    changed = a_plan("# Another\n")
    assert list(table_lines(changed, state))[2] == "| redis-slow | Slow | unmeasured | not run |"
    assert as_json(changed, state)["faults"][0]["procedures"][0]["seconds"] is None


def test_no_time_drills_nothing(tmp_path: Path) -> None:
    state = CrossedState(tmp_path / "state.json")
    assert not work(a_plan(), state, StoredBench(tmp_path / "runs", []), [""].append, minutes=0)


@pytest.mark.parametrize("shapes", [[None, None], [SMALL, None]])
def test_drills_that_cannot_be_made_end_it(tmp_path: Path, shapes: list[Shape | None]) -> None:
    state = CrossedState(tmp_path / "state.json")
    with pytest.raises(SetupError, match="drills in a row that could not be made"):
        work(a_plan(), state, StoredBench(tmp_path / "runs", shapes), [""].append)
    # and they are made anew
    again = StoredBench(tmp_path / "more", [shape or SMALL for shape in shapes if not shape])
    assert work(a_plan(), CrossedState(state.file), again, [""].append)


def test_a_drill_that_was_set_up_badly_or_decided_nothing_is_not_compared(tmp_path: Path) -> None:
    _, (verdict,) = make_run(tmp_path, [SMALL], name="one")
    undecided = [msgspec.structs.replace(verdict.criteria[0], name="recovered", verdict="inconclusive")]
    assert seen_in(verdict).served is True
    assert seen_in(msgspec.structs.replace(verdict, verdict="setup")).served is None
    assert seen_in(msgspec.structs.replace(verdict, criteria=undecided)).served is None
    unheard = [
        msgspec.structs.replace(verdict.criteria[0], name=name, verdict="fail")
        for name in ("detected", "cpu")
    ]
    assert seen_in(msgspec.structs.replace(verdict, criteria=unheard)).failed == ("cpu",)
    assert seen_in(msgspec.structs.replace(verdict, recovered_seconds=None)).served is False
    assert seen_in(msgspec.structs.replace(verdict, recovered_seconds=None, outages=[])).served is True


@pytest.mark.parametrize("text", ["{", '{"version": 9}', '{"drills": 5}'])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="what `drill matrix` wrote"):
        CrossedState(tmp_path / "state.json")


def test_the_command_prints_and_writes_the_table(tmp_path: Path) -> None:
    options = ["--target", str(ROOT / "drill.toml"), "matrix", "--told", "--folder", str(tmp_path / "kept")]
    options += ["--features", str(ROOT / "features")]
    done = CliRunner().invoke(
        cli, [*options, "--fault", "redis-slow"], catch_exceptions=False, standalone_mode=False
    )
    assert "| redis-slow | 3. Performance Degradation (P2) | unmeasured |" in done.output
    kept = json.loads((tmp_path / "kept" / "matrix.json").read_text())
    assert [each["fault"] for each in kept["faults"]] == ["redis-slow"]
    assert {each["effect"] for each in kept["faults"][0]["procedures"]} == {"not run"}
    sections = ["1. Service Completely Down (P0)", "2. High Error Rate (P1)", "Suspected Breach (P0)"]
    assert [each["section"] for each in kept["faults"][0]["procedures"]] == sections
    CliRunner().invoke(
        cli, [*options, "--fault", "redis-slow", "--all"], catch_exceptions=False, standalone_mode=False
    )
    every = json.loads((tmp_path / "kept" / "matrix.json").read_text())["faults"][0]["procedures"]
    assert len(every) > len({each["section"] for each in every}) > len(sections)
    all_felt = CliRunner().invoke(cli, options, catch_exceptions=False, standalone_mode=False)
    assert "| network-slow |" in all_felt.output
    assert "| backup-missing |" not in all_felt.output
    with pytest.raises(UsageError, match="'nothing-such' is no fault"):
        CliRunner().invoke(
            cli, [*options, "--fault", "nothing-such"], catch_exceptions=False, standalone_mode=False
        )


def test_a_folder_is_one_commands_at_a_time(tmp_path: Path) -> None:
    """No drill is made, and no cluster is asked."""
    options = ["--target", str(ROOT / "drill.toml"), "matrix", "--folder", str(tmp_path)]
    options += ["--features", str(ROOT / "features"), "--fault", "redis-slow"]
    with hold_folder(tmp_path), pytest.raises(SetupError, match=f"process {os.getpid()} has it"):
        CliRunner().invoke(cli, options, catch_exceptions=False, standalone_mode=False)
