"""What a run's folder says of itself: facts, inputs, manifest, exit status. A run is never added to."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace
from recorded_runs import AS_WRITTEN, CONTROL, SURPRISE, Shape, make_run

from drill.conduct.rejudge import rewrite_report
from drill.conduct.run import Run
from drill.errors import InputError, SetupError, UsageError
from drill.judge.verdict import DrillVerdict
from drill.recording.events import SCHEMA_VERSION
from drill.run.facts import Facts, Finding, KeptFacts, Machine, Project, read_facts, write_facts
from drill.run.inputs import keep_inputs, runbook_of
from drill.run.manifest import check_manifest, write_manifest
from drill.run.outcome import exit_status
from drill.run.stored import read_verdicts
from drill.run.versions import machine, project_of, tools

SHORT = Shape(before=1, end=2, out=(0.4, 1.0))


def _short(shape: Shape) -> Shape:
    return dataclasses.replace(shape, before=1, end=2)


def _begun(reports: Path, name: str = "one") -> Run:
    run = Run(reports, name, ["/somewhere/bin/pytest", "features"])
    (reports.parent / "drill.toml").write_text("[target]\n")
    run.begin(
        "Novel Engine",
        reports.parent,
        [("target", Path("drill.toml"))],
        project=Project("0" * 40),
        machine=Machine(2, 1 << 30, "6.1"),
        tools={"python": "3.11"},
    )
    return run


def _verdict(tmp_path: Path, shape: Shape) -> DrillVerdict:
    return make_run(tmp_path / "elsewhere", [_short(shape)], name=shape.drill)[1][0]


def test_run_of_a_name_that_exists_is_refused(tmp_path: Path) -> None:
    run = _begun(tmp_path / "reports")
    run.add(_verdict(tmp_path, SHORT))
    run.finish()
    with pytest.raises(UsageError, match="one exists: a run is never added to"):
        Run(tmp_path / "reports", "one", [])


def test_two_that_begin_under_one_name_at_the_same_time(tmp_path: Path) -> None:
    second = Run(tmp_path / "reports", "one", [])
    _begun(tmp_path / "reports")
    with pytest.raises(UsageError, match="one exists"):
        second.begin("x", tmp_path, [], project=Project(), machine=Machine(), tools={})


def test_what_a_usage_error_left_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "reports" / "one" / "allure").mkdir(parents=True)
    assert Run(tmp_path / "reports", "one", []).name == "one"


def test_folder_of_something_else_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="docs exists"):
        Run(tmp_path, "docs", [])


def test_run_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path / "reports", "one", [])
    run.trouble("no such target")
    assert run.finish() == 3
    assert not (tmp_path / "reports").exists()


def test_run_json_holds_what_judging_again_needs(tmp_path: Path) -> None:
    run = _begun(tmp_path / "reports")
    run.add(_verdict(tmp_path, AS_WRITTEN))
    run.add(_verdict(tmp_path, SHORT))
    evidence = run.folder.resolve() / "evidence" / "x"
    run.failure("A", f"no loss expected; evidence: {evidence}")
    run.doubt("B", "too few requests")
    run.trouble("the target could not be put back", "C")
    run.ended("A", "failed")
    status = run.finish()
    facts = read_facts(run.folder)
    assert [drill.drill for drill in facts.drills] == [AS_WRITTEN.drill, SHORT.drill]
    assert [finding.kind for finding in facts.findings] == ["failure", "doubt", "trouble"]
    assert facts.findings[0].what == "no loss expected; evidence: evidence/x"
    assert (facts.exit_status, status) == (1, 1)
    assert facts.command_line == "pytest features"
    assert facts.schema == SCHEMA_VERSION
    assert [(i.role, i.name, i.kept) for i in facts.inputs] == [("target", "drill.toml", "inputs/drill.toml")]
    assert (run.folder / "inputs/drill.toml").read_text() == "[target]\n"
    assert str(tmp_path) not in (run.folder / "run.json").read_text()


def test_killed_run_can_be_read_as_far_as_it_came(tmp_path: Path) -> None:
    run = _begun(tmp_path / "reports")
    run.add(_verdict(tmp_path, SHORT))
    facts = read_facts(run.folder)
    assert facts.exit_status is None
    assert [verdict.drill for verdict in read_verdicts(run.folder, facts)] == [SHORT.drill]
    assert check_manifest(run.folder) is None


def test_verdict_names_its_evidence_below_the_run(tmp_path: Path) -> None:
    run = _begun(tmp_path / "reports")
    verdict = replace(_verdict(tmp_path, SHORT), evidence="/somewhere/else")
    assert run.add(verdict).evidence == f"evidence/{SHORT.drill}"
    kept = run.add(_verdict(tmp_path, CONTROL), KeptFacts("before", 0.0, 3 * 86400.0))
    assert kept.evidence == f"controls/{CONTROL.drill}"


FAILURE, DOUBT, TROUBLE = (
    Finding("failure", "A", "x"),
    Finding("doubt", "A", "x"),
    Finding("trouble", "", "x"),
)


@pytest.mark.parametrize(
    ("verdicts", "findings", "status"),
    [
        (["pass"], [], 0),
        (["fail"], [], 1),
        (["inconclusive"], [], 2),
        (["setup"], [], 3),
        ([], [], 3),
        (["not applicable"], [], 0),
        (["pass"], [FAILURE], 1),
        (["pass"], [DOUBT], 2),
        (["pass"], [TROUBLE], 3),
        (["setup"], [FAILURE], 1),
        (["inconclusive"], [TROUBLE], 3),
        (["setup", "inconclusive"], [DOUBT], 3),
    ],
)
def test_exit_status(tmp_path: Path, verdicts: list[str], findings: list[Finding], status: int) -> None:
    one = _verdict(tmp_path, SHORT)
    assert exit_status([replace(one, verdict=each) for each in verdicts], findings) == status


def _stored(tmp_path: Path) -> Path:
    folder, _ = make_run(tmp_path / "reports", [_short(Shape()), _short(SURPRISE)])
    rewrite_report(folder)
    write_manifest(folder)
    return folder


def test_manifest_of_an_untouched_run_says_nothing(tmp_path: Path) -> None:
    found = check_manifest(_stored(tmp_path))
    assert found is not None
    assert not found
    assert found.lines() == []


@pytest.mark.parametrize(
    "file", ["recording.jsonl", "requests.jsonl", "transcripts/01-immediate-actions.txt"]
)
def test_altered_missing_and_added_files_are_named(tmp_path: Path, file: str) -> None:
    folder = _stored(tmp_path)
    evidence = folder / "evidence" / SURPRISE.drill
    content = (evidence / file).read_bytes()
    (evidence / file).write_bytes(content[:-2] + b" \n")
    (folder / "evidence" / Shape().drill / file).unlink()
    (evidence / "more.jsonl").write_text("x")
    with pytest.raises(SetupError) as caught:
        rewrite_report(folder)
    lines = str(caught.value).splitlines()[1:]
    assert lines == [
        f"  altered: evidence/{SURPRISE.drill}/{file}",
        f"  missing: evidence/{Shape().drill}/{file}",
        f"  added: evidence/{SURPRISE.drill}/more.jsonl",
    ]


def test_who_takes_verdicts_as_they_are_asks_for_them_too_and_not_for_reports(tmp_path: Path) -> None:
    folder = _stored(tmp_path)
    verdict = f"evidence/{SURPRISE.drill}/verdict.json"
    for name in ("index.html", verdict, f"evidence/{SURPRISE.drill}/index.html"):
        (folder / name).write_text("x")
    found = check_manifest(folder)
    assert found is not None
    assert found.lines() == [
        f"altered: {verdict}",
        "altered: index.html",
        f"added: evidence/{SURPRISE.drill}/index.html",
    ]
    assert found.of_evidence().lines() == [f"added: evidence/{SURPRISE.drill}/index.html"]
    assert found.but_reports().lines() == [
        f"altered: {verdict}",
        f"added: evidence/{SURPRISE.drill}/index.html",
    ]
    (folder / f"evidence/{SURPRISE.drill}/index.html").unlink()
    with pytest.raises(SetupError, match=rf"`drill judge` makes them anew:\n  altered: {verdict}$"):
        rewrite_report(folder)


def test_run_json_cannot_be_altered_unseen(tmp_path: Path) -> None:
    folder = _stored(tmp_path)
    write_facts(folder, replace(read_facts(folder), exit_status=0, target="Another"))
    with pytest.raises(SetupError, match=r"altered: run\.json"):
        rewrite_report(folder)


def test_report_is_not_made_of_a_verdict_that_somebody_altered(tmp_path: Path) -> None:
    folder = _stored(tmp_path)
    path = folder / "evidence" / SURPRISE.drill / "verdict.json"
    path.write_text(path.read_text().replace("inconclusive", "pass"))
    with pytest.raises(SetupError, match=r"altered: evidence/redis-locked-out/verdict\.json"):
        rewrite_report(folder)


def test_page_that_somebody_altered_is_written_anew(tmp_path: Path) -> None:
    folder = _stored(tmp_path)
    page = (folder / "index.html").read_bytes()
    (folder / "index.html").write_text("all is well")
    rewrite_report(folder)
    assert (folder / "index.html").read_bytes() == page
    assert not check_manifest(folder)


def test_report_is_the_same_from_any_path(tmp_path: Path) -> None:
    folder = _stored(tmp_path)
    moved = tmp_path / "a" / "b" / "c"
    moved.parent.mkdir(parents=True)
    names = ("index.html", "summary.json", "summary.md", "manifest.json")
    before = {name: (folder / name).read_bytes() for name in names}
    folder.rename(moved)
    rewrite_report(moved)
    assert {name: (moved / name).read_bytes() for name in names} == before
    assert str(tmp_path).encode() not in before["index.html"] + before["summary.json"] + before["summary.md"]


def test_run_of_another_schema_is_refused_by_name(tmp_path: Path) -> None:
    write_facts(tmp_path, Facts("one", "", "", schema=SCHEMA_VERSION + 1, project=Project("abc")))
    with pytest.raises(InputError, match=rf"schema: {SCHEMA_VERSION}: .*commit abc"):
        read_facts(tmp_path)


def test_inputs_outside_of_the_targets_folder_are_kept_apart(tmp_path: Path) -> None:
    root, run = tmp_path / "target", tmp_path / "run"
    for folder in (root, tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        (folder / "fault.yaml").write_text(folder.name)
    paths = [Path("fault.yaml"), tmp_path / "a" / "fault.yaml", tmp_path / "b" / "fault.yaml"]
    kept = keep_inputs(run, root, [("experiment", path) for path in paths])
    assert [(run / each.kept).read_text() for each in kept] == ["target", "a", "b"]


def test_input_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"gone\.md: could not be read"):
        keep_inputs(tmp_path / "run", tmp_path, [("runbook", Path("gone.md"))])


def test_runbook_is_the_one_that_was_kept(tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text("# A\n\n```bash\ntrue\n```\n")
    kept = keep_inputs(tmp_path / "run", tmp_path, [("runbook", Path("r.md"))])
    facts = Facts("one", "", "", inputs=kept)
    (tmp_path / "r.md").unlink()
    found = runbook_of(tmp_path / "run", facts, "./r.md")
    assert found is not None
    assert [step.line for step in found.steps] == [4]
    assert runbook_of(tmp_path / "run", facts, "other.md") is None


def test_versions_are_those_of_this_machine(tmp_path: Path) -> None:
    assert machine().cores >= 1
    assert machine().memory_bytes > 1 << 20
    found = tools("/no/such/kubectl")
    assert found["kubectl"] == "absent"
    assert found["pytest"] == pytest.__version__
    assert project_of(tmp_path) == Project()
    assert len(project_of(Path(__file__).parent).commit) == 40
