"""Experiment files. Flows in: the name of a fault. Flows out: its file and what it declares, or an InputError
with file, line and value.

They are looked at before anything runs, since the Chaos Toolkit reports a malformed one only in its own log.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from drill.errors import InputError
from drill.settings import Settings

OWN_EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
ACTIONS = "drill.inject.activities"


class Experiment(msgspec.Struct, frozen=True):
    """One experiment. `activities`, `rollbacks`: how many its journal has to show."""

    path: Path
    title: str
    activities: int
    rollbacks: int


def experiment_of(settings: Settings, fault: str) -> Experiment:
    """The experiment of a fault: from the target's own experiments/, else from drill's. Raises InputError."""
    candidates = (settings.root / "experiments" / f"{fault}.yaml", OWN_EXPERIMENTS / f"{fault}.yaml")
    for path in candidates:
        if path.is_file():
            return read_experiment(path)
    raise InputError(candidates[0], None, fault, f"an experiment of that name, here or at {candidates[1]}")


def read_experiment(path: Path) -> Experiment:
    """Read an experiment and check what drill relies on: a steady state, announce before inject before hold,
    and the undo.
    """
    text = path.read_text(encoding="utf-8")
    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        shown = text.splitlines()[line - 1].strip() if line and line <= len(text.splitlines()) else ""
        raise InputError(path, line, shown, f"YAML ({error.problem})") from error
    if not isinstance(data, dict):
        raise InputError(path, 1, data, "a mapping with title, steady-state-hypothesis, method and rollbacks")
    title = _of_type(path, text, data, "title", str)
    state = _of_type(path, text, data, "steady-state-hypothesis", dict)
    if not state.get("probes"):
        raise InputError(
            path,
            _line(text, "steady-state-hypothesis"),
            state.get("probes"),
            "probes that tell whether the target is healthy",
        )
    method, rollbacks = (
        _of_type(path, text, data, "method", list),
        _of_type(path, text, data, "rollbacks", list),
    )
    called = [_called(path, text, each) for each in method]
    if [name for name in called if name.startswith(f"{ACTIONS}.")] != [
        f"{ACTIONS}.{name}" for name in ("announce", "inject", "hold")
    ]:
        raise InputError(
            path,
            _line(text, "method"),
            ", ".join(called),
            f"{ACTIONS}.announce, {ACTIONS}.inject and {ACTIONS}.hold, in that order",
        )
    undoing = [_called(path, text, each) for each in rollbacks]
    if f"{ACTIONS}.undo" not in undoing:
        raise InputError(
            path, _line(text, "rollbacks"), ", ".join(undoing), f"{ACTIONS}.undo among the rollbacks"
        )
    return Experiment(path, title, len(method), len(rollbacks))


def _called(path: Path, text: str, activity: Any) -> str:
    provider = activity.get("provider") if isinstance(activity, dict) else None
    if not isinstance(provider, dict) or "type" not in provider:
        raise InputError(
            path,
            _line(text, str(activity.get("name")) if isinstance(activity, dict) else ""),
            activity,
            "an activity with a provider",
        )
    return (
        f"{provider.get('module')}.{provider.get('func')}"
        if provider["type"] == "python"
        else str(provider["type"])
    )


def _of_type(path: Path, text: str, data: dict[str, Any], key: str, kind: type) -> Any:
    value = data.get(key)
    if not isinstance(value, kind) or not value:
        raise InputError(path, _line(text, key), value, f"{key}: a {kind.__name__} that is not empty")
    return value


def _line(text: str, word: str) -> int | None:
    for number, line in enumerate(text.splitlines(), start=1):
        if word and word in line:
            return number
    return None
