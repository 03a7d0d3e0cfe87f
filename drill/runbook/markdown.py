"""Reading Markdown. Flows in: the path of a file. Flows out: a Runbook, whose every part knows its line in
that file.

The text is taken as it is: a step's text is what stands between its fences, or, of a terminal session, the
commands on their own lines. Lines are 1-based.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from drill.errors import InputError
from drill.reading import line_longer_than, read_text, shown
from drill.runbook.document import Runbook, Section, StatedItem, Step
from drill.runbook.sessions import commands_of

BEFORE_FIRST_HEADING = "before the first heading"
LANGUAGE = re.compile(r"\{?\.?(?P<name>[\w+#-]*)")
SAYS_SOMETHING = re.compile(
    r"(?:(?:\*\*|__)[^*_]+(?:(?::(?:\*\*|__))|(?:(?:\*\*|__)\s*[:–—-]))"
    r"|(?:P|SEV|Priority|Severity)[ -]?[0-9]\b|[^<>≤≥]*[<>≤≥].*[0-9])",
    re.IGNORECASE,
)
LONGEST_LINE = 20_000
"""Characters. Nesting in one line costs time that grows with its square, and no person writes such a line."""
SENTENCE_END = re.compile(r"(?<=[.!?:])\s+")


def parse(path: Path | str) -> Runbook:
    """Read a runbook. Raises UsageError when there is no such file, InputError when it is not a runbook (no
    UTF-8, no heading, a line that is too long).
    """
    file = Path(path)
    text = read_text(file, "the runbook, which drill.toml names under [target], runbook")
    if longer := line_longer_than(text, LONGEST_LINE):
        number, line = longer
        said = f"{shown(line)} ({len(line):,} characters)"
        raise InputError(file, number, said, f"lines of at most {LONGEST_LINE:,} characters")
    tokens = [
        token for token in MarkdownIt("commonmark").enable("table").parse(text) if token.map or token.nesting
    ]
    sections = _sections(file, tokens, text.count("\n") + (not text.endswith("\n")))
    return Runbook(
        file, tuple(sections), tuple(_steps(file, tokens, sections)), tuple(_items(tokens, sections))
    )


def _sections(file: Path, tokens: Sequence[Token], lines: int) -> list[Section]:
    headings = [
        (int(token.tag[1:]), token.map[0] + 1, tokens[index + 1].content)
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and token.map
    ]
    if not headings:
        raise InputError(file, 1, "(no heading)", "a Markdown runbook whose sections have headings")
    if any(token.map and token.map[0] + 1 < headings[0][1] for token in tokens if token.type == "fence"):
        headings.insert(0, (0, 1, BEFORE_FIRST_HEADING))
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    ends = [line - 1 for _, line, _ in headings[1:]] + [lines]
    for (level, line, title), end in zip(headings, ends, strict=True):
        above = [*(entry for entry in above if 0 < entry[0] < level), (level, title)]
        sections.append(Section(title, level, line, tuple(entry[1] for entry in above), end))
    return sections


class _Sections:
    """The section in which each token stands, asked in the order of the file."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections, self._index = sections, 0

    def at(self, line: int) -> Section | None:
        """The section of a line that is not before any asked for earlier; None before the first."""
        while self._index + 1 < len(self._sections) and self._sections[self._index + 1].line <= line:
            self._index += 1
        return self._sections[self._index] if self._sections[self._index].line <= line else None


def _steps(file: Path, tokens: Sequence[Token], sections: Sequence[Section]) -> Iterator[Step]:
    found: list[Step] = []
    where = _Sections(sections)
    said: Token | None = None
    for token in tokens:
        if token.type == "inline":
            said = token
        elif token.type == "heading_close":
            said = None
        elif token.type == "fence" and token.map:
            section = where.at(token.map[0] + 1)
            if section is not None:
                found.append(_step(file, token, section, said, found))
            said = None
    several = {step.section for step in found if step.number > 1}
    for step in found:
        yield step if step.section in several else step.sole()


def _step(file: Path, fence: Token, section: Section, said: Token | None, earlier: Sequence[Step]) -> Step:
    assert fence.map is not None
    match = LANGUAGE.match(fence.info.strip())
    language = match["name"].lower() if match else ""
    return Step(
        runbook=file,
        section=section,
        language=language,
        line=fence.map[0] + 2,
        text=commands_of(fence.content, language),
        label=_last_bold(said) if said else None,
        before=_before(said) if said else (),
        number=1 + (earlier[-1].number if earlier and earlier[-1].section == section else 0),
        last_line=max(fence.map[1], fence.map[0] + 1),
    )


def _before(said: Token) -> tuple[str, ...]:
    """The text before a block as a scenario may name it: the whole paragraph, its last line, its last
    sentence.
    """
    lines = [""]
    for child in said.children or ():
        if child.type in {"softbreak", "hardbreak"}:
            lines.append("")
        elif child.type in {"text", "code_inline"}:
            lines[-1] += child.content
    whole = " ".join(" ".join(lines).split())
    forms = (whole, " ".join(lines[-1].split()), SENTENCE_END.split(whole)[-1])
    return tuple(dict.fromkeys(form for form in forms if form))


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


def _items(tokens: Sequence[Token], sections: Sequence[Section]) -> Iterator[StatedItem]:
    """Entries of lists, rows of tables, and lines of other paragraphs that name something in bold, or
    compare.
    """
    where = _Sections(sections)
    in_list = in_heading = False
    row: list[str] | None = None
    for token in tokens:
        section = where.at(token.map[0] + 1) if token.map else None
        if token.type == "list_item_open":
            in_list = True
        elif token.type in {"heading_open", "heading_close", "thead_open", "thead_close"}:
            in_heading = token.type.endswith("open")
        elif token.type == "tr_open":
            row, row_line, row_section = [], (token.map or [0])[0] + 1, section
        elif token.type == "tr_close":
            if row and row_section is not None and not in_heading:
                yield StatedItem(row_section, row_line, f"{row[0]}: {' | '.join(row[1:])}")
            row = None
        elif token.type == "inline" and row is not None:
            row.append(token.content)
        elif token.type == "inline" and section is not None and token.map and not in_heading:
            if in_list:
                yield StatedItem(section, token.map[0] + 1, " ".join(token.content.split()))
            else:
                for line, text in enumerate(token.content.split("\n"), start=token.map[0] + 1):
                    said = text.strip()
                    if SAYS_SOMETHING.match(said):
                        yield StatedItem(section, line, said)
            in_list = False
