"""manifest.json: the SHA-256 of every other file of a run. Evidence that was altered afterwards is not
evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import msgspec

from drill.errors import SetupError
from drill.run.facts import Fact
from drill.run.files import unwritable, write_file
from drill.run.json_file import decode_file

FILE = "manifest.json"
MADE_ANEW = frozenset({"index.html", "summary.json", "summary.md"})
VERDICT = "verdict.json"


class Manifest(Fact, frozen=True):
    """`files`: path below the run's folder -> SHA-256 in hexadecimal digits, in order of the paths."""

    files: dict[str, str]


class Alterations(msgspec.Struct, frozen=True):
    """What differs from the manifest, as paths below the run's folder."""

    altered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.altered or self.missing or self.added)

    def lines(self) -> list[str]:
        """One line a file."""
        named = (("altered", self.altered), ("missing", self.missing), ("added", self.added))
        return [f"{what}: {path}" for what, paths in named for path in paths]

    def refuse(self, folder: Path, therefore: str = "") -> None:
        """Raise SetupError that names them, where there are any; `therefore`: what is not done then."""
        if self:
            lines = "\n  ".join(self.lines())
            raise SetupError(f"{folder}: this is not what the run left{therefore}:\n  {lines}")

    def of_evidence(self) -> Alterations:
        """Those of files that judging stands on, and not of those that it makes."""
        return self._of(lambda path: not made_anew(path))

    def but_reports(self) -> Alterations:
        """Those of evidence and of verdicts: what whoever takes a run's verdicts as they are relies on."""
        return self._of(lambda path: path not in MADE_ANEW)

    def _of(self, counts: Callable[[str], bool]) -> Alterations:
        every = (self.altered, self.missing, self.added)
        return Alterations(*(tuple(path for path in paths if counts(path)) for paths in every))


def made_anew(path: str) -> bool:
    """True for a file that `drill judge` writes from the others."""
    parts = PurePosixPath(path).parts
    return (len(parts) == 1 and parts[0] in MADE_ANEW) or (
        len(parts) == 3 and parts[0] in ("evidence", "controls") and parts[2] == VERDICT
    )


def write_manifest(folder: Path) -> None:
    """Write the manifest of all that is in the run's folder now. Raises SetupError."""
    write_file(folder / FILE, msgspec.json.format(msgspec.json.encode(Manifest(_digests(folder))), indent=1))


def check_manifest(folder: Path) -> Alterations | None:
    """What was altered since the manifest was written; None where there is none, since the run did not end.
    Raises InputError where it cannot be read."""
    path = folder / FILE
    if not path.is_file():
        return None
    return _compared(decode_file(path, Manifest, "a manifest of files").files, _digests(folder))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, or of where a link leads."""
    if path.is_symlink():
        return hashlib.sha256(b"link " + bytes(path.readlink())).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name == FILE or (path.is_dir() and not path.is_symlink()):
            continue
        try:
            found[name] = sha256_of(path)
        except OSError as error:
            raise unwritable(path, error) from error
    return found


def _compared(then: Mapping[str, str], now: Mapping[str, str]) -> Alterations:
    return Alterations(
        altered=tuple(name for name in then if name in now and now[name] != then[name]),
        missing=tuple(name for name in then if name not in now),
        added=tuple(name for name in now if name not in then),
    )
