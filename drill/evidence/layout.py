"""The archive of a pack: an uncompressed tar that `tar -xf` reads. Flows in: files. Flows out: bytes, and
again files with all that is wrong.

Every byte of it follows from the names, sizes and contents, so a flipped one anywhere is found and named: in
a file, in its header, in what fills its last block, or at the end. The envelope is the first file; it lists
the others.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

BLOCK = tarfile.BLOCKSIZE
END = 2 * BLOCK
MODE = 0o644


class Member(NamedTuple):
    """A file of the archive."""

    name: str
    size: int


class Piece(NamedTuple):
    """A member as it was found. `content`: None where the archive ends before it does; `troubles`: what of
    its header or its filling is not as it was written."""

    name: str
    content: bytes | None
    troubles: tuple[str, ...]


def write_archive(file: BinaryIO, envelope: tuple[str, bytes], root: Path, members: Sequence[Member]) -> None:
    """The envelope and the files below `root`. Raises OSError."""
    name, content = envelope
    file.write(_header(Member(name, len(content))) + _filled(content))
    for member in members:
        file.write(_header(member) + _filled((root / member.name).read_bytes()))
    file.write(bytes(END))


def first_member(archive: bytes, name: str) -> Piece:
    """The envelope: the only member whose size the archive itself tells."""
    try:
        found = tarfile.TarInfo.frombuf(archive[:BLOCK], "utf-8", "strict")
        return next(_pieces(archive, 0, [Member(name, found.size)]))
    except (tarfile.TarError, ValueError) as error:
        return Piece(name, None, (f"its header was altered ({error})",))


def other_members(archive: bytes, envelope: Member, members: Sequence[Member]) -> Iterator[Piece]:
    """All that the envelope lists, in its order; last a piece without a name where the end is not right."""
    start = _length(envelope)
    yield from _pieces(archive, start, members)
    end = start + sum(_length(member) for member in members)
    if archive[end:] != bytes(END):
        yield Piece("", None, ("the end of the archive is not as it was written",))


def fits(member: Member) -> bool:
    """False where the header of a tar has no room for its name or size."""
    try:
        return bool(_header(member))
    except ValueError:
        return False


def _pieces(archive: bytes, start: int, members: Sequence[Member]) -> Iterator[Piece]:
    for member in members:
        content_at = start + BLOCK
        end = content_at + member.size
        troubles = []
        if archive[start:content_at] != _header(member):
            troubles.append("its header was altered")
        if any(archive[end : start + _length(member)]):
            troubles.append("what fills its last block was altered")
        whole = len(archive) >= start + _length(member)
        yield Piece(member.name, archive[content_at:end] if whole else None, tuple(troubles))
        start += _length(member)


def _length(member: Member) -> int:
    return len(_header(member)) + -(-member.size // BLOCK) * BLOCK


def _header(member: Member) -> bytes:
    """One block. Raises ValueError for a name that does not fit into one."""
    info = tarfile.TarInfo(member.name)
    info.size, info.mode, info.mtime = member.size, MODE, 0
    header = info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    if len(header) != BLOCK:
        raise ValueError(f"{member.name}: a name that does not fit into the header of a tar")
    return header


def _filled(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)
