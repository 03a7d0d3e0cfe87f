"""The list of equivalent mutants is read as a whole or refused, and never grows stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.errors import InputError, UsageError
from drill.mutate.equivalent import equivalents

KNOWN = ("drop-1", "swap-2")


def written(folder: Path, text: str) -> Path:
    file = folder / "equivalent-mutants.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_reasons_by_id(tmp_path: Path) -> None:
    file = written(tmp_path, "# looked at\n- mutant: drop-1\n  reason: the next line does the same\n")
    assert equivalents(file, KNOWN) == {"drop-1": "the next line does the same"}
    assert equivalents(written(tmp_path, ""), KNOWN) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {mutant: drop-9, reason: gone}", "1: 'drop-9' is not right here: expected the id of a mutant"),
        ("- {mutant: drop-1, reason: a}\n- {mutant: drop-1, reason: b}", "2: 'drop-1'"),
        ("- {mutant: drop-1, reason: ' '}", "why no check could tell"),
        ("- {mutant: drop-1}", "two keys"),
        ("- {mutant: 5, reason: a}", "'5' is not right here"),
        ("drop-1: a", "a list of mutants"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as raised:
        equivalents(written(tmp_path, text), KNOWN)
    assert says in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        equivalents(tmp_path / "none.yaml", KNOWN)
