"""A run as one archive. Flows in: the run's folder, and where there was one the plan. Flows out: a tar whose
first file is the signed statement of all others.

What goes in is all that judging stands on, the verdicts, the reports and the after-action report. What Allure
made is left out: it is copies. Secrets are left out of every file; a file from which some were is named in
the statement, with the digest that it had. The pack is judged from its own files before it is signed, so what
it says can be said again from it.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drill.errors import SetupError, UsageError
from drill.evidence.differences import differences
from drill.evidence.envelope import SignedFile, sign
from drill.evidence.layout import Member, write_archive
from drill.evidence.plan import seal_of, stated_wall
from drill.evidence.secret import without_secrets
from drill.judge.verdict import DrillVerdict
from drill.run.facts import Facts, read_facts
from drill.run.manifest import FILE as MANIFEST
from drill.run.manifest import check_manifest, sha256_of
from drill.run.stored import judge_all, read_verdicts

PACKED = "https://drill.dev/evidence/pack/v1"
ENVELOPE = "statement.dsse.json"
RUN = "run"
PLAN = "plan"
LEFT_OUT = ("allure",)


class LeftOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file from which secrets were left out. `sha256`: as the run left it."""

    name: str
    kinds: list[str]
    sha256: str


class StatedVerdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the pack says of a drill."""

    drill: str
    verdict: str
    expected: str


class Packed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is stated of a pack. `sizes`: of the files in bytes, in the order of the archive; `manifest`:
    SHA-256 of the run's own manifest.json; `plan_stated_wall`: None where no plan was stated before the run.
    """

    run: str
    target: str
    started: str
    started_wall: float
    exit_status: int | None
    drill_commit: str
    manifest: str
    sizes: list[int]
    verdicts: list[StatedVerdict]
    left_out: list[LeftOut]
    not_packed: list[str]
    plan_stated_wall: float | None = None


@dataclass(frozen=True)
class MadePack:
    """A pack. `left_out`: files from which secrets were."""

    path: Path
    files: int
    left_out: list[LeftOut]


def pack(
    run_folder: Path,
    place: Path,
    key: Ed25519PrivateKey,
    *,
    plan: Path | None = None,
    beside: dict[str, bytes] | None = None,
) -> MadePack:
    """Write the pack of a run to `place`. `plan`: with its seal beside it; `beside`: further files by name,
    such as the after-action report. Raises SetupError where the run did not end, is not as it was left, or
    cannot be judged from the pack as it was judged then; UsageError where the plan was stated after the run
    began."""
    facts = read_facts(run_folder)
    refuse_altered(run_folder)
    plan_stated = None if plan is None else _stated_before(plan, key, facts)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".pack-") as work:
        root = Path(work)
        left_out, not_packed = _copy_run(run_folder, root / RUN)
        for name, content in (beside or {}).items():
            left_out += _write(root, name, content)
        if plan is not None:
            for file in (plan, seal_of(plan)):
                left_out += _write(root, f"{PLAN}/{file.name}", file.read_bytes())
        _refuse_other_verdicts(root / RUN, run_folder, facts)
        members = _members(root)
        verdicts = read_verdicts(root / RUN, facts)
        predicate = Packed(
            run=facts.run,
            target=facts.target,
            started=facts.started,
            started_wall=facts.started_wall,
            exit_status=facts.exit_status,
            drill_commit=facts.project.commit,
            manifest=sha256_of(run_folder / MANIFEST),
            sizes=[member.size for member in members],
            verdicts=[stated(each) for each in verdicts],
            left_out=left_out,
            not_packed=not_packed,
            plan_stated_wall=plan_stated,
        )
        subjects = [SignedFile(each.name, {"sha256": sha256_of(root / each.name)}) for each in members]
        envelope = sign(subjects, PACKED, predicate, key)
        partial = root / ".archive"
        try:
            with partial.open("wb") as archive:
                write_archive(archive, (ENVELOPE, envelope), root, members)
        except ValueError as error:
            raise SetupError(f"{run_folder}: cannot be packed: {error}") from error
        partial.replace(place)
    return MadePack(place, len(members), left_out)


def stated(verdict: DrillVerdict) -> StatedVerdict:
    """What a pack says of it."""
    return StatedVerdict(verdict.drill, verdict.verdict, verdict.expected)


def _members(root: Path) -> list[Member]:
    """Every file below it, in the order of their paths."""
    return [
        Member(path.relative_to(root).as_posix(), path.stat().st_size)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]


def refuse_altered(run_folder: Path) -> None:
    """Raise SetupError where the run did not end, or its evidence or verdicts are not as it left them."""
    alterations = check_manifest(run_folder)
    if alterations is None:
        raise SetupError(f"{run_folder}: this run did not end, so nothing vouches for its files")
    alterations.but_reports().refuse(run_folder)


def _stated_before(plan: Path, key: Ed25519PrivateKey, facts: Facts) -> float:
    stated = stated_wall(plan, key.public_key())
    if stated >= facts.started_wall:
        raise UsageError(
            f"{plan}: stated {stated - facts.started_wall:.0f} s after run {facts.run} began. A plan is "
            "stated before: drill evidence plan, then the run"
        )
    return stated


def _copy_run(run_folder: Path, target: Path) -> tuple[list[LeftOut], list[str]]:
    """Copy what is packed, without secrets; which files had some, and what is not packed."""
    left_out, not_packed = [], [f"{name}/" for name in LEFT_OUT if (run_folder / name).exists()]
    for path in sorted(run_folder.rglob("*")):
        name = path.relative_to(run_folder)
        if name.parts[0] in LEFT_OUT:
            continue
        if path.is_symlink():
            not_packed.append(name.as_posix())
        elif path.is_file():
            left_out += _write(target.parent, f"{RUN}/{name.as_posix()}", path.read_bytes())
    return left_out, not_packed


def _write(root: Path, name: str, content: bytes) -> list[LeftOut]:
    without, kinds = without_secrets(content)
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(without)
    return [LeftOut(name, kinds, hashlib.sha256(content).hexdigest())] if kinds else []


def _refuse_other_verdicts(folder: Path, run_folder: Path, facts: Facts) -> None:
    """What was left out must not be what a verdict rests on; and what this judge denies is not packed."""
    then = {each.drill: each for each in read_verdicts(folder, facts)}
    other = []
    for each in judge_all(folder, facts):
        kept = then.get(each.drill)
        differs = "it has none" if kept is None else next(differences(kept, each), "")
        if differs:
            other.append(f"{each.drill} ({differs})")
    if other:
        raise SetupError(
            f"{run_folder}: judged again as it would be packed, these drills get another verdict than the "
            f"run's: {'; '.join(other)}. Judge the run with this version first, drill judge, then pack it"
        )
