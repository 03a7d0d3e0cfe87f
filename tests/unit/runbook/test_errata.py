"""The errata: what they say is in the runbook as first written, and errors in them are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.errors import InputError, UsageError
from drill.runbook import Evidence, load_errata, parse

ROOT = Path(__file__).parents[3]
COMMAND = {
    "line": 95,
    "command": "redis-cli ping",
    "status": 0,
    "interrupted": False,
    "output": "NOAUTH Authentication required.\n",
}
ENTRY = "- {id: RB-001, section: S, line: 3, what: w, as_written: a, as_corrected: b"


def test_every_defect_names_a_section_and_a_line_inside_it() -> None:
    book = parse(ROOT / "runbook" / "as-first-written.md")
    for defect in load_errata(ROOT / "runbook" / "errata.yaml"):
        section = book.section(defect.section)
        for line in (defect.line, *(piece.line for piece in defect.evidence)):
            assert section.line < line <= section.last_line, defect.id


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


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("id: RB-001\n", 1, "a list of defects"),
        (f"{ENTRY}}}\n- {{id: RB-001\n", 3, "YAML"),
        (f"{ENTRY}}}\n{ENTRY}}}\n", 2, "no other defect"),
        ("\n" + ENTRY.replace("RB-001", "R1") + "}\n", 2, "id: "),
        (ENTRY.replace("line: 3", "line: x") + "}\n", 1, "line: "),
        (ENTRY + ", evidence: [{line: 1,\n  output_matches: '('}]}\n", 2, "regular expression"),
        (ENTRY + ",\n  evidnce: []}\n", 2, "a known field"),
        (ENTRY.replace("what: w, ", "") + "}\n", 1, "what"),
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


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_errata(tmp_path / "errata.yaml")
