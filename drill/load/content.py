"""What a service shows of what it holds: the bodies of its answers, made ready to look for many writes in
them. Pure.

A mark is found as a whole, never as the beginning of another: `-12` is not in `-120`, and the number 12 is
not in "12:30". In JSON it is a whole value; where drill.toml says `contains = "{id}"`, the value of a field
`id`, provided that the answer has such fields at all. An id that drill itself made is no other text's part by
chance, so it is also found within a longer text, between characters that no id has.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

FIELD = re.compile(r"\{(\w+)\}")
WORD = re.compile(r"[\w-]+")


class Content:
    """Everything read so far. `rows`: how many entries the longest list of each body had, in sum."""

    def __init__(self) -> None:
        self.rows = 0
        self._bodies: set[bytes] = set()
        self._values: set[str] = set()
        self._fields: dict[str, set[str]] = {}
        self._texts: list[str] = []
        self._words: set[str] = set()

    def with_body(self, body: bytes) -> Content:
        """Take one answer in."""
        self.grows_by(body)
        return self

    def grows_by(self, body: bytes) -> bool:
        """Take one piece of a list in; False where it has no entries, or repeats one that was there: the list
        has ended."""
        if body in self._bodies:
            return False
        self._bodies.add(body)
        self._texts.append(body.decode(errors="replace"))
        try:
            rows = self._enter(msgspec.json.decode(body), "")
        except (msgspec.DecodeError, RecursionError):
            rows = len(body.splitlines())
            self._words.update(WORD.findall(self._texts[-1]))
        self.rows += rows
        return rows > 0

    def holds(self, mark: str, template: str, unique: str) -> bool:
        """Is the mark, made of `template` ("{unique}", "{id}", ...), in it? `unique`: the id that was
        sent.
        """
        field = FIELD.fullmatch(template)
        if field and field[1] != "unique" and field[1] in self._fields:
            return mark in self._fields[field[1]]
        if mark in self._values:
            return True
        if unique not in mark and self._values:
            return False
        if WORD.fullmatch(mark):
            return mark in self._words
        whole = re.compile(rf"(?<![\w-]){re.escape(mark)}(?![\w-])")
        return any(whole.search(text) for text in self._texts)

    def _enter(self, value: Any, field: str) -> int:
        """Take a value in; how many entries the longest list in it has."""
        if isinstance(value, dict):
            return max((self._enter(each, name) for name, each in value.items()), default=0)
        if isinstance(value, list):
            within = max((self._enter(each, field) for each in value), default=0)
            return max(len(value), within)
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        self._values.add(text)
        self._fields.setdefault(field, set()).add(text)
        if isinstance(value, str):
            self._words.update(WORD.findall(value))
        return 0
