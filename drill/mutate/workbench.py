"""Where scenarios meet a mutated runbook. Flows in: the folder of drill.toml, a text, a scenario. Flows out:
the exit status of `pytest`, run as a user runs it in a copy of that folder whose runbook is the mutated one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from drill.errors import DrillError, SetupError, UsageError
from drill.mutate.followers import Follower
from drill.run.child import pytest_command, run_child
from drill.run.facts import read_facts
from drill.run.stored import read_verdicts
from drill.settings import Settings

LEFT_OUT = ("reports", "mutants", "node_modules", "__pycache__", ".*")
"""Folders that no scenario reads."""
COLLECT_SECONDS = 300.0
LONGEST_SECONDS = 1800.0
CAME_TO_NOTHING = -1
"""In the place of an exit status: no test came to its end, so that the status says nothing of the runbook."""
REFUSED = -2
"""In the place of an exit status: the scenario does not fit this text, so that it was not drilled."""
UNCALIBRATED = (
    "no calibration of this target is kept that drills may use, and without one a single stall leaves p95 "
    "undecided: end this, run `drill calibrate`, and go on with this"
)


@dataclass(frozen=True)
class Ran:
    """`status`: the exit status, CAME_TO_NOTHING or REFUSED; `run`: where its evidence lies; `said`: the last
    lines that it printed; `applies`: False where the scenario was left out, the target lacks its part."""

    status: int
    seconds: float
    run: Path
    said: str
    applies: bool = True


class Workbench:
    """A copy of the target's folder, made anew. `folder`: where it goes, beside the runs; `options`: passed
    on to pytest; `added`: texts of files that the copy has besides, by their paths in it; `lock`: of the
    folder (held.py), which each drill has as well; `say`: told once where drills are not calibrated."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        features: Path,
        options: Sequence[str] = (),
        added: Mapping[Path, str] | None = None,
        *,
        lock: int | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._root, self._target = settings.root, settings.file.name
        self._copy, self._runs = folder.resolve() / "workbench", folder.resolve() / "runs"
        self._runbook = _inside(settings.root, settings.root / settings.target.runbook)
        self._features = _inside(settings.root, features)
        self._options = list(options)
        self._added = dict(added or {})
        self._locks = [] if lock is None else [lock]
        self._say = say
        self._tests: dict[str, str] = {}

    def prepare(self) -> None:
        """Copy the folder, and find the test of every scenario. Raises SetupError where pytest does not list
        them."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._root, self._copy, symlinks=True, ignore=self._left_out)
        for path, text in self._added.items():
            (self._copy / path).parent.mkdir(parents=True, exist_ok=True)
            (self._copy / path).write_text(text, encoding="utf-8")
        self._runs.mkdir(parents=True, exist_ok=True)
        done = self._collect(str(self._features))
        for line in done.stdout.splitlines():
            found = re.fullmatch(r"(\S+::(test_\w+)(?:\[.*\])?)", line.strip())
            if found:
                self._tests.setdefault(found[2], found[1].partition("[")[0])
        if not self._tests:
            raise SetupError(
                f"pytest lists no scenario of {self._features} in {self._copy}: "
                f"{_tail(done.stdout + done.stderr)}"
            )

    def drill(self, text: str, follower: Follower, name: str) -> Ran:
        """Run one scenario with this text as the runbook. Ctrl-C ends it as it ends any run: what is broken
        is put back first."""
        test = self._tests.get(follower.test)
        if test is None:
            raise UsageError(f"{follower.file}: pytest lists no test of {follower.scenario!r}")
        (self._copy / self._runbook).write_text(text, encoding="utf-8")
        run = self._runs / self._free(name)
        log = self._runs / f"{run.name}.log"
        began = time.monotonic()
        result = self._runs / f"{run.name}.xml"
        # with = throughout: a path that stands alone is one that pytest looks for its settings beside
        command = [
            *self._pytest(),
            test,
            f"--reports={self._runs}",
            f"--run={run.name}",
            f"--junitxml={result}",
        ]
        with log.open("wb") as output:
            status = run_child(
                command,
                output=output,
                folder=self._copy,
                longest_seconds=LONGEST_SECONDS,
                holds=self._locks,
            )
        seconds = time.monotonic() - began
        said = _tail(log.read_text(encoding="utf-8", errors="replace"))
        test_case = _test_case(result)
        if self._say is not None and _is_uncalibrated(run):
            self._say(UNCALIBRATED)
            self._say = None
        if status is None or test_case is None:
            fits = self._collect(test).returncode == 0
            return Ran(CAME_TO_NOTHING if fits else REFUSED, seconds, run, said)
        return Ran(status, seconds, run, said, applies=test_case.find("skipped") is None)

    def _collect(self, what: str) -> subprocess.CompletedProcess[str]:
        """Let pytest list tests, and check what they say of the runbook; nothing is drilled."""
        return subprocess.run(
            [*self._pytest(), what, "--collect-only", "-q"],
            cwd=self._copy,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COLLECT_SECONDS,
            check=False,
        )

    def _left_out(self, where: str, names: list[str]) -> set[str]:
        left = set(shutil.ignore_patterns(*LEFT_OUT)(where, names))
        return left | {name for name in names if Path(where, name).resolve() == self._copy.parent}

    def _pytest(self) -> tuple[str, ...]:
        return pytest_command([f"--target={self._target}", *self._options])

    def _free(self, name: str) -> str:
        """The name, with a number where an earlier run has it."""
        number = 1
        while (self._runs / f"{name}-{number}").exists() or (self._runs / f"{name}-{number}.log").exists():
            number += 1
        return f"{name}-{number}"


def _test_case(result: Path) -> ElementTree.Element | None:
    """The first test of pytest's own results, None where they hold none."""
    try:
        return next(ElementTree.parse(result).iter("testcase"), None)
    except (OSError, ElementTree.ParseError):
        return None


def _is_uncalibrated(run: Path) -> bool:
    """False as well where nothing was judged."""
    try:
        verdicts = read_verdicts(run, read_facts(run))
    except DrillError:
        return False
    return any(verdict.criteria and verdict.calibration is None for verdict in verdicts)


def _inside(root: Path, path: Path) -> Path:
    if not _is_below(path, root):
        raise UsageError(
            f"{path}: expected a path below {root}, the folder that mutants are drilled in a copy of"
        )
    return path.resolve().relative_to(root.resolve())


def _is_below(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-6:])
