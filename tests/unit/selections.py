"""What do command lines of pytest select? Flows in: a list of command lines (JSON). Flows out: exit status 0,
or the command lines that select nothing, or are an error.

    python tests/unit/selections.py '[["features", "-m", "smoke"], ["tests/unit"]]'

Collecting takes seconds and selecting takes none, so what several command lines collect is collected once,
and their -m and -k are applied to it by pytest's own functions.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from _pytest.mark import deselect_by_keyword, deselect_by_mark

import drill.plugin  # noqa: F401  (each collection is a copy of this process, and has it already)

ONLY_PATHS = ("paths",)
"""The key of all command lines that name nothing but paths, -m and -k."""


class Selection(NamedTuple):
    """One command line. `words`: all but -m and -k."""

    arguments: list[str]
    words: list[str]
    marks: str
    names: str

    @property
    def only_paths(self) -> bool:
        """No option that changes what is collected."""
        return not any(word.startswith("-") for word in self.words)


class Select:
    """Asks, once all is collected, what each command line selects of it."""

    def __init__(self, selections: list[Selection]) -> None:
        self._selections = selections
        self.empty: list[list[str]] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Raises pytest's own usage error for an expression that it cannot read."""
        for each in self._selections:
            items = [item for item in session.items if not each.only_paths or _below(item.path, each.words)]
            session.config.option.markexpr, session.config.option.keyword = each.marks, each.names
            deselect_by_keyword(items, session.config)
            deselect_by_mark(items, session.config)
            if not items:
                self.empty.append(each.arguments)


def _below(path: Path, words: list[str]) -> bool:
    return any(path.is_relative_to(Path(word).resolve()) for word in words)


def parsed(arguments: list[str]) -> Selection:
    """The command line `pytest ARGUMENTS`."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", default="")
    parser.add_argument("-k", default="")
    parser.add_argument("-q", action="count")
    parser.add_argument("--collect-only", action="store_true")
    known, words = parser.parse_known_args(arguments)
    return Selection(arguments, words, known.m, known.k)


def collect(selections: list[Selection]) -> int:
    """Collect what these need, and apply each; 0 where each selects something."""
    words = list(dict.fromkeys(word for each in selections for word in each.words))
    select = Select(selections)
    status = int(pytest.main([*words, "--collect-only", "-q"], plugins=[select]))
    for arguments in select.empty:
        print(">>> selects nothing: pytest", *arguments)
    return status or len(select.empty)


def main(command_lines: list[list[str]]) -> int:
    """One process imports what takes long, and a copy of it collects."""
    groups: dict[tuple[str, ...], list[Selection]] = {}
    for each in map(parsed, command_lines):
        groups.setdefault(ONLY_PATHS if each.only_paths else tuple(each.words), []).append(each)
    worst = 0
    for selections in groups.values():
        print(">>>", *(" ".join(each.arguments) for each in selections), sep="\n    ", flush=True)
        child = os.fork()
        if not child:
            status = min(255, collect(selections))
            sys.stdout.flush()
            os._exit(status)
        worst = max(worst, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return worst


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
