"""What the runbook's scripts tell, line by line. Flows in: a Runbook, and answers.yaml beside it. Flows out:
each line with the words that say well and unwell, and what the truth of it is; an InputError with file, line,
value and what would be right.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drill.errors import InputError, UsageError
from drill.judge.answers import ScriptLine
from drill.reading import checked, is_there, read_yaml
from drill.runbook.document import Runbook

FILE = "answers.yaml"
Words = Annotated[str, Field(min_length=1)]


class LineReading(BaseModel):
    """One line of one script. `well`, `unwell`: patterns of what it prints; `users`, `witness`: when it is to
    say unwell; `keeps_past`: it looks back at what is over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    script: Words
    line: Words
    unwell: Words
    well: str = ""
    users: Literal["failed", "slow", ""] = ""
    witness: str = ""
    keeps_past: bool = False

    @field_validator("unwell", "well", "witness")
    @classmethod
    def _pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"a regular expression ({error})") from error
        return value

    @model_validator(mode="after")
    def _true_when(self) -> LineReading:
        if not (self.users or self.witness):
            raise ValueError("users or witness, or both: when the line is to say unwell")
        return self


class LineReadings(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answers: tuple[LineReading, ...]


def script_lines(runbook: Runbook) -> list[ScriptLine]:
    """In the order of the file, none where there is no file. A script is named by the title of its section.
    Raises InputError."""
    file = runbook.path.with_name(FILE)
    if not is_there(file):
        return []
    document = read_yaml(file, "what the runbook's scripts tell, line by line")
    found: list[ScriptLine] = []
    for number, each in enumerate(checked(file, document, LineReadings).answers):
        line = document.line_of(("answers", number, "script"))
        try:
            script = runbook.section(each.script).title
        except (InputError, UsageError) as error:
            raise InputError(file, line, each.script, f"a section of the runbook ({error})") from error
        if (script, each.line) in {(known.script, known.name) for known in found}:
            raise InputError(file, line, each.line, "a line that is named once")
        found.append(
            ScriptLine(script, each.line, each.unwell, each.well, each.users, each.witness, each.keeps_past)
        )
    return found
