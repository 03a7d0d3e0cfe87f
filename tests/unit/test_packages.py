"""A package that lists its modules lists none that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import drill

ENTRY = re.compile(r"^\w+\.(?:py|bash)\b", re.MULTILINE)
NAMED = re.compile(r"\b\w+\.(?:py|bash)\b")
LISTING = [
    path
    for path in sorted(Path(drill.__path__[0]).rglob("__init__.py"))
    if len(ENTRY.findall(path.read_text(encoding="utf-8"))) > 1
]


def test_many_packages_list_their_modules() -> None:
    assert len(LISTING) > 10


@pytest.mark.parametrize("path", LISTING, ids=lambda path: path.parent.name)
def test_what_is_listed_is_there(path: Path) -> None:
    there = {each.name for each in path.parent.iterdir()}
    assert set(NAMED.findall(path.read_text(encoding="utf-8"))) <= there
