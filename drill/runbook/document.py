"""A runbook as data, and looking things up in it. Flows in: what markdown.py read. Flows out: the block at a
place, or an InputError that names places that would be right; every place that it names is accepted.

A place is "Section", "Section / block" or "Section / block / # comment". A section is named by its title,
with its parents where several have it. A block is named by its bold label, by the text before it, by its
number in the section ("2" or "block 2"), or by a line ("line 42", also without the section).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from drill.errors import InputError
from drill.runbook.sessions import SESSION_LANGUAGES

SHELL_LANGUAGES = frozenset({"bash", "sh", "shell", "zsh"}) | SESSION_LANGUAGES
NO_LANGUAGES = frozenset({"", "text", "txt", "plaintext", "none"})
"""What fences say that do not tell a language: commands, or anything else."""
PLACE_SEPARATOR = " / "
NUMBERING = re.compile(r"^[0-9]{1,9}\.\s+")
SEVERITY = re.compile(r"\s*\((?:P|SEV-?)[0-9]\)$")
BLOCK_NUMBER = re.compile(r"(?:block )?0*(?P<number>[0-9]{1,6})", re.IGNORECASE)
LINE_NUMBER = re.compile(r"\(?line 0*(?P<line>[0-9]{1,9})\)?", re.IGNORECASE)
MOST_OFFERED = 12
LONGEST_OFFERED_TEXT = 80


@dataclass(frozen=True)
class Section:
    """A heading. `path`: the titles from the top of the file down to this one; `last_line`: of its own text,
    before the next heading.
    """

    title: str
    level: int
    line: int
    path: tuple[str, ...]
    last_line: int


@dataclass(frozen=True)
class Step:
    """A fenced block, or a part of one. `line`: of the first line of `text`; `last_line`: of the fence that
    ends it; `label`: the bold words right before the block, if any; `before`: the text before it, in the
    forms that name it; `number`: its place among the blocks of its section, 0 for the only one; `part`: the
    comment that a part begins with, None for a whole block."""

    runbook: Path
    section: Section
    language: str
    line: int
    text: str
    label: str | None
    before: tuple[str, ...] = ()
    number: int = 0
    last_line: int = 0
    part: str | None = None

    @property
    def name(self) -> str:
        """The section's title, the label or else the number, and the part, as far as there are any."""
        block = self.label or (str(self.number) if self.number else None)
        return PLACE_SEPARATOR.join(name for name in (self.section.title, block, self.part) if name)

    @property
    def is_shell(self) -> bool:
        """True where the fence says that a shell runs this."""
        return self.language in SHELL_LANGUAGES

    @property
    def may_be_shell(self) -> bool:
        """True where the fence does not say that it is anything else, so a scenario may name it."""
        return self.is_shell or self.language in NO_LANGUAGES

    def sole(self) -> Step:
        """The same block, as the only one of its section."""
        return replace(self, number=0)


@dataclass(frozen=True)
class StatedItem:
    """What may state a limit: an entry of a list without its bullet, a row of a table as "first: others", a
    line of prose that names something in bold or compares."""

    section: Section
    line: int
    text: str


_Error = Callable[[], InputError]


@dataclass(frozen=True)
class Runbook:
    """A parsed runbook; everything in the order of the file."""

    path: Path
    sections: tuple[Section, ...]
    steps: tuple[Step, ...]
    items: tuple[StatedItem, ...]

    def section(self, name: str) -> Section:
        """The section of that title. Its number and severity ("1. ... (P0)") may be left out; "Outer > Inner"
        or "Outer / Inner" tells equal titles apart.

        Raises InputError when there is none, or more than one.
        """
        found = self._sections_named(name.split(PLACE_SEPARATOR))
        if len(found) != 1:
            raise self._wrong_section(name, found)
        return found[0]

    def steps_of(self, section: Section) -> list[Step]:
        """The fenced blocks right below a heading, not those of the sections inside it."""
        return [step for step in self.steps if step.section == section]

    def items_of(self, name: str) -> list[StatedItem]:
        """What may state limits right below the heading `name`. Raises InputError when there is no such
        section or nothing of that kind in it.
        """
        section = self.section(name)
        found = [item for item in self.items if item.section == section]
        if not found:
            raise InputError(self.path, section.line, section.title, "a section with a list or a table in it")
        return found

    def step(self, place: str) -> Step:
        """The block at a place, or of it only the paragraph that begins with a comment. Raises InputError
        naming the file, the line and what would be right.
        """
        found = self._find(place)
        if isinstance(found, Step):
            return found
        raise found()

    def place_of(self, step: Step) -> str:
        """The shortest place that leads to this block and no other."""
        section = step.section
        titles = [
            section.title,
            *(_joined(section.path[start:]) for start in range(len(section.path) - 2, -1, -1)),
        ]
        texts = [text for text in step.before if len(text) <= LONGEST_OFFERED_TEXT]
        blocks = [step.label, *texts, str(step.number) if step.number else None]
        for title in titles:
            for block in [None, *blocks] if not step.number else blocks:
                place = _joined([name for name in (title, block) if name]).replace('"', "")
                if self._find(place) == step:
                    return place
        return f"line {step.line}"

    def _find(self, place: str) -> Step | _Error:
        """The step at a place, or what raises the error that says why there is none."""
        line = LINE_NUMBER.fullmatch(place.strip())
        if line:
            return self._at_line(self.steps, int(line["line"]), place)
        names = place.split(PLACE_SEPARATOR)
        error: _Error | None = None
        for count in range(1, len(names) + 1):
            found = self._sections_named(names[:count])
            if len(found) == 1:
                step = self._block(found[0], names[count:])
                if isinstance(step, Step):
                    return step
                error = step
            elif found and error is None:
                error = self._wrong_section_later(_joined(names[:count]), found)
        return error or self._wrong_section_later(names[0], [])

    def _sections_named(self, names: Sequence[str]) -> list[Section]:
        """The sections that a title, or titles from outer to inner, name. A title may hold a separator."""
        wanted = [part for name in names for part in _parts(name)]
        found = []
        for section in self.sections:
            title = _parts(section.title)
            outer = [part for above in section.path[:-1] for part in _parts(above)]
            rest = wanted[: len(wanted) - len(title)]
            if wanted[len(rest) :] == list(title) and _in_order(rest, outer):
                found.append((section, outer[len(outer) - len(rest) :] == rest))
        exact = [section for section, closest in found if closest]
        return (
            exact
            if len(exact) == 1 and len(wanted) > len(_parts(exact[0].title))
            else [one for one, _ in found]
        )

    def _block(self, section: Section, names: Sequence[str]) -> Step | _Error:
        """The block of a section that the rest of a place names."""
        steps = self.steps_of(section)
        if not steps:
            below = self._steps_below(section)
            return lambda: self._wrong(
                section.line,
                section.title,
                f"a section with a fenced block right below its heading{self._offers(below)}",
            )
        whole = self._selected(steps, _joined(names)) if names else steps
        if len(whole) == 1:
            return whole[0]
        if not names:
            return lambda: self._wrong(section.line, section.title, f"one of its blocks{self._offers(steps)}")
        if whole:
            return lambda: self._shared(section, _joined(names), whole)
        return self._within(section, steps, names)

    def _within(self, section: Section, steps: Sequence[Step], names: Sequence[str]) -> Step | _Error:
        """The paragraph of a block that the rest of a place names with the block, or as "# comment" alone."""
        for count in range(len(names) - 1, 0, -1):
            named = self._selected(steps, _joined(names[:count]))
            if named:
                return self._part(named, _joined(names[count:]))
        if names[0].lstrip().startswith("#"):
            return self._part(steps, _joined(names))
        return lambda: self._no_block(section, names[0], steps)

    def _selected(self, steps: Sequence[Step], name: str) -> list[Step]:
        """The blocks that a name means: by label, else by the text before, by number, by line."""
        wanted = _plain(name)
        if not wanted:
            return []
        ways: list[Callable[[Step], bool]] = [
            lambda step: step.label is not None and _plain(step.label) == wanted,
            lambda step: any(_plain(text) == wanted for text in step.before),
        ]
        number, line = BLOCK_NUMBER.fullmatch(name.strip()), LINE_NUMBER.fullmatch(name.strip())
        if number:
            ways.append(lambda step: max(step.number, 1) == int(number["number"]))
        if line:
            ways.append(lambda step: step.line - 1 <= int(line["line"]) <= step.last_line)
        for way in ways:
            found = [step for step in steps if way(step)]
            if found:
                return found
        return []

    def _at_line(self, steps: Sequence[Step], line: int, place: str) -> Step | _Error:
        for step in steps:
            if step.line - 1 <= line <= step.last_line:
                return step
        nearest = sorted(steps, key=lambda step: abs(step.line - line))[:3]
        return lambda: self._wrong(line, place, f"a line inside a fenced block{self._offers(nearest)}")

    def _part(self, steps: Sequence[Step], part: str) -> Step | _Error:
        wanted = _comment(part)
        parts = [candidate for step in steps for candidate in parts_of(step)]
        found = [candidate for candidate in parts if _comment(candidate.part or "") == wanted]
        if len(found) == 1:
            return found[0]
        name, line = steps[0].name if len(steps) == 1 else steps[0].section.title, steps[0].line
        if not found:
            return lambda: self._wrong(
                line,
                part,
                f"the comment that a paragraph of {name!r} begins with"
                f"{_near(part, [candidate.part or '' for candidate in parts], _comment)}",
            )
        lines = ", ".join(str(candidate.line) for candidate in found)
        return lambda: self._wrong(
            line, part, f"a comment that begins only one paragraph; those at lines {lines} share it"
        )

    def _steps_below(self, section: Section) -> list[Step]:
        path = section.path
        return [step for step in self.steps if step.section.path[: len(path)] == path]

    def _no_block(self, section: Section, name: str, steps: Sequence[Step]) -> InputError:
        labels = [label for step in steps for label in (step.label, *step.before) if label]
        near = _near(name, labels, _plain) if labels else ""
        return self._wrong(
            section.line, name, f"a label of a block in {section.title!r}{near}{self._offers(steps)}"
        )

    def _shared(self, section: Section, name: str, steps: Sequence[Step]) -> InputError:
        lines = ", ".join(str(step.line) for step in steps)
        return self._wrong(
            section.line,
            name,
            f"a label that only one block has; those at lines {lines} share it{self._offers(steps)}",
        )

    def _wrong_section_later(self, name: str, found: Sequence[Section]) -> _Error:
        return lambda: self._wrong_section(name, found)

    def _wrong_section(self, name: str, found: Sequence[Section]) -> InputError:
        if not found:
            near = _near(name, [section.title for section in self.sections], _plain)
            return self._wrong(None, name, f"the title of a section{near}")
        places = ", ".join(
            f"{_joined(section.path)!r} (line {section.line})" for section in found[:MOST_OFFERED]
        )
        steps = [step for step in self.steps if step.section in found]
        return self._wrong(
            found[0].line,
            name,
            f"a title that only one section has; these have it: {places}{self._offers(steps)}",
        )

    def _offers(self, steps: Sequence[Step]) -> str:
        """Places that would be right, each of which is accepted."""
        if not steps:
            return ""
        more = f" and {len(steps) - MOST_OFFERED} more" if len(steps) > MOST_OFFERED else ""
        return f"; its places: {_listed([self.place_of(step) for step in steps[:MOST_OFFERED]])}{more}"

    def _wrong(self, line: int | None, value: str, expected: str) -> InputError:
        return InputError(self.path, line, value, expected)


def parts_of(step: Step) -> list[Step]:
    """The paragraphs of a block (text between blank lines) that begin with a comment, each as a step of its
    own, verbatim.
    """
    parts = []
    lines = re.findall(r"[^\n]*\n|[^\n]+", step.text)
    start = 0
    for end in [*(number for number, line in enumerate(lines) if not line.strip()), len(lines)]:
        first = lines[start].strip() if start < end else ""
        if first.startswith("#") and not first.startswith("#!"):
            parts.append(
                replace(step, line=step.line + start, text="".join(lines[start:end]), part=first.lstrip("# "))
            )
        start = end + 1
    return parts


def plain_title(title: str) -> str:
    """Without its number and severity."""
    return SEVERITY.sub("", NUMBERING.sub("", title))


@lru_cache(maxsize=1 << 14)
def _plain(name: str) -> str:
    """A title or label as people name it: without number, severity, quotes and colon, and in lower case."""
    return plain_title(" ".join(name.replace('"', "").split())).rstrip(":").strip().lower()


@lru_cache(maxsize=1 << 14)
def _parts(title: str) -> tuple[str, ...]:
    return tuple(_plain(part) for part in re.split(" / | > ", title))


def _comment(line: str) -> str:
    return " ".join(line.lstrip("# ").replace('"', "").split()).rstrip(":").lower()


def _joined(names: Iterable[str]) -> str:
    return PLACE_SEPARATOR.join(names)


def _in_order(wanted: Sequence[str], titles: Sequence[str]) -> bool:
    remaining = iter(titles)
    return all(title in remaining for title in wanted)


def _near(name: str, known: Sequence[str], make_plain: Callable[[str], str]) -> str:
    by_plain: dict[str, str] = {}
    for candidate in known:
        by_plain.setdefault(make_plain(candidate), candidate)
    close = difflib.get_close_matches(make_plain(name), list(by_plain), n=3, cutoff=0.4)
    close += [
        candidate for candidate in by_plain if make_plain(name) in candidate and candidate not in close
    ][:3]
    if close:
        return f"; near to it: {_listed([by_plain[candidate] for candidate in close])}"
    return f"; there are: {_listed(list(known)[:MOST_OFFERED])}" if known else "; there is none"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
