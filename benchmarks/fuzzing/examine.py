"""One family's inputs through its reader. Flows in: a family, how many, a seed. Flows out: what was refused
and accepted, and each kind of failure with the number of an input that shows it again."""

from __future__ import annotations

import random
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from benchmarks.fuzzing.families import Family, NonsenseError
from benchmarks.fuzzing.mutate import spoiled
from drill.errors import DrillError

MOST_SECONDS = 1.0
"""Of the processor, for one input. Longer is a failure."""
GIVE_UP_SECONDS = 10.0


class TooSlowError(Exception):
    """A reader was ended, since it went on and on."""


@dataclass
class Examined:
    """What came of one family. `slowest_seconds`: of the processor; `failures`: by kind, with the first
    input's number and how often."""

    family: str
    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    slowest_seconds: float = 0.0
    slowest_input: int = 0
    failures: dict[str, list[int]] = field(default_factory=dict)

    def line(self) -> str:
        """One line that tells all."""
        return (
            f"{self.family:12} {self.inputs:7} inputs: {self.refused} refused, {self.accepted} accepted, "
            f"slowest {self.slowest_seconds * 1000:.0f} ms (input {self.slowest_input}), "
            f"{len(self.failures)} kinds of failure"
        )


def input_of(family: Family, seed: str, number: int) -> bytes:
    """The input of that number, the same every time."""
    source = random.Random(f"{family.name}:{seed}:{number}")
    return spoiled(source.choice(family.seeds), family.words, source)


def examine(family: Family, inputs: int, seed: str, folder: Path, first: int = 0) -> Examined:
    """Read so many spoiled inputs. Fails, by kind: an exception that is no DrillError, an error that names no
    file, an input that is accepted although it is nonsense, one that takes more than a second."""
    found = Examined(family.name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / family.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + inputs):
        path.write_bytes(input_of(family, seed, number))
        began = time.process_time()
        failure = _failure(family, path, found)
        took = time.process_time() - began
        if took > found.slowest_seconds:
            found.slowest_seconds, found.slowest_input = took, number
        if took > MOST_SECONDS and failure is None:
            failure = f"more than {MOST_SECONDS:.0f} s"
        if failure is not None:
            found.failures.setdefault(failure, []).append(number)
        found.inputs += 1
    return found


def _failure(family: Family, path: Path, found: Examined) -> str | None:
    try:
        with _at_most(GIVE_UP_SECONDS):
            family.read(path)
    except DrillError as error:
        found.refused += 1
        named = family.file_name.rpartition("/")[2]
        return None if named in str(error) else f"{type(error).__name__} names no file: {str(error)[:120]}"
    except NonsenseError as error:
        return f"nonsense: {error}"
    except (Exception, RecursionError) as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        last = traceback.extract_tb(error.__traceback__)
        ours = next((frame for frame in reversed(last) if "/drill/" in frame.filename), last[-1])
        return f"{type(error).__name__} in {Path(ours.filename).name}:{ours.name}"
    found.accepted += 1
    return None


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End what takes more of the processor."""

    def end(number: int, frame: FrameType | None) -> None:
        raise TooSlowError(f"ended after {seconds:.0f} s")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
