"""Writing certain corrections into a text. Flows in: a text and findings with edits. Flows out: the text with
the edits, every other character as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from drill.lint.finding import Edit, Finding
from drill.lint.place import Span


def fixed(text: str, findings: Iterable[Finding]) -> tuple[str, int]:
    """The text with every edit, and how many there were. Of two edits that touch, the first one is done; the
    other is found again by the next run."""
    starts = _line_starts(text)
    edits = sorted(
        {finding.edit for finding in findings if finding.edit is not None}, key=lambda edit: edit.span
    )
    done = 0
    pieces: list[str] = []
    end = 0
    for edit in edits:
        start, stop = _offsets(starts, edit.span)
        if start < end or (start == end and done and not _is_insertion(edit)):
            continue
        pieces += [text[end:start], edit.text]
        end, done = stop, done + 1
    return "".join([*pieces, text[end:]]), done


def _is_insertion(edit: Edit) -> bool:
    return (edit.span.line, edit.span.column) == (edit.span.end_line, edit.span.end_column)


def _line_starts(text: str) -> list[int]:
    """Where each line begins, as reading.read_text counts lines: without a byte order mark, ended in any of
    the three ways."""
    ends = [found.end() for found in re.finditer(r"\r\n|\r|\n", text)]
    return [int(text.startswith("\ufeff")), *ends, len(text) + 1]


def _offsets(starts: Sequence[int], span: Span) -> tuple[int, int]:
    return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1
