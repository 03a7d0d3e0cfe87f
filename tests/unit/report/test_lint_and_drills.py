"""What lint and drills know of each other: findings that a run has proven, blocks that only lint has looked
at, and the runbook of the report with both beside each line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from recorded_runs import AS_WRITTEN, Shape, make_run

from drill.cli import cli
from drill.conduct.coverage import CoveredRuns, run_coverage_lines, runbook_lines
from drill.lint.alone import lint_alone
from drill.report import write_report
from drill.report.annotated import AnnotatedRunbook, annotate
from drill.run.defects import prove
from drill.run.facts import Role, read_facts
from drill.run.inputs import errata_of
from drill.run.manifest import write_manifest
from drill.run.stored import read_recordings, read_verdicts
from drill.runbook import parse

ROOT = Path(__file__).parents[3]
FIRST = """# Operations

## Database Recovery

```bash
kubectl scale deployment web --replicas=0
kubectl get pods --watch
kubectl logs -l app=web
```

## Words

```text
nobody <b>runs</b> this
```

## Never drilled

```bash
kubectl logs -l app=web
```
"""
CORRECTED = FIRST.replace(" --watch", "").replace("app=web\n", "app=web --tail=-1\n")
WATCH, LOGS, TEXT, NEVER = 7, 8, 14, 20
DEFECT = {
    "id": "RB-001",
    "section": "Database Recovery",
    "line": WATCH,
    "what": "It <i>never</i> returns",
    "as_written": AS_WRITTEN.scenario,
    "as_corrected": "nobody",
    "evidence": [{"line": WATCH, "command_matches": "--watch", "interrupted": True}],
}
DRILL = Shape(
    drill=AS_WRITTEN.drill,
    scenario=AS_WRITTEN.scenario,
    tags=AS_WRITTEN.tags,
    runbook="runbook/first.md",
    line=6,
    commands=(
        (6, "kubectl scale deployment web --replicas=0", 3.2, 3.5, 1, False, "Forbidden"),
        (WATCH, "kubectl get pods --watch", 3.5, 9.0, 130, True, ""),
        (LOGS, "kubectl logs -l app=web", 9.1, 9.3, 0, False, ""),
    ),
)


def _run(tmp_path: Path, shapes: Sequence[Shape] = (DRILL,), **defect: object) -> Path:
    texts: dict[tuple[Role, str], str] = {
        ("runbook", "runbook/corrected.md"): CORRECTED,
        ("runbook as written", "runbook/first.md"): FIRST,
        ("errata", "runbook/errata.yaml"): yaml.safe_dump([{**DEFECT, "found_by": ["D201"], **defect}]),
    }
    folder, verdicts = make_run(tmp_path / "reports", shapes, name="one", texts=texts)
    write_report(folder, verdicts)
    write_manifest(folder)
    return folder


def _file(tmp_path: Path, text: str = FIRST, name: str = "first.md") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def _lint(file: Path, *arguments: str) -> str:
    return CliRunner().invoke(cli, ["lint", str(file), "--select", "D2,D4", *arguments]).output


def _said(output: str, line: int) -> str:
    return next(row for row in output.splitlines() if re.search(rf"\.md:{line}:\d+: ", row))


def _annotated(folder: Path) -> list[AnnotatedRunbook]:
    facts = read_facts(folder)
    verdicts = read_verdicts(folder, facts)
    recordings = read_recordings(folder, verdicts)
    proofs = prove(errata_of(folder, facts), verdicts, recordings)
    return annotate(folder, facts, verdicts, proofs, recordings)


def test_a_finding_that_a_run_has_proven_says_so(tmp_path: Path) -> None:
    folder, file = _run(tmp_path), _file(tmp_path, name="renamed.md")
    said = _lint(file, "--run", str(folder))
    assert _said(said, WATCH).endswith("; proven by RB-001 in run one")
    assert "proven" not in _said(said, LOGS)
    assert "Not applied: run" not in said


def test_without_a_run_nothing_is_said_of_it(tmp_path: Path) -> None:
    _run(tmp_path)
    file = _file(tmp_path)
    assert "proven" not in _lint(file)
    found = json.loads(_lint(file, "--format", "json"))
    assert "notes" not in found
    assert not any("proven" in finding for finding in found["findings"])


def test_a_drill_that_recorded_no_evidence_proves_nothing(tmp_path: Path) -> None:
    folder = _run(tmp_path, evidence=[{"line": WATCH, "command_matches": "--watch", "interrupted": False}])
    assert "proven" not in _lint(_file(tmp_path), "--run", str(folder))


@pytest.mark.parametrize(("rules", "proven"), [([], False), (["D201"], True), (["D303"], False)])
def test_of_several_defects_of_a_line_only_its_own_counts(
    tmp_path: Path, rules: list[str], proven: bool
) -> None:
    folder = _run(tmp_path, found_by=rules)
    assert ("proven by RB-001" in _lint(_file(tmp_path), "--run", str(folder))) == proven


def test_programs_read_it_as_a_property(tmp_path: Path) -> None:
    folder, file = _run(tmp_path), _file(tmp_path)
    found = json.loads(_lint(file, "--run", str(folder), "--format", "json"))["findings"]
    proven = {finding["line"]: finding.get("proven") for finding in found}
    assert proven[WATCH] == [{"defect": "RB-001", "run": "one"}]
    assert proven[LOGS] is None
    sarif = json.loads(_lint(file, "--run", str(folder), "--format", "sarif"))["runs"][0]["results"]
    properties = {
        result["locations"][0]["physicalLocation"]["region"]["startLine"]: result.get("properties")
        for result in sarif
    }
    assert properties[WATCH] == {"proven": [{"defect": "RB-001", "run": "one"}]}
    assert properties[LOGS] is None
    assert "proven by RB-001 in run one" in _lint(file, "--run", str(folder), "--format", "github")


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        (FIRST + "\n", "first.md", "the run is stale, the file has changed since it was drilled"),
        (
            FIRST.replace("web", "api"),
            "other.md",
            "it drilled runbook/first.md and runbook/corrected.md, not this",
        ),
        (CORRECTED, "first.md", "its errata speak of runbook/first.md, the runbook as first written"),
    ],
)
def test_a_run_of_another_text_is_told_as_not_applicable(
    tmp_path: Path, text: str, name: str, why: str
) -> None:
    folder, file = _run(tmp_path), _file(tmp_path, text, name)
    said = _lint(file, "--run", str(folder))
    assert f"Not applied: run one to {file}: {why}" in said
    assert "proven" not in said
    assert why in json.loads(_lint(file, "--run", str(folder), "--format", "json"))["notes"][0]
    assert why in _lint(file, "--run", str(folder), "--format", "github")
    assert why in _lint(file, "--run", str(folder), "--format", "sarif")


@pytest.mark.parametrize("name", ["recording.jsonl", "verdict.json"])
def test_altered_evidence_proves_nothing(tmp_path: Path, name: str) -> None:
    folder, file = _run(tmp_path), _file(tmp_path)
    with (folder / "evidence" / DRILL.drill / name).open("a") as altered:
        altered.write("\n")
    done = CliRunner().invoke(cli, ["lint", str(file), "--run", str(folder)])
    assert "this is not what the run left, so it proves nothing" in str(done.exception)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["lint", str(_file(tmp_path)), "--run", str(tmp_path)])
    assert "not the folder of a run" in str(done.exception)


def test_coverage_of_a_run_marks_what_only_lint_has_looked_at(tmp_path: Path) -> None:
    drilled, words, never, counted, *_ = run_coverage_lines(CoveredRuns([_run(tmp_path)]))
    assert drilled.endswith(f"[drilled: {DRILL.drill}; lint: 2 findings]")
    assert words.endswith("[never touched]")
    assert never.endswith("[only looked at by lint: 1 finding]")
    assert counted == "1 of 3 steps of runbook/first.md executed; 1 only looked at by lint, 1 never touched"


def test_coverage_without_a_run_knows_of_no_drill(tmp_path: Path) -> None:
    first, words, never, counted = runbook_lines(parse(_file(tmp_path)), date(2026, 11, 24))
    assert first.endswith("[only looked at by lint: 2 findings]")
    assert words.endswith("[never touched]")
    assert never.endswith("[only looked at by lint: 1 finding]")
    assert counted.startswith("3 steps: 2 only looked at by lint, 1 never touched.")


def test_a_block_that_lint_cannot_read_is_not_looked_at(tmp_path: Path) -> None:
    text = (
        "# T\n\n## S\n\n```bash\nif then fi ((\n```\n\n## A\n\n```yaml\n- alert: Down\n  expr: up == 0\n```\n"
    )
    unread, alert, _ = runbook_lines(parse(_file(tmp_path, text)), date(2026, 11, 24))
    assert unread.endswith("[never touched]")
    assert "[only looked at by lint: " in alert


def test_each_line_has_what_is_known_of_it(tmp_path: Path) -> None:
    first, corrected = _annotated(_run(tmp_path))
    assert (first.name, first.as_written, corrected.as_written) == ("runbook/first.md", True, False)
    lines = {line.number: line for line in first.lines}
    assert [(here.kind, here.how) for here in lines[6].ran] == [("failed", "ended with status 1")]
    assert [(here.kind, here.how) for here in lines[WATCH].ran] == [("proven", "proves RB-001")]
    assert [(here.kind, here.how) for here in lines[LOGS].ran] == [("passed", "ended with status 0")]
    assert [(found.rule, found.proven) for found in lines[WATCH].found] == [("D201", ("RB-001",))]
    assert [(found.rule, found.proven) for found in lines[NEVER].found] == [("D401", ())]
    assert [defect.id for defect in lines[WATCH].defects] == ["RB-001"]
    assert not lines[TEXT].marked
    assert not any(line.marked for line in corrected.lines)


def test_the_page_shows_both_texts_escaped_with_links(tmp_path: Path) -> None:
    page = (_run(tmp_path) / "index.html").read_text()
    view = page[page.index('id="line-by-line"') : page.index('id="matrix"')]
    assert view.count("<details>") == 2
    assert "nobody &lt;b&gt;runs&lt;/b&gt; this" in view
    assert "It &lt;i&gt;never&lt;/i&gt; returns" in view
    assert f'<a href="#drill-{DRILL.drill}">{DRILL.scenario}</a> <span class="soft">(pass)</span>' in view
    assert 'href="#defect-RB-001"' in view
    assert "proven by RB-001 in this run" in view


def test_a_run_that_kept_no_runbook_says_so(tmp_path: Path) -> None:
    folder, verdicts = make_run(tmp_path / "reports", (Shape(),))
    write_report(folder, verdicts)
    assert "This run kept no runbook." in (folder / "index.html").read_text()


def test_the_page_is_the_same_on_a_machine_with_other_programs_and_files(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    before = (folder / "index.html").read_bytes()
    (folder.parent / "backup.db").write_text("a file that a runbook might name")
    program = "import sys; from drill.conduct.rejudge import rewrite_report; from pathlib import Path; "
    for seed, path in (("1", "/nowhere"), ("2", "/usr/bin:/bin")):
        subprocess.run(
            [sys.executable, "-c", program + "rewrite_report(Path(sys.argv[1]))", str(folder)],
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": path, "PYTHONHASHSEED": seed},
            check=True,
        )
        assert (folder / "index.html").read_bytes() == before


def test_lint_alone_asks_no_program_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# T\n\n```bash\nkubectl cp backup-1.tar web:/data/b.tar\nsudo echo a > /etc/hosts\n```\n"
    monkeypatch.chdir(tmp_path)
    without = lint_alone("runbook.md", text, date(2026, 11, 24))
    assert without.outcome.not_applied["folder"] == ("D107", "D906")
    assert "shellcheck" in without.outcome.not_applied
    (tmp_path / "backup-1.tar").touch()
    assert lint_alone("runbook.md", text, date(2026, 11, 24)).outcome.findings == without.outcome.findings


def test_the_page_of_the_reference_runbook_stays_small(tmp_path: Path) -> None:
    names: list[tuple[Role, str]] = [
        ("runbook", "operations-runbook.md"),
        ("runbook as written", "as-first-written.md"),
        ("errata", "errata.yaml"),
    ]
    texts = {(role, f"runbook/{name}"): (ROOT / "runbook" / name).read_text() for role, name in names}
    with_text, verdicts = make_run(tmp_path / "a", (AS_WRITTEN,), texts=texts)
    write_report(with_text, verdicts)
    without, verdicts = make_run(tmp_path / "b", (AS_WRITTEN,))
    write_report(without, verdicts)
    sizes = [(folder / "index.html").stat().st_size for folder in (with_text, without)]
    assert sizes[0] - sizes[1] < 400_000
    first, corrected = _annotated(with_text)
    assert first.count("defects") == len(errata_of(with_text, read_facts(with_text)))
    assert first.count("found") > 50
    assert corrected.count("found") == 0
