"""Drills spread over clusters: the same parts wherever one asks, a drill and its control in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.plugin.shards import shard_of, spread
from drill.run.facts import read_facts
from tests.unit.commands import ROOT, python


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "a/b", "1/3/5", "-1/3", "1 / 3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(pytest.UsageError, match="expected K/N, the K-th of N parts"):
        shard_of(text)


def test_a_shard_is_read() -> None:
    assert shard_of("2/3") == (2, 3)
    assert shard_of("3/3") == (3, 3)


def test_groups_are_spread_evenly_and_always_alike() -> None:
    groups = [("redis", "a"), ("redis", "b"), ("pods", "c"), ("node", "d"), ("redis", "e"), ("disk", "f")]
    parts = spread(groups, 2)
    assert parts == {"redis": 1, "pods": 2, "node": 2, "disk": 2}
    assert spread(list(reversed(groups)), 2) == parts
    assert set(spread(groups, 9).values()) == {1, 2, 3, 4}
    assert set(spread(groups, 1).values()) == {1}


def collected(*arguments: str) -> tuple[int, list[str], str]:
    command = ["-m", "pytest", "features", "-m", "nightly", "--collect-only", "-q", *arguments]
    done = python(ROOT, *command)
    tests = [line for line in done.stdout.splitlines() if "::" in line]
    return done.returncode, tests, done.stderr


def test_the_parts_of_the_nightly_are_the_nightly() -> None:
    whole = collected()[1]
    parts = [collected(f"--shards={number}/2")[1] for number in (1, 2)]
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    assert all(parts)
    for control, drill in (
        ("test_nobody_acts_on_a_corrupted_database", "as_corrected_puts_the_last_backup_back"),
        ("test_nobody_acts_on_a_service_that_was_scaled_away", "the_emergency_scaleup_brings_back"),
    ):
        (part,) = [part for part in parts if any(control in test for test in part)]
        assert any(drill in test for test in part)


def test_a_run_knows_what_its_command_line_leaves_out(tmp_path: Path) -> None:
    """Not what goes to another shard. There is no cluster here: the run begins, and ends with 3."""
    words = ["-m", "gate and not control", "--shards", "1/2", "--reports", str(tmp_path), "--run", "part"]
    assert python(ROOT, "-m", "pytest", "features", *words).returncode == 3
    left_out = read_facts(tmp_path / "part").not_selected
    assert "The platform brings back a killed Redis" in left_out
    assert "Nobody acts on a corrupted database" in left_out
    assert "Restarting Redis lets locked-out clients back in" not in left_out
    assert "The emergency scale-up brings back a service that was scaled away" not in left_out


def test_a_part_that_is_empty_or_none_at_all_is_refused() -> None:
    status, _, said = collected("--shards=50/50")
    assert status == 3
    assert "nothing is left for it" in said
    status, _, said = collected("--shards=2/1")
    assert status != 0
    assert "expected K/N" in said
