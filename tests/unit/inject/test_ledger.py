"""The ledger: on disk before anything is broken, readable after a kill, never lost in silence."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from drill import wait
from drill.errors import FaultError, InputError
from drill.putback.ledger import DrillEntry, FaultEntry, Ledger, Process, process


def an_entry(identity: str = "pods-killed-1-1", experiment: Process | None = None) -> FaultEntry:
    return FaultEntry(
        id=identity,
        fault="pods-killed",
        target="/somewhere/drill.toml",
        context="kind-drill",
        namespace="production",
        record={"kind": "kill", "workload": "web", "pods": ["web-1"]},
        announced_wall=1.5,
        experiment=experiment or process(os.getpid()),
        drill=None,
    )


def test_an_entry_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    file = ledger.open(an_entry())
    assert file == tmp_path / "ledger" / "pods-killed-1-1.json"
    assert ledger.entries() == ledger.faults() == [an_entry()]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(ledger.folder.stat().st_mode) == 0o700


def test_open_drills_and_open_faults_are_told_apart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    me = process(os.getpid())
    known = msgspec.Raw(b'{"objects":{}}')
    ledger.open(DrillEntry("drill-1-1", "drill.toml", "kind-drill", "production", known, 1.0, me))
    ledger.open(an_entry())
    (drill,) = ledger.drills()
    assert (drill.id, msgspec.json.decode(drill.known)) == ("drill-1-1", {"objects": {}})
    assert ledger.faults() == [an_entry()]


def test_closing_removes_the_entry_and_what_was_kept_beside_it_and_nothing_else(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    entry, other = an_entry("a-1-1"), an_entry("a-1-12")
    for each in (entry, other):
        ledger.open(each)
        ledger.beside(each.id, "sqlite").write_bytes(b"a copy")
    ledger.close(entry)
    assert sorted(file.name for file in ledger.folder.iterdir()) == ["a-1-12.json", "a-1-12.sqlite"]


def test_an_entry_is_found_by_its_fault_and_process(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.open(an_entry("redis-killed-77-1700000000000"))
    assert ledger.of_process("redis-killed", 77) is not None
    assert ledger.of_process("redis-killed", 7) is None
    assert ledger.of_process("killed", 77) is None


def test_an_entry_that_is_closed_while_they_are_listed_is_not_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an experiment does that undoes by itself when its drill is gone."""
    ledger = Ledger(tmp_path)
    file = ledger.open(an_entry("a-1-2"))
    (ledger.folder / "b-1-1.json").symlink_to(tmp_path / "gone")  # named by the folder, not there when asked
    assert ledger.files() == [file]
    monkeypatch.setattr(ledger, "files", lambda: [ledger.folder / "b-1-1.json", file])
    assert [entry.id for entry in ledger.entries()] == ["a-1-2"]
    assert ledger.drills() == []


def test_entries_are_listed_oldest_first_whatever_their_names(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for age, name in enumerate(("drill-10-1", "drill-9-1", "drill-100-1")):
        os.utime(ledger.open(an_entry(name)), ns=(age, 1_000_000_000 - age))
    assert [entry.id for entry in ledger.entries()] == ["drill-100-1", "drill-9-1", "drill-10-1"]


def test_a_damaged_entry_is_named_and_stays(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    file = ledger.open(an_entry())
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"pods-killed-1-1\.json"):
        ledger.entries()
    assert file.read_bytes() == whole[: len(whole) // 2]


def test_a_full_disk_is_an_error_before_anything_is_broken(tmp_path: Path) -> None:
    # a limit on file sizes makes the kernel refuse the write as a full disk does
    script = """
import os, resource, sys
from pathlib import Path
from tests.unit.inject.test_ledger import an_entry
from drill.putback.ledger import Ledger
from drill.errors import FaultError
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    Ledger(Path(sys.argv[1])).open(an_entry())
except FaultError as error:
    os.write(1, str(error).encode())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the ledger could not be written" in done.stdout
    assert "nothing was broken" in done.stdout
    assert Ledger(tmp_path).files() == []
    assert [file.name for file in Ledger(tmp_path).folder.iterdir()] == []


def test_a_process_is_alive_until_it_ends_and_its_number_alone_proves_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        seen = process(child.pid)
        assert seen.alive()
        assert not Process(child.pid, seen.started - 1).alive()
    assert not seen.alive()
    assert seen.commands_left() == []
    with pytest.raises(FaultError, match="expected it to run"):
        process(child.pid)


def test_commands_that_a_killed_experiment_left_are_seen_until_they_end() -> None:
    script = (
        "import subprocess, sys; child = subprocess.Popen(['cat'], stdin=0); print(child.pid, "
        "flush=True); child.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdin is not None
        child = int(killed.stdout.readline())
        seen = process(killed.pid)
        assert seen.commands_left() == []
        killed.kill()
        killed.wait()
        assert seen.commands_left() == [child]
        killed.stdin.close()
        wait.until("the command to end", seen.commands_left, lambda left: not left, seconds=60)
