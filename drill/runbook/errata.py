"""What is wrong in the runbook as first written. Flows in: errata.yaml. Flows out: typed defects, or an
InputError with file, line, value.

A defect's `evidence` is a machine's to check: it must be found among the commands that the operator recorded,
and where it names a criterion, that one failed; or the drill failed for another reason than the stated one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from drill.errors import InputError
from drill.reading import expected_of, read_yaml, shown
from drill.recording.events import CommandFinished


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Evidence(_Entry):
    """What the recording must hold: a command at `line` of the runbook as first written that ended so. What
    is None is not looked at.
    """

    line: Annotated[int, Field(gt=0)]
    command_matches: str | None = None
    """A regular expression found in the command; needed where a line holds several."""
    status: int | None = None
    """The exit status. Negative: any but 0."""
    interrupted: bool | None = None
    output_matches: str | None = None
    """A regular expression found in what the command printed, across lines."""
    output_lacks: str | None = None
    """A regular expression that is not in what the command printed, all of which is known."""
    criterion: Literal["early_end"] | None = None
    """A criterion that fails, and that tells of the text alone: of its last command, which is this one."""

    @field_validator("command_matches", "output_matches", "output_lacks")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"a regular expression ({error})") from error
        return value

    def holds(self, command: CommandFinished) -> bool:
        """True where one finished command is what was expected, whatever the criterion says. `interrupted`
        is expected False unless stated.
        """
        return (
            command.line == self.line
            and command.interrupted == bool(self.interrupted)
            and (
                self.status is None
                or (command.status != 0 if self.status < 0 else command.status == self.status)
            )
            and (self.command_matches is None or re.search(self.command_matches, command.command) is not None)
            and (self.output_matches is None or re.search(self.output_matches, command.output) is not None)
            and (self.output_lacks is None or _lacks(command, self.output_lacks))
        )


def _lacks(command: CommandFinished, pattern: str) -> bool:
    return not command.cut and re.search(pattern, command.output) is None


class Defect(_Entry):
    """One defect. `line`: in the runbook as first written; `as_written`, `as_corrected`: names of the
    scenarios (or steps) that show it; `evidence`: empty where no drill proves it yet; `found_by`: the
    rules of `drill lint` that find it by reading, empty where none is known to; `shown_by`: a command that
    shows it without a drill, empty where a drill does or nothing yet."""

    id: Annotated[str, Field(pattern=r"^RB-\d{3}$")]
    section: str
    line: Annotated[int, Field(gt=0)]
    what: str
    as_written: str
    as_corrected: str
    evidence: tuple[Evidence, ...] = ()
    shown_by: str = ""
    found_by: tuple[Annotated[str, Field(pattern=r"^D\d{3}$")], ...] = ()

    def proven_by(self, commands: Sequence[CommandFinished], failed: Collection[str] = ()) -> bool:
        """True where every piece of evidence is among the finished commands of an as-written drill, in their
        order; `failed`: the names of its criteria that fail.
        """
        return bool(self.evidence) and all(
            any(map(piece.holds, commands[-1:] if piece.criterion else commands))
            and (piece.criterion is None or piece.criterion in failed)
            for piece in self.evidence
        )


def load_errata(path: Path | str) -> list[Defect]:
    """Read the errata. Raises UsageError when there is no such file, InputError for anything in it that is
    not right.
    """
    file = Path(path)
    document = read_yaml(file, "the errata, which lie beside the runbook as errata.yaml")
    if not isinstance(document.data, list):
        raise InputError(
            file,
            1,
            type(document.data).__name__,
            "a list of defects, each with id, section, line, what, as_written, as_corrected",
        )
    defects: dict[str, Defect] = {}
    for index, entry in enumerate(document.data):
        try:
            defect = Defect.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise InputError(
                file,
                document.line_of((index, *first["loc"])),
                "(missing)" if first["type"] == "missing" else shown(first["input"]),
                f"{place or 'a defect'}: {expected_of(first)}",
            ) from error
        if defect.id in defects:
            raise InputError(
                file, document.line_of((index, "id")), defect.id, "an id that no other defect has"
            )
        defects[defect.id] = defect
    return list(defects.values())
