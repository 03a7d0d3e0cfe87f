"""One line of the table, and the machine it was measured on. Flows in: what was measured. Flows out: text."""

from __future__ import annotations

import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]
Outcome = Literal["reached", "missed", "error"]


@dataclass(frozen=True)
class Options:
    """What the command line asks for. `run`: the folder of a stored run; `injections`: per fault;
    `with_drill`: run `make drill` now; `variants`: of the image that the gate is to tell from the same one;
    `budget_seconds`: for each of them."""

    run: Path
    injections: int
    kills: int
    with_drill: bool
    variants: tuple[str, ...] = ("same", "p95+50", "memory+20")
    budget_seconds: float = 360.0


@dataclass(frozen=True)
class Row:
    """`measured`: with its unit; `notes`: how it came about, one line each."""

    what: str
    aim: str
    measured: str
    outcome: Outcome
    notes: tuple[str, ...] = ()


class MeasureError(Exception):
    """Something could not be measured: its row says so, and why."""


Benchmark = Callable[[Options], list[Row]]


@contextmanager
def evidence() -> Iterator[Path]:
    """A folder for what is measured from; it is kept where measuring fails, since the error names files in
    it.
    """
    folder = Path(tempfile.mkdtemp(prefix="drill-bench-"))
    yield folder
    shutil.rmtree(folder)


def unmeasured(what: str, aim: str, error: Exception) -> Row:
    """The row of what could not be measured, and why."""
    said = tuple(str(error).splitlines()) or (type(error).__name__,)
    return Row(what, aim, "not measured", "error", said)


def reached(held: object) -> Outcome:
    """The outcome of an aim that is held or not."""
    return "reached" if held else "missed"


def machine() -> str:
    """CPU model, cores, memory and kernel of this machine."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = re.findall(r"^model name\s*:\s*(.+)$", cpu, re.MULTILINE) or [platform.machine()]
    memory = re.search(
        r"^MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text(encoding="utf-8"), re.MULTILINE
    )
    cores = cpu.count("processor\t:")
    gibibytes = f"{int(memory.group(1)) / 2**20:.1f} GiB" if memory else "an unknown amount"
    return (
        f"{models[0].strip()}, {cores} cores, {gibibytes} of memory, {platform.system()} {platform.release()}"
    )


def table(rows: list[Row]) -> str:
    """The rows under their headings, as text of fixed width; the notes of a row stand under it."""
    cells = [
        ("what", "aim", "measured", "outcome"),
        *((row.what, row.aim, row.measured, row.outcome) for row in rows),
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    text = [lines[0], "-" * (sum(widths) + 6)]
    for line, row in zip(lines[1:], rows, strict=True):
        text += [line, *(f"    {note}" for note in row.notes)]
    return "\n".join(text)
