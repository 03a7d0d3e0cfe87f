"""Experiment files: one fault each, file name = name of the fault. They say what is particular to it, and are
read and checked before anything runs, since the Chaos Toolkit reports a malformed one only in its own log.

The ritual around it (steady state, announce, inject, hold, undo) is added by drill.inject.ritual, which each
names as a control; so each also runs alone by `chaos run`.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, get_args

import msgspec

from drill.cluster.access import Cluster
from drill.errors import InputError, UsageError
from drill.faults.catalogue import kinds
from drill.faults.fault import Fault, Parameters, Site
from drill.putback.ledger import Ledger
from drill.reading import YamlDocument, read_yaml
from drill.recording.events import FELT_AT_ONCE, AlertDue, Felt, PlannedFault
from drill.settings import Backup, Settings

OWN_EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
SUFFIX = ".yaml"
EXTENSION = "drill"
RITUAL = "drill.inject.ritual"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
RUNTIME = {"hypothesis": {"strategy": "before-method-only"}, "rollbacks": {"strategy": "always"}}
KEYS = ("title", "description", "tags", "runtime", "controls", "method", "extensions")
SAID = (
    "name",
    "fault",
    "kind",
    "part",
    "workload",
    "felt",
    "comes_and_goes",
    "witness",
    "witness_seconds",
    "alerts",
    "due",
    "section",
    "parameters",
)
WITNESS_AT_MOST_SECONDS = 600
DUE_AT_MOST_SECONDS = 3600
ACTIVITIES, ROLLBACKS = 3, 1
"""How many a journal has to show: announce, inject, hold; undo."""


class Experiment(msgspec.Struct, frozen=True):
    """One experiment. `kind`: of the fault; `part`: of the target that it hits, by name or kind, empty for
    the application; `workload`: that it hits instead, by name; `witness`: what the platform shows once it has
    taken effect, in words; `witness_seconds`: so long that may take at least, whatever drill.toml says;
    `alerts`: of the runbook that are meant to call somebody, none where it has none; `due`: when those of
    which that is known have to fire; `section`: that claims to repair it, "none" where the runbook has none;
    `parameters`: as the kind wants them; `comes_and_goes`: users are served between its blows, and it strikes
    again until somebody ends it."""

    path: Path
    fault: str
    title: str
    kind: type[Fault]
    parameters: Parameters
    felt: Felt
    witness: str
    alerts: tuple[str, ...]
    section: str
    part: str = ""
    workload: str = ""
    witness_seconds: float = 0
    due: tuple[AlertDue, ...] = ()
    comes_and_goes: bool = False

    def prepare(self, cluster: Cluster, settings: Settings, ledger: Ledger, identity: str) -> Fault:
        """The fault's record on this target as it is now; nothing is broken. `identity`: the ledger
        entry's.
        """
        name = settings.part_name(self.part) if self.part else ""
        described = settings.parts.get(name)
        opened_by = None if described is None or isinstance(described, Backup) else described.workload
        workload = settings.workload(self.workload or opened_by)
        site = Site(cluster, settings, workload, name, lambda suffix: ledger.beside(identity, suffix))
        return self.kind.prepare(site, self.parameters)


def fault_names(settings: Settings | None = None) -> list[str]:
    """Every fault that there is an experiment for: drill's own, and the target's."""
    folders = [OWN_EXPERIMENTS, *([settings.root / "experiments"] if settings else [])]
    return sorted({file.stem for folder in folders for file in folder.glob(f"*{SUFFIX}")})


def experiment_of(settings: Settings, fault: str) -> Experiment:
    """The experiment of a fault: from the target's own experiments/, else from drill's. Raises UsageError for
    a fault that does not exist, InputError for a malformed file."""
    if NAME.fullmatch(fault):
        for folder in (settings.root / "experiments", OWN_EXPERIMENTS):
            path = folder / f"{fault}{SUFFIX}"
            if path.is_file():
                found = read_experiment(path)
                _check_workload(settings, found)
                return found
    raise UsageError(f"{fault!r} is no fault: expected one of {', '.join(fault_names(settings))}")


def lacking(settings: Settings, fault: str) -> tuple[str, ...]:
    """Parts that drill.toml would have to describe for this fault and does not: then it is not applicable.
    Raises as `experiment_of`."""
    part = experiment_of(settings, fault).part
    return (part,) if part and settings.lacks(part) else ()


def not_applicable(fault: str, parts: tuple[str, ...]) -> str:
    """Why the fault is not applicable, in words that name what is missing."""
    missing = " and no ".join(f"[parts.…] of kind {part}" for part in parts)
    return f"{fault} is not applicable: the target's file describes no {missing}"


def planned_fault(settings: Settings, fault: str) -> PlannedFault:
    """What the recording says of a fault from the start. `part` as the target calls it."""
    experiment = experiment_of(settings, fault)
    return PlannedFault(
        fault,
        experiment.felt,
        settings.part_name(experiment.part) if experiment.part else "",
        alerts=list(experiment.alerts),
        due=list(experiment.due),
        comes_and_goes=experiment.comes_and_goes,
    )


def read_experiment(path: Path) -> Experiment:
    """Read and check an experiment. Raises InputError with file, line, value and what would be right."""
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _read(path: Path, changed: int) -> Experiment:
    document = read_yaml(path, "an experiment")
    data = document.data
    if not isinstance(data, dict):
        raise InputError(path, 1, _short(data), f"a mapping with {', '.join(KEYS)}")
    _known_keys(path, document, (), data, KEYS)
    title = _text(path, document, ("title",), data.get("title"))
    _text(path, document, ("description",), data.get("description"))
    if data.get("runtime") != RUNTIME:
        raise _wrong(
            path,
            document,
            ("runtime",),
            data.get("runtime"),
            "{hypothesis: {strategy: before-method-only}, rollbacks: {strategy: always}}, so that it is "
            "undone however it ends",
        )
    if data.get("method") != []:
        raise _wrong(path, document, ("method",), data.get("method"), f"[]; {RITUAL} adds what is to be done")
    controls = data.get("controls")
    if not isinstance(controls, list) or RITUAL not in [_module(each) for each in controls]:
        expected = f"[{{name: drill, provider: {{type: python, module: {RITUAL}}}}}]"
        raise _wrong(path, document, ("controls",), controls, expected)
    return _of(path, document, title)


def _of(path: Path, document: YamlDocument, title: str) -> Experiment:
    extensions = document.data.get("extensions")
    found = [
        (number, each)
        for number, each in enumerate(extensions if isinstance(extensions, list) else [])
        if isinstance(each, dict) and each.get("name") == EXTENSION
    ]
    if len(found) != 1:
        raise _wrong(path, document, ("extensions",), extensions, "one with the name drill")
    number, said = found[0]
    place = ("extensions", number)
    _known_keys(path, document, place, said, SAID)
    for key in ("fault", "kind", "felt", "witness", "section"):
        _text(path, document, (*place, key), said.get(key))
    for key in ("part", "workload"):
        if key in said:
            _text(path, document, (*place, key), said[key])
    if said["fault"] != path.stem or not NAME.fullmatch(path.stem):
        raise _wrong(
            path, document, (*place, "fault"), said["fault"], f"{path.stem!r}, as the file is called"
        )
    if said["kind"] not in kinds():
        expected = f"a kind of fault: {', '.join(kinds())}"
        raise _wrong(path, document, (*place, "kind"), said["kind"], expected)
    if said["felt"] not in get_args(Felt):
        expected = f"how users feel it: {', '.join(get_args(Felt))}"
        raise _wrong(path, document, (*place, "felt"), said["felt"], expected)
    if "part" in said and "workload" in said:
        raise _wrong(
            path, document, (*place, "workload"), said["workload"], "no workload where there is a part"
        )
    kind = kinds()[said["kind"]]
    return Experiment(
        path,
        path.stem,
        title,
        kind,
        _parameters(path, document, (*place, "parameters"), said.get("parameters", {}), kind),
        said["felt"],
        said["witness"],
        _names(path, document, (*place, "alerts"), said.get("alerts")),
        said["section"],
        said.get("part", ""),
        said.get("workload", ""),
        _seconds(path, document, (*place, "witness_seconds"), said.get("witness_seconds", 0)),
        _due(path, document, (*place, "due"), said),
        _comes_and_goes(path, document, (*place, "comes_and_goes"), said),
    )


def _due(
    path: Path, document: YamlDocument, place: tuple[int | str, ...], said: dict[Any, Any]
) -> tuple[AlertDue, ...]:
    """When which of the alerts have to fire."""
    try:
        found = msgspec.convert(said.get("due", []), tuple[AlertDue, ...])
    except msgspec.ValidationError as error:
        expected = f"due: [{{alert: NAME, after_seconds: N, within_seconds: N}}] ({error})"
        raise _wrong(path, document, place, said["due"], expected) from error
    for number, each in enumerate(found):
        if each.alert not in said["alerts"] or each.alert in [other.alert for other in found[:number]]:
            raise _wrong(path, document, (*place, number), each.alert, "one of its alerts, each once")
        if not 0 <= each.after_seconds < (each.within_seconds or DUE_AT_MOST_SECONDS) <= DUE_AT_MOST_SECONDS:
            bounds = [each.after_seconds, each.within_seconds]
            expected = f"after_seconds, and a later within_seconds of at most {DUE_AT_MOST_SECONDS}"
            raise _wrong(path, document, (*place, number), bounds, expected)
    return found


def _comes_and_goes(
    path: Path, document: YamlDocument, place: tuple[int | str, ...], said: dict[Any, Any]
) -> bool:
    value = said.get("comes_and_goes", False)
    if not isinstance(value, bool) or (value and said["felt"] not in FELT_AT_ONCE):
        expected = "true or false, and true only of what users feel: failed, slow"
        raise _wrong(path, document, place, value, expected)
    return value


def _names(path: Path, document: YamlDocument, place: tuple[int | str, ...], value: Any) -> tuple[str, ...]:
    expected = f"{place[-1]}: names in brackets, each once, or []"
    if not isinstance(value, list):
        raise _wrong(path, document, place, value, expected)
    for number, name in enumerate(value):
        if not isinstance(name, str) or not name.strip() or name in value[:number]:
            raise _wrong(path, document, (*place, number), name, expected)
    return tuple(value)


def _seconds(path: Path, document: YamlDocument, place: tuple[int | str, ...], value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(path, document, place, value, "a number of seconds")
    if not 0 <= value <= WITNESS_AT_MOST_SECONDS:
        raise _wrong(path, document, place, value, f"from 0 to {WITNESS_AT_MOST_SECONDS} seconds")
    return float(value)


def _parameters(
    path: Path, document: YamlDocument, place: tuple[int | str, ...], said: Any, kind: type[Fault]
) -> Parameters:
    try:
        return msgspec.convert(said, kind.parameters)
    except msgspec.ValidationError as error:
        message, _, inner = str(error).partition(" - at `$")
        keys = re.findall(r"\.(\w+)|\[(\d+)\]", inner)
        at = (*place, *(name or int(number) for name, number in keys))
        raise _wrong(path, document, at, _value_at(document, at), f"{kind.kind}: {message}") from error


def _check_workload(settings: Settings, experiment: Experiment) -> None:
    names = [workload.name for workload in settings.target.workloads]
    if experiment.workload and experiment.workload not in names:
        raise InputError(
            experiment.path,
            None,
            experiment.workload,
            f"one of [[target.workloads]] of {settings.file}: {', '.join(names)}",
        )


def _known_keys(
    path: Path,
    document: YamlDocument,
    place: tuple[int | str, ...],
    said: dict[Any, Any],
    known: tuple[str, ...],
) -> None:
    for key in said:
        if key not in known:
            raise _wrong(path, document, (*place, str(key)), key, f"one of {', '.join(known)}")


def _text(path: Path, document: YamlDocument, place: tuple[int | str, ...], value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(path, document, place, value, f"{place[-1]}: a text that is not empty")
    return value


def _module(control: Any) -> str:
    provider = control.get("provider") if isinstance(control, dict) else None
    return str(provider.get("module")) if isinstance(provider, dict) else ""


def _value_at(document: YamlDocument, place: tuple[int | str, ...]) -> Any:
    value = document.data
    for key in place:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _wrong(
    path: Path, document: YamlDocument, place: tuple[int | str, ...], value: Any, expected: str
) -> InputError:
    return InputError(path, document.line_of(place), _short(value), expected)


def _short(value: Any) -> Any:
    return value if len(repr(value)) <= 80 else f"{value!r:.80}…"
