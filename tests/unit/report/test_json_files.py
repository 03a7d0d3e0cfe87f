"""What a run's JSON files say wrong is named: file, line, value, and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from drill.errors import InputError
from drill.judge.verdict import Phase
from drill.recording.events import SCHEMA_VERSION
from drill.run.facts import Facts, Finding, Input, StoredDrill, read_facts, write_facts
from drill.run.json_file import decode_file

FACTS = Facts(
    "r1",
    "2026-11-24",
    "Web",
    started_wall=1.7e9,
    inputs=[Input("runbook", "runbook.md", "inputs/runbook.md", "0" * 64)],
    drills=[StoredDrill("d1", "One", "evidence/d1"), StoredDrill("d2", "Two", "evidence/d2")],
    findings=[Finding("doubt", "One", "no")],
)


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (
            '"started_wall": 1700000000.0',
            '"started_wall": "soon"',
            "'soon' is not right here: expected started_wall: Expected a number",
        ),
        (
            '"started_wall": 1700000000.0',
            '"started_wall": 1e300',
            "'1e+300' is not right here: expected started_wall: seconds since 1970",
        ),
        (
            '"cores": 0',
            '"cores": 10000000000000000',
            "'10000000000000000' is not right here: expected machine.cores: a number of",
        ),
        (
            '"folder": "evidence/d2"',
            '"folder": null',
            "'None' is not right here: expected drills[1].folder: Expected text",
        ),
        (
            '"folder": "evidence/d2"',
            '"folder": "../d2"',
            "'../d2' is not right here: expected drills[1].folder: the path of something in the run's folder",
        ),
        (
            '"folder": "evidence/d2"',
            '"folder": "/etc"',
            "'/etc' is not right here: expected drills[1].folder: the path",
        ),
        (
            '"folder": "evidence/d2"',
            '"folder": ""',
            "'' is not right here: expected drills[1].folder: the path",
        ),
        (
            '"kept": "inputs/runbook.md"',
            '"kept": "a\\u0000b"',
            "'a\\x00b' is not right here: expected inputs[0].kept: the path",
        ),
        (
            '"role": "runbook"',
            '"role": "cook"',
            "'cook' is not right here: expected inputs[0].role: Invalid enum value 'cook'",
        ),
        (
            '"name": "runbook.md"',
            '"nmae": "runbook.md"',
            "expected inputs[0]: Object contains unknown field 'nmae'",
        ),
        ('"scenario": "Two"', '"scenario": Two', "expected the facts of a run, as JSON"),
        (
            f'"schema": {SCHEMA_VERSION}',
            '"schema": 1',
            "'1' is not right here: expected schema: 2: this run was recorded by another version",
        ),
        (
            '"tools": {}',
            '"tools": ' + "[" * 5000 + "]" * 5000,
            "expected the facts of a run, with values within at most 50 others",
        ),
        (
            '"tools": {}',
            '"toils": ' + "[" * 5000 + "]" * 5000,
            "expected the facts of a run, with values within at most 50 others",
        ),
    ],
)
def test_what_is_wrong_in_run_json_is_named(tmp_path: Path, good: str, bad: str, said: str) -> None:
    write_facts(tmp_path, FACTS)
    assert read_facts(tmp_path) == FACTS
    path = tmp_path / "run.json"
    text = path.read_text(encoding="utf-8")
    assert text.count(good) == 1
    path.write_text(text.replace(good, bad), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_facts(tmp_path)
    assert said in str(caught.value)
    first = text[: text.index(good)].count("\n") + 1
    assert caught.value.line == (first - 2 if "nmae" in bad else first), "an unknown field is in its object"


def _cut(content: bytes) -> bytes:
    return content[:100]


def _latin(content: bytes) -> bytes:
    return content.replace(b"Web", b"W\xe9b")


def _nothing(content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize(("spoil", "line"), [(_cut, None), (_latin, 4), (_nothing, 1)])
def test_what_is_no_json_is_named(tmp_path: Path, spoil: Callable[[bytes], bytes], line: int | None) -> None:
    content = msgspec.json.format(msgspec.json.encode(FACTS), indent=2)
    (tmp_path / "run.json").write_bytes(spoil(content))
    with pytest.raises(InputError, match="expected the facts of a run, ") as caught:
        read_facts(tmp_path)
    assert caught.value.line == (line or spoil(content).count(b"\n") + 1)


def test_what_nobody_reads_does_not_hide_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    path.write_bytes(b'{"other": "\xff",\n"seconds": 1e300, "name": "x"}')
    with pytest.raises(
        InputError, match=r"verdict.json:2: '1e\+300' is not right here: expected seconds: "
    ) as caught:
        decode_file(path, Phase, "a moment")
    assert caught.value.line == 2
