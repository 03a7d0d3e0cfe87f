"""`drill history`, and the end of a real run of drills, which appends itself; without a cluster it is a setup
error, and remembered as one.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from stored_runs import store_run

from drill.history.store import History
from tests.unit.commands import ROOT, drill, python


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """The second service's folder, copied; no cluster is to be found from it."""
    folder = tmp_path / "service"
    ignored = shutil.ignore_patterns("__pycache__", "reports")
    shutil.copytree(ROOT / "tests" / "second_service", folder, ignore=ignored)
    return folder


def run_drills(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    return python(folder, "-m", "pytest", "features", "--run", name)


def test_a_run_is_appended_when_it_ends_beside_the_reports(service: Path) -> None:
    done = run_drills(service, "first")
    assert done.returncode == 3, done.stdout
    (run,) = History(service / "reports" / "history.sqlite").runs()
    assert (run.run, run.target, run.exit_status, run.ended) == ("first", "Notebook", 3, True)
    printed = drill(service, "history", "import", "reports").stdout
    assert printed == "reports/first: known already (0 drills)\n"


def test_drill_toml_places_the_history(service: Path) -> None:
    with (service / "drill.toml").open("a") as file:
        file.write('\n[history]\nfile = "kept/all.sqlite"\n')
    run_drills(service, "first")
    assert [run.run for run in History(service / "kept" / "all.sqlite").runs()] == ["first"]
    assert not (service / "reports" / "history.sqlite").exists()


def test_a_history_that_cannot_be_written_is_said_with_what_to_do(service: Path) -> None:
    (service / "reports" / "history.sqlite").mkdir(parents=True)
    done = run_drills(service, "first")
    assert done.returncode == 3
    assert "history.sqlite: the history could not be read or written" in done.stdout
    assert "drill history import reports/first" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_command_prints_draws_and_names_what_is_not_remembered(service: Path) -> None:
    reports = service / "reports"
    for number in range(2):
        store_run(reports, f"run-{number}", day=number)
    (service / "drill.toml").write_text(
        (service / "drill.toml").read_text().replace('name = "Notebook"', 'name = "Novel Engine"', 1)
    )
    imported = drill(service, "history", "import", "reports/run-0")
    assert (imported.stdout, imported.returncode) == ("reports/run-0: added (1 drills)\n", 0)
    listed = drill(service, "history")
    assert "run-0  pass     19.4 s     21.3 ms [20.5 ms – 22.4 ms]" in listed.stdout
    assert "not remembered: reports/run-1 (drill history import reports/run-1)" in listed.stderr
    drawn = drill(service, "history", "--html", "h.html", "--badge", "b.svg", "--last-proven")
    assert drawn.returncode == 0, drawn.stderr
    assert "<svg" in (service / "h.html").read_text()
    assert "procedures proven" in (service / "b.svg").read_text()
    assert "| line | procedure" in drawn.stdout


def test_that_nothing_is_remembered_is_said(service: Path) -> None:
    listed = drill(service, "history")
    assert (listed.returncode, listed.stdout) == (0, "")
    assert listed.stderr == "reports/history.sqlite: no run of Notebook is remembered\n"


def test_a_drill_that_is_not_there_and_a_run_that_is_altered_are_refused(service: Path) -> None:
    wrong = drill(service, "history", "--drill", "nothing")
    assert (wrong.returncode, "no drill is called 'nothing'" in wrong.stderr) == (3, True)
    folder = store_run(service / "reports", "one")
    (folder / "evidence" / "scaled-to-zero" / "journal.json").write_text("{ }")
    refused = drill(service, "history", "import", "reports")
    assert refused.returncode == 3
    assert "altered: evidence/scaled-to-zero/journal.json" in refused.stdout
