"""Where something stands in a file. Flows in: offsets of a parser. Flows out: lines and columns as editors
count them, 1-based.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of the file. Lines and columns are 1-based; the end column is the one behind the last
    character."""

    line: int
    column: int
    end_line: int
    end_column: int


class TextPlaces:
    """Places of a text that is a part of a file, where each line may have been indented in the file.

    `first_line`: the file's line on which the text begins; `indents`: characters that were taken off each
    line.
    """

    def __init__(self, text: str, first_line: int, indents: Sequence[int]) -> None:
        self._starts = [0]
        # a line ends with \n alone, as editors and Markdown have it: str.splitlines knows others
        for line in text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._first_line, self._indents = first_line, indents

    def span(self, start: int, end: int) -> Span:
        """The place of text[start:end]."""
        line, column = self._place(start)
        end_line, end_column = self._place(max(start, end))
        return Span(line, column, end_line, end_column)

    def _place(self, offset: int) -> tuple[int, int]:
        row = max(0, bisect_right(self._starts, offset) - 1)
        indent = self._indents[row] if row < len(self._indents) else 0
        return self._first_line + row, offset - self._starts[row] + indent + 1
