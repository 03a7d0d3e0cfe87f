"""Journals that look green although something went wrong are refused (the Chaos Toolkit ends all of these
with status 0).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drill.errors import FaultError, InputError
from drill.inject.journal import complaints, read_journal


def a_journal() -> dict[str, Any]:
    """What chaostoolkit-lib 1.44 writes when all goes well."""

    def ran(name: str) -> dict[str, Any]:
        return {"activity": {"name": name, "type": "action"}, "status": "succeeded", "output": "done"}

    return {
        "chaoslib-version": "1.44.0",
        "status": "completed",
        "deviated": False,
        "steady_states": {
            "before": {"steady_state_met": True, "probes": [ran("health")]},
            "after": None,
            "during": [],
        },
        "run": [ran("announce"), ran("inject"), ran("hold")],
        "rollbacks": [ran("undo")],
    }


def complaints_of(journal: dict[str, Any], folder: Path) -> list[str]:
    path = folder / "journal.json"
    path.write_text(json.dumps(journal))
    return complaints(read_journal(path), activities=3, rollbacks=1)


def test_a_good_journal_has_nothing_to_complain_about(tmp_path: Path) -> None:
    assert complaints_of(a_journal(), tmp_path) == []


def test_a_target_that_was_not_healthy_before(tmp_path: Path) -> None:
    journal = a_journal()
    journal["steady_states"]["before"]["steady_state_met"] = False
    assert any("not healthy before the injection" in line for line in complaints_of(journal, tmp_path))


def test_a_steady_state_that_nobody_looked_at(tmp_path: Path) -> None:
    journal = a_journal()
    journal["steady_states"]["before"] = None
    assert complaints_of(journal, tmp_path) == [
        "the target was not healthy before the injection (it was not looked at)"
    ]


@pytest.mark.parametrize(("part", "index"), [("run", 0), ("run", 1), ("run", 2), ("rollbacks", 0)])
def test_an_activity_that_raised(tmp_path: Path, part: str, index: int) -> None:
    journal = a_journal()
    journal[part][index] |= {
        "status": "failed",
        "output": None,
        "exception": ["Traceback\n", "FaultError: there was nothing to kill\n"],
    }
    found = complaints_of(journal, tmp_path)
    assert found == [
        f"{journal[part][index]['activity']['name']}: failed, FaultError: there was nothing to kill"
    ]


@pytest.mark.parametrize(
    ("part", "complaint"),
    [("run", "expected 3 activities, 2 were run"), ("rollbacks", "expected 1 rollbacks, 0 were run")],
)
def test_an_activity_that_never_ran(tmp_path: Path, part: str, complaint: str) -> None:
    journal = a_journal()
    journal[part].pop()
    assert complaints_of(journal, tmp_path) == [complaint]


@pytest.mark.parametrize("status", ["interrupted", "aborted", "failed"])
def test_an_experiment_that_did_not_complete(tmp_path: Path, status: str) -> None:
    assert complaints_of(a_journal() | {"status": status}, tmp_path) == [
        f"the experiment ended as {status!r}"
    ]


def test_a_deviation(tmp_path: Path) -> None:
    assert complaints_of(a_journal() | {"deviated": True}, tmp_path) == ["the steady state deviated"]


def test_no_journal_at_all(tmp_path: Path) -> None:
    with pytest.raises(FaultError, match="left no journal"):
        read_journal(tmp_path / "journal.json")


def test_a_journal_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_text(json.dumps(a_journal())[:100])
    with pytest.raises(InputError, match=r"journal\.json"):
        read_journal(path)
