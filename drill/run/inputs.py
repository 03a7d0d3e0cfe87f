"""inputs/: copies of all that a run was made with, so that what is judged later is what was drilled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from drill.errors import SetupError
from drill.run.facts import Facts, Input, Role
from drill.run.files import write_file
from drill.runbook import Defect, Runbook, load_errata, parse

FOLDER = "inputs"
OUTSIDE = "outside"
BESIDE: dict[Role, str] = {
    "checklists": "checklists.yaml",
    "attestations": "attestations.yaml",
    "symptoms": "symptoms.yaml",
    "not drilled": "not-drilled.yaml",
}
"""Files that say more of the runbook's lines, none of which there need be."""


def keep_inputs(folder: Path, root: Path, files: Iterable[tuple[Role, Path]]) -> list[Input]:
    """Copy `files` into the run's folder. Paths are named relative to `root` (the folder of drill.toml); one
    outside of it is kept by its name. Raises SetupError where a file cannot be read or a copy not be written.
    """
    kept: dict[str, Input] = {}
    for role, file in files:
        path = file if file.is_absolute() else root / file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SetupError(
                f"{path}: could not be read ({error.strerror}); it is part of the run"
            ) from error
        digest = hashlib.sha256(content).hexdigest()
        name = _name(path, root, digest)
        place = f"{FOLDER}/{name}"
        write_file(folder / place, content)
        kept[name] = Input(role, name, place, digest)
    return list(kept.values())


def errata_of(folder: Path, facts: Facts) -> list[Defect]:
    """The defects of the runbook, as they were known when the run was made; none where it had no errata."""
    return [
        defect for kept in facts.inputs if kept.role == "errata" for defect in load_errata(folder / kept.kept)
    ]


def runbooks_of(facts: Facts) -> list[Input]:
    """The runbooks that the run kept, as first written before as corrected."""
    kept = [kept for kept in facts.inputs if kept.role in ("runbook", "runbook as written")]
    return sorted(kept, key=lambda each: each.role == "runbook")


def runbook_of_errata(facts: Facts) -> Input | None:
    """The text whose lines the errata count: as first written, or the only one; None where none was kept."""
    return next(iter(runbooks_of(facts)), None)


def runbook_named(facts: Facts, name: str) -> Input | None:
    """The runbook that the recording calls `name`; None where the run kept none of that name."""
    texts = [kept for kept in facts.inputs if kept.role in ("runbook", "runbook as written")]
    named = [kept for kept in texts if kept.name == PurePosixPath(name).as_posix()]
    same_name = [kept for kept in texts if PurePosixPath(kept.name).name == PurePosixPath(name).name]
    return next(iter([*named, *same_name]), None)


def runbook_of(folder: Path, facts: Facts, name: str) -> Runbook | None:
    """The runbook that the recording calls `name`, as it was; None where the run kept none of that name."""
    found = runbook_named(facts, name)
    return parse(folder / found.kept) if found else None


def file_of(folder: Path, facts: Facts, role: Role, beside: Path | None = None) -> Path | None:
    """The file of that role that the run kept; else the one of its name in the folder `beside`; None where
    neither is there."""
    kept = next((folder / each.kept for each in facts.inputs if each.role == role), None)
    if kept is not None:
        return kept
    found = beside / BESIDE[role] if beside is not None else None
    return found if found is not None and found.is_file() else None


def _name(path: Path, root: Path, digest: str) -> str:
    inside = path.resolve()
    if inside.is_relative_to(root.resolve()):
        return inside.relative_to(root.resolve()).as_posix()
    return f"{OUTSIDE}/{digest[:8]}/{inside.name}"
