"""What a stored run tells of the corrected runbook, so that mutants need not drill it again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from drill import settings as target_settings
from drill.cli import cli
from drill.errors import UsageError
from drill.mutate.command import Work
from drill.mutate.corrected import take_corrected
from drill.mutate.state import CORRECTED, State
from drill.recording import Moment, Recorder
from drill.recording.events import DrillFinished, HealthGate
from drill.run.facts import (
    Cluster,
    Facts,
    Finding,
    KeptFacts,
    Role,
    ScenarioOutcome,
    StoredDrill,
    write_facts,
)
from drill.run.inputs import keep_inputs
from drill.run.manifest import write_manifest

ROOT = Path(__file__).parents[3]
SETTINGS = target_settings.load(ROOT / "drill.toml")
NOW = Cluster("kind-drill", "v1.34.0", "digest of the target", {"novel-engine/novel-engine": "sha256:1"})


@pytest.fixture(scope="module")
def work() -> Work:
    return Work(SETTINGS, ROOT / "features", Path("nowhere"), None)


def stored(folder: Path, work: Work, **changed: object) -> Path:
    """A run of the first three scenarios of the plan, which ended in three ways. `changed`: of its facts."""
    followers = work.plan.followers[:3]
    files: list[tuple[Role, Path]] = [("runbook", work.path), ("target", SETTINGS.file)]
    files += [("feature", each.file) for each in followers]
    drills = []
    for number, each in enumerate(followers):
        recorder = Recorder(folder / f"evidence/{number}/recording.jsonl")
        recorder.record(HealthGate(True, "well"), at=Moment(1000.0, 10.0))
        recorder.record(DrillFinished(), at=Moment(1061.5, 71.5))
        recorder.close()
        drills.append(StoredDrill(str(number), each.scenario, f"evidence/{number}"))
    names = [each.scenario for each in followers]
    facts = Facts(
        run="stored",
        started="2026-11-30T17:00:00+00:00",
        target=SETTINGS.target.name,
        exit_status=1,
        cluster=NOW,
        inputs=keep_inputs(folder, ROOT, files),
        drills=drills,
        scenarios=[
            ScenarioOutcome(names[0], "passed"),
            ScenarioOutcome(names[1], "failed"),
            ScenarioOutcome(names[2], "passed"),
        ],
        findings=[Finding("trouble", names[2], "could not be put back")],
    )
    write_facts(folder, replace(facts, **changed))
    write_manifest(folder)
    return folder


def test_what_ended_as_stated_is_known_and_nothing_else(tmp_path: Path, work: Work) -> None:
    state = State(tmp_path / "state.json")
    run = stored(tmp_path / "run", work)
    assert take_corrected(run, SETTINGS, NOW, work.plan, state) == 1
    (tried,) = state.kept.tried
    assert (tried.mutant, tried.outcome, tried.seconds, tried.run) == (
        CORRECTED,
        "as expected",
        61.5,
        str(run),
    )
    assert [work.plan.fit(each, state) for each in work.plan.followers[:3]] == [True, False, False]


def test_a_scenario_whose_feature_changed_since_or_that_was_brought_along_is_not(
    tmp_path: Path, work: Work
) -> None:
    state = State(tmp_path / "state.json")
    inputs = keep_inputs(tmp_path / "other", ROOT, [("runbook", work.path), ("target", SETTINGS.file)])
    changed = stored(tmp_path / "changed", work, inputs=inputs)
    assert take_corrected(changed, SETTINGS, NOW, work.plan, state) == 0
    first = StoredDrill(
        "0",
        work.plan.followers[0].scenario,
        "evidence/0",
        KeptFacts("earlier", taken_wall=1.0, age_seconds=2.0),
    )
    brought = stored(tmp_path / "brought", work, drills=[first])
    assert take_corrected(brought, SETTINGS, NOW, work.plan, state) == 0
    assert state.kept.tried == ()


@pytest.mark.parametrize(
    ("now", "what"),
    [
        (replace(NOW, version="v1.35.0"), "the cluster's version"),
        (replace(NOW, target_digest="another"), "the target"),
        (replace(NOW, images={"novel-engine/novel-engine": "sha256:2"}), "the target"),
    ],
)
def test_a_run_of_another_target_is_refused(tmp_path: Path, work: Work, now: Cluster, what: str) -> None:
    run = stored(tmp_path / "run", work)
    with pytest.raises(UsageError, match=re.escape(f"{run}: {what} has changed since")):
        take_corrected(run, SETTINGS, now, work.plan, State(tmp_path / "state.json"))


def test_a_run_of_another_drill_toml_is_refused(tmp_path: Path, work: Work) -> None:
    run = stored(tmp_path / "run", work, inputs=keep_inputs(tmp_path / "run", ROOT, [("runbook", work.path)]))
    with pytest.raises(UsageError, match=r"drill\.toml has changed since"):
        take_corrected(run, SETTINGS, NOW, work.plan, State(tmp_path / "state.json"))


def test_both_commands_take_a_run_and_no_other_folder(tmp_path: Path) -> None:
    for command in (["mutate", "drill"], ["ablation"]):
        options = ["--target", str(ROOT / "drill.toml"), *command, "--corrected", str(tmp_path / "none")]
        done = CliRunner().invoke(cli, options)
        assert done.exit_code == 2
        assert "does not exist" in done.output
