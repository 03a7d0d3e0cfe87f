"""`drill gate` on stored runs: folders that the real judge judged, and the history."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from stored_sides import SLOWER, drill, service, stored

from drill.history.store import History
from drill.run.facts import Machine, read_facts, write_facts
from drill.run.manifest import write_manifest
from drill.run.stored import judge_all, write_verdicts


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights that are the same, one that is slower, and one that lost its way."""
    folder = tmp_path_factory.mktemp("gate") / "reports"
    for day in range(3):
        stored(folder, f"night-{day}", day=day)
    stored(folder, "slower", day=5, slow=SLOWER)
    stored(folder, "same", day=5)
    stored(folder, "late", day=5, outages=[(1010.0, 1026.0)])
    stored(folder, "broken", day=5, outages=[(1010.0, 1060.0)])
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return service(tmp_path / "service")


def nights(reports: Path) -> list[Path]:
    return [reports / f"night-{day}" for day in range(3)]


def test_a_slower_candidate_is_a_regression(reports: Path, target: Path, tmp_path: Path) -> None:
    status, said = drill(
        target, "gate", reports / "slower", "--baseline", *nights(reports),
        "--markdown", tmp_path / "gate.md", "--json", tmp_path / "gate.json", "--annotations",
    )  # fmt: skip
    assert status == 1, said
    assert said.startswith("REGRESSION: slower against night-0, night-1, night-2")
    assert "regression: p95 GET /campaigns: 13 ms, baseline 10 ms, +30 %" in said
    page = (tmp_path / "gate.md").read_text()
    assert page.startswith("## Gate: regression\n")
    assert "| regression | p95 GET /campaigns | 13 ms | 10 ms | +30 % |" in page
    whole = json.loads((tmp_path / "gate.json").read_text())
    assert (whole["outcome"], whole["exit_status"]) == ("regression", 1)
    (row,) = [row for row in whole["decision"]["rows"] if row["name"] == "p95 GET /campaigns"]
    assert row["effect"] == pytest.approx(0.3, abs=0.01)
    noted = [line for line in said.splitlines() if line.startswith("::error")]
    assert noted
    assert noted[0].startswith(
        "::error file=runbook/operations-runbook.md,line=546,title=regression%3A p95 GET"
    )


def test_the_same_passes(reports: Path, target: Path) -> None:
    status, said = drill(target, "gate", reports / "same", "--baseline", *nights(reports))
    assert (status, said.partition(":")[0]) == (0, "PASS"), said


def test_too_few_writes_are_inconclusive_and_say_how_many_seconds_would_decide(
    reports: Path, tmp_path: Path
) -> None:
    target = service(tmp_path / "service", '\n[gate]\nblock = ["p95", "writes_lost"]\nwarn = []\n')
    status, said = drill(target, "gate", reports / "same", "--baseline", *nights(reports))
    assert (status, said.partition(":")[0]) == (2, "INCONCLUSIVE"), said
    assert "inconclusive: writes_lost" in said
    assert "s more of drills would decide" in said.splitlines()[0]


def test_what_does_not_come_back_breaks_the_runbooks_limit(reports: Path, target: Path) -> None:
    status, said = drill(
        target, "gate", reports / "broken", "--baseline", reports / "night-0", "--annotations"
    )
    assert status == 1
    assert "regression: limits The scale-up brings the service back" in said
    assert "file=runbook/operations-runbook.md,line=14" in said


def test_cpu_and_memory_of_a_request_are_measured(reports: Path, tmp_path: Path) -> None:
    target = service(
        tmp_path / "service", '\n[gate]\nblock = ["cpu", "memory", "throughput", "phase"]\nwarn = []\n'
    )
    heavy = stored(
        tmp_path / "reports", "heavy", day=5, memory_share=lambda moment: 0.7, cpu_share=lambda moment: 0.45
    )
    status, said = drill(target, "gate", heavy, "--baseline", *nights(reports))
    assert status == 1
    assert "regression: memory: 6117 KiB per request/s, baseline 4369 KiB per request/s, +40 %" in said
    # two pods of half a core, of which 45 % for 30 %, and 120 requests a second
    assert "regression: cpu: 3.75 ms per request, baseline 2.5 ms per request, +50 %" in said
    status, said = drill(target, "gate", reports / "same", "--baseline", *nights(reports))
    assert status == 0, said


def test_without_a_baseline_it_is_the_last_runs_of_the_history(reports: Path, tmp_path: Path) -> None:
    history = tmp_path / "elsewhere"
    for night in nights(reports):
        History(history / "history.sqlite").add(night)
    # of the folders nothing is left there: the history alone does not tell latencies by name
    target = service(tmp_path / "service", '\n[gate]\nblock = ["recovery"]\nwarn = ["p95"]\n')
    status, said = drill(target, "gate", reports / "late", "--reports", history)
    assert status == 1, said
    assert "regression: recovery: 16 s, baseline 10 s, +6.00 s" in said
    assert "not compared, warns only: p95 GET /campaigns: not measured by the baseline" in said
    assert drill(target, "gate", reports / "same", "--reports", history)[0] == 0


def test_a_run_of_another_machine_is_no_baseline(reports: Path, target: Path, tmp_path: Path) -> None:
    other = stored(tmp_path / "reports", "other", day=0)
    write_facts(other, msgspec.structs.replace(read_facts(other), machine=Machine(64, 1, "6.1")))
    write_manifest(other)
    History(tmp_path / "history.sqlite").add(other)
    status, said = drill(target, "gate", reports / "same", "--reports", tmp_path)
    assert (status, "there is nothing to compare with" in said) == (3, True)
    status, said = drill(target, "gate", reports / "same", "--baseline", other)
    assert (status, "same: 2 cores, kind-drill; other: 64 cores, kind-drill" in said) == (3, True), said


def test_nothing_to_compare_with_is_a_usage_error(reports: Path, target: Path, tmp_path: Path) -> None:
    status, said = drill(target, "gate", reports / "same", "--reports", tmp_path / "none")
    assert status == 3
    assert "there is nothing to compare with: name a stored run with --baseline" in said


def test_a_run_is_not_compared_with_itself_nor_a_side_guessed(reports: Path, target: Path) -> None:
    status, said = drill(target, "gate", reports / "same", "--baseline", reports / "same")
    assert (status, "same: a run cannot be compared with itself" in said) == (3, True)
    status, said = drill(target, "gate", reports / "same", reports / "night-0")
    assert (status, "which side is it?" in said) == (3, True)


def test_a_run_does_not_count_as_two(reports: Path, target: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(reports / "night-0", tmp_path / "copy")
    baseline = ("--baseline", *nights(reports))
    for sides in (
        (reports / "same", "--also", reports / "same", *baseline),
        (reports / "same", *baseline, copy),
    ):
        status, said = drill(target, "gate", *sides)
        assert (status, "cannot be compared with itself, nor count as two" in said) == (3, True), said


def test_runs_of_one_name_are_told_apart_by_their_time(target: Path, tmp_path: Path) -> None:
    """As in CI, where each candidate is called candidate."""
    history = tmp_path / "history.sqlite"
    for day in range(3):
        History(history).add(stored(tmp_path / str(day), "candidate", day=day))
    slower = stored(tmp_path / "now", "candidate", day=5, slow=SLOWER)
    status, said = drill(target, "gate", slower, "--reports", tmp_path)
    assert (status, "candidate against candidate, candidate, candidate (" in said) == (2, True), said


def test_runs_of_another_target_and_runs_that_did_not_end_are_refused(
    reports: Path, target: Path, tmp_path: Path
) -> None:
    other, ended, cut = (stored(tmp_path, name, day=0) for name in ("other", "ended", "cut"))
    write_facts(other, msgspec.structs.replace(read_facts(other), target="Another"))
    write_manifest(other)
    (cut / "manifest.json").unlink()
    for folder, expected in (
        (other, "other: a run of the target 'Another'. Name one of 'Novel Engine'"),
        (cut, "cut: this run did not end"),
    ):
        for sides in ((folder, "--baseline", ended), (ended, "--baseline", folder)):
            status, said = drill(target, "gate", *sides)
            assert (status, expected in said) == (3, True), said


def test_a_drill_that_no_longer_applies_was_not_drilled(target: Path, tmp_path: Path) -> None:
    candidate, before = stored(tmp_path, "candidate", day=1), stored(tmp_path, "before", day=0)
    for folder in (candidate, before):
        twin = shutil.copytree(folder / "evidence" / "scaled", folder / "evidence" / "twin")
        recording = twin / "recording.jsonl"
        recording.write_text(recording.read_text().replace('"drill":"scaled"', '"drill":"twin"'))
        facts = read_facts(folder)
        (drilled,) = facts.drills
        twin_drill = msgspec.structs.replace(drilled, drill="twin", folder="evidence/twin")
        facts = msgspec.structs.replace(facts, drills=[drilled, twin_drill])
        write_facts(folder, facts)
        verdicts = judge_all(folder, facts)
        if folder == candidate:
            verdicts[1] = msgspec.structs.replace(verdicts[1], verdict="not applicable", criteria=())
        write_verdicts(folder, verdicts)
        write_manifest(folder)
    status, said = drill(target, "gate", candidate, "--baseline", before)
    assert status == 2, said
    assert "inconclusive: limits twin: not drilled by each run of the candidate" in said


def test_altered_evidence_is_refused_by_name(target: Path, tmp_path: Path) -> None:
    altered, before = (
        stored(tmp_path / "reports", name, day=day) for day, name in enumerate(("altered", "before"))
    )
    with (altered / "evidence" / "scaled" / "requests.jsonl").open("ab") as file:
        file.write(b"{}\n")
    status, said = drill(target, "gate", altered, "--baseline", before)
    assert (status, "altered: evidence/scaled/requests.jsonl" in said) == (3, True)


def test_an_expired_waiver_is_named_and_blocks(reports: Path, tmp_path: Path) -> None:
    expired = (
        '\n[gate]\nblock = ["p95"]\nwarn = []\n[[gate.waivers]]\ncriterion = "p95"\nowner = "A. Person"\n'
        'reason = "known"\nexpires = 2020-01-01\n'
    )
    target = service(tmp_path / "service", expired)
    status, said = drill(target, "gate", reports / "same", "--baseline", *nights(reports), "--annotations")
    assert status == 1
    assert "expired waiver: p95 (A. Person, until 2020-01-01: known)" in said
    assert "::error title=expired waiver%3A p95::A. Person: known" in said
    alive = service(tmp_path / "alive", expired.replace("2020-01-01", "2999-01-01"))
    status, said = drill(alive, "gate", reports / "slower", "--baseline", *nights(reports))
    assert status == 0, said
    assert "waived: p95 GET /campaigns" in said


def test_nights_of_one_image_that_differ_are_expected_to_differ(
    reports: Path, target: Path, tmp_path: Path
) -> None:
    """The history knows eight nights whose p95 was 10 and 16 ms in turn, of the image that it names."""
    past = tmp_path / "reports"
    for day in range(8):
        slow = dict.fromkeys(SLOWER, 0.016) if day % 2 else {}
        folder = stored(past, f"past-{day}", day=day - 20, slow=slow)
        facts = read_facts(folder)
        ran = msgspec.structs.replace(facts.cluster, images={"web/app": "app:1 sha256:1"})
        write_facts(folder, msgspec.structs.replace(facts, cluster=ran))
        write_manifest(folder)
        History(past / "history.sqlite").add(folder)
    sides = (reports / "slower", "--baseline", *nights(reports))
    status, said = drill(target, "gate", *sides, "--reports", past)
    assert status == 2, said
    assert "inconclusive: p95 GET /campaigns: 13 ms, baseline 10 ms, +30 %" in said
    assert "runs of one image differ by 29%, as 8 of the history have shown" in said
