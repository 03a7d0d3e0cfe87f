"""What drills have proven of what lint finds. Flows in: findings, and the folder of a stored run. Flows out:
the findings, those that the run has proven with the defect and the run.

Nothing but that folder is read. The errata of a run speak of lines of the runbook as it was drilled, so a run
counts for a file only where the file is that text still, by its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from drill.lint.finding import Finding, Proven
from drill.lint.run import Outcome
from drill.run.defects import Proof, prove
from drill.run.facts import Facts, Input, read_facts
from drill.run.inputs import errata_of, runbook_of_errata, runbooks_of
from drill.run.manifest import check_manifest
from drill.run.stored import read_recordings, read_verdicts


def with_proofs(outcome: Outcome, run_folder: Path) -> Outcome:
    """The same findings, and with each the defects that the run has proven there; a note for each file of
    which the run says nothing. Raises UsageError where `run_folder` is not a run's, SetupError where its
    evidence or a verdict is not as the run left it, InputError for what cannot be read in it."""
    facts = read_facts(run_folder)
    alterations = check_manifest(run_folder)
    if alterations is not None:
        alterations.but_reports().refuse(run_folder, ", so it proves nothing")
    verdicts = read_verdicts(run_folder, facts)
    proofs = prove(errata_of(run_folder, facts), verdicts, read_recordings(run_folder, verdicts))
    notes, applies = [], set()
    for document in outcome.documents:
        why = _why_not(document.path, facts)
        if why:
            notes.append(f"Not applied: run {facts.run} to {document.path}: {why}")
        else:
            applies.add(document.path)
    findings = tuple(
        replace(finding, proven=tuple(Proven(defect, facts.run) for defect in proven_of(finding, proofs)))
        if finding.path in applies
        else finding
        for finding in outcome.findings
    )
    return replace(outcome, findings=findings, notes=(*outcome.notes, *notes))


def proven_of(finding: Finding, proofs: Sequence[Proof]) -> list[str]:
    """The defects that are proven and that the finding is one of, by their ids. The finding must be of the
    text whose lines the errata count."""
    return [proof.defect.id for proof in proofs if proof.commands and _is_of(finding, proof)]


def _why_not(path: Path, facts: Facts) -> str:
    """Why the lines of the run's errata are not those of this file; empty where they are."""
    meant = runbook_of_errata(facts)
    if meant is None:
        return "it kept no runbook"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest == meant.sha256:
        return ""
    if any(kept.sha256 == digest for kept in runbooks_of(facts)):
        return f"its errata speak of {meant.name}, the runbook as first written"
    if any(_same_name(kept, path) for kept in runbooks_of(facts)):
        return "the run is stale, the file has changed since it was drilled"
    return f"it drilled {' and '.join(kept.name for kept in runbooks_of(facts))}, not this"


def _same_name(kept: Input, path: Path) -> bool:
    return PurePosixPath(kept.name).name == path.name


def _is_of(finding: Finding, proof: Proof) -> bool:
    """True where the finding lies on the defect's line, or on a line of a command that proves it; and is by a
    rule that the defect names: a line may have several defects, and one that names no rule is found by
    none."""
    if finding.rule not in proof.defect.found_by:
        return False
    first, last = finding.span.line, finding.span.end_line
    lines = [(proof.defect.line, proof.defect.line)]
    lines += [(each.line, each.line + each.command.rstrip("\n").count("\n")) for each in proof.commands]
    return any(first <= end and begin <= last for begin, end in lines)
