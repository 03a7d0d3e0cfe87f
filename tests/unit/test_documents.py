"""The documents say what is so: links lead to files, commands name what exists, tables agree with what they
are made of.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import click
import pytest
import yaml

from drill.cli import cli
from drill.faults.catalogue import kinds
from drill.judge.criteria import CRITERIA
from drill.runbook import Defect, load_errata
from drill.settings import load
from drill.statistics import trials_needed

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
PROGRAMS = ("pytest", "drill", "make", "chaos", "locust", "python")
DEFECTS = ROOT / "runbook" / "errata.yaml"
SELECTIONS = Path(__file__).with_name("selections.py")


OPTIONS_IN = (
    "wrong-section.md",
    "lint.md",
    "history.md",
    "evidence.md",
    "gate.md",
    "alerts.md",
    "monitoring.md",
    "communication.md",
    "runbook-mutants.md",
)
"""Pages that list the options of one command, in place of the README."""


def with_subcommands(command: click.Command) -> list[click.Command]:
    """A command and those below it."""
    return [command, *(command.commands.values() if isinstance(command, click.Group) else ())]


def links() -> list[tuple[Path, str]]:
    return [
        (path, match["target"])
        for path in DOCUMENTS
        for match in LINK.finditer(path.read_text(encoding="utf-8"))
    ]


def spans(text: str) -> Iterable[str]:
    """Inline code, and the lines of fenced blocks."""
    for number, part in enumerate(text.split("```")):
        yield from part.splitlines()[1:] if number % 2 else re.findall(r"`([^`\n]+)`", part)


def commands() -> list[str]:
    """Every command of our own programs that a document or a workflow names, without comments; each
    once.
    """
    written = [span for path in DOCUMENTS for span in spans(path.read_text(encoding="utf-8"))]
    for workflow in WORKFLOWS:
        jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
        steps = [step for job in jobs.values() for step in job["steps"]]
        written += [line for step in steps for line in step.get("run", "").splitlines()]
    found = {
        line.split(" #")[0].strip().removeprefix(".venv/bin/")
        for each in written
        for line in each.split(" && ")
    }
    return sorted(line for line in found if line.split(" ")[0] in PROGRAMS and " " in line)


def expected_command(defect: Defect) -> str:
    if defect.evidence:
        return f"`pytest features -m {defect.id}`"
    return f"`{defect.shown_by}`" if defect.shown_by else "no drill yet"


def expected_table() -> str:
    rows = ["| id | section, line | what happens | shown by |", "|---|---|---|---|"]
    rows += [
        f"| {defect.id} | {defect.section}, {defect.line} | {defect.what} | {expected_command(defect)} |"
        for defect in load_errata(DEFECTS)
    ]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("document", "target"), links(), ids=lambda each: each.name if isinstance(each, Path) else each
)
def test_a_link_leads_somewhere(document: Path, target: str) -> None:
    if not target.startswith(("https://", "http://", "#")):
        assert (document.parent / target.partition("#")[0]).exists()


def test_each_pytest_command_selects_tests() -> None:
    """An option, a path, a marker or a word that does not exist selects nothing, or is an error."""
    written = [shlex.split(command)[1:] for command in commands() if command.startswith("pytest")]
    assert written
    done = subprocess.run(
        [sys.executable, SELECTIONS, json.dumps(written)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", [each for each in commands() if each.startswith("drill ")])
def test_a_drill_command_exists_with_its_options(command: str) -> None:
    _, *words = shlex.split(command)
    name = next(word for word in words if not word.startswith("-"))
    assert name in cli.commands
    known = {
        option
        for part in (cli, *with_subcommands(cli.commands[name]))
        for parameter in part.params
        for option in parameter.opts
    } | {"--help", "-h"}
    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("command", [each for each in commands() if each.startswith("make ")])
def test_a_make_command_names_a_target(command: str) -> None:
    targets = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {word for word in shlex.split(command)[1:] if "=" not in word} <= set(targets)


@pytest.mark.parametrize(
    "command", [each for each in commands() if each.split(" ")[0] in ("chaos", "locust", "python")]
)
def test_other_commands_name_files_that_exist(command: str) -> None:
    words = shlex.split(command)
    files = [ROOT / word for word in words if word.endswith((".py", ".yaml"))]
    if "-m" in words:
        module = ROOT / words[words.index("-m") + 1].replace(".", "/")
        files.append(module / "__main__.py" if module.is_dir() else module.with_suffix(".py"))
    assert files
    assert [file for file in files if not file.is_file()] == []


def test_the_readme_names_every_command_and_option() -> None:
    shown = [name for name, command in cli.commands.items() if not command.hidden]
    assert [name for name in shown if f"`drill {name}" not in README] == []
    options = [
        option
        for command in (cli, *(each for named in cli.commands.values() for each in with_subcommands(named)))
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    ]
    text = (ROOT / "drill" / "plugin" / "options.py").read_text(encoding="utf-8")
    plugin = re.findall(r'group\.addoption\(\s*"(--[\w-]+)"', text)
    assert len(plugin) == text.count("group.addoption(")
    text = README + "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in OPTIONS_IN)
    assert [option for option in [*options, *plugin] if not re.search(f"`{option}[ `]", text)] == []


def test_the_track_record_is_that_of_the_errata() -> None:
    table = README.partition("errata.yaml -->\n")[2].partition("\n<!-- end of defects")[0]
    assert table == expected_table(), f"put this table into README.md:\n{expected_table()}"


def test_every_defect_said_to_be_shown_by_a_drill_has_its_scenario() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "features").glob("*.feature"))
    assert [
        defect.id for defect in load_errata(DEFECTS) if defect.evidence and f"@{defect.id}" not in text
    ] == []


def test_numbers_of_the_readme() -> None:
    least = trials_needed(0.001)
    settings = load(ROOT / "drill.toml")
    rate, judge = settings.load.requests_per_second, settings.judge
    assert f"{least:,} requests without a failure" in README
    assert f"after {judge.after_seconds:g} s has {rate * judge.after_seconds:,.0f}" in README
    assert rate * judge.after_seconds >= least
    assert f"at most {judge.after_at_most_seconds:g} s" in README
    assert f"{judge.hold_seconds:g} s of good service" in README
    assert f"({rate:g} requests/s" in README


def test_writing_a_drill_names_every_kind_of_fault_and_criterion() -> None:
    text = (ROOT / "docs" / "writing-a-drill.md").read_text(encoding="utf-8")
    assert [
        name for name in (*kinds(), *(question.name for question in CRITERIA)) if f"`{name}`" not in text
    ] == []
