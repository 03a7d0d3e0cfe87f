"""Rules evaluated by Prometheus' own rule engine. Flows in: rule files and series. Flows out: for each alert
when it was pending, when it fired, and when that ended.

promtool says what an expression gives when its expectation is not met, so it is asked for ALERTS at every
evaluation, with nothing expected. Each answer also holds a mark with the series' number and the time, so
that one that is missing is noticed and no silence is taken for an answer.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from drill.alerts.series import ScrapedSeries, SeriesFile, notation
from drill.errors import SetupError

PROMTOOL_SECONDS = 300.0
BATCH_VALUES = 100_000
"""Samples that are given to one promtool; a drill has more."""
AT_ONCE = min(4, os.cpu_count() or 1)
"""Promtools at a time."""
MARK, CURVE = "drill_case", "drill_curve"
ALERTS = "ALERTS"
ANSWER = re.compile(r"^\s*got: (?P<samples>\{.*)$", re.MULTILINE)
SAMPLE = re.compile(r"\{(?P<labels>(?:[^\"{}]|\"(?:[^\"\\]|\\.)*\")*)\} (?P<value>[-+0-9.eEInfNa]+)")
LABEL = re.compile(r"(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)=(?P<value>\"(?:[^\"\\]|\\.)*\")")
WITHIN = 1e-6
MOST_SAID = 1200
_Labels = tuple[tuple[str, str], ...]
_Sample = tuple[dict[str, str], float]
Episodes = list["AlertEpisode"]


class RulesRefusedError(SetupError):
    """Prometheus does not take the rules, or cannot evaluate them. Says what it said."""


class AlertEpisode(msgspec.Struct, frozen=True):
    """Once that an alert was there. Seconds since the first scrape: pending from, firing from, gone from;
    None
    where that did not happen before the end."""

    alert: str
    labels: dict[str, str]
    pending_seconds: float | None
    firing_seconds: float | None
    ended_seconds: float | None

    @property
    def resolved_seconds(self) -> float | None:
        """When it ceased to fire."""
        return self.ended_seconds if self.firing_seconds is not None else None


def check_rules(promtool: Path, files: Sequence[str]) -> str:
    """What `promtool check rules` says against these rule files; "" where it takes them."""
    with tempfile.TemporaryDirectory(prefix="drill-alerts-") as name:
        paths = _written(Path(name), files)
        done = _run([str(promtool), "check", "rules", *map(str, paths)])
        said = (done.stderr + done.stdout).replace(f"{name}/", "").strip()
    return said[:MOST_SAID] if done.returncode else ""


def evaluate(
    promtool: Path, rule_files: Sequence[str], cases: Sequence[SeriesFile], every_seconds: float | None = None
) -> list[Episodes]:
    """Every episode of every alert over each of the cases, in the order of time. `every_seconds`: between two
    evaluations; None: as the case was scraped. Raises RulesRefusedError where Prometheus refuses the rules.
    """
    answers: dict[int, dict[float, list[dict[str, str]]]] = {}
    intervals = {
        index: every_seconds or case.header.evaluate_seconds or case.header.scrape_seconds
        for index, case in enumerate(cases)
    }
    batches = [
        (interval, batch)
        for interval in sorted(set(intervals.values()))
        for batch in _batches(
            {index: case for index, case in enumerate(cases) if intervals[index] == interval}
        )
    ]
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="promtool") as pool:
        running = [pool.submit(_asked, promtool, rule_files, batch, interval) for interval, batch in batches]
        for each in running:
            answers.update(each.result())
    return [_episodes(answers[index]) for index in range(len(cases))]


def _batches(cases: dict[int, SeriesFile]) -> list[dict[int, SeriesFile]]:
    """The cases in the order given, so many together as promtool reads at once: a whole night is no one
    question, which might take it longer than it is given."""
    batches: list[dict[int, SeriesFile]] = []
    size = 0
    for index, case in cases.items():
        own = case.scrapes * len(case.series)
        if not batches or size + own > BATCH_VALUES:
            batches.append({})
            size = 0
        batches[-1][index] = case
        size += own
    return batches


def _asked(
    promtool: Path, rule_files: Sequence[str], cases: dict[int, SeriesFile], interval: float
) -> dict[int, dict[float, list[dict[str, str]]]]:
    """The alerts that are there at each evaluation of each case."""
    times = {index: _times(case, interval) for index, case in cases.items()}
    answers = _answers(
        promtool, rule_files, cases, interval, {index: (ALERTS, at) for index, at in times.items()}
    )
    return {
        index: {seconds: [labels for labels, _ in found] for seconds, found in answers[index].items()}
        for index in cases
    }


def values_of(
    promtool: Path, case: SeriesFile, expressions: Sequence[str], times: Sequence[float]
) -> list[dict[float, list[float]]]:
    """What each expression gives at each of the times, in seconds since the first scrape: the values of all
    its series, none where it gives nothing. Raises RulesRefusedError where Prometheus cannot evaluate one."""
    question = " or ".join(
        f'label_replace(({text}), "{CURVE}", "{number}", "", "")' for number, text in enumerate(expressions)
    )
    interval = case.header.scrape_seconds
    (answers,) = _answers(promtool, [], {0: case}, interval, {0: (question, times)}).values()
    found: list[dict[float, list[float]]] = [{} for _ in expressions]
    for seconds, samples in answers.items():
        for labels, value in samples:
            found[int(labels[CURVE])].setdefault(seconds, []).append(value)
    return found


def _answers(
    promtool: Path,
    rule_files: Sequence[str],
    cases: dict[int, SeriesFile],
    interval: float,
    questions: dict[int, tuple[str, Sequence[float]]],
) -> dict[int, dict[float, list[_Sample]]]:
    """What promtool says to each case's question at each of its times."""
    with tempfile.TemporaryDirectory(prefix="drill-alerts-") as name:
        folder = Path(name)
        paths = _written(folder, rule_files)
        test = {
            "rule_files": [path.name for path in paths],
            "evaluation_interval": _duration(interval),
            "tests": [promtool_test(case, index, *questions[index]) for index, case in cases.items()],
        }
        file = folder / "test.yaml"
        file.write_text(json.dumps(test), encoding="utf-8")
        done = _run([str(promtool), "test", "rules", str(file)])
    said = done.stderr + "\n" + done.stdout
    found: dict[int, dict[float, list[_Sample]]] = {index: {} for index in cases}
    for match in ANSWER.finditer(said):
        case, seconds, samples = _answer(match["samples"])
        found[case][seconds] = samples
    for index, (_, expected) in questions.items():
        if len(found[index]) != len(expected):
            raise RulesRefusedError(
                f"promtool answered {len(found[index])} of {len(expected)} questions about "
                f"{cases[index].name}; what it said: {_without_answers(said)}"
            )
    return found


def promtool_test(case: SeriesFile, index: int, asked: str, times: Sequence[float]) -> dict[str, object]:
    """One test group of `promtool test rules` that asks for something at each of the times."""
    question = f'{asked} or label_replace(vector(time()), "{MARK}", "{index}", "", "")'
    return {
        "name": case.name,
        "interval": _duration(case.header.scrape_seconds),
        "input_series": [
            {"series": _selector(each), "values": notation(each.values, WITHIN)} for each in case.series
        ],
        "promql_expr_test": [
            {"expr": question, "eval_time": _duration(seconds), "exp_samples": []} for seconds in times
        ],
    }


def _times(case: SeriesFile, interval: float) -> list[float]:
    return [each * interval for each in range(int(case.last_seconds / interval + 1e-9) + 1)]


def _written(folder: Path, files: Sequence[str]) -> list[Path]:
    paths = [folder / f"rules-{number}.yaml" for number in range(len(files))]
    for path, text in zip(paths, files, strict=True):
        path.write_bytes(text.encode())
    return paths


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROMTOOL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(
            f"`{' '.join(command[:3])}`: expected to end within {PROMTOOL_SECONDS:.0f} s, it did not: take "
            "fewer or shorter series"
        ) from error


def _selector(series: ScrapedSeries) -> str:
    labels = ",".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in sorted(series.labels.items())
        if name != "__name__"
    )
    return f"{series.name}{{{labels}}}"


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _answer(samples: str) -> tuple[int, float, list[_Sample]]:
    """The number of the case, the time in seconds, and each series that is there."""
    found: list[_Sample] = []
    case, seconds = -1, 0.0
    for match in SAMPLE.finditer(samples):
        labels = {
            each["name"]: str(ast.literal_eval(each["value"])) for each in LABEL.finditer(match["labels"])
        }
        if MARK in labels:
            case, seconds = int(labels[MARK]), float(match["value"])
        else:
            found.append((labels, float(match["value"])))
    return case, seconds, found


def _without_answers(said: str) -> str:
    kept = [
        line.strip()
        for line in said.splitlines()
        if line.strip() and not line.strip().startswith(("expr:", "exp:", "got:", "name:", "Unit Testing"))
    ]
    return " ".join(kept)[:MOST_SAID] or "nothing"


def _episodes(answers: dict[float, list[dict[str, str]]]) -> Episodes:
    done: Episodes = []
    open_now: dict[_Labels, AlertEpisode] = {}
    for seconds in sorted(answers):
        present = {
            _identity(labels): labels["alertstate"] for labels in answers[seconds] if "alertname" in labels
        }
        for key in [key for key in open_now if key not in present]:
            done.append(msgspec.structs.replace(open_now.pop(key), ended_seconds=seconds))
        for key, state in present.items():
            own = {name: value for name, value in key if name != "alertname"}
            episode = open_now.get(key) or AlertEpisode(dict(key)["alertname"], own, None, None, None)
            if state == "pending" and episode.firing_seconds is not None:
                # it ceased to fire and began anew between two evaluations
                done.append(msgspec.structs.replace(episode, ended_seconds=seconds))
                episode = AlertEpisode(episode.alert, own, None, None, None)
            if state == "firing" and episode.firing_seconds is None:
                episode = msgspec.structs.replace(episode, firing_seconds=seconds)
            elif state == "pending" and episode.pending_seconds is None:
                episode = msgspec.structs.replace(episode, pending_seconds=seconds)
            open_now[key] = episode
    done.extend(open_now.values())
    return sorted(done, key=lambda each: (_begun(each), each.alert, sorted(each.labels.items())))


def _begun(episode: AlertEpisode) -> float:
    times = [each for each in (episode.pending_seconds, episode.firing_seconds) if each is not None]
    return min(times, default=0.0)


def _identity(labels: dict[str, str]) -> _Labels:
    return tuple(
        sorted((name, value) for name, value in labels.items() if name not in ("__name__", "alertstate"))
    )
