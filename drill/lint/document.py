"""A Markdown text as lint sees it. Flows in: a file. Flows out: its fenced blocks, headings, list items,
links and lines, each with its place.

drill.runbook reads a runbook that is to be carried out, and refuses a text without sections; this reads any
Markdown, because a linter is tried on the text that somebody has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from drill.lint.place import Span, TextPlaces
from drill.reading import anchor_of, read_text

SHELLS = frozenset({"bash", "sh", "shell", "zsh"})
TERMINALS = frozenset({"console", "shell-session", "terminal", "sh-session", "shellsession", "bash-session"})
YAML_LANGUAGES = frozenset({"yaml", "yml"})
PROMPT = re.compile(r"^\s*(?:[\w.@~:-]*[$%]|\$) (?=\S)")


@dataclass(frozen=True)
class Heading:
    """A heading. `level` 1 to 6; `anchor`: how a link in the same file names it, as GitHub makes it."""

    title: str
    level: int
    line: int
    anchor: str


@dataclass(frozen=True)
class ListItem:
    """One entry of a list, its first paragraph as written. `heading`: the one above it, if any."""

    text: str
    line: int
    heading: Heading | None


@dataclass(frozen=True)
class Link:
    """A link of the prose. `target`: as written, with its fragment."""

    target: str
    line: int


@dataclass(frozen=True, eq=False)
class Fence:
    """A fenced block. `line`: of the first line of `text`; `indents`: what each line is indented by in the
    file; `label`: the line of prose right above it, empty where there is none."""

    language: str
    line: int
    text: str
    indents: tuple[int, ...]
    heading: Heading | None
    label: str = ""

    @cached_property
    def places(self) -> TextPlaces:
        """Lines and columns of offsets in `text`."""
        return TextPlaces(self.text, self.line, self.indents)

    @property
    def is_shell(self) -> bool:
        """True where the fence says that a shell runs this."""
        return self.language in SHELLS or self.language in TERMINALS

    @property
    def is_yaml(self) -> bool:
        """True where the fence says that this is YAML."""
        return self.language in YAML_LANGUAGES

    @cached_property
    def is_script(self) -> bool:
        """True where the block begins like a file that is run by itself: with #! among its first comments."""
        comments = [line.strip() for line in self.text.splitlines()[:3]]
        return any(line.startswith("#!") for line in comments)

    @cached_property
    def has_prompts(self) -> bool:
        """True where commands stand behind a `$ ` and other lines are what was printed."""
        return any(PROMPT.match(line) for line in self.text.splitlines())

    @property
    def last_line(self) -> int:
        """The file's line on which the text ends."""
        return self.line + max(0, self.text.removesuffix("\n").count("\n"))


@dataclass(frozen=True, eq=False)
class Document:
    """A parsed Markdown file; everything in its order. `prose`: the lines outside fences, by number."""

    path: Path
    text: str
    fences: tuple[Fence, ...]
    headings: tuple[Heading, ...]
    items: tuple[ListItem, ...]
    links: tuple[Link, ...]
    lines: tuple[str, ...] = field(repr=False)

    @cached_property
    def prose(self) -> dict[int, str]:
        """The lines outside fences, by number."""
        fenced = {line for fence in self.fences for line in range(fence.line - 1, fence.last_line + 2)}
        return {number: line for number, line in enumerate(self.lines, start=1) if number not in fenced}

    @cached_property
    def prose_text(self) -> str:
        """All prose in one text, for asking whether something is mentioned."""
        return "\n".join(self.prose.values())

    def section(self, heading: Heading | None) -> tuple[int, int]:
        """First and last line of the text under a heading, down to the next one of any level."""
        if heading is None:
            return 1, (self.headings[0].line - 1 if self.headings else len(self.lines))
        after = [other.line for other in self.headings if other.line > heading.line]
        return heading.line, (after[0] - 1 if after else len(self.lines))

    def section_lines(self, heading: Heading | None) -> list[str]:
        """The lines of that section, fences included."""
        first, last = self.section(heading)
        return list(self.lines[first - 1 : last])

    def line_span(self, line: int, part: str = "") -> Span:
        """The place of `part` on a line, or of the whole line without its blanks."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        wanted = part or text.strip()
        column = text.find(wanted) + 1 or 1
        return Span(line, column, line, column + len(wanted))


def read_document(path: Path) -> Document:
    """Read a file. Raises UsageError where there is no such file, InputError where it is not UTF-8 text."""
    return parse_document(path, read_text(path, "a Markdown file"))


def parse_document(path: Path, text: str) -> Document:
    """The same for a text at hand; every text is Markdown, so nothing is refused."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    lines = tuple(text.split("\n"))
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    headings = tuple(_headings(tokens))
    return Document(
        path,
        text,
        tuple(_fences(tokens, headings, lines)),
        headings,
        tuple(_items(tokens, headings)),
        tuple(_links(tokens)),
        lines,
    )


def is_there(path: Path) -> bool:
    """True where there is such a file or folder; a name that no file can have is none."""
    try:
        return path.exists()
    except OSError:
        return False


def _headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    seen: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token.type != "heading_open" or token.map is None:
            continue
        inline = tokens[index + 1]
        title = "".join(
            child.content for child in inline.children or () if child.type in {"text", "code_inline"}
        )
        anchor = anchor_of(title)
        count = seen.get(anchor, 0)
        seen[anchor] = count + 1
        yield Heading(
            title.strip(),
            int(token.tag[1:]),
            token.map[0] + 1,
            f"{anchor}-{count}" if count else anchor,
        )


def _heading_above(headings: Sequence[Heading], line: int) -> Heading | None:
    return next((heading for heading in reversed(headings) if heading.line <= line), None)


def _fences(tokens: Sequence[Token], headings: Sequence[Heading], lines: Sequence[str]) -> Iterator[Fence]:
    label = ""
    for token in tokens:
        if token.type == "fence" and token.map is not None:
            first = token.map[0] + 1
            content = token.content.split("\n")
            indents = [
                max(0, len(lines[first + row]) - len(line)) if first + row < len(lines) else 0
                for row, line in enumerate(content)
            ]
            words = token.info.replace("{", " ").replace("}", " ").replace(",", " ").split()
            yield Fence(
                words[0].lower().lstrip(".") if words else "",
                first + 1,
                token.content,
                tuple(indents),
                _heading_above(headings, first),
                label,
            )
            label = ""
        elif token.type == "inline":
            label = token.content.split("\n")[-1].strip("*: ")
        elif token.type == "heading_open":
            label = ""


def _items(tokens: Sequence[Token], headings: Sequence[Heading]) -> Iterator[ListItem]:
    waiting = False
    for token in tokens:
        if token.type == "list_item_open":
            waiting = True
        elif token.type == "inline" and waiting and token.map is not None:
            yield ListItem(token.content, token.map[0] + 1, _heading_above(headings, token.map[0] + 1))
            waiting = False


def _links(tokens: Sequence[Token]) -> Iterator[Link]:
    for token in tokens:
        if token.type != "inline" or token.map is None:
            continue
        line = token.map[0] + 1
        for child in token.children or ():
            if child.type in {"softbreak", "hardbreak"}:
                line += 1
            elif child.type == "link_open":
                target = child.attrGet("href")
                if isinstance(target, str):
                    yield Link(unquote(target), line)
