"""`drill nightly`: of stored runs, with a real server for the webhook; and with no cluster at all."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from drill.history.store import History
from drill.nightly.night import Night, night_of
from drill.nightly.steps import NightStep, run_step
from drill.settings import load
from tests.unit.gate.stored_sides import SLOWER, drill, service, stored
from tests.webhook import hook

ROOT = Path(__file__).parents[3]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return service(tmp_path / "service")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four nights that are the same and remembered; the others are what a night may leave."""
    folder = tmp_path_factory.mktemp("nightly") / "reports"
    for day in range(4):
        History(folder / "history.sqlite").add(stored(folder, f"night-{day}", day=day))
    for name, changes in {
        "same": {},
        "slower": {"slow": SLOWER},
        "broken": {"outages": [(1010.0, 1060.0)]},
    }.items():
        stored(folder / name, "tonight", day=5, **changes)
    return folder


def tonight(reports: Path, name: str, folder: Path) -> Path:
    """The nights before, and that one."""
    shutil.copytree(reports, folder, ignore=shutil.ignore_patterns("same", "slower", "broken"))
    shutil.copytree(reports / name / "tonight", folder / "tonight")
    return folder / "tonight"


def test_a_night_like_those_before_passes_is_remembered_and_posted(
    reports: Path, target: Path, tmp_path: Path
) -> None:
    run = tonight(reports, "same", tmp_path / "reports")
    with hook() as (address, posted):
        status, said = drill(target, "nightly", "--of", run, "--webhook", address)
    assert status == 0, said
    assert [each.run for each in History(run.parent / "history.sqlite").runs()][-1] == "tonight"
    summary = (run.parent / "tonight.nightly.md").read_text()
    assert summary.startswith("# Novel Engine: all as expected (exit status 0)\n")
    assert "| P P P P P |" in summary
    assert "## Gate: pass" in summary
    assert "- procedures: " in summary
    assert "- due: Weekly Checklist / " in summary
    ((path, body),) = posted
    assert path == "/secret-path"
    assert (body["exit_status"], body["run"], body["markdown"]) == (0, "tonight", summary)
    assert str(body["text"]).startswith("Novel Engine, tonight: all as expected; 1 drills, 0 not as expected")


def test_a_slower_night_is_a_regression(reports: Path, target: Path, tmp_path: Path) -> None:
    run = tonight(reports, "slower", tmp_path / "reports")
    status, said = drill(target, "nightly", "--of", run, "--summary", tmp_path / "told.md")
    assert status == 1, said
    assert "REGRESSION: tonight against night-0, night-1, night-2, night-3" in said
    assert "| regression | p95 GET /campaigns |" in (tmp_path / "told.md").read_text()


def test_a_drill_that_fails_once_is_flaky_and_named_with_its_rate(
    reports: Path, target: Path, tmp_path: Path
) -> None:
    run = tonight(reports, "broken", tmp_path / "reports")
    assert drill(target, "nightly", "--of", run)[0] == 1
    summary = (run.parent / "tonight.nightly.md").read_text()
    assert "- finding: The scale-up brings the service back: flaky, 20% of 5 runs" in summary
    # the night after: it passes again, and is no less flaky
    after = stored(run.parent, "after", day=6)
    status, said = drill(target, "nightly", "--of", after)
    assert (status, "1 flaky" in said) == (2, True), said


def test_the_first_night_has_nothing_to_be_compared_with(target: Path, tmp_path: Path) -> None:
    run = stored(tmp_path / "reports", "first", day=0)
    status, said = drill(target, "nightly", "--of", run)
    assert (status, "gate: not decided, there is nothing to compare with" in said) == (2, True), said


@pytest.mark.parametrize("answer", [302, 500])
def test_a_webhook_that_does_not_take_it_is_exit_status_3_and_keeps_its_secret(
    reports: Path, target: Path, tmp_path: Path, answer: int
) -> None:
    run = tonight(reports, "same", tmp_path / "reports")
    with hook(answer) as (address, posted):
        status, said = drill(target, "nightly", "--of", run, "--webhook", address)
    assert (status, len(posted)) == (3, 1)
    assert f"the webhook at 127.0.0.1 answered {answer}" in said
    assert "secret-path" not in said
    assert (run.parent / "tonight.nightly.md").is_file()


def test_a_webhook_that_is_not_there_does_not_hide_a_regression(
    reports: Path, target: Path, tmp_path: Path
) -> None:
    run = tonight(reports, "slower", tmp_path / "reports")
    with hook() as (address, _):
        gone = address
    status, said = drill(target, "nightly", "--of", run, "--webhook", gone)
    assert (status, "could not be reached" in said) == (1, True)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/x", "hook", "http://"])
def test_another_address_is_refused_before_anything_is_done(
    target: Path, tmp_path: Path, address: str
) -> None:
    status, said = drill(target, "nightly", "--reports", tmp_path / "reports", "--webhook", address)
    assert (status, "--webhook: expected https://HOST/PATH" in said) == (3, True)
    assert not (tmp_path / "reports").exists()


def test_without_a_cluster_each_step_is_told_and_the_night_could_not_be_carried_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "service"
    ignored = shutil.ignore_patterns("__pycache__", "reports")
    shutil.copytree(ROOT / "tests" / "second_service", folder, ignore=ignored)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("DRILL_KUBECONFIG", str(folder / "no-kubeconfig"))
    status, said = drill(folder / "drill.toml", "nightly", "--run", "one", "--select", "")
    assert status == 3, said
    summary = (folder / "reports" / "one.nightly.md").read_text()
    assert "# Notebook: could not be carried out (exit status 3)" in summary
    assert "- calibrate: exit status 3" in summary
    assert "- drills: exit status 3" in summary
    (run,) = History(folder / "reports" / "history.sqlite").runs()
    assert (run.run, run.exit_status) == ("one", 3)


def test_a_night_that_was_altered_or_cannot_be_read_is_told_by_its_file(
    reports: Path, target: Path, tmp_path: Path
) -> None:
    run = tonight(reports, "same", tmp_path / "reports")
    with (run / "evidence" / "scaled" / "requests.jsonl").open("ab") as file:
        file.write(b"{}\n")
    assert drill(target, "nightly", "--of", run)[0] == 3
    summary = (run.parent / "tonight.nightly.md").read_text()
    assert summary.count("altered: evidence/scaled/requests.jsonl") == 1
    (run / "run.json").write_text("[")
    status, said = drill(target, "nightly", "--of", run)
    assert (status, "gate: not decided, the run cannot be read" in said) == (3, True)
    assert "run.json:1" in (run.parent / "tonight.nightly.md").read_text()


def test_drills_that_left_no_run_are_a_trouble(target: Path, tmp_path: Path) -> None:
    night = night_of(load(target), tmp_path / "reports" / "none", tmp_path / "reports")
    assert night.exit_status == 3
    assert night.troubles == (f"{tmp_path}/reports/none: the drills left no run",)


def test_the_first_that_applies_in_the_order_1_3_2() -> None:
    def status(*found: int) -> int:
        return Night("one", "x", tuple(NightStep("step", each, 1.0) for each in found)).exit_status

    assert [status(0), status(2), status(3, 2), status(3, 1, 2)] == [3, 3, 3, 1]


@pytest.mark.parametrize(("code", "status"), [("0", 0), ("2", 2), ("5", 3)])
def test_a_status_that_is_none_of_drills_is_one_of_a_step_that_was_not_carried_out(
    code: str, status: int
) -> None:
    assert run_step("x", [sys.executable, "-c", f"raise SystemExit({code})"]).exit_status == status


def test_a_step_that_is_killed_was_not_carried_out() -> None:
    assert run_step("x", [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]).exit_status == 3
