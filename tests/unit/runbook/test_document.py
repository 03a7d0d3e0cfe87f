"""Reading a runbook: the places and lines of its parts, and what is said when a place is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drill.errors import InputError, UsageError
from drill.runbook import backup_schedule_items, baseline_items, parse, severity_limits
from drill.runbook.document import Step, parts_of

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
    assert len(book.steps) == {AS_FIRST_WRITTEN: 26, CORRECTED: 32}[path]
    for step in book.steps:
        text = step.text.splitlines()
        assert lines[step.line - 1 : step.line - 1 + len(text)] == text
        assert lines[step.line - 2].startswith("```")
        for part in parts_of(step):
            assert (
                lines[part.line - 1 : part.line - 1 + len(part.text.splitlines())] == part.text.splitlines()
            )


ADDED_SECTIONS = ("Backup Verification in the Cluster",)
ADDED_STEPS = (
    *ADDED_SECTIONS,
    "2. High Error Rate (P1) / A Changed Password",
    "Weekly Checklist",
    "Monthly Checklist",
    "Full System Recovery / The Service",
    "Security Monitoring",
)
"""What corrections made necessary: what was not in the text as first written at all."""


def test_the_corrected_runbook_has_the_sections_steps_and_limits_of_the_first() -> None:
    first, corrected = parse(AS_FIRST_WRITTEN), parse(CORRECTED)
    paths = [section.path for section in corrected.sections if section.title not in ADDED_SECTIONS]
    assert paths == [section.path for section in first.sections]
    steps = [step.name.removesuffix(" / Infrastructure") for step in corrected.steps]
    assert [name for name in steps if name not in ADDED_STEPS] == [step.name for step in first.steps]
    assert {*ADDED_STEPS} < {*steps}
    for items in (severity_limits, baseline_items, backup_schedule_items):
        assert [text for _, text in items(corrected)] == [text for _, text in items(first)]


def test_limits_are_read_with_their_lines() -> None:
    book = parse(AS_FIRST_WRITTEN)
    assert severity_limits(book)[0] == (14, "**P0**: Immediate response (< 15 minutes)")
    assert [line for line, _ in baseline_items(book)] == [546, 547, 548, 549, 550]
    assert backup_schedule_items(book)[0] == (238, "**Database**: Every 6 hours")


def test_a_step_is_found_by_section_label_and_part(tmp_path: Path) -> None:
    book = parse(write(tmp_path))
    step = book.step("One / look")
    assert (step.line, step.label, step.language) == (7, "Look", "bash")
    part = book.step("One (P1) / Look / # second")
    assert (part.line, part.text) == (10, "# Second\necho \\\n  2\n")
    assert book.step("One / # Second") == part
    assert book.step("One / Act").text == "true\n"
    assert book.step("Two > Look").text == "plain\n"
    assert not book.step("Two > Look").is_shell
    assert book.step("Two > Look").may_be_shell


MANY = """A sentence first.
```sh
echo preamble
```
# Top

Do this first. Then look:
```
echo 1
```

- restart it
  ```console
  $ echo 2 \\
  >   more
  said 2
  # a remark
  ```
- `drain` the node
   ```shell-session
   # echo 3
   said 3
   ```

> quoted, too
> ```zsh
> echo 4
> ```

**Label**:
```yaml
a: 1
```
**Label**:
~~~bash {.numbered}
echo 6
~~~

## Inner / Other

### Steps

```text
echo 7
```
# Second

## Inner / Other

### Steps

```sh
echo 8
```
"""


@pytest.mark.parametrize(
    ("place", "line", "text"),
    [
        ("before the first heading", 3, "echo preamble\n"),
        ("Top / Do this first. Then look", 9, "echo 1\n"),
        ("Top / Then look:", 9, "echo 1\n"),
        ("Top / 1", 9, "echo 1\n"),
        ("Top / block 1", 9, "echo 1\n"),
        ("Top / restart it", 14, "echo 2 \\\n  more\n\n# a remark\n"),
        ("Top / 2", 14, "echo 2 \\\n  more\n\n# a remark\n"),
        ("Top / drain the node", 21, "echo 3\n\n"),
        ("Top / quoted, too", 27, "echo 4\n"),
        ("Top / 4", 27, "echo 4\n"),
        ("Top / line 36", 36, "echo 6\n"),
        ("line 36", 36, "echo 6\n"),
        ("line 35", 36, "echo 6\n"),
        ("(line 37)", 36, "echo 6\n"),
        ("Top / 6", 36, "echo 6\n"),
        ("Top / Inner / Other / Steps", 44, "echo 7\n"),
        ("Second > Inner / Other > Steps", 53, "echo 8\n"),
        ("Second / Steps", 53, "echo 8\n"),
        ("Second / Steps / 1", 53, "echo 8\n"),
        ("line 53", 53, "echo 8\n"),
    ],
)
def test_every_fence_can_be_named(tmp_path: Path, place: str, line: int, text: str) -> None:
    step = parse(write(tmp_path, MANY)).step(place)
    assert (step.line, step.text) == (line, text)


@pytest.mark.parametrize("text", [TEXT, MANY], ids=["few", "many"])
def test_the_place_that_is_offered_for_a_fence_leads_to_it(tmp_path: Path, text: str) -> None:
    book = parse(write(tmp_path, text))
    assert [book.step(book.place_of(step)) for step in book.steps] == list(book.steps)


@pytest.mark.parametrize("path", [AS_FIRST_WRITTEN, CORRECTED], ids=["as first written", "corrected"])
def test_each_fence_of_our_runbooks_has_a_place_without_a_line(path: Path) -> None:
    book = parse(path)
    places = [book.place_of(step) for step in book.steps]
    assert [book.step(place) for place in places] == list(book.steps)
    assert not [place for place in places if place.startswith("line ")]


def offered(text: str) -> list[str]:
    """The places that an error says would be right."""
    return re.findall(r"'([^']+)'", text.partition("its places: ")[2])


@pytest.mark.parametrize(
    ("place", "line", "says"),
    [
        ("Oen", None, "near to it: 'One (P1)'"),
        ("Look", 25, "only one section"),
        ("One", 3, "one of its blocks; its places: 'One (P1) / Look', 'One (P1) / Act'"),
        ("One / Lok", 3, "near to it: 'Look'"),
        ("One / 3", 3, "its places: 'One (P1) / Look', 'One (P1) / Act'"),
        ("One / line 12000", 3, "its places: 'One (P1) / Look', 'One (P1) / Act'"),
        ("line 12000", 12000, "a line inside a fenced block; its places: "),
        ("One / Look / Secnd", 7, "near to it: 'Second'"),
        ("Two", 20, "a fenced block right below its heading; its places: '2. Two / Look'"),
        ("Three > Look / # a", 36, "begins only one paragraph"),
        ("", None, "the title of a section"),
        (" / ", None, "the title of a section"),
    ],
)
def test_what_is_not_there_is_an_error_with_file_line_and_near_names(
    tmp_path: Path, place: str, line: int | None, says: str
) -> None:
    path = write(tmp_path, TEXT.replace("#!/bin/bash\n", ""))
    with pytest.raises(InputError) as caught:
        parse(path).step(place)
    assert (caught.value.path, caught.value.line) == (path, line)
    assert says in str(caught.value)
    for each in offered(caught.value.expected):
        assert isinstance(parse(path).step(each), Step)


def test_a_label_that_two_blocks_share_is_an_error_that_offers_others(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"those at lines 32, 36 share it; its places: 'Top / 5', 'Top / 6'"):
        parse(write(tmp_path, MANY)).step("Top / Label")


def test_limits_are_found_in_tables_and_in_prose(tmp_path: Path) -> None:
    text = """# Response Times

| Severity | Within |
|---|---|
| P0 | 15 minutes |
| P1 | 1 hour | 2 hours |

**P2**: 4 hours
P3: 1 day
Nothing else is said here, in 2024.
"""
    assert severity_limits(parse(write(tmp_path, text))) == [
        (5, "P0: 15 minutes"),
        (6, "P1: 1 hour"),
        (8, "**P2**: 4 hours"),
        (9, "P3: 1 day"),
    ]


def test_a_line_that_no_person_writes_is_refused_before_it_costs_minutes(tmp_path: Path) -> None:
    parse(write(tmp_path, "# a\n\n" + "x" * 20_000 + "\n"))
    with pytest.raises(InputError, match=r":3: .*20,001 characters.*at most 20,000 characters"):
        parse(write(tmp_path, "# a\n\n" + "[" * 20_001 + "\n"))


def test_no_file_no_heading_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        parse(tmp_path / "none.md")
    with pytest.raises(UsageError, match="a folder"):
        parse(tmp_path)
    with pytest.raises(InputError, match="headings"):
        parse(write(tmp_path, "words only\n"))
    (tmp_path / "binary.md").write_bytes(b"# a\n\xff\xfe\x00")
    with pytest.raises(InputError, match=r"binary\.md:2: .*UTF-8"):
        parse(tmp_path / "binary.md")
