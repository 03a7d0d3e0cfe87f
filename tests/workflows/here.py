"""A workflow of GitHub carried out on this machine, where no runner is at hand: a file of .github/workflows
in, what each of its commands ended with out.

As a runner does: every `run` by `bash -e` in the checkout, with the job's variables and a file for the
summary; none after one that failed, unless its `if` says so. Actions are not fetched: the checkout is the
folder that is given, the cache a folder of files, an artifact a look at what its patterns find. Another
action, condition or expression is an error, so that a workflow that grows is not carried out in part
without a word.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*([\w.]+)\s*\}\}")
SCHEDULE = re.compile(r"github\.event\.schedule (==|!=) '([^']*)'")
NOTHING_TO_DO = ("actions/checkout", "actions/setup-python")
CACHE = ("actions/cache/restore", "actions/cache/save")
UPLOAD = "actions/upload-artifact"
OUR_OWN = ("PYTHON", "VIRTUAL_ENV", "PYTEST")
"""Variables of what runs this, which no runner has."""


@dataclass(frozen=True)
class Ended:
    """One command: its text, exit status, and what it printed on both streams."""

    command: str
    status: int
    printed: str


@dataclass
class CarriedOut:
    """Of a whole job. `artifacts`: by pattern, the files and folders it found; `summary`: what a reader of
    the run's page sees."""

    ended: list[Ended] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    artifacts: dict[str, list[Path]] = field(default_factory=dict)
    restored: bool = False
    summary: str = ""

    def status_of(self, words: str) -> int:
        """The exit status of the only command that holds these words."""
        (found,) = [each for each in self.ended if words in each.command]
        return found.status


def carry_out(
    workflow: Path,
    checkout: Path,
    cache: Path,
    *,
    known: Mapping[str, str],
    schedule: str = "",
    at_most_seconds: float,
) -> CarriedOut:
    """The workflow's only job, in `checkout`. `known`: values of its expressions by name, such as
    `github.run_id`; a secret that is not among them is empty, as on GitHub; `schedule`: the cron line that
    began it, empty where none did; `at_most_seconds`: of one command. Raises ValueError for what it cannot
    carry out."""
    (job,) = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    done, failed = CarriedOut(), False
    page = cache / "summary.md"
    cache.mkdir(parents=True, exist_ok=True)
    page.write_text("", encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(OUR_OWN)},
        **{name: _filled(str(value), known) for name, value in job.get("env", {}).items()},
        "GITHUB_STEP_SUMMARY": str(page),
        "CI": "true",
    }
    for step in job["steps"]:
        if not _applies(step.get("if"), schedule, failed=failed):
            done.skipped.append(step.get("run", step.get("uses", "")))
        elif "run" in step:
            ended = _run(_filled(step["run"], known), checkout, environment, at_most_seconds)
            done.ended.append(ended)
            failed = failed or ended.status != 0
        else:
            _act(step, checkout, cache, known, done)
    done.summary = page.read_text(encoding="utf-8")
    return done


def _filled(text: str, known: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in known and not name.startswith("secrets."):
            raise ValueError(f"{name} is not known here: expected one of {sorted(known)}")
        return known.get(name, "")

    filled = EXPRESSION.sub(value, text)
    if "${{" in filled:
        raise ValueError(f"{text}: expected nothing but names in an expression")
    return filled


def _applies(condition: str | None, schedule: str, *, failed: bool) -> bool:
    if condition is None:
        return not failed
    if condition == "always()":
        return True
    said = SCHEDULE.fullmatch(condition)
    if said is None:
        raise ValueError(f"if: {condition}: expected always(), or github.event.schedule == or != a cron line")
    return not failed and (schedule == said.group(2)) == (said.group(1) == "==")


def _run(command: str, checkout: Path, environment: Mapping[str, str], at_most_seconds: float) -> Ended:
    running = subprocess.Popen(
        ["bash", "-e", "-c", command],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = running.communicate(timeout=at_most_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGTERM)
        printed, _ = running.communicate(timeout=180)
        raise AssertionError(
            f"{command} was not over after {at_most_seconds:.0f} s: {printed[-2000:]}"
        ) from None
    return Ended(command, running.returncode, printed)


def _act(
    step: Mapping[str, Any], checkout: Path, cache: Path, known: Mapping[str, str], done: CarriedOut
) -> None:
    action, given = step["uses"].partition("@")[0], step.get("with", {})
    if action in NOTHING_TO_DO:
        return
    if action == UPLOAD:
        for pattern in given["path"].splitlines():
            done.artifacts[pattern] = sorted(checkout.glob(pattern))
    elif action in CACHE:
        key, file = _filled(given["key"], known), checkout / given["path"]
        if action.endswith("save"):
            shutil.copyfile(file, cache / key)
        else:
            kept = sorted(cache.glob(given["restore-keys"] + "*"), key=lambda each: each.stat().st_mtime)
            if kept:
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(kept[-1], file)
                done.restored = True
    else:
        raise ValueError(f"uses: {action}: expected one of {[*NOTHING_TO_DO, *CACHE, UPLOAD]}")
