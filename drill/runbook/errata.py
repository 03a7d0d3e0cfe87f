"""What is wrong in the runbook as first written. Flows in: errata.yaml. Flows out: typed defects, or an
InputError with file, line, value.

A defect's `evidence` is a machine's to check: it must be found among the commands that the operator recorded,
or the drill failed for another reason than the stated one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from drill.errors import InputError, UsageError
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
    """A regular expression that is not in what the command printed."""

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
        """True where one finished command is what was expected. `interrupted` is expected
        False unless stated.
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
            and (self.output_lacks is None or re.search(self.output_lacks, command.output) is None)
        )


class Defect(_Entry):
    """One defect. `line`: in the runbook as first written; `as_written`, `as_corrected`: names of the
    scenarios (or steps) that show it; `evidence`: empty where no drill proves it yet."""

    id: Annotated[str, Field(pattern=r"^RB-\d{3}$")]
    section: str
    line: Annotated[int, Field(gt=0)]
    what: str
    as_written: str
    as_corrected: str
    evidence: tuple[Evidence, ...] = ()

    def proven_by(self, commands: Iterable[CommandFinished]) -> bool:
        """True where every piece of evidence is among the finished commands of an as-written
        drill.
        """
        recorded = list(commands)
        return bool(self.evidence) and all(
            any(piece.holds(command) for command in recorded) for piece in self.evidence
        )


def load_errata(path: Path | str) -> list[Defect]:
    """Read the errata. Raises UsageError when there is no such file, InputError for anything in it that is
    not right.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(
            f"{file}: no such file. The errata lie beside the runbook, as errata.yaml"
        ) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        number = mark.line + 1 if mark else 1
        shown = text.splitlines()[number - 1 : number] or [""]
        raise InputError(file, number, shown[0].strip(), f"YAML ({error.problem})") from error
    if not isinstance(data, list) or not isinstance(node, yaml.SequenceNode):
        raise InputError(
            file,
            1,
            type(data).__name__,
            "a list of defects, each with id, section, line, what, as_written, as_corrected",
        )
    defects: list[Defect] = []
    for index, entry in enumerate(data):
        try:
            defect = Defect.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            value = "(missing)" if first["type"] == "missing" else first["input"]
            expected = (
                "a known field"
                if first["type"] == "extra_forbidden"
                else str(first["msg"]).removeprefix("Value error, ")
            )
            raise InputError(
                file, _line_of(node.value[index], first["loc"]), value, f"{place}: {expected}"
            ) from error
        if any(known.id == defect.id for known in defects):
            raise InputError(
                file, _line_of(node.value[index], ("id",)), defect.id, "an id that no other defect has"
            )
        defects.append(defect)
    return defects


def _line_of(node: yaml.Node, place: tuple[int | str, ...]) -> int:
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == part]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = node.value[part : part + 1]
        else:
            found = []
        if not found:
            break
        node = found[0]
    return int(node.start_mark.line) + 1
