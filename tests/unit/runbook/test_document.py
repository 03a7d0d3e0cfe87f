"""Reading a runbook: the places and lines of its parts, and what is said when a place is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.errors import InputError, UsageError
from drill.runbook import backup_schedule_items, baseline_items, parse, severity_limits
from drill.runbook.document import parts_of

ROOT = Path(__file__).parents[3]
AS_FIRST_WRITTEN = ROOT / "runbook" / "as-first-written.md"
CORRECTED = ROOT / "runbook" / "operations-runbook.md"

TEXT = """# Top

## One (P1)

**Look:**
```bash
# First
echo 1

# Second
echo \\
  2
```

**Act**: words
```sh
true
```

## 2. Two

- **Wait**: < 15 minutes
- five

### Look

```
plain
```

## Three

### Look

```bash
#!/bin/bash
# a

# a
```
"""


def write(folder: Path, text: str = TEXT) -> Path:
    path = folder / "runbook.md"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", [AS_FIRST_WRITTEN, CORRECTED], ids=["as first written", "corrected"])
def test_every_step_stands_in_the_file_at_its_line(path: Path) -> None:
    book = parse(path)
    lines = path.read_text(encoding="utf-8").split("\n")
    assert len(book.steps) == 26
    for step in book.steps:
        text = step.text.splitlines()
        assert lines[step.line - 1 : step.line - 1 + len(text)] == text
        assert lines[step.line - 2].startswith("```")
        for part in parts_of(step):
            assert (
                lines[part.line - 1 : part.line - 1 + len(part.text.splitlines())] == part.text.splitlines()
            )


def test_the_corrected_runbook_has_the_sections_steps_and_limits_of_the_first() -> None:
    first, corrected = parse(AS_FIRST_WRITTEN), parse(CORRECTED)
    assert [section.path for section in corrected.sections] == [section.path for section in first.sections]
    assert [step.name for step in corrected.steps] == [step.name for step in first.steps]
    for items in (severity_limits, baseline_items, backup_schedule_items):
        assert [text for _, text in items(corrected)] == [text for _, text in items(first)]


def test_limits_are_read_with_their_lines() -> None:
    book = parse(AS_FIRST_WRITTEN)
    assert severity_limits(book)[0] == (14, "**P0**: Immediate response (< 15 minutes)")
    assert [line for line, _ in baseline_items(book)] == [546, 547, 548, 549, 550]
    assert backup_schedule_items(book)[0] == (238, "**Database**: Every 6 hours")


def test_a_step_is_found_by_section_label_and_part(tmp_path: Path) -> None:
    book = parse(write(tmp_path))
    step = book.step("One", "look")
    assert (step.line, step.label, step.language) == (7, "Look", "bash")
    part = book.step("One (P1)", "Look", "# second")
    assert (part.line, part.text) == (10, "# Second\necho \\\n  2\n")
    assert book.step("One", "Act").text == "true\n"
    assert book.step("Two > Look").text == "plain\n"
    assert not book.step("Two > Look").is_shell


def test_numbers_carry_comparison_unit_and_line(tmp_path: Path) -> None:
    numbers = [
        (number.line, number.value, number.unit, number.comparison)
        for number in parse(write(tmp_path)).numbers
    ]
    assert (22, 15.0, "minutes", "<") in numbers


@pytest.mark.parametrize(
    ("place", "line", "says"),
    [
        (("Oen",), None, "near to it: 'One (P1)'"),
        (("Look",), 25, "only one section"),
        (("One",), 3, "by label: 'Look', 'Act'"),
        (("One", "Lok"), 3, "near to it: 'Look'"),
        (("One", "Look", "Secnd"), 7, "near to it: 'Second'"),
        (("Two",), 20, "a fenced block right below"),
        (("Three > Look", None, "a"), 36, "begins only one paragraph"),
    ],
)
def test_what_is_not_there_is_an_error_with_file_line_and_near_names(
    tmp_path: Path, place: tuple[str, ...], line: int | None, says: str
) -> None:
    path = write(tmp_path, TEXT.replace("#!/bin/bash\n", ""))
    with pytest.raises(InputError) as caught:
        parse(path).step(*place)
    assert (caught.value.path, caught.value.line) == (path, line)
    assert says in str(caught.value)


def test_no_file_no_heading_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        parse(tmp_path / "none.md")
    with pytest.raises(InputError, match="headings"):
        parse(write(tmp_path, "words only\n"))
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        parse(tmp_path / "binary.md")
