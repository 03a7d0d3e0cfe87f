"""What a run leaves: the page, the summaries, the link to the last run."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from recorded_runs import AS_CORRECTED, AS_WRITTEN, CONTROL, EVERYTHING, SURPRISE, Shape, make_run

from drill.errors import InputError, UsageError
from drill.judge.verdict import Criterion, DrillVerdict
from drill.recording.events import DataForgotten
from drill.report import write_report
from drill.report.transcripts import printable
from drill.run import as_expected, read_facts
from drill.run.facts import Role
from drill.run.files import point_latest
from drill.run.stored import read_verdicts
from drill.runbook import Defect, Evidence

VOID = {"meta", "br", "hr", "img", "input", "link"}
RUNBOOK = """# Operations

## Service Completely Down

**Immediate Actions:**
```bash
kubectl get nodes
```

## Database Recovery
```bash
kubectl get pods
```
"""
DEFECT = Defect(
    id="RB-001",
    section="Database Recovery",
    line=284,
    what="kubectl cp names a pod that does not exist",
    as_written=AS_WRITTEN.scenario,
    as_corrected=AS_CORRECTED.scenario,
    evidence=(Evidence(line=284, status=1, output_matches="doesn't exist"),),
)


class _Page(HTMLParser):
    """Checks that tags are closed in order; keeps tags, ids, targets of links and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href" and (value or "").startswith("#"):
                self.anchors.append((value or "")[1:])
            if (
                name in {"src", "srcset", "data"}
                or (name == "href" and tag not in {"a"})
                or (name == "href" and "://" in (value or ""))
            ):
                self.loads.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without a start"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def _report(
    tmp_path: Path,
    shapes: tuple[Shape, ...] = EVERYTHING,
    errata: tuple[Defect, ...] = (DEFECT,),
    runbook: str = RUNBOOK,
) -> tuple[Path, _Page]:
    known = yaml.safe_dump([defect.model_dump(mode="json", exclude_none=True) for defect in errata])
    texts: dict[tuple[Role, str], str] = {
        ("errata", "runbook/errata.yaml"): known,
        ("runbook", "runbook/operations-runbook.md"): runbook,
    }
    folder, verdicts = make_run(tmp_path / "reports", shapes, texts=texts)
    write_report(folder, verdicts)
    page = _Page()
    page.feed((folder / "index.html").read_text())
    assert page.open == []
    return folder, page


def _summary(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def test_page_is_one_file_that_loads_nothing_and_runs_only_its_own_script(tmp_path: Path) -> None:
    folder, page = _report(tmp_path)
    assert page.loads == []
    assert page.tags.count("script") == 1
    content = (folder / "index.html").read_text()
    assert "url(http" not in content
    assert "@import" not in content
    assert "http://" not in content.replace("http://www.w3.org/2000/svg", "").replace(
        "http://localhost:8080", ""
    )


def test_links_within_the_page_lead_somewhere_and_ids_are_unique(tmp_path: Path) -> None:
    _, page = _report(tmp_path)
    assert set(page.anchors) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_verdicts_are_words(tmp_path: Path) -> None:
    _, page = _report(tmp_path)
    assert "4 drills and 1 control, 1 not as expected." in page.text
    for word in (
        "✓ recovers in 19.4 s (limit 15 min)",
        "✓ proves RB-001",
        "control: nobody else would have, in 48 s",
        "? inconclusive",
        "Not applicable: Data age (no backup is restored in this drill).",
        "✕ fail",
        "too close to tell",
    ):
        assert word in page.text


def test_each_drill_has_a_picture_with_its_moments_and_commands(tmp_path: Path) -> None:
    _, page = _report(tmp_path)
    assert page.tags.count("svg") == len(EVERYTHING)
    for words in (
        "fault injected",
        "recovered +19.4 s",
        "procedure starts +3.1 s",
        "limit 500 ms",
        "✕ status 1",
        "interrupted",
    ):
        assert words in page.text


def test_criteria_have_units_interval_samples_source_and_reason(tmp_path: Path) -> None:
    _, page = _report(tmp_path, (SURPRISE,))
    assert (
        "Error rate ? inconclusive 0.1667 % 0.1 % 0.02 % – 0.6 % 1 200 operations-runbook.md:547" in page.text
    )
    assert "2995 requests without a failure are needed to say so at 95 %" in page.text


def test_failure_says_what_to_do_next(tmp_path: Path) -> None:
    folder, page = _report(tmp_path, (replace(AS_WRITTEN, expected="pass"),))
    assert "What to do next" in page.text
    assert "Look first at command 2 (runbook line 284), which ended with status 1" in page.text
    assert f"drill judge reports/{folder.name}" in page.text
    assert "transcripts/01-immediate-actions.txt" in page.text


def test_staying_out_is_said_with_how_long_one_watched(tmp_path: Path) -> None:
    _, page = _report(tmp_path, (AS_WRITTEN,))
    assert "stays out watched for 60 s" in page.text
    assert "then watched, not recovered 55.3 s" in page.text


def test_transcripts_are_escaped_and_without_terminal_sequences(tmp_path: Path) -> None:
    folder, page = _report(tmp_path, (AS_WRITTEN,))
    assert "<script>alert('no')</script> & more" in page.text
    assert (folder / "index.html").read_text().count("<script>") == 1
    assert "\x1b" not in (folder / "index.html").read_text()


@pytest.mark.parametrize(
    "hostile",
    ["</pre><script>x</script>", "</style></svg>", '" onload="x', "\x00\x08\x1b]0;title\x07", "{{ 7 * 7 }}"],
)
def test_hostile_text_anywhere_stays_text(tmp_path: Path, hostile: str) -> None:
    command = (38, hostile, 3.2, 3.4, 1, False, hostile)
    shape = replace(
        AS_WRITTEN,
        scenario=hostile,
        why=hostile,
        fault=hostile,
        transcript=hostile,
        tags=(hostile,),
        commands=(command,),
        procedure=hostile,
    )
    defect = DEFECT.model_copy(update={"what": hostile, "as_written": hostile})
    _, page = _report(tmp_path, (shape,), (defect,))
    assert page.tags.count("script") == 1
    assert page.tags.count("svg") == 1


def test_long_transcript_shows_its_end_and_names_the_file(tmp_path: Path) -> None:
    _, page = _report(tmp_path, (replace(AS_WRITTEN, transcript="begin" + "x" * 150_000 + "the end"),))
    assert "the end" in page.text
    assert "characters before it are only in" in page.text
    assert "beginx" not in page.text


def test_printable_keeps_words_and_line_ends() -> None:
    assert printable("a\x1b[1;31mred\x1b[0m\r\nb\rc\x00\td") == "ared\nb\nc\ufffd\td"


def test_absent_writes_are_named(tmp_path: Path) -> None:
    _, page = _report(tmp_path, (AS_CORRECTED,))
    assert "write-0 , acknowledged at" in page.text
    assert "9 are absent afterwards, 9 of which came after the backup" in page.text
    assert "The data that the backup brought back was 41.2 s old." in page.text


def test_what_earlier_drills_left_is_said_to_be_removed_or_still_there(tmp_path: Path) -> None:
    _, silent = _report(tmp_path / "silent", (AS_CORRECTED,))
    assert "earlier drills" not in silent.text
    gone = DataForgotten("database", 310, 1, 500_000)
    _, page = _report(tmp_path / "gone", (replace(AS_CORRECTED, extra=(gone,)),))
    removed = "was removed first (rows: 310, files and folders beside them: 1)."
    assert f"What earlier drills had left in database {removed}" in page.text
    locked = DataForgotten("database", trouble="OperationalError: database is locked")
    _, page = _report(tmp_path / "locked", (replace(AS_CORRECTED, extra=(locked,)),))
    assert "was removed first" not in page.text
    left = "(rows: 0, files and folders beside them: 0): OperationalError: database is locked."
    assert f"What earlier drills had left in database is not all removed {left}" in page.text


def test_defect_is_proven_by_the_recorded_command(tmp_path: Path) -> None:
    folder, page = _report(tmp_path)
    assert "Proven; corrected, it passes." in page.text
    assert "exit status 1 error: backup-novel-engine-latest.db doesn't exist" in page.text
    assert "| proven; corrected, it passes |" in (folder / "summary.md").read_text()


def test_defect_without_its_evidence_is_not_proven(tmp_path: Path) -> None:
    other = DEFECT.model_copy(update={"evidence": (Evidence(line=284, status=2),)})
    _, page = _report(tmp_path, errata=(other,))
    assert "Not proven: the evidence was not recorded" in page.text


OVER_EARLY = "it was over, and users were out for 3.9 s more"


@pytest.mark.parametrize(
    ("last", "outcome", "says"),
    [
        (284, "fail", "Proven; corrected, it passes."),
        (284, "pass", "Not proven: the evidence was not recorded; corrected, it passes."),
        (284, "inconclusive", "Not proven: the evidence was not recorded; corrected, it passes."),
        (284, None, "Not proven: the evidence was not recorded; corrected, it passes."),
        (290, "fail", "Not proven: the evidence was not recorded; corrected, it passes."),
    ],
)
def test_a_defect_is_proven_by_the_criterion_that_it_names(
    tmp_path: Path, last: int, outcome: Any, says: str
) -> None:
    early = () if outcome is None else (Criterion("early_end", outcome, why=OVER_EARLY),)
    commands = ((last, "kubectl rollout restart deployment/redis", 4.0, 4.2, 0, False, "restarted"),)
    shape = replace(
        AS_WRITTEN, commands=commands, criteria=(Criterion("recovered", "fail", why="in vain"), *early)
    )
    defect = DEFECT.model_copy(update={"evidence": (Evidence(line=284, criterion="early_end"),)})
    folder, page = _report(tmp_path, (shape, AS_CORRECTED), (defect,))
    assert says in page.text
    assert (f"exit status 0 early_end: {OVER_EARLY} restarted" in page.text) == says.startswith("Proven")
    assert f"| {says[0].lower()}{says[1:-1]} |" in (folder / "summary.md").read_text()


def test_of_what_a_proving_command_printed_the_end_is_shown(tmp_path: Path) -> None:
    long = "begin" + "x" * 150_000 + " doesn't exist"
    commands = tuple(
        (*command[:6], long if command[0] == 284 else command[6]) for command in AS_WRITTEN.commands
    )
    _, page = _report(tmp_path, (replace(AS_WRITTEN, commands=commands), AS_CORRECTED))
    assert "Proven; corrected, it passes." in page.text
    assert "x doesn't exist" in page.text
    assert "beginx" not in page.text


def test_defect_is_found_by_tag(tmp_path: Path) -> None:
    renamed = DEFECT.model_copy(update={"as_written": "step 2", "as_corrected": "step 3"})
    _, page = _report(tmp_path, (replace(AS_WRITTEN, tags=("P0", "RB-001")), AS_CORRECTED), (renamed,))
    assert "Proven." in page.text


def test_coverage_counts_the_steps_that_were_carried_out(tmp_path: Path) -> None:
    _, page = _report(tmp_path, (Shape(line=7),))
    assert "This run carried out 1 of the 2 steps" in page.text
    assert "✓ scaled-to-zero" in page.text


def test_coverage_of_a_runbook_that_is_gone_says_so(tmp_path: Path) -> None:
    _, page = _report(tmp_path, (Shape(runbook="gone.md"),))
    assert "gone.md is not among the run's inputs" in page.text


def test_drill_that_never_injected_has_a_page_too(tmp_path: Path) -> None:
    folder, verdicts = make_run(tmp_path / "reports", [Shape()])
    nothing: dict[str, Any] = {
        "phases": [],
        "criteria": [],
        "faults": [],
        "outages": [],
        "writes": None,
        "commands": [],
        "recovered_seconds": None,
    }
    verdict = msgspec.structs.replace(
        verdicts[0], verdict="setup", why="the target was not healthy", **nothing
    )
    for name in ("recording.jsonl", "requests.jsonl"):
        (folder / "evidence" / verdict.drill / name).unlink()
    write_report(folder, [verdict])
    text = (folder / "index.html").read_text()
    assert "no request was recorded" in text
    assert "drill doctor" in text
    assert "! could not be carried out" in text


def test_summary_has_exactly_the_fields_of_the_interface(tmp_path: Path) -> None:
    folder, _ = _report(tmp_path)
    summary = _summary(folder)
    assert list(summary) == ["run", "started", "target", "exit_status", "drills", "defects"]
    drill = summary["drills"][0]
    assert ", ".join(drill) == (
        "feature, scenario, tags, control, kept, faults, procedures, expected, verdict, says, why, criteria, "
        "phases, recovered_seconds, outages, out_seconds, flapping, unmeasured, credit, credit_why, changes, "
        "writes, requests, evidence"
    )
    assert ", ".join(drill["criteria"][0]) == "name, verdict, value, limit, unit, interval, samples, source"
    assert list(drill["phases"][0]) == ["name", "seconds"]
    assert list(drill["faults"][0])[:2] == ["fault", "felt"]
    assert list(drill["writes"]) == ["acknowledged", "lost", "data_age_seconds"]
    assert list(drill["requests"]) == ["planned", "completed", "failed", "unmeasured"]
    assert list(summary["defects"][0]) == ["id", "section", "line", "what", "as_written", "as_corrected"]
    assert [d["scenario"] for d in summary["drills"]] == [shape.scenario for shape in EVERYTHING]
    assert (folder / drill["evidence"] / "recording.jsonl").exists()


def test_summary_for_ci_names_what_was_not_expected(tmp_path: Path) -> None:
    folder, _ = _report(tmp_path, (Shape(scenario="A | B <b>"), SURPRISE))
    text = (folder / "summary.md").read_text()
    assert "A \\| B &lt;b&gt;" in text
    assert "✗ **not as expected**" in text
    assert "2995 requests without a failure are needed" in text
    assert "recovers in 19.4 s (limit 15 min)" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table[:4]} == {7}


@pytest.mark.parametrize(
    ("verdict", "expected", "agrees"),
    [
        ("pass", "pass", True),
        ("fail", "pass", False),
        ("pass", "fail", False),
        ("inconclusive", "pass", False),
        ("setup", "pass", False),
        ("fail", "fail: no such pod", True),
        ("not applicable", "pass", True),
        ("inconclusive", "inconclusive: not on this machine: trivy", True),
        ("pass", "inconclusive: not on this machine: trivy", False),
    ],
)
def test_expectation_is_compared_by_its_word(
    tmp_path: Path, verdict: str, expected: str, agrees: bool
) -> None:
    _, verdicts = make_run(tmp_path, [Shape(before=1, end=2, verdict=verdict, expected=expected)])
    assert as_expected(verdicts[0]) is agrees


def test_verdicts_are_read_back_from_the_folder(tmp_path: Path) -> None:
    folder, verdicts = make_run(tmp_path, [Shape(before=1, end=2), replace(CONTROL, before=1)])
    assert {v.drill: v for v in read_verdicts(folder, read_facts(folder))} == {v.drill: v for v in verdicts}


def test_folder_without_a_run_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the folder of a run"):
        write_report(tmp_path, [])


def test_bad_run_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"run": 7}')
    with pytest.raises(InputError, match=r"run\.json"):
        write_report(tmp_path, [])


def test_latest_leads_to_the_last_run(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        point_latest(tmp_path / name)
    assert (tmp_path / "latest").resolve() == tmp_path / "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "one", "two"]


def test_latest_that_is_a_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "latest").mkdir()
    with pytest.raises(UsageError, match="Move it away"):
        point_latest(tmp_path / "one")


def test_hundred_thousand_requests_take_little_time(tmp_path: Path) -> None:
    folder, verdicts = make_run(tmp_path, [Shape(requests_per_second=2000)])
    assert verdicts[0].requests.planned > 100_000
    started = time.process_time()
    write_report(folder, verdicts)
    assert time.process_time() - started < 3
    assert (folder / "index.html").stat().st_size < 300_000


def test_criterion_without_numbers_is_shown_with_dashes(tmp_path: Path) -> None:
    criterion = Criterion("cpu", "inconclusive", "CPU usage, average", why="no sample was taken")
    _, page = _report(tmp_path, (Shape(criteria=(criterion,)),))
    assert "CPU usage, average ? inconclusive – – – – – no sample was taken" in page.text


def test_criteria_that_do_not_apply_are_no_rows_but_one_line(tmp_path: Path) -> None:
    criteria = (
        Criterion("cpu", "not applicable", "CPU usage, average", why="the target has no metrics"),
        Criterion("data_age", "not applicable", why="no backup is restored"),
    )
    _, page = _report(tmp_path, (Shape(criteria=criteria),))
    assert "No criterion was judged." in page.text
    line = "CPU usage, average (the target has no metrics); Data age (no backup is restored)."
    assert f"Not applicable: {line}" in page.text


def test_drill_that_does_not_apply_neither_agrees_nor_differs(tmp_path: Path) -> None:
    _, page = _report(
        tmp_path, (Shape(verdict="not applicable", why="not applicable to this target: no redis"),), ()
    )
    assert "1 drill, each with the verdict that was expected." in page.text
    assert "– not applicable" in page.text
    assert "✕" not in page.text


def test_a_drill_for_which_a_tool_is_missing_is_named_with_it_and_has_no_tick(tmp_path: Path) -> None:
    stated = "inconclusive: not on this machine: trivy"
    folder, page = _report(tmp_path, (Shape(verdict="inconclusive", expected=stated),), ())
    assert f"– {stated}" in page.text
    assert f"✓ {stated}" not in page.text
    assert "✕" not in page.text
    assert f"| – | {Shape().scenario} | {stated} |" in (folder / "summary.md").read_text(encoding="utf-8")


def test_controls_of_one_fault_are_shown_once(tmp_path: Path) -> None:
    second = replace(Shape(), drill="again", scenario="The same fault again")
    folder, page = _report(tmp_path, (Shape(), second, CONTROL))
    assert page.tags.count("svg") == 3
    assert page.text.count(f"{CONTROL.scenario} control: nobody else would have") == 1
    assert "The control of this fault:" in page.text
    assert page.tags.count("svg") == 3
    assert isinstance(read_verdicts(folder, read_facts(folder))[0], DrillVerdict)
