"""[gate] of drill.toml is read strictly: what does not fit is named by file, line and value."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from drill import settings as target_settings
from drill.errors import InputError
from drill.settings import Gate, Settings
from drill.settings.gate import MINIMUM_EFFECTS, UNITS

ROOT = Path(__file__).parents[3]
GOOD = """
[gate]
false_alarms = 0.02
block = ["p95", "recovery"]
warn = ["memory"]
minimum_effects = { p95 = 0.1, recovery = 5.0 }

[[gate.waivers]]
criterion = "p95 GET /campaigns"
owner = "A. Person"
reason = "the index is being rebuilt"
expires = 2027-01-31
"""


def read(folder: Path, text: str) -> Settings:
    """The second service's file, with that at its end."""
    shutil.copytree(ROOT / "tests" / "second_service", folder, dirs_exist_ok=True)
    with (folder / "drill.toml").open("a") as file:
        file.write(text)
    return target_settings.load(folder / "drill.toml")


def test_the_policy_is_read_and_what_it_leaves_out_is_drills_own(tmp_path: Path) -> None:
    gate = read(tmp_path, GOOD).gate
    assert (gate.block, gate.warn, gate.false_alarms) == (("p95", "recovery"), ("memory",), 0.02)
    assert (gate.minimum_effect("p95"), gate.minimum_effect("recovery")) == (0.1, 5.0)
    assert gate.minimum_effect("memory") == MINIMUM_EFFECTS["memory"]
    assert gate.waivers[0].expires == date(2027, 1, 31)


def test_every_criterion_is_named_once_and_has_its_effect_and_unit() -> None:
    gate = Gate()
    assert sorted({*gate.block, *gate.warn} - {"limits", "drift"}) == sorted(MINIMUM_EFFECTS) == sorted(UNITS)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("false_alarms = 0.02", "false_alarms = 0.5", "less than or equal to 0.2"),
        ('block = ["p95", "recovery"]', 'block = ["p96"]', "'p95'"),
        ('warn = ["memory"]', 'warn = ["memory", "p95"]', "a criterion that is not in gate.block as well"),
        ("p95 = 0.1,", "p95 = -0.1,", "greater than 0"),
        ("p95 = 0.1,", "speed = 0.1,", "'p95'"),
        ('criterion = "p95 GET /campaigns"', 'criterion = "everything"', "one of p50, p95"),
        ('owner = "A. Person"', 'owner = ""', "some text"),
        ("expires = 2027-01-31", 'expires = "soon"', "date"),
        ("expires = 2027-01-31", "expires = 2027-01-31\nuntil = 1", "a name that drill knows"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, right: str, wrong: str, expected: str) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, GOOD.replace(right, wrong))
    assert expected in str(raised.value)
    text = (tmp_path / "drill.toml").read_text()
    place = text.index(wrong.rpartition("\n")[2] if "until" in wrong else wrong)
    assert raised.value.line == text[:place].count("\n") + 1


def test_a_waiver_without_owner_reason_or_day_is_refused(tmp_path: Path) -> None:
    for key in ("owner", "reason", "expires"):
        lines = [line for line in GOOD.splitlines() if not line.startswith(key)]
        with pytest.raises(InputError, match=f"gate.waivers.0.{key}"):
            read(tmp_path / key, "\n".join(lines))


def test_two_waivers_of_one_criterion_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a name that no other has"):
        read(tmp_path, GOOD + GOOD.partition("\n\n")[2])
