"""The runbook's incident template. Flows in: its fence, and a value for each field that drill knows. Flows
out: the same text with every placeholder bound, or named as unknown with what would tell it.

The text is the runbook's and stays there. A line `Label: ...` is known by the words of its label; a
placeholder in braces takes the value of its line; alternatives between bars, of which one is the status,
become that one; an entry of a list below `Updates:` is repeated for each update.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from drill.errors import InputError
from drill.runbook import Runbook, Step
from drill.runbook.document import NO_LANGUAGES

PLACEHOLDER = re.compile(r"\{(?P<name>[^{}\n]+)\}")
LABEL = re.compile(r"\s*(?P<label>[^\W\d_][^:{}|\n]*?)\s*:(?P<rest>.*)")
LETTER = re.compile(r"\b(?:P|SEV)-?(?=\{(?:severity|priority)\})", re.IGNORECASE)
"""Of a severity, before its number."""
ENTRY = re.compile(r"\s*[-*+]\s")
UNKNOWN = "unknown"
TemplateField = Literal[
    "severity", "description", "status", "start", "impact", "components", "next update", "contact"
]
LABELS: Sequence[tuple[str, str]] = (
    ("subject", "subject"),
    ("title", "subject"),
    ("status", "status"),
    ("start", "start"),
    ("impact", "impact"),
    ("affected", "components"),
    ("component", "components"),
    ("next", "next update"),
    ("contact", "contact"),
    ("update", "updates"),
)
"""A word of a label, and what is meant by it; the first that fits."""


@dataclass(frozen=True)
class Value:
    """What a field is bound to; `would_tell` where `text` is empty, for nobody knows it."""

    text: str
    would_tell: str = ""


@dataclass(frozen=True)
class UnknownPlaceholder:
    """`line`: of the runbook; `would_tell`: what would bind it."""

    placeholder: str
    line: int
    would_tell: str


@dataclass(frozen=True)
class FilledTemplate:
    """`text`: of the template, filled; `bound`: placeholders with their values, in the order of the text."""

    text: str
    line: int
    bound: tuple[tuple[str, str], ...]
    unknown: tuple[UnknownPlaceholder, ...]


def template_of(runbook: Runbook, title: str) -> Step:
    """The fence below the heading `title`. Raises InputError where there is none that is no program."""
    section = runbook.section(title)
    found = [step for step in runbook.steps_of(section) if step.language in NO_LANGUAGES]
    if len(found) != 1:
        raise InputError(
            runbook.path,
            section.line,
            section.title,
            f"a section with one fenced block without a language, the template; it has {len(found)}",
        )
    return found[0]


def fill(
    template: Step, values: Mapping[TemplateField, Value], updates: Sequence[tuple[str, str]]
) -> FilledTemplate:
    """`updates`: moment and what is new of each, in order."""
    filling = _Filling(template, values)
    meant = ""
    lines: list[str] = []
    for number, line in enumerate(template.text.rstrip("\n").split("\n"), start=template.line):
        if meant == "updates" and ENTRY.match(line):
            lines += [filling.update(line, number, each) for each in updates]
            continue
        label = LABEL.fullmatch(line)
        if label:
            meant = _meaning(label["label"])
        lines.append(filling.line(line, number, meant if label else ""))
    return FilledTemplate(
        "\n".join(lines) + "\n", template.line, tuple(filling.bound), tuple(filling.unknown)
    )


class _Filling:
    """Binds placeholders, and remembers which."""

    def __init__(self, template: Step, values: Mapping[TemplateField, Value]) -> None:
        self.template, self.values = template, values
        self.bound: list[tuple[str, str]] = []
        self.unknown: list[UnknownPlaceholder] = []

    def line(self, line: str, number: int, meant: str) -> str:
        """A line of the template with what it stands for."""
        if meant == "status" and "|" in line and not PLACEHOLDER.search(line):
            return self._chosen(line, number)
        if not self.values.get("severity", Value("")).text:
            line = LETTER.sub("", line)
        return PLACEHOLDER.sub(lambda found: self._value(found, number, self._of(found, meant)), line)

    def update(self, line: str, number: int, update: tuple[str, str]) -> str:
        """An entry of the list, for one update."""
        moment, what = update
        return PLACEHOLDER.sub(
            lambda found: self._value(found, number, Value(moment if _says(found, "time", "date") else what)),
            line,
        )

    def _of(self, found: re.Match[str], meant: str) -> Value:
        field: str = meant
        if meant == "subject":
            field = "severity" if _says(found, "severity", "priority") else ""
            if _says(found, "description", "title", "summary", "what"):
                field = "description"
        for name, value in self.values.items():
            if name == field:
                return self._without_letter(found, value) if name == "severity" else value
        return Value("", "a label that drill knows before it: " + ", ".join(word for word, _ in LABELS))

    @staticmethod
    def _without_letter(found: re.Match[str], value: Value) -> Value:
        """`P{severity}` has the letter already."""
        letters = re.match(r"[A-Z]+", value.text)
        if letters and found.string[: found.start()].endswith(letters[0]):
            return Value(value.text[letters.end() :])
        return value

    def _value(self, found: re.Match[str], number: int, value: Value) -> str:
        name = found["name"]
        if value.text:
            self.bound.append((name, value.text))
            return value.text
        self.unknown.append(UnknownPlaceholder(name, number, value.would_tell))
        return UNKNOWN

    def _chosen(self, line: str, number: int) -> str:
        label, _, rest = line.partition(":")
        status, said = self.values["status"], rest.strip()
        for each in rest.split("|"):
            if status.text and each.strip().casefold() == status.text.casefold():
                self.bound.append((said, each.strip()))
                return f"{label}: {each.strip()}"
        would = status.would_tell or f"an alternative for {status.text}"
        self.unknown.append(UnknownPlaceholder(said, number, would))
        return f"{label}: {UNKNOWN}"


def _meaning(label: str) -> str:
    words = label.casefold()
    return next((meant for word, meant in LABELS if word in words), "")


def _says(found: re.Match[str], *words: str) -> bool:
    return any(word in found["name"].casefold() for word in words)
