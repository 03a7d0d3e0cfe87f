"""What a stored run tells of the corrected runbook. Flows in: its folder, the target as it is now. Flows out:
the state, with the scenarios that ended there as they state: none of them is drilled again for it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from drill.arguments import FOLDER
from drill.conduct.apart import check_fits
from drill.errors import UsageError
from drill.mutate.drilling import MutationPlan
from drill.mutate.state import CORRECTED, State, Tried
from drill.recording import RECORDING, read_events
from drill.run.facts import Cluster, Facts, read_facts
from drill.run.manifest import sha256_of
from drill.settings import Settings

corrected_option = click.option(
    "--corrected",
    type=FOLDER,
    metavar="RUN",
    help="A stored run of the same runbook on this cluster: what ended there as it states is not drilled "
    "again with the corrected text.",
)


def take_corrected(
    run_folder: Path, settings: Settings, cluster: Cluster, plan: MutationPlan, state: State
) -> int:
    """Keep what that run tells; of how many scenarios. `cluster`: as it is now. Raises UsageError where the
    run was made with another runbook, drill.toml, target or cluster."""
    check_fits(run_folder, settings)
    facts = read_facts(run_folder)
    _check_same(run_folder, facts, settings, cluster)
    known = _as_stated(run_folder, facts, plan)
    for tried in known:
        if state.tried(CORRECTED, tried.scenario, tried.basis) is None:
            state.add(tried)
    return len(known)


def _check_same(run_folder: Path, facts: Facts, settings: Settings, cluster: Cluster) -> None:
    was = facts.cluster
    differs = {
        settings.file.name: sha256_of(settings.file) not in _digests(facts, "target"),
        "the cluster's version": was.version != cluster.version,
        "the target": (was.target_digest, was.images) != (cluster.target_digest, cluster.images),
    }
    for what, other in differs.items():
        if other:
            raise UsageError(
                f"{run_folder}: {what} has changed since: expected a run of the target as it is now"
            )


def _as_stated(run_folder: Path, facts: Facts, plan: MutationPlan) -> list[Tried]:
    """The scenarios of the plan that ended as they state in that run, and whose feature is as it was then."""
    passed = {each.scenario for each in facts.scenarios if each.outcome == "passed"}
    passed -= {each.scenario for each in facts.findings}
    features = _digests(facts, "feature")
    evidence = {
        each.scenario: run_folder / each.folder
        for each in facts.drills
        if each.kept is None and each.scenario in passed
    }
    found = []
    for follower in plan.followers:
        scenario = follower.scenario
        if scenario in evidence and sha256_of(follower.file) in features:
            events = read_events(evidence[scenario] / RECORDING)
            began, ended = events[0].wall, events[-1].wall
            found.append(
                Tried(
                    CORRECTED,
                    scenario,
                    plan.basis(None, follower),
                    "as expected",
                    status=0,
                    seconds=round(ended - began, 1),
                    run=str(run_folder),
                    began=datetime.fromtimestamp(began).astimezone().isoformat(timespec="seconds"),
                )
            )
    return found


def _digests(facts: Facts, role: str) -> set[str]:
    return {each.sha256 for each in facts.inputs if each.role == role}
