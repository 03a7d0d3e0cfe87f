"""What the operator's commands printed, as far as a page has room for it. Flows in: the folders of drills.
Flows out: the end of each transcript, printable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_CHARACTERS = 100_000
"""Of a longer transcript the page shows the end; the whole is in the evidence."""
MOST_CHARACTERS_OF_ALL = 700_000
"""Of all transcripts of a run together, so that the page of fifty drills can still be opened and sent."""
TERMINAL_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Transcript:
    """One block's output. `omitted`: characters before `text` that the page leaves out."""

    name: str
    text: str
    omitted: int


def room_for_each(folders: Sequence[Path]) -> int:
    """How many characters of each transcript a page shows that shows those of all `folders`: short ones
    whole, long ones cut to one length."""
    sizes = sorted(min(MOST_CHARACTERS, path.stat().st_size) for folder in folders for path in _files(folder))
    left = MOST_CHARACTERS_OF_ALL
    for number, size in enumerate(sizes):
        share = left // (len(sizes) - number)
        if size > share:
            return share
        left -= size
    return MOST_CHARACTERS


def transcripts(folder: Path, most: int) -> list[Transcript]:
    """The transcripts of a drill, at most so many characters of each."""
    return [_transcript(path, most) for path in _files(folder)]


def printable(text: str) -> str:
    """`text` without colours and cursor movements of a terminal, its other control characters made visible,
    its lines ended by newlines.
    """
    lines = TERMINAL_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return CONTROL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", lines)


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "transcripts").glob("*.txt"))


def _transcript(path: Path, most: int) -> Transcript:
    text = path.read_bytes().decode("utf-8", errors="replace")
    omitted = max(0, len(text) - most)
    return Transcript(path.name, printable(text[omitted:]), omitted)
