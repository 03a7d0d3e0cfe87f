"""What is wrong with a pack. Flows in: the archive and the public key of who made it. Flows out: each file
that is not as it was signed, by name, and each verdict that does not follow from the recordings. No network,
no cluster, and nothing of the run but the archive."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from drill.errors import DrillError, UsageError
from drill.evidence.differences import differences
from drill.evidence.envelope import EnvelopeError, SignedFile, opened
from drill.evidence.layout import Member, first_member, fits, other_members
from drill.evidence.pack import ENVELOPE, PACKED, RUN, Packed, stated
from drill.run.facts import FILE as FACTS
from drill.run.facts import read_facts
from drill.run.stored import judge_all, read_verdicts


@dataclass(frozen=True)
class Verified:
    """`packed`: what the statement says, None where its signature does not hold; `troubles`: all that is
    wrong, one line each, empty where the pack holds; `files`: how many were held against their digests;
    `judged`: how many drills were judged again."""

    packed: Packed | None
    troubles: tuple[str, ...]
    files: int = 0
    judged: int = 0


def verify(path: Path, key: Ed25519PublicKey) -> Verified:
    """Raises UsageError where the pack cannot be read."""
    try:
        archive = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); expected a pack") from error
    first = first_member(archive, ENVELOPE)
    if first.content is None or first.troubles:
        return Verified(None, tuple(f"{ENVELOPE}: {each}" for each in first.troubles or ("it is cut off",)))
    try:
        subjects, packed = opened(first.content, PACKED, Packed, key)
    except EnvelopeError as error:
        return Verified(None, (f"{ENVELOPE}: {error}",))
    if len(packed.sizes) != len(subjects):
        return Verified(None, (f"{ENVELOPE}: it has {len(packed.sizes)} sizes of {len(subjects)} files",))
    members = [Member(each.name, size) for each, size in zip(subjects, packed.sizes, strict=True)]
    with tempfile.TemporaryDirectory(prefix="drill-verify-") as work:
        root = Path(work)
        envelope = Member(ENVELOPE, len(first.content))
        troubles = list(_impossible(members)) or list(_held(archive, envelope, members, subjects, root))
        if troubles:
            return Verified(packed, tuple(troubles), len(members))
        return Verified(
            packed, tuple(_judged_otherwise(root / RUN, packed)), len(members), len(packed.verdicts)
        )


def _impossible(members: Sequence[Member]) -> Iterator[str]:
    """Files that no pack has: they would lie elsewhere, in the place of another one, or nowhere."""
    folders = {parent.as_posix() for each in members for parent in PurePosixPath(each.name).parents}
    names = Counter(each.name for each in members)
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or path.as_posix() != member.name:
            yield f"{member.name or '(no name)'}: a name that leads out of the pack, or to no file"
        elif names[member.name] > 1 or member.name in folders:
            yield f"{member.name}: a name that only one file can have"
        elif not fits(member):
            yield f"{member.name}: no archive can hold it, {member.size} bytes by that name"


def _held(
    archive: bytes, envelope: Member, members: list[Member], subjects: list[SignedFile], root: Path
) -> Iterator[str]:
    """What is not as it was signed; the files themselves are written below `root`."""
    digests = {each.name: each.digest.get("sha256", "") for each in subjects}
    for piece in other_members(archive, envelope, members):
        yield from (f"{piece.name or 'archive'}: {trouble}" for trouble in piece.troubles)
        if not piece.name:
            continue
        if piece.content is None:
            yield f"{piece.name}: the archive ends before it does"
        elif hashlib.sha256(piece.content).hexdigest() != digests[piece.name]:
            yield f"{piece.name}: altered"
        else:
            (root / piece.name).parent.mkdir(parents=True, exist_ok=True)
            (root / piece.name).write_bytes(piece.content)


def _judged_otherwise(folder: Path, packed: Packed) -> Iterator[str]:
    """Drills whose verdict, made again from the recordings, is not the one in the pack."""
    try:
        facts = read_facts(folder)
        then = {each.drill: each for each in read_verdicts(folder, facts)}
        again = {each.drill: each for each in judge_all(folder, facts)}
    except DrillError as error:
        yield f"{RUN}: cannot be judged again: {error}"
        return
    for name in ("run", "target", "started", "started_wall", "exit_status"):
        states, has = getattr(packed, name), getattr(facts, name)
        if states != has:
            yield f"{ENVELOPE}: states {name} {states}, and the pack's {FACTS} has {has}"
    said = {each.drill: each for each in packed.verdicts}
    if len(said) != len(packed.verdicts):
        yield f"{ENVELOPE}: states a drill twice"
    for drill in dict.fromkeys((*said, *then, *again)):
        if drill not in said:
            yield f"{drill}: the pack has its recording or verdict, and states none"
        elif drill not in then or said[drill] != stated(then[drill]):
            claim = f"stated as {said[drill].verdict}, expected {said[drill].expected}"
            yield f"{drill}: {claim}, and the pack has no such verdict"
        elif drill not in again:
            yield f"{drill}: stated as {said[drill].verdict}, and the pack has no recording of it"
        else:
            differs = next(differences(then[drill], again[drill]), "")
            if differs:
                yield (
                    f"{drill}: stated as {said[drill].verdict}, judged again from its recording: "
                    f"{again[drill].verdict} ({differs})"
                )
