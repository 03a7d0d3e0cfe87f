"""The errata: what they say is in the runbook as first written, and errors in them are named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from drill.errors import InputError, UsageError
from drill.judge.criteria import CRITERIA
from drill.recording.events import CommandFinished
from drill.runbook import Defect, Evidence, load_errata, parse

ROOT = Path(__file__).parents[3]
COMMAND = CommandFinished(
    line=95,
    command="redis-cli ping",
    status=0,
    started=1.0,
    finished=2.0,
    output="NOAUTH Authentication required.\n",
)
ENTRY = "- {id: RB-001, section: S, line: 3, what: w, as_written: a, as_corrected: b"


def test_every_defect_names_a_section_and_a_line_inside_it() -> None:
    book = parse(ROOT / "runbook" / "as-first-written.md")
    for defect in load_errata(ROOT / "runbook" / "errata.yaml"):
        section = book.section(defect.section)
        assert section.line < defect.line <= section.last_line, defect.id


def test_evidence_is_of_lines_that_an_operator_carries_out() -> None:
    """Of any section: what one command leaves is seen by another's."""
    blocks = parse(ROOT / "runbook" / "as-first-written.md").steps
    carried_out = {line for block in blocks for line in range(block.line, block.last_line)}
    for defect in load_errata(ROOT / "runbook" / "errata.yaml"):
        assert {piece.line for piece in defect.evidence} <= carried_out, defect.id


def test_every_correction_marked_in_the_runbook_is_a_known_defect() -> None:
    text = (ROOT / "runbook" / "operations-runbook.md").read_text(encoding="utf-8")
    for defect in load_errata(ROOT / "runbook" / "errata.yaml"):
        assert defect.id in text


@pytest.mark.parametrize(
    ("evidence", "holds"),
    [
        ({"line": 95, "status": 0, "output_matches": "NOAUTH", "output_lacks": "PONG"}, True),
        ({"line": 95, "command_matches": "redis-cli"}, True),
        ({"line": 96}, False),
        ({"line": 95, "status": 1}, False),
        ({"line": 95, "status": -1}, False),
        ({"line": 95, "interrupted": True}, False),
        ({"line": 95, "output_matches": "PONG"}, False),
        ({"line": 95, "output_lacks": "NOAUTH"}, False),
        ({"line": 95, "command_matches": "kubectl"}, False),
    ],
)
def test_evidence_holds_for_exactly_its_reason(evidence: dict[str, object], holds: bool) -> None:
    assert Evidence.model_validate(evidence).holds(COMMAND) is holds


def test_what_was_kept_only_in_part_lacks_nothing() -> None:
    part = msgspec.structs.replace(COMMAND, cut=True)
    lacks = Evidence(line=95, output_lacks="PONG")
    assert lacks.holds(COMMAND)
    assert not lacks.holds(part)
    assert Evidence(line=95, output_matches="NOAUTH").holds(part)


LATER = msgspec.structs.replace(COMMAND, line=96)


@pytest.mark.parametrize(
    ("commands", "failed", "proven"),
    [
        ([COMMAND], ["recovered", "early_end"], True),
        ([COMMAND], [], False),
        ([COMMAND], ["recovered"], False),
        ([LATER, COMMAND], ["early_end"], True),
        ([COMMAND, LATER], ["early_end"], False),
        ([LATER], ["early_end"], False),
        ([], ["early_end"], False),
    ],
)
def test_a_criterion_is_evidence_where_it_fails_after_that_command(
    commands: list[CommandFinished], failed: list[str], proven: bool
) -> None:
    piece = Evidence.model_validate({"line": 95, "criterion": "early_end"})
    assert {piece.criterion} <= {question.name for question in CRITERIA}
    defect = Defect(
        id="RB-001", section="S", line=95, what="w", as_written="a", as_corrected="b", evidence=(piece,)
    )
    assert defect.proven_by(commands, failed) is proven


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("id: RB-001\n", 1, "a list of defects"),
        (f"{ENTRY}}}\n- {{id: RB-001\n", 2, "YAML"),
        (f"{ENTRY}}}\n{ENTRY}}}\n", 2, "no other defect"),
        ("\n" + ENTRY.replace("RB-001", "R1") + "}\n", 2, "id: "),
        (ENTRY.replace("line: 3", "line: x") + "}\n", 1, "line: "),
        (ENTRY + ", evidence: [{line: 1,\n  output_matches: '('}]}\n", 2, "regular expression"),
        (ENTRY + ",\n  evidnce: []}\n", 2, "a name that drill knows"),
        (
            ENTRY + ", evidence: [{line: 1,\n  criterion: recovered}]}\n",
            2,
            "'recovered' is not right here: expected evidence.0.criterion: Input should be 'early_end'",
        ),
        (ENTRY.replace("what: w, ", "") + "}\n", 1, "what"),
        (ENTRY + ", line: 4}\n", 1, "a key that is given once"),
        (ENTRY.replace("line: 3", "line: " + "1" * 5000) + "}\n", 1, "at most 40 digits"),
        (ENTRY.replace("what: w", "what: 2024-13-45") + "}\n", 1, "a value that can be read"),
        (ENTRY.replace("what: w", "what: !!python/name:os.system x") + "}\n", 1, "a plain value"),
        (ENTRY.replace("what: w", "what: \x07") + "}\n", 1, "YAML"),
        ("\n" + "[" * 100_000, 2, "within at most 50 others"),
        ("- &a [*a]\n", 1, "no alias"),
        ("- ? [1]\n  : 2\n", 1, "a plain value as key"),
        ("a: 1\n--- 2\n", 2, "YAML"),
        ("- RB-001\n", 1, "a defect: names with values"),
    ],
)
def test_bad_errata_are_named_with_file_line_and_value(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    path = tmp_path / "errata.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_errata(path)
    assert (caught.value.path, caught.value.line) == (path, line)
    assert says in str(caught.value)


def test_no_file_a_folder_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_errata(tmp_path / "errata.yaml")
    with pytest.raises(UsageError, match="a folder"):
        load_errata(tmp_path)
    (tmp_path / "errata.yaml").write_bytes(b"\n\n- \xff")
    with pytest.raises(InputError, match=r"errata\.yaml:3: .*UTF-8"):
        load_errata(tmp_path / "errata.yaml")


def test_a_file_of_aliases_of_aliases_is_refused_at_once(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    (tmp_path / "errata.yaml").write_text(bomb)
    with pytest.raises(InputError, match="no alias that makes the file that large"):
        load_errata(tmp_path / "errata.yaml")
