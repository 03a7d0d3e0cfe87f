"""Controls and calibrations that outlive their run: facts about a target, kept with all that they depend on.

    ${XDG_STATE_HOME:-~/.local/state}/drill/<context>/<namespace>/
        controls/<faults>/<taken>-<digest of the ground>/      kept.json and the control's evidence
        calibrations/<taken>-<digest of the ground>/           kept.json and the drill of nothing

Nothing here is changed once it is there: a folder is made whole under another name and then renamed. A fact
is stale, and says why, when it is too old, when something that it depends on has changed, or when its files
have.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from drill.errors import InputError
from drill.putback.place import state_base
from drill.recording.events import SCHEMA_VERSION, Calibration
from drill.run.facts import Fact
from drill.run.files import unwritable, write_file
from drill.run.json_file import decode_file
from drill.run.manifest import VERDICT, sha256_of

NOTE = "kept.json"
MOST_KEPT = 5
"""Of one kind and ground: a control is one sample, and five say enough."""
DAY_SECONDS = 86400.0
PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


class Ground(Fact, frozen=True):
    """What a fact stands on; each a digest or a version. `faults`: the experiments and the code of the
    faults, empty for a calibration; `target`: its objects and images; `cluster`: version; `load`: the mix and
    rate of requests."""

    target: str
    cluster: str
    load: str
    faults: str = ""

    def changed(self, now: Ground) -> list[str]:
        """What of it is not as it is now, in words."""
        words = {
            "target": "the target's images or objects have changed",
            "cluster": f"the cluster's version was {self.cluster}, it is {now.cluster}",
            "load": "the load has changed",
            "faults": "the fault has changed",
        }
        return [text for name, text in words.items() if getattr(self, name) != getattr(now, name)]

    @property
    def digest(self) -> str:
        """Of all of it."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class Note(Fact, frozen=True):
    """kept.json. `run`: the run that measured it; `drill`, `scenario`, `faults`: of the control;
    `taken_wall`: when, in seconds since the epoch; `files`: SHA-256 of its evidence, by path below the
    folder."""

    ground: Ground
    run: str
    taken_wall: float
    files: dict[str, str]
    drill: str = ""
    scenario: str = ""
    faults: tuple[str, ...] = ()
    calibration: Calibration | None = None
    schema: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Kept:
    """One kept fact. `stale`: why it is not to be used any more, empty while it is."""

    folder: Path
    note: Note
    age_seconds: float
    stale: str


def store_of(context: str, namespace: str) -> Path:
    """Where facts about the target in that namespace of that cluster are kept."""
    return state_base() / _plain(context) / _plain(namespace)


def controls_of(store: Path, faults: Sequence[str]) -> Path:
    """The folder of the controls of these faults, in their order."""
    return store / "controls" / _plain("+".join(faults))


def calibrations_of(store: Path) -> Path:
    """The folder of the calibrations."""
    return store / "calibrations"


def keep(place: Path, evidence: Path, note: Note) -> Path:
    """Copy `evidence` (all but the verdict, which is made from it) into a folder of its own in `place`, with
    the note, whose `files` are filled in here; older ones beyond MOST_KEPT of the same ground go. Raises
    SetupError where it cannot be written."""
    name = f"{int(note.taken_wall * 1000):015d}-{note.ground.digest[:12]}"
    folder, partial = place / name, place / f".{name}.{os.getpid()}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(evidence, partial, symlinks=True, ignore=shutil.ignore_patterns(VERDICT, NOTE))
        whole = msgspec.structs.replace(note, files=_digests(partial))
        write_file(partial / NOTE, msgspec.json.format(msgspec.json.encode(whole)))
        if folder.exists():  # the very same fact, kept before
            shutil.rmtree(partial)
        else:
            partial.rename(folder)
        _forget_oldest(place, note.ground)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise unwritable(folder, error if isinstance(error, OSError) else OSError(str(error))) from error
    return folder


def find(place: Path, ground: Ground, now_wall: float, most_days: float) -> list[Kept]:
    """What is kept in `place`, newest first, the stale included: they say why. Nothing is changed."""
    if not place.is_dir():
        return []
    folders = sorted((each for each in place.iterdir() if not each.name.startswith(".")), reverse=True)
    return [kept for each in folders if (kept := _look(each, ground, now_wall, most_days)) is not None]


def bring(kept: Kept, folder: Path) -> None:
    """Copy a kept fact into `folder` of a run, which then stands alone. Raises SetupError."""
    try:
        shutil.copytree(kept.folder, folder, symlinks=True)
    except (OSError, shutil.Error) as error:
        raise unwritable(folder, error if isinstance(error, OSError) else OSError(str(error))) from error


def digest_of(files: Iterable[Path]) -> str:
    """One digest of the content of files, by their names, whatever folder they lie in."""
    whole = hashlib.sha256()
    for path in sorted(files, key=lambda each: each.name):
        whole.update(f"{path.name} {sha256_of(path)}\n".encode())
    return whole.hexdigest()


def _look(folder: Path, ground: Ground, now_wall: float, most_days: float) -> Kept | None:
    try:
        note = decode_file(folder / NOTE, Note, "what is known of a kept control")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except InputError as error:
        unknown = Note(Ground("", "", ""), "", now_wall, {})
        return Kept(folder, unknown, 0.0, f"cannot be read: {error}")
    age = now_wall - note.taken_wall
    reasons = note.ground.changed(ground)
    if note.schema != SCHEMA_VERSION:
        reasons.append("it was recorded by another version of drill")
    if age > most_days * DAY_SECONDS:
        reasons.append(f"it is older than {most_days:g} days")
    if age < 0:
        reasons.append("it was taken in the future: the clock of this machine has been set")
    if _digests(folder) != note.files:
        reasons.append("its files were altered")
    return Kept(folder, note, max(0.0, age), "; ".join(reasons))


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.name != NOTE and (path.is_symlink() or not path.is_dir())
    }


def _forget_oldest(place: Path, ground: Ground) -> None:
    same = sorted((each for each in place.glob(f"*-{ground.digest[:12]}") if each.is_dir()), reverse=True)
    for each in same[MOST_KEPT:]:
        shutil.rmtree(each)


def _plain(name: str) -> str:
    return PLAIN.sub("-", name) or "-"
