"""A verdict that is made again: what must be the same, and what a later judge may say more."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from drill.evidence.differences import differences
from drill.judge.verdict import Criterion, DrillVerdict
from tests.unit.judge.recorded_drill import RecordedDrill


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> DrillVerdict:
    return RecordedDrill(tmp_path_factory.mktemp("drill")).judged()


def with_recovered(given: DrillVerdict, **changes: Any) -> DrillVerdict:
    """The same, with another criterion `recovered`."""
    criteria = [replace(each, **changes) if each.name == "recovered" else each for each in given.criteria]
    assert criteria != given.criteria
    return replace(given, criteria=criteria)


def test_the_same_has_none(verdict: DrillVerdict) -> None:
    assert list(differences(verdict, verdict)) == []


def test_a_later_judge_may_ask_more_and_say_it_otherwise(verdict: DrillVerdict) -> None:
    more = replace(verdict, criteria=[Criterion("sees", "pass"), *verdict.criteria], why="in other words")
    assert list(differences(verdict, with_recovered(more, why="so", title="Back"))) == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"verdict": "fail"}, "verdict: pass, now fail"),
        ({"recovered_seconds": 3.0}, "recovered_seconds: 10.0"),
        ({"credit": "nobody"}, "credit: "),
        ({"outages": []}, "outages: "),
        ({"criteria": []}, "criteria: "),
        ({"writes": None}, "writes: "),
    ],
)
def test_what_is_judged_otherwise_is_named(
    verdict: DrillVerdict, changes: dict[str, Any], place: str
) -> None:
    if verdict.credit == changes.get("credit"):
        changes = {"credit": "runbook"}
    assert any(place in each for each in differences(verdict, replace(verdict, **changes)))


@pytest.mark.parametrize(
    "changes",
    [{"verdict": "inconclusive"}, {"value": 11.0}, {"limit": 1e9}, {"samples": 1}, {"interval": (1.0, 2.0)}],
)
def test_so_is_each_figure_of_a_criterion(verdict: DrillVerdict, changes: dict[str, Any]) -> None:
    (differs,) = differences(verdict, with_recovered(verdict, **changes))
    assert differs.startswith(f"criteria.recovered.{next(iter(changes))}: ")


def test_so_is_a_criterion_that_is_gone(verdict: DrillVerdict) -> None:
    fewer = replace(verdict, criteria=[each for each in verdict.criteria if each.name != "recovered"])
    (differs,) = differences(verdict, fewer)
    assert differs.startswith("criteria.recovered: ")
    assert differs.endswith("now (absent)")
