"""A run of fifty drills with their controls, over the reference runbook: every chapter, thirty faults, all
outcomes, transcripts as long as real ones. Flows out: a folder reports/<run>/ as a run leaves it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from drill.judge.verdict import DrillVerdict
from drill.run.facts import Role
from drill.runbook import Step, parse
from tests.unit.report.recorded_runs import CONTROL, Shape, make_run

ROOT = Path(__file__).parents[3]
DRILLS = 50
FAULTS = 25
TEXTS: dict[tuple[Role, str], Path] = {
    ("runbook", "runbook/operations-runbook.md"): ROOT / "runbook" / "operations-runbook.md",
    ("runbook as written", "runbook/as-first-written.md"): ROOT / "runbook" / "as-first-written.md",
    ("errata", "runbook/errata.yaml"): ROOT / "runbook" / "errata.yaml",
}
LISTING = "novel-engine-{0}-x7k2p   1/1   Running   0   {0}m   10.244.1.{0}   drill-worker   <none>\n"


def make_fifty(reports: Path) -> tuple[Path, list[DrillVerdict]]:
    """The run's folder, and the verdicts."""
    steps = [step for step in parse(TEXTS["runbook", "runbook/operations-runbook.md"]).steps if step.is_shell]
    drills = [_drill(number, steps[number % len(steps)]) for number in range(DRILLS)]
    controls = [
        replace(
            CONTROL,
            drill=f"control-{fault}",
            scenario=f"Nobody acts on fault {fault}",
            feature=drills[fault].feature,
            severity=drills[fault].severity,
            fault=f"fault-{fault}",
            end=30.0 + 6 * fault,
            out=(0.4, 30.0 + 6 * fault),
            requests_per_second=30.0,
        )
        for fault in range(FAULTS)
    ]
    texts = {key: path.read_text() for key, path in TEXTS.items()}
    return make_run(reports, [*drills, *controls], texts=texts, exit_status=1)


def _drill(number: int, step: Step) -> Shape:
    """One drill: every seventh stays out as its scenario states, two do so against expectation."""
    title = step.section.title
    severity = next((name for name in ("P0", "P1", "P2") if f"({name})" in title), "P2")
    stays_out = number % 7 == 3
    deviates = number in {18, 41}
    took = 4.0 + 3.7 * number
    lines = [
        (line, text)
        for line, text in enumerate(step.text.splitlines(), start=step.line)
        if text.strip() and not text.lstrip().startswith("#")
    ]
    failed = 1 if stays_out or deviates else 0
    commands = tuple(
        (line, text.strip(), 3.2 + at, 4.0 + at, failed if at == 1 else 0, False, "")
        for at, (line, text) in enumerate(lines[:12])
    )
    return Shape(
        drill=f"drill-{number}",
        feature=title,
        scenario=f"{title}, block {number}: the service comes back after what is written there",
        tags=(severity, "nightly"),
        severity=severity,
        fault=f"fault-{number % FAULTS}",
        procedure=step.name,
        line=step.line,
        expected="fail" if stays_out else "pass",
        verdict="fail" if stays_out or deviates else "pass",
        why=f"recovered: users were served again {took:.1f} s after the injection"
        if not (stays_out or deviates)
        else "recovered: users are still out, and nothing in the cluster is on its way",
        credit="nobody" if stays_out or deviates else "runbook" if number % 3 else "platform",
        recovered=not (stays_out or deviates),
        out=(0.4, took + 25.0 if stays_out or deviates else took),
        end=took + 25.0,
        requests_per_second=30.0,
        commands=commands,
        transcript="".join(LISTING.format(pod) for pod in range(120 * (number % 5 + 1))),
    )
