"""docs/faults.md is what the experiments say; where it is not, the failure shows what it should be."""

from __future__ import annotations

from pathlib import Path

from drill import settings as target_settings
from drill.inject.experiment import Experiment, experiment_of, fault_names

ROOT = Path(__file__).parents[3]
LIST = ROOT / "docs" / "faults.md"
HEADING = "| fault | what happens | felt | witness | alerts | section |\n|---|---|---|---|---|---|"


def row(found: Experiment) -> str:
    link = f"[`{found.fault}`](../experiments/{found.fault}.yaml)"
    alerts = ", ".join(found.alerts) or "none"
    return f"| {link} | {found.title} | {found.felt} | {found.witness} | {alerts} | {found.section} |"


def test_the_list_is_that_of_the_experiments() -> None:
    settings = target_settings.load(ROOT / "drill.toml")
    rows = [row(experiment_of(settings, fault)) for fault in fault_names()]
    table = "\n".join([HEADING, *rows])
    assert table in LIST.read_text(encoding="utf-8"), f"expected in {LIST}:\n{table}"
