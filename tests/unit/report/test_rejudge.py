"""One stored run gives one answer: from any path, byte for byte, whatever order its files have on disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from recorded_runs import AS_WRITTEN, CONTROL, SURPRISE, WALL, Shape, make_drill

from drill.cli import cli
from drill.conduct import keeping
from drill.conduct.rejudge import rejudge
from drill.conduct.run import Run
from drill.errors import SetupError
from drill.judge.judge import judge
from drill.judge.verdict import Change
from drill.recording.events import Calibration, DrillError
from drill.run import facts
from drill.run.facts import Machine, Project, read_facts
from drill.settings import Settings, load

RUNBOOK = "# Operations\n\n## Database Recovery\n\n```bash\nkubectl get pods\n```\n"
NAMES = ("index.html", "summary.json", "summary.md", "manifest.json", "run.json")


def _run(tmp_path: Path, *shapes: Shape) -> Run:
    """A run that has begun, with these drills, each judged by the judge itself."""
    root = tmp_path / "target"
    (root / "runbook").mkdir(parents=True)
    (root / "runbook" / "operations-runbook.md").write_text(RUNBOOK)
    run = Run(tmp_path / "reports", "one", ["pytest", "features"])
    run.begin(
        "Novel Engine",
        root,
        [("runbook", Path("runbook/operations-runbook.md"))],
        project=Project("0" * 40),
        machine=Machine(2, 1 << 33, "6.1"),
        tools={"python": "3.11"},
    )
    run.know_cluster(facts.Cluster("kind-drill", "v1.34.0", "digest"))
    for shape in shapes:
        make_drill(run.folder, replace(shape, before=2, requests_per_second=40))
        run.add(judge(run.folder / "evidence" / shape.drill))
    return run


def _content(folder: Path) -> dict[str, bytes]:
    verdicts = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("verdict.json"))
    return {name: (folder / name).read_bytes() for name in (*NAMES, *verdicts)}


def test_judged_again_elsewhere_it_is_the_same_byte_for_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(tmp_path, SURPRISE, Shape(), CONTROL, AS_WRITTEN)
    run.failure(SURPRISE.scenario, "no acknowledged write was to be lost, 2 are")
    run.doubt("Another", "too few requests")
    status = run.finish()
    assert status == 1
    elsewhere = tmp_path / "archive" / "2026" / "one"
    shutil.copytree(run.folder, elsewhere)
    for number, path in enumerate(sorted(elsewhere.rglob("*"), reverse=True)):
        os.utime(path, (number, number))
    before = _content(run.folder)
    shutil.rmtree(tmp_path / "target")
    monkeypatch.chdir(elsewhere)
    done = CliRunner().invoke(cli, ["judge", "."])
    assert done.exit_code == status, done.output
    assert _content(elsewhere) == before
    assert str(tmp_path).encode() not in b"".join(before.values())
    assert "no acknowledged write was to be lost" in done.output


def test_report_and_coverage_read_nothing_but_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(tmp_path, Shape())
    run.finish()
    shutil.rmtree(tmp_path / "target")
    monkeypatch.chdir(tmp_path)
    before = _content(run.folder)
    assert CliRunner().invoke(cli, ["report", "reports/one"]).exit_code == 0
    assert _content(run.folder) == before
    covered = CliRunner().invoke(cli, ["coverage", "--run", "reports/one"])
    assert covered.exit_code == 0
    assert "of 1 steps of runbook/operations-runbook.md executed" in covered.output


def test_order_is_that_of_the_run(tmp_path: Path) -> None:
    run = _run(tmp_path, SURPRISE, AS_WRITTEN, Shape())
    run.finish()
    assert [verdict.drill for verdict in rejudge(run.folder).verdicts] == [
        SURPRISE.drill,
        AS_WRITTEN.drill,
        Shape().drill,
    ]


@pytest.mark.parametrize(("kind", "status"), [("failure", 1), ("trouble", 3), ("doubt", 2)])
def test_what_steps_found_outlives_the_run(tmp_path: Path, kind: str, status: int) -> None:
    run = _run(tmp_path, _good())
    verdict = run.verdicts[0]
    assert verdict.verdict in ("pass", "inconclusive"), verdict.why
    if kind == "trouble":
        run.trouble("the target could not be put back", "A")
    elif kind == "failure":
        run.failure("A", "it did not hold")
    else:
        run.doubt("A", "it cannot be told")
    assert run.finish() == status
    assert rejudge(run.folder).exit_status() == status


def _good() -> Shape:
    return replace(Shape(), criteria=None)


def test_error_while_putting_back_is_no_setup_of_the_drill(tmp_path: Path) -> None:
    shape = replace(Shape(), extra=(DrillError("ClusterError", "no answer", stage="put back"),))
    before = _run(tmp_path / "a", Shape()).verdicts[0]
    after = _run(tmp_path / "b", shape).verdicts[0]
    assert (after.verdict, after.why) == (before.verdict, before.why)


def _cut_requests(folder: Path) -> None:
    path = folder / "evidence" / Shape().drill / "requests.jsonl"
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:-300]) + b"\n")


def _lighten_run(folder: Path) -> None:
    path = folder / "run.json"
    path.write_text(path.read_text().replace("it did not hold", "it held"))


def _swap_runbook(folder: Path) -> None:
    (folder / "inputs/runbook/operations-runbook.md").unlink()


def _add_control(folder: Path) -> None:
    (folder / "controls" / "better").mkdir(parents=True)
    (folder / "controls" / "better" / "recording.jsonl").write_text("")


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (_cut_requests, "altered: evidence/scaled-to-zero/requests.jsonl"),
        (_lighten_run, "altered: run.json"),
        (_swap_runbook, "missing: inputs/runbook/operations-runbook.md"),
        (_add_control, "added: controls/better/recording.jsonl"),
    ],
)
def test_altered_evidence_is_named_and_not_judged(
    tmp_path: Path, harm: Callable[[Path], None], named: str
) -> None:
    run = _run(tmp_path, Shape())
    run.failure("A", "it did not hold")
    run.finish()
    page = (run.folder / "index.html").read_bytes()
    harm(run.folder)
    with pytest.raises(SetupError, match=named.replace(".", r"\.")) as caught:
        rejudge(run.folder)
    assert caught.value.exit_status == 3
    assert (run.folder / "index.html").read_bytes() == page


def test_altered_verdict_is_named_and_made_anew(tmp_path: Path) -> None:
    run = _run(tmp_path, Shape())
    status = run.finish()
    path = run.folder / "evidence" / Shape().drill / "verdict.json"
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"flapping": false', b'"flapping": true'))
    judged = rejudge(run.folder)
    assert judged.exit_status() == 3
    assert judged.notes == ["altered: evidence/scaled-to-zero/verdict.json; it was written anew"]
    assert path.read_bytes() == content
    assert rejudge(run.folder).exit_status() == status


def test_run_that_was_killed_is_judged_as_far_as_it_came(tmp_path: Path) -> None:
    run = _run(tmp_path, Shape())
    judged = rejudge(run.folder)
    assert [verdict.drill for verdict in judged.verdicts] == [Shape().drill]
    assert judged.exit_status() == 3
    assert "it did not end" in judged.notes[0]
    assert "the run has not ended" in (run.folder / "index.html").read_text()


def test_line_that_cannot_be_read_costs_no_other_drill_its_verdict(tmp_path: Path) -> None:
    run = _run(tmp_path, Shape(), AS_WRITTEN)
    path = run.folder / "evidence" / Shape().drill / "recording.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:3], b'{"kind": "x"}', *lines[3:]]))
    run.finish()
    first, second = rejudge(run.folder).verdicts
    assert first.verdict == "inconclusive"
    assert first.unreadable
    assert second == run.verdicts[1]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return load("drill.toml")


def _aged(run: Run, days: float) -> Run:
    run.facts = msgspec.structs.replace(run.facts, started_wall=WALL + days * 86400)
    return run


def test_control_of_an_earlier_run_gives_credit_in_a_later_one(tmp_path: Path, settings: Settings) -> None:
    first = _run(tmp_path / "first", CONTROL)
    control = first.verdicts[0]
    assert keeping.keep_control(settings, first, control) is not None
    repaired = replace(Shape(), changes=(Change("patch", "deployments/novel-engine", 12.6),))
    later = _aged(_run(tmp_path / "later", repaired), 3)
    assert later.verdicts[0].credit == "not measured"
    (kept,) = keeping.find_controls(settings, later.facts.cluster, [CONTROL.fault], later.facts.started_wall)
    assert kept.stale == ""
    brought = keeping.bring_control(later, kept)
    assert brought.control
    assert brought.evidence.startswith("controls/")
    assert later.verdicts[0].credit == "runbook", later.verdicts[0].credit_why
    status = later.finish()
    facts_of_later = read_facts(later.folder)
    assert facts_of_later.drills[1].kept is not None
    assert round(facts_of_later.drills[1].kept.age_seconds / 86400, 2) == 3
    assert "measured 3 days before this run" in (later.folder / "index.html").read_text()
    shutil.rmtree(tmp_path / "state")
    before = _content(later.folder)
    assert rejudge(later.folder).exit_status() == status
    assert _content(later.folder) == before


def test_two_kept_controls_both_count(tmp_path: Path, settings: Settings) -> None:
    for number in (1, 2):
        run = _run(tmp_path / str(number), CONTROL)
        verdict = msgspec.structs.replace(run.verdicts[0], began_wall=WALL + number)
        assert keeping.keep_control(settings, run, verdict) is not None
    later = _aged(_run(tmp_path / "later", Shape()), 1)
    found = keeping.find_controls(settings, later.facts.cluster, [CONTROL.fault], later.facts.started_wall)
    for kept in found:
        keeping.bring_control(later, kept)
    assert len({verdict.drill for verdict in later.verdicts}) == 3


@pytest.mark.parametrize(("took", "answers"), [(28.3, True), (28.5, False)])
def test_a_control_that_was_watched_too_briefly_for_a_drill_of_this_run_is_measured_anew(
    tmp_path: Path, settings: Settings, took: float, answers: bool
) -> None:
    """It was watched for 35.5 s. What took 28.4 s must be compared with a quarter more."""
    first = _run(tmp_path / "first", replace(CONTROL, end=35.5))
    assert keeping.keep_control(settings, first, first.verdicts[0]) is not None
    later = _aged(_run(tmp_path / "later", replace(Shape(), out=(0.42, took), end=60.0)), 1)
    found = keeping.find_controls(settings, later.facts.cluster, [CONTROL.fault], later.facts.started_wall)
    assert [each.stale for each in found] == [""]
    assert keeping.that_answer(later, CONTROL.scenario, found) == (found if answers else [])
    assert keeping.that_answer(later, "another", found) == []
    other = msgspec.structs.replace(later.verdicts[0], faults=[])
    later.verdicts = [other]
    assert keeping.that_answer(later, CONTROL.scenario, found) == found, (
        "a drill of another fault asks nothing"
    )


@pytest.mark.parametrize(
    "other", [{"verdict": "setup"}, {"flapping": True}, {"control": False}, {"unreadable": ["line 3"]}]
)
def test_only_a_conclusive_control_is_kept(
    tmp_path: Path, settings: Settings, other: dict[str, object]
) -> None:
    run = _run(tmp_path / "first", CONTROL)
    verdict = msgspec.structs.replace(run.verdicts[0], **other)
    assert keeping.keep_control(settings, run, verdict) is None
    assert keeping.keep_control(settings, run, run.verdicts[0]) is not None


def test_stale_control_is_said_to_be(tmp_path: Path, settings: Settings) -> None:
    run = _run(tmp_path / "first", CONTROL)
    keeping.keep_control(settings, run, run.verdicts[0])
    other = facts.Cluster("kind-drill", "v1.35.0", "digest")
    (kept,) = keeping.find_controls(settings, other, [CONTROL.fault], WALL + 60)
    assert kept.stale == "the cluster's version was v1.34.0, it is v1.35.0"


def test_calibration_is_found_again(tmp_path: Path, settings: Settings) -> None:
    run = _run(tmp_path / "first", CONTROL)
    calibration = Calibration(dispersion=1.8, taken_wall=WALL)
    evidence = run.folder / "evidence" / CONTROL.drill
    cluster = run.facts.cluster
    assert keeping.find_calibration(settings, cluster, WALL) is None
    keeping.keep_calibration(settings, cluster, calibration, evidence, run.name)
    found = keeping.find_calibration(settings, cluster, WALL + 86400)
    assert found is not None
    assert (found.note.calibration, found.stale, found.age_seconds) == (calibration, "", 86400)
    old = keeping.find_calibration(settings, cluster, WALL + 8 * 86400)
    assert old is not None
    assert old.stale == "it is older than 7 days"
