"""Where alerts lead, and whether a stored drill recovered there. The series are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from drill.alerts.leading import reached, repaired_in
from drill.alerts.rules import alert_rules
from drill.cli import cli
from drill.inject.experiment import experiment_of, fault_names
from drill.runbook import parse
from drill.settings import load
from tests.unit.alerts.made_drill import made
from tests.unit.judge.recorded_drill import FAULT, RecordedDrill

ROOT = Path(__file__).parents[3]
CORRECTED = ROOT / "runbook" / "operations-runbook.md"
BEGUN = 1012.0
"""When the operator of a recorded drill begins: first with a place of no section."""
DOWN = "1. Service Completely Down (P0)"


def stored(folder: Path, *sections: str, runbook: str = "operations-runbook.md", **verdict: Any) -> Path:
    """A drill whose operator followed a place in each of these sections, judged to be the runbook's credit;
    `verdict`: what is said otherwise."""
    drill = RecordedDrill(folder)
    drill.started = {"faults": [{"fault": FAULT, "alerts": ["ServiceDown"]}]}
    for number, section in enumerate(sections):
        place = {"procedure": section, "section": section, "runbook": f"runbook/{runbook}"}
        drill.extra.append((BEGUN + 1 + number, "procedure.started", place))
    judged = msgspec.structs.replace(drill.judged(), **({"credit": "runbook"} | verdict))
    (folder / "verdict.json").write_bytes(msgspec.json.encode(judged))
    return folder


def test_users_recover_by_the_last_section_that_was_followed(tmp_path: Path) -> None:
    folder = stored(tmp_path, "Quick Diagnosis Script", DOWN)
    assert repaired_in(folder, CORRECTED) == DOWN


@pytest.mark.parametrize(
    "said",
    [
        {"credit": "platform"},
        {"credit": "nobody"},
        {"criteria": []},
        {"runbook": "as-first-written.md"},
    ],
)
def test_of_what_did_not_recover_by_this_runbook_no_section_is_told(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    assert repaired_in(stored(tmp_path, DOWN, **said), CORRECTED) == ""


def test_series_without_a_readable_drill_tell_no_section(tmp_path: Path) -> None:
    assert repaired_in(tmp_path, CORRECTED) == ""
    assert repaired_in(stored(tmp_path / "nobody-acts"), CORRECTED) == ""
    folder = stored(tmp_path / "spoilt", DOWN)
    (folder / "verdict.json").write_text("{")
    assert repaired_in(folder, CORRECTED) == ""


def test_a_section_reaches_those_that_it_sends_on_to(tmp_path: Path) -> None:
    file = tmp_path / "runbook.md"
    file.write_text(
        '# T\n\n## 1. Down (P0)\nSee [there](#the-cache) and "Others".\n\n## The Cache\n\n## Others\n\n'
        "## Unnamed\n\n## Alerts\n```yaml\n"
        "- alert: Down\n  expr: up == 0\n  annotations: {runbook_url: 'runbook.md#1-down-p0'}\n"
        "- alert: Lost\n  expr: up == 1\n  annotations: {runbook_url: 'runbook.md#nowhere'}\n"
        "- alert: Mute\n  expr: up == 2\n```\n"
    )
    runbook = parse(file)
    assert reached(alert_rules(runbook), runbook) == {
        "Down": ("1. Down (P0)", "The Cache", "Others"),
        "Lost": (),
        "Mute": (),
    }


def test_a_table_says_which_drills_recovered_by_the_section_that_an_alert_leads_to(tmp_path: Path) -> None:
    for name, section in {
        "here": DOWN,
        "on-from-here": "Database Recovery",
        "elsewhere": "Cache Optimization",
    }.items():
        made(stored(tmp_path / name, section), None)
    words = ["alerts", "table", str(tmp_path), "--runbook", str(CORRECTED)]
    told = CliRunner().invoke(cli, words).output.splitlines()
    assert told[-1] == f"{FAULT}: ServiceDown leads to {DOWN!r}, which repairs it in here, on-from-here"
    words[2] = str(tmp_path / "elsewhere")
    told = CliRunner().invoke(cli, words).output.splitlines()
    assert told[-1] == f"{FAULT}: ServiceDown leads to {DOWN!r}, and no drill here recovers by that"


def test_each_fault_that_users_feel_is_announced_by_an_alert_that_leads_to_its_section() -> None:
    """But one: nothing in the runbook repairs a name that is not known, and its section only claims to."""
    runbook = parse(CORRECTED)
    ways = reached(alert_rules(runbook), runbook)
    faults = [experiment_of(load(ROOT / "drill.toml"), name) for name in fault_names()]
    felt = [each for each in faults if each.felt in ("failed", "slow")]
    assert len(felt) > 20
    lost = [each.fault for each in felt if not any(each.section in ways[alert] for alert in each.alerts)]
    assert lost == ["name-resolution-broken"]
