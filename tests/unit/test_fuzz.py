"""A short share of the fuzzing, in the same order each time; all of it is `python -m benchmarks.fuzzing`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzzing.examine import examine, input_of
from benchmarks.fuzzing.families import FAMILIES, Family
from drill.errors import InputError, UsageError

INPUTS = 1500


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_seeds_are_good(family: Family, tmp_path: Path) -> None:
    path = tmp_path / family.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    for seed in family.seeds:
        path.write_bytes(seed)
        family.read(path)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_spoiled_input_is_refused_by_name_or_understood(family: Family, tmp_path: Path) -> None:
    found = examine(family, INPUTS, "tests", tmp_path)
    assert found.failures == {}, found.line()
    assert found.refused > INPUTS / 20, "the input was hardly spoiled"
    assert found.accepted > 0, "nothing was accepted, so nothing was checked"


def family_that(raises: Exception | None) -> Family:
    def read(path: Path) -> None:
        if raises is not None:
            raise raises

    return Family("none", "none.txt", [b"a"], [b"b"], read)


@pytest.mark.parametrize(
    ("raises", "kinds"),
    [
        (None, []),
        (InputError("none.txt", 1, "a", "b"), []),
        (
            UsageError("something is wrong somewhere"),
            ["UsageError names no file: something is wrong somewhere"],
        ),
        (ValueError("no"), ["ValueError in test_fuzz.py:read"]),
        (RecursionError("no"), ["RecursionError in test_fuzz.py:read"]),
    ],
)
def test_what_counts_as_a_failure(raises: Exception | None, kinds: list[str], tmp_path: Path) -> None:
    assert list(examine(family_that(raises), 3, "tests", tmp_path).failures) == kinds


def test_a_reader_that_takes_long_is_a_failure(tmp_path: Path) -> None:
    slow = Family(
        "slow", "slow.txt", [b"a"], [b"b"], lambda path: [sum(range(1000)) for _ in range(100_000)] and None
    )
    assert list(examine(slow, 1, "tests", tmp_path).failures) == ["more than 1 s"]


def test_the_same_number_is_the_same_input() -> None:
    assert input_of(FAMILIES[0], "tests", 7) == input_of(FAMILIES[0], "tests", 7)
    assert input_of(FAMILIES[0], "tests", 7) != input_of(FAMILIES[0], "tests", 8)
