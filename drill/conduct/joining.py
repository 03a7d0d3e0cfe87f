"""Runs of the parts of one selection joined into one: its drills, its credits, one report, one exit status.

What is joined has to have been made with the same: target, runbook, features, images. The parts stay as they
are; the joined run holds copies, and is judged again as any run is.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from msgspec.structs import replace

from drill.conduct.rejudge import untouched
from drill.conduct.run import Run
from drill.conduct.told import write_reports
from drill.errors import UsageError
from drill.judge.credit import with_credits
from drill.judge.verdict import DrillVerdict
from drill.run.facts import Facts, Input, read_facts, write_facts
from drill.run.files import unwritable
from drill.run.manifest import write_manifest
from drill.run.outcome import exit_status
from drill.run.stored import read_verdicts, write_verdicts

SAME: tuple[tuple[str, Callable[[Facts], object]], ...] = (
    ("target", lambda facts: facts.target),
    ("commit of the project", lambda facts: (facts.project.commit, sorted(facts.project.changed))),
    ("number of cores", lambda facts: facts.machine.cores),
    ("version of the cluster", lambda facts: facts.cluster.version),
    ("images of the target", lambda facts: facts.cluster.images),
)
"""What the parts have to agree in."""


def join_runs(
    folders: Sequence[Path], reports: Path, name: str | None
) -> tuple[Path, list[DrillVerdict], Facts]:
    """A new run below `reports` with the drills of all; its folder, verdicts and facts. Raises UsageError for
    runs that do not belong together or did not end, SetupError for one whose files are not as it left
    them."""
    parts = [(folder, _ended(folder)) for folder in folders]
    _refuse_strangers(parts)
    joined = Run(reports, name, ["drill", "join", *map(str, folders)])
    joined.claim()
    verdicts = with_credits(
        sorted(
            chain.from_iterable(read_verdicts(folder, facts) for folder, facts in parts),
            key=lambda verdict: verdict.began_wall,
        )
    )
    first = min((facts for _, facts in parts), key=lambda facts: facts.started_wall)
    contexts = dict.fromkeys(facts.cluster.context for _, facts in parts)
    digests = {facts.cluster.target_digest for _, facts in parts}
    cluster = replace(
        first.cluster,
        context=", ".join(contexts),
        target_digest=first.cluster.target_digest if len(digests) == 1 else "",
    )
    drills = {drill.drill: drill for _, facts in parts for drill in facts.drills}
    findings = [finding for _, facts in parts for finding in facts.findings]
    made = list(verdicts)
    facts = replace(
        first,
        run=joined.name,
        place=joined.facts.place,
        command_line=shlex.join(["drill", "join", *map(str, folders)]),
        cluster=cluster,
        inputs=list({kept.name: kept for _, facts in parts for kept in facts.inputs}.values()),
        drills=[drills[verdict.drill] for verdict in made],
        scenarios=[each for _, facts in parts for each in facts.scenarios],
        not_selected=sorted(set.intersection(*(set(facts.not_selected) for _, facts in parts))),
        findings=findings,
        exit_status=exit_status(made, findings),
    )
    for folder, own in parts:
        _copy(folder, own, joined.folder)
    write_facts(joined.folder, facts)
    write_verdicts(joined.folder, made)
    write_reports(joined.folder, made)
    write_manifest(joined.folder)
    return joined.folder, made, facts


def _ended(folder: Path) -> Facts:
    facts = read_facts(folder)
    if untouched(folder) is None:
        raise UsageError(f"{folder}: this run did not end, so it is no whole part: run its shard again")
    return facts


def _refuse_strangers(parts: Sequence[tuple[Path, Facts]]) -> None:
    first_folder, first = parts[0]
    inputs: dict[str, tuple[Path, Input]] = {}
    drills: dict[str, Path] = {}
    for folder, facts in parts:
        for what, of in SAME:
            if of(facts) != of(first):
                raise UsageError(
                    f"{folder}: another {what} than {first_folder} has ({of(facts)!r}, not {of(first)!r}): "
                    "expected parts of one selection"
                )
        for kept in facts.inputs:
            other, known = inputs.setdefault(kept.name, (folder, kept))
            if known.sha256 != kept.sha256 and kept.role != "attestations":  # people go on attesting
                raise UsageError(f"{folder}: another {kept.name} than {other} has: expected the same")
        for drill in facts.drills:
            other = drills.setdefault(drill.drill, folder)
            if other != folder:
                raise UsageError(
                    f"{folder}: {drill.scenario!r} was drilled in {other} too: expected each in one part"
                )


def _copy(source: Path, facts: Facts, folder: Path) -> None:
    try:
        for drill in facts.drills:
            if (source / drill.folder).is_dir():
                shutil.copytree(source / drill.folder, folder / drill.folder, symlinks=True)
        for kept in facts.inputs:
            (folder / kept.kept).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / kept.kept, folder / kept.kept)
    except OSError as error:
        raise unwritable(folder, error) from error
