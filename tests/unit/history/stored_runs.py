"""Small stored runs for the tests of the history: real folders with recording, verdicts and manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from drill.run.facts import Cluster, Facts, KeptFacts, Machine, Project, read_facts, write_facts
from drill.run.manifest import write_manifest
from tests.unit.report.recorded_runs import Shape, make_run

DAY = 86400.0
FIRST_WALL = 1_795_000_000.0
RUNBOOK = """# Runbook

## Service Completely Down (P0)
**Immediate Actions:**
```bash
kubectl scale deployment novel-engine --replicas=5 -n novel-engine-production
```

**Later:**
```bash
kubectl get pods
```

## Alerts
```yaml
- alert: HighErrorRate
  expr: up == 0
```

### Weekly Checklist
- [ ] Restore a backup, for practice
- [ ] Teach the team
"""
IMAGES = {
    "novel-engine/novel-engine": "novel-engine@sha256:aaaaaaaaaa",
    "redis/redis": "redis@sha256:bbbbbbbbbb",
}
SMALL = Shape(
    requests_per_second=5.0,
    line=6,
    commands=((6, "kubectl scale deployment novel-engine --replicas=5", 3.2, 3.45, 0, False, ""),),
)


def store_run(
    reports: Path,
    name: str,
    *,
    day: float = 0.0,
    shapes: Sequence[Shape] = (SMALL,),
    runbook: str = RUNBOOK,
    images: Mapping[str, str] | None = None,
    kept: str = "",
    ended: bool = True,
) -> Path:
    """A run that began `day` days after the first. `kept`: each drill of it is a control of that run."""
    texts = {("runbook", "runbook/operations-runbook.md"): runbook}
    folder, verdicts = make_run(reports, shapes, name=name, texts=texts)  # type: ignore[arg-type]
    wall = FIRST_WALL + day * DAY
    facts = msgspec.structs.replace(
        read_facts(folder),
        started_wall=wall,
        started=f"day {day:g}",
        cluster=Cluster("kind-drill", "v1.34.4", "target", dict(images or IMAGES)),
        machine=Machine(2, 25_000_000_000, "6.1"),
        project=Project("c0ffee" * 6),
    )
    if kept:
        drills = [msgspec.structs.replace(each, kept=KeptFacts(kept, wall, 0.0)) for each in facts.drills]
        facts = msgspec.structs.replace(facts, drills=drills)
    write(folder, facts if ended else msgspec.structs.replace(facts, exit_status=None))
    for verdict in verdicts:
        path = folder / verdict.evidence / "verdict.json"
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(verdict, began_wall=wall)))
    if ended:
        write_manifest(folder)
    return folder


def write(folder: Path, facts: Facts) -> None:
    """run.json anew."""
    write_facts(folder, facts)


def passing(recovered: float) -> Shape:
    """The small drill, recovered after so many seconds."""
    return replace(SMALL, out=(0.42, recovered), end=recovered + 20)
