"""Runs whose verdicts the real judge made, so that a pack of them can be judged again."""

from __future__ import annotations

from pathlib import Path

from drill.run.facts import Cluster, Facts, Machine, StoredDrill, write_facts
from drill.run.manifest import write_manifest
from drill.run.stored import judge_all, write_verdicts
from tests.unit.judge.recorded_drill import RecordedDrill

SCENARIO = "The scale-up brings the service back"
BEGAN_WALL = 1e9 + 990


def judged_run(reports: Path, name: str = "one", **changes: object) -> Path:
    """A run of one drill that passes; `changes`: of the recording, to spoil that."""
    folder = reports / name
    drill = RecordedDrill(folder / "evidence" / "scaled", **changes)  # type: ignore[arg-type]
    drill.started |= {"drill": "scaled", "scenario": SCENARIO, "procedures": ["Down / Immediate"]}
    drill.write()
    transcripts = folder / "evidence" / "scaled" / "transcripts"
    transcripts.mkdir()
    (transcripts / "01.txt").write_text("$ kubectl get nodes\nready\n")
    (folder / "allure").mkdir()
    (folder / "allure" / "copy.json").write_text("{}")
    facts = Facts(
        run=name,
        started="2001-09-09T02:03:10+00:00",
        started_wall=BEGAN_WALL,
        target="Novel Engine",
        exit_status=0,
        cluster=Cluster("kind-drill", "v1.34.4", "x", {"novel-engine/novel-engine": "a@sha256:abc"}),
        machine=Machine(2, 1, "6.1"),
        drills=[StoredDrill("scaled", SCENARIO, "evidence/scaled")],
    )
    write_facts(folder, facts)
    write_verdicts(folder, judge_all(folder, facts))
    write_manifest(folder)
    return folder
