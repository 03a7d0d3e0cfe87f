"""A drill whose verdict differs although nothing changed is a finding with its rate; one that changed with
its image is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drill.history.flaky import flaky_drills, last_verdicts
from drill.history.store import History, PastDrill
from tests.unit.history.stored_runs import IMAGES, SMALL, store_run

FAILS = replace(SMALL, verdict="fail")
NEWER = IMAGES | {"redis/redis": "redis@sha256:cccccccccc"}


def nights(folder: Path, verdicts: str, **images: dict[str, str]) -> list[PastDrill]:
    """P passes, F fails, S could not be carried out; `images`: of a night by its number, n0 the first."""
    shapes = {"P": SMALL, "F": FAILS, "S": replace(SMALL, verdict="setup")}
    history = History(folder / "history.sqlite")
    for number, letter in enumerate(verdicts):
        run = store_run(
            folder, f"n{number}", day=number, shapes=(shapes[letter],), images=images.get(f"n{number}")
        )
        history.add(run)
    return history.drills()


def test_a_verdict_that_differs_is_a_finding_with_its_rate(tmp_path: Path) -> None:
    drills = nights(tmp_path, "PPFPP")
    (found,) = flaky_drills(drills, "n4")
    assert found.rate == pytest.approx(0.2)
    assert found.usual == "pass"
    assert found.text.endswith("flaky, 20% of 5 runs of the same digests (4 pass, 1 fail)")
    assert last_verdicts(drills, "n4") == {SMALL.scenario: ["pass", "pass", "fail", "pass", "pass"]}


@pytest.mark.parametrize("verdicts", ["PPPP", "FFFF", "PSPP", "P"])
def test_the_same_verdict_is_none_and_what_could_not_be_carried_out_says_nothing(
    tmp_path: Path, verdicts: str
) -> None:
    assert flaky_drills(nights(tmp_path, verdicts), f"n{len(verdicts) - 1}") == []


def test_another_image_is_another_matter(tmp_path: Path) -> None:
    drills = nights(tmp_path, "FFPP", n2=NEWER, n3=NEWER)
    assert flaky_drills(drills, "n3") == []
    assert len(last_verdicts(drills, "n3")[SMALL.scenario]) == 4


def test_of_runs_of_one_name_it_is_the_newest(tmp_path: Path) -> None:
    drills = nights(tmp_path, "FPPP", n2=NEWER, n3=NEWER)
    named = [replace(each, run=replace(each.run, run="night")) for each in drills]
    assert len(flaky_drills(named[:2], "night")) == 1
    assert flaky_drills(named, "night") == []


def test_only_the_last_ten_count(tmp_path: Path) -> None:
    assert flaky_drills(nights(tmp_path / "a", "F" + "P" * 10), "n10") == []
    assert len(flaky_drills(nights(tmp_path / "b", "F" + "P" * 9), "n9")) == 1
