"""How long a run may still take, from what its scenarios took before."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from drill.history.store import History, PastDrill
from drill.plugin.progress import left_words, took_seconds
from tests.unit.commands import ROOT, python
from tests.unit.history.stored_runs import SMALL, store_run


@pytest.mark.parametrize(
    ("waiting", "expected", "words"),
    [
        (["a", "b"], {"a": 60.0, "b": 120.0}, "; about 3 min left"),
        (["a", "c"], {"a": 60.0, "b": 120.0}, "; about 2 min left, 1 of 2 guessed"),
        (["a"], {"a": 2.0}, "; about 1 min left"),
        (["c"], {"a": 60.0}, ""),
        (["a"], {}, ""),
    ],
)
def test_the_time_left_is_told_or_guessed_or_not_said(
    waiting: list[str], expected: dict[str, float], words: str
) -> None:
    assert left_words(waiting, expected) == words


def past(tmp_path: Path, *begun: tuple[float, str, str, str]) -> list[PastDrill]:
    """Drills of a history, of which each is given: when it began, its scenario, its run, and the run that it
    was kept from."""
    history = History(tmp_path / "history.sqlite")
    history.add(store_run(tmp_path / "reports", "one", shapes=[SMALL]))
    (one,) = history.drills()
    numbers = {run: number for number, (_, _, run, _) in enumerate(begun)}
    return [
        replace(
            one,
            run=replace(one.run, id=numbers[run], run=run, started_wall=float(numbers[run])),
            scenario=scenario,
            began_wall=wall,
            kept_run=kept,
        )
        for wall, scenario, run, kept in begun
    ]


def test_a_drill_lasts_until_the_next_one_of_its_run_begins(tmp_path: Path) -> None:
    drills = past(
        tmp_path,
        (100.0, "a", "first", ""),
        (130.0, "b", "first", ""),
        (50.0, "control", "first", "earlier"),
        (200.0, "c", "first", ""),
        (1000.0, "a", "second", ""),
        (1050.0, "b", "second", ""),
        (9000.0, "c", "second", ""),
    )
    assert took_seconds(drills) == {"a": 40.0, "b": 70.0}
    assert took_seconds([]) == {}


def test_a_run_says_which_drill_begins(tmp_path: Path) -> None:
    """Without a cluster no drill comes about; the line is there before."""
    folder = tmp_path / "service"
    ignored = shutil.ignore_patterns("__pycache__", "reports")
    shutil.copytree(ROOT / "tests" / "second_service", folder, ignore=ignored)
    done = python(folder, "-m", "pytest", "features", "--run", "first")
    assert done.returncode == 3, done.stdout
    told = re.findall(r"^drill (\d+) of (\d+): \w.*$", done.stderr, re.MULTILINE)
    assert told
    assert [int(number) for number, _ in told] == list(range(1, len(told) + 1))
    assert {int(count) for _, count in told} == {len(told)}
    assert "min left" not in done.stderr
