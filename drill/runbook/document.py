"""Reading a runbook. Flows in: the path of a Markdown file. Flows out: a Runbook, whose every part knows its
line in that file.

The text is taken as it is: a step's text is, byte for byte, what stands between its fences. Lines are
1-based.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from drill.errors import InputError, UsageError

SHELL_LANGUAGES = frozenset({"bash", "sh", "shell"})
PATH_SEPARATOR = " > "
QUANTITY = re.compile(
    r"(?P<comparison>[<>]=?)?\s*(?<![\w.+-])(?P<value>\d+(?:\.\d+)?)\s?(?P<unit>%|ms\b|seconds?\b|minutes?\b|hours?\b|days?\b)?(?![\w-])"
)
NUMBERING = re.compile(r"^\d+\.\s+")
SEVERITY = re.compile(r"\s*\(P\d\)$")


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
    """A fenced block, or a part of one. `line`: of the first line of `text`; `label`: the bold words right
    before the block, if any; `part`: the comment that a part begins with, None for a whole block."""

    runbook: Path
    section: Section
    language: str
    line: int
    text: str
    label: str | None
    part: str | None = None

    @property
    def name(self) -> str:
        """The section's title, the label and the part, as far as there are any."""
        return " / ".join(name for name in (self.section.title, self.label, self.part) if name)

    @property
    def is_shell(self) -> bool:
        """True where the fence says that a shell runs this."""
        return self.language in SHELL_LANGUAGES


@dataclass(frozen=True)
class Item:
    """One entry of a list. `text`: without its bullet, as written."""

    section: Section
    line: int
    text: str


@dataclass(frozen=True)
class Number:
    """A number in the prose or a list. `unit`: %, ms, seconds, ... or empty; `comparison`: <, >, <=, >= or
    empty; `text`: its line.
    """

    section: Section
    line: int
    value: float
    unit: str
    comparison: str
    text: str


@dataclass(frozen=True)
class Runbook:
    """A parsed runbook; everything in the order of the file."""

    path: Path
    sections: tuple[Section, ...]
    steps: tuple[Step, ...]
    items: tuple[Item, ...]
    numbers: tuple[Number, ...]

    def section(self, name: str) -> Section:
        """The section of that title. Its number and severity ("1. ... (P0)") may be left out; "Outer > Inner"
        tells equal titles apart.

        Raises InputError when there is none, or more than one.
        """
        *outer, inner = (_plain(part) for part in name.split(PATH_SEPARATOR))
        found = [
            section
            for section in self.sections
            if _plain(section.title) == inner
            and _in_order(outer, [_plain(title) for title in section.path[:-1]])
        ]
        if len(found) == 1:
            return found[0]
        if not found:
            raise InputError(
                self.path,
                None,
                name,
                f"the title of a section{_near(name, [s.title for s in self.sections], _plain)}",
            )
        places = ", ".join(
            f"{PATH_SEPARATOR.join(section.path)!r} (line {section.line})" for section in found
        )
        raise InputError(
            self.path, found[0].line, name, f"a title that only one section has; these have it: {places}"
        )

    def steps_of(self, section: Section) -> list[Step]:
        """The fenced blocks right below a heading, not those of the sections inside it."""
        return [step for step in self.steps if step.section == section]

    def items_of(self, name: str) -> list[Item]:
        """The list entries right below the heading `name`. Raises InputError when there is no such section or
        no list in it.
        """
        section = self.section(name)
        found = [item for item in self.items if item.section == section]
        if not found:
            raise InputError(self.path, section.line, section.title, "a section with a list in it")
        return found

    def step(self, section: str, label: str | None = None, part: str | None = None) -> Step:
        """The block of a section: by its label where the section has several; of it only the paragraph that
        begins with the comment `part`, where one is given. Raises InputError naming the file, the line and
        what would be right.
        """
        place = self.section(section)
        steps = self.steps_of(place)
        labels = [step.label or f"(line {step.line})" for step in steps]
        if not steps:
            raise InputError(
                self.path, place.line, place.title, "a section with a fenced block right below its heading"
            )
        if label is None and len(steps) > 1:
            raise InputError(
                self.path, place.line, place.title, f"one of its blocks by label: {_listed(labels)}"
            )
        if label is not None:
            steps = [step for step in steps if _plain(step.label or "") == _plain(label)]
        if not steps:
            raise InputError(
                self.path,
                place.line,
                label,
                f"a label of a block in {place.title!r}{_near(label or '', labels, _plain)}",
            )
        if len(steps) > 1:
            lines = ", ".join(str(step.line) for step in steps)
            raise InputError(
                self.path,
                place.line,
                label,
                f"a label that only one block has; those at lines {lines} share it",
            )
        return steps[0] if part is None else self._part(steps[0], part)

    def _part(self, step: Step, part: str) -> Step:
        wanted = _comment(part)
        parts = parts_of(step)
        found = [candidate for candidate in parts if _comment(candidate.part or "") == wanted]
        if len(found) == 1:
            return found[0]
        if not found:
            near = _near(part, [candidate.part or "" for candidate in parts], _comment)
            raise InputError(
                self.path, step.line, part, f"the comment that a paragraph of {step.name!r} begins with{near}"
            )
        lines = ", ".join(str(candidate.line) for candidate in found)
        raise InputError(
            self.path,
            step.line,
            part,
            f"a comment that begins only one paragraph; those at lines {lines} share it",
        )


def parts_of(step: Step) -> list[Step]:
    """The paragraphs of a block (text between blank lines) that begin with a comment, each as a step of its
    own, verbatim.
    """
    parts = []
    lines = step.text.splitlines(keepends=True)
    start = 0
    for end in [*(number for number, line in enumerate(lines) if not line.strip()), len(lines)]:
        first = lines[start].strip() if start < end else ""
        if first.startswith("#") and not first.startswith("#!"):
            parts.append(
                replace(step, line=step.line + start, text="".join(lines[start:end]), part=first.lstrip("# "))
            )
        start = end + 1
    return parts


def parse(path: Path | str) -> Runbook:
    """Read a runbook. Raises UsageError when there is no such file, InputError when it is not a runbook (no
    UTF-8, no heading).
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageError(
            f"{file}: no such file. drill.toml names the runbook under [target], runbook"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(file, None, str(error), "UTF-8 text") from error
    tokens = MarkdownIt("commonmark").parse(text)
    sections = _sections(file, tokens, len(text.splitlines()))
    blocks = [token for token in tokens if token.map is not None and token.map[0] + 1 >= sections[0].line]
    items = tuple(_items(blocks, sections))
    return Runbook(
        file, tuple(sections), tuple(_steps(file, blocks, sections)), items, tuple(_numbers(blocks, sections))
    )


def _sections(file: Path, tokens: Sequence[Token], lines: int) -> list[Section]:
    headings = [
        (int(token.tag[1:]), token.map[0] + 1, tokens[index + 1].content)
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and token.map
    ]
    if not headings:
        raise InputError(file, 1, "(no heading)", "a Markdown runbook whose sections have headings")
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    ends = [line - 1 for _, line, _ in headings[1:]] + [lines]
    for (level, line, title), end in zip(headings, ends, strict=True):
        above = [*(entry for entry in above if entry[0] < level), (level, title)]
        sections.append(Section(title, level, line, tuple(entry[1] for entry in above), end))
    return sections


def _section_at(sections: Sequence[Section], line: int) -> Section:
    return next(section for section in reversed(sections) if section.line <= line)


def _steps(file: Path, blocks: Sequence[Token], sections: Sequence[Section]) -> Iterable[Step]:
    label: str | None = None
    for token in blocks:
        assert token.map is not None
        if token.type == "inline":
            label = _last_bold(token)
        elif token.type == "fence":
            words = token.info.split()
            line = token.map[0] + 2
            yield Step(
                file,
                _section_at(sections, line),
                words[0].lower() if words else "",
                line,
                token.content,
                label,
            )
            label = None
        elif token.type in {"heading_open", "bullet_list_open", "ordered_list_open"}:
            label = None


def _last_bold(paragraph: Token) -> str | None:
    """The bold words with which the last line of a paragraph begins."""
    words: list[str] | None = None
    bold, at_line_start = False, True
    for child in paragraph.children or ():
        if child.type in {"softbreak", "hardbreak"}:
            words, at_line_start = None, True
        elif child.type == "strong_open":
            bold, words = at_line_start, [] if at_line_start else words
        elif child.type == "strong_close":
            bold = False
        elif bold and words is not None:
            words.append(child.content)
        at_line_start = at_line_start and (
            child.type in {"softbreak", "hardbreak"} or not child.content.strip()
        )
    text = "".join(words or ()).strip().rstrip(":").strip()
    return text or None


def _items(blocks: Sequence[Token], sections: Sequence[Section]) -> Iterable[Item]:
    waiting = False
    for token in blocks:
        assert token.map is not None
        if token.type == "list_item_open":
            waiting = True
        elif token.type == "inline" and waiting:
            line = token.map[0] + 1
            yield Item(_section_at(sections, line), line, token.content)
            waiting = False


def _numbers(blocks: Sequence[Token], sections: Sequence[Section]) -> Iterable[Number]:
    for token in blocks:
        if token.type != "inline" or token.map is None:
            continue
        for line, text in enumerate(token.content.splitlines(), start=token.map[0] + 1):
            for match in QUANTITY.finditer(text):
                section = _section_at(sections, line)
                yield Number(
                    section, line, float(match["value"]), match["unit"] or "", match["comparison"] or "", text
                )


def _plain(name: str) -> str:
    """A title or label as people name it: without number, severity, colon, and in lower case."""
    return SEVERITY.sub("", NUMBERING.sub("", " ".join(name.split()))).rstrip(":").strip().lower()


def _comment(line: str) -> str:
    return " ".join(line.lstrip("# ").split()).rstrip(":").lower()


def _in_order(wanted: Sequence[str], titles: Sequence[str]) -> bool:
    remaining = iter(titles)
    return all(title in remaining for title in wanted)


def _near(name: str, known: Sequence[str], make_plain: Callable[[str], str]) -> str:
    by_plain = {make_plain(candidate): candidate for candidate in known}
    close = difflib.get_close_matches(make_plain(name), list(by_plain), n=3, cutoff=0.4)
    close += [
        candidate for candidate in by_plain if make_plain(name) in candidate and candidate not in close
    ][:3]
    if close:
        return f"; near to it: {_listed([by_plain[candidate] for candidate in close])}"
    return f"; there are: {_listed(list(known))}" if known else "; there is none"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
