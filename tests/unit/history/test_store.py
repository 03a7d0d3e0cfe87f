"""The history's file: what is in it, who may write at the same time, and what a kill leaves."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from stored_runs import IMAGES, store_run

from drill.errors import InputError, SetupError, UsageError
from drill.gate.observed import Key, seen_in_history
from drill.history.store import History
from drill.history.taken import digest_of
from drill.run.facts import read_facts, write_facts
from drill.run.manifest import write_manifest
from tests.unit.report.recorded_runs import CONTROL, Shape

ROOT = Path(__file__).resolve().parents[3]
APPEND = """
import sys
from pathlib import Path
from drill.history.store import History
history = History(Path(sys.argv[1]))
print("ready", flush=True)
for folder in sys.argv[2:]:
    history.add(Path(folder))
    print(Path(folder).name, flush=True)
"""
SECONDS = 60


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    return tmp_path / "reports"


def writer(file: Path, folders: list[Path]) -> subprocess.Popen[str]:
    """A process that adds these runs one after the other, and says each name once it is on disk."""
    return subprocess.Popen(
        [sys.executable, "-c", APPEND, str(file), *map(str, folders)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def sound(file: Path) -> bool:
    with sqlite3.connect(file) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_keys_and_values_are_those_of_the_stored_run(reports: Path) -> None:
    folder = store_run(reports, "one", shapes=[Shape(requests_per_second=5.0), CONTROL])
    history = History(reports / "history.sqlite")
    assert history.add(folder) == "added"
    (run,) = history.runs()
    assert (run.run, run.target, run.exit_status, run.ended) == ("one", "Novel Engine", 0, True)
    assert (run.images, run.drill_commit, run.cores) == (IMAGES, "c0ffee" * 6, 2)
    assert run.runbook == run.inputs["runbook", "runbook/operations-runbook.md"] != ""
    drill, control = history.drills()
    response = drill.measures["criterion", "response_time"]
    assert (response.value, response.low, response.high) == (0.0213, 0.0205, 0.0224)
    assert (response.samples, response.bound, response.outcome) == (3432, 0.5, "pass")
    assert drill.measures["phase", "recovered"].value == drill.recovered_seconds == 19.4
    assert drill.measures["requests", "planned"].value == 300
    assert drill.measures["writes", "lost"].value == 0
    assert drill.measures["duration", "out_seconds"].value == pytest.approx(18.98)
    assert (drill.credit, drill.control, control.control) == ("runbook", False, True)


def test_what_of_the_runbook_was_carried_out_is_kept_with_its_digest(reports: Path) -> None:
    history = History(reports / "history.sqlite")
    history.add(store_run(reports, "one"))
    (drill,) = history.drills()
    (piece,) = drill.carried_out
    assert piece.place == "Service Completely Down (P0) / Immediate Actions"
    assert piece.digest == digest_of(
        "kubectl scale deployment novel-engine --replicas=5 -n novel-engine-production\n"
    )
    assert (piece.runbook, piece.as_written) == (drill.run.runbook, False)


def test_a_run_is_remembered_once_and_anew_when_it_was_judged_anew(reports: Path) -> None:
    folder = store_run(reports, "one")
    history = History(reports / "history.sqlite")
    assert [history.add(folder), history.add(folder)] == ["added", "known already"]
    store_run(reports / "again", "one", shapes=[Shape(requests_per_second=5.0, credit="platform")])
    assert history.add(reports / "again" / "one") == "taken anew"
    assert [drill.credit for drill in history.drills()] == ["platform"]


def test_a_folder_of_runs_is_imported_without_its_links(reports: Path) -> None:
    for number in range(3):
        store_run(reports, f"run-{number}", day=number)
    (reports / "latest").symlink_to("run-2", target_is_directory=True)
    history = History(reports / "history.sqlite")
    assert [(each.folder.name, each.refused) for each in history.add_all(reports)] == [
        ("run-0", ""),
        ("run-1", ""),
        ("run-2", ""),
    ]
    assert [run.run for run in history.runs()] == ["run-0", "run-1", "run-2"]


def test_what_is_not_remembered_is_told(reports: Path) -> None:
    history = History(reports / "history.sqlite")
    history.add(store_run(reports, "one"))
    other = store_run(reports, "two", day=1)
    assert history.absent(reports) == [other]
    store_run(reports / "elsewhere", "two")
    history.add(reports / "elsewhere" / "two")
    (reports / "one").rename(reports / "renamed")
    assert history.absent(reports) == [other], "another run of that name is remembered"
    (other / "run.json").write_text("{}")
    assert history.absent(reports) == [other]


@pytest.mark.parametrize(
    "file", ["evidence/scaled-to-zero/requests.jsonl", "evidence/scaled-to-zero/verdict.json"]
)
def test_an_altered_run_is_not_remembered(reports: Path, file: str) -> None:
    folder = store_run(reports, "one")
    (folder / file).write_bytes((folder / file).read_bytes().replace(b"1", b"2", 1))
    history = History(reports / "history.sqlite")
    with pytest.raises(SetupError, match=f"altered: {file}"):
        history.add(folder)
    assert history.runs() == []
    (refused,) = history.add_all(reports)
    assert file in refused.refused


def test_a_run_that_did_not_end_is_marked(reports: Path) -> None:
    history = History(reports / "history.sqlite")
    history.add(store_run(reports, "one", ended=False))
    assert [run.ended for run in history.runs()] == [False]


def test_a_copy_without_its_manifest_does_not_take_the_place_of_the_run(reports: Path) -> None:
    folder = store_run(reports, "one")
    history = History(reports / "history.sqlite")
    history.add(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(SetupError, match=r"one is remembered as a run that ended.* no manifest\.json"):
        history.add(folder)
    assert [each.ended for each in history.runs()] == [True]


@pytest.mark.parametrize("spoilt", ["two drills of one name", "two texts of one input"])
def test_a_run_that_contradicts_itself_is_refused_by_name_and_the_others_are_taken(
    reports: Path, spoilt: str
) -> None:
    """The history is not at fault."""
    folder = store_run(reports, "one")
    store_run(reports, "two", day=1)
    facts = read_facts(folder)
    (drill,) = facts.drills
    (given, *others) = facts.inputs
    changes: dict[str, Any] = {
        "two drills of one name": {"drills": [drill, drill]},
        "two texts of one input": {"inputs": [given, replace(given, sha256="0" * 64), *others]},
    }
    write_facts(folder, replace(facts, **changes[spoilt]))
    write_manifest(folder)
    history = History(reports / "history.sqlite")
    refused, taken = history.add_all(reports)
    assert (bool(refused.refused), taken.refused) == (True, "")
    assert "one" in refused.refused
    assert "drill history import" not in refused.refused
    assert [run.run for run in history.runs()] == ["two"]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE runs SET started_wall = 'soon'",
        "UPDATE drills SET began_wall = x'00'",
        "UPDATE drills SET verdict = x'70'",
        "UPDATE measures SET value = 'much'",
        "UPDATE carried_out SET place = x'00'",
    ],
)
def test_a_value_of_another_kind_is_an_error_that_names_the_file(reports: Path, damage: str) -> None:
    history = History(reports / "history.sqlite")
    history.add(store_run(reports, "one"))
    with sqlite3.connect(history.file) as connection:
        connection.execute(damage)
    for read in (history.runs, history.drills, partial(history.add, reports / "one")):
        with pytest.raises(InputError, match=r"history\.sqlite: .*not of the kind that stands there"):
            read()


def test_a_measure_that_is_gone_tells_nothing(reports: Path) -> None:
    history = History(reports / "history.sqlite")
    history.add(store_run(reports, "one"))
    key = Key("writes_lost")
    (run,) = seen_in_history(history.drills())
    assert [key in drill.counts for drill in run.drills.values()] == [True]
    with sqlite3.connect(history.file) as connection:
        connection.execute("DELETE FROM measures WHERE kind = 'writes' AND name = 'lost'")
    (run,) = seen_in_history(history.drills())
    assert [key in drill.counts for drill in run.drills.values()] == [False]


def test_a_name_that_is_no_text_is_an_error_that_names_the_file(reports: Path) -> None:
    history = History(reports / "history.sqlite")
    history.add(store_run(reports, "one"))
    content = history.file.read_bytes()
    history.file.write_bytes(content.replace(b"CREATE TABLE drills", b"CREATE TAB\xcbE drills"))
    with pytest.raises(InputError, match=r"history\.sqlite"):
        history.runs()


def test_a_history_that_is_not_there_is_empty_and_not_made(reports: Path) -> None:
    history = History(reports / "history.sqlite")
    assert (history.runs(), history.drills(), history.file.exists()) == ([], [], False)


def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    text = tmp_path / "notes.sqlite"
    text.write_text("not a database" * 100)
    foreign = tmp_path / "other.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    newer = tmp_path / "newer.sqlite"
    History(newer).add(store_run(tmp_path / "reports", "one"))
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    for file, expected in ((text, "not a database"), (foreign, "another SQLite file"), (newer, "version 99")):
        before = file.read_bytes()
        with pytest.raises(InputError, match=expected) as caught:
            History(file).runs()
        assert str(file) in str(caught.value)
        with pytest.raises(InputError, match=expected):
            History(file).add(tmp_path / "reports" / "one")
        assert file.read_bytes() == before


def test_a_folder_without_runs_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no run\.json"):
        History(tmp_path / "history.sqlite").add_all(tmp_path)


def test_writers_at_the_same_time_lose_nothing(reports: Path) -> None:
    """Five processes begin with a file that is not there yet, and each adds its own runs."""
    folders = [store_run(reports, f"run-{number:02}", day=number) for number in range(20)]
    file = reports / "history.sqlite"
    writers = [writer(file, folders[number::5]) for number in range(5)]
    for each in writers:
        each.communicate(timeout=SECONDS)
    assert [each.returncode for each in writers] == [0] * 5
    assert [run.run for run in History(file).runs()] == [folder.name for folder in folders]
    assert len(History(file).drills()) == 20
    assert sound(file)


def test_writers_that_are_killed_lose_nothing_that_they_said_was_kept(reports: Path) -> None:
    """Whatever moment kill -9 comes, what was kept stays, whole; the rest is taken up by an import."""
    folders = [store_run(reports, f"run-{number:02}", day=number) for number in range(8)]
    file = reports / "history.sqlite"
    said: set[str] = set()
    for kills in range(12):
        process = writer(file, folders)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        moment = time.monotonic() + kills * 0.004
        while time.monotonic() < moment:
            pass
        process.send_signal(signal.SIGKILL)
        printed, _ = process.communicate(timeout=SECONDS)
        said |= {line for line in printed.split() if line in {folder.name for folder in folders}}
        kept = {run.run for run in History(file).runs()}
        assert said <= kept
        assert len(History(file).drills()) == len(kept)
        assert all(len(drill.measures) > 10 for drill in History(file).drills())
    assert {each.refused for each in History(file).add_all(reports)} == {""}
    assert [run.run for run in History(file).runs()] == [folder.name for folder in folders]
    assert sound(file)


def test_a_writer_killed_within_its_transaction_leaves_the_file_as_it_was(reports: Path) -> None:
    """The one moment that a random kill seldom meets: half of the rows are in the file's journal."""
    first, second = store_run(reports, "one"), store_run(reports, "two", day=1)
    file = reports / "history.sqlite"
    History(file).add(first)
    half = """
import os, signal, sys
from pathlib import Path
from drill.history import store
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
store._insert_drill = die
store.History(Path(sys.argv[1])).add(Path(sys.argv[2]))
"""
    done = subprocess.run(
        [sys.executable, "-c", half, str(file), str(second)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == -signal.SIGKILL
    assert [run.run for run in History(file).runs()] == ["one"]
    assert History(file).add(second) == "added"


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    folder = store_run(tmp_path / "reports", "one")
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="the history could not be written"):
        History(tmp_path / "file" / "history.sqlite").add(folder)
