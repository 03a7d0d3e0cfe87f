"""What is compared of a run. Flows in: its folder, or what the history remembers of it. Flows out: for each
drill, numbers by criterion.

Latencies, error rate, throughput, CPU and memory are those of the window after of each drill, when the
service is to be well; the time to recovery is that of its verdict. Controls are left out, which say what the
platform does by itself, and drills that an earlier run measured.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drill.history.elsewhere import cores_used
from drill.history.store import PastDrill
from drill.history.taken import Measure, TakenDrill, take
from drill.judge.case import Case
from drill.judge.criteria.error_rate import dispersion_of
from drill.judge.criteria.pods import PodSample, samples_of, too_little
from drill.judge.criteria.response_time import block_seconds
from drill.judge.outages import response_latency
from drill.judge.verdict import Criterion
from drill.recording import Requests
from drill.recording.events import ResourcesSampled
from drill.statistics import (
    Counted,
    in_blocks,
    log_quantile_variance,
    quantile,
)
from drill.statistics.noise import dispersion_of as dispersion_of_failures

ALL = "all requests"
EFFECT = (("injected", "first felt"), ("injected", "witnessed"))
PHASES_OF_THE_PLATFORM = (*EFFECT, ("witnessed", "recovered"))
PHASES_OF_A_PROCEDURE = (
    *EFFECT,
    ("witnessed", "procedure started"),
    ("procedure started", "procedure done"),
    ("procedure started", "recovered"),
)
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LEAST_BEYOND = 5
"""So many requests lie beyond a quantile that is compared."""


class Key(NamedTuple):
    """What is compared. `of`: the name of a request, of a phase, or of a drill; empty where it is the run."""

    criterion: str
    of: str = ""

    def __str__(self) -> str:
        return f"{self.criterion} {self.of}".strip()


class DrillLevel(NamedTuple):
    """A number of one drill, a logarithm where ratios are compared. `variance`: as blocks of time tell it;
    None where they tell none."""

    value: float
    variance: float | None = None


@dataclass(frozen=True)
class SeenDrill:
    """One drill. `seconds`: watched; `outcome`: of its verdict; `limits`: its criteria, none where the
    history tells it; `dispersion`: variance of failures over that of independent ones; `per_second`: the
    load, None where unknown; `elsewhere`: the share of the machine's cores that was busy with other things
    than the target, None where unknown."""

    drill: str
    scenario: str
    seconds: float
    outcome: str
    as_expected: bool
    why: str
    levels: Mapping[Key, DrillLevel]
    counts: Mapping[Key, Counted]
    limits: Sequence[Criterion] = ()
    dispersion: float = 1.0
    per_second: float | None = None
    elsewhere: float | None = None


@dataclass(frozen=True)
class SeenRun:
    """One run. `drills`: by name; `place`: the machine's cores and the cluster's context; `images`: what the
    target ran, container and digest, empty where unknown; `target`: by name; `ended`: its manifest vouches
    for its files; `not_selected`: titles of scenarios that its command line left out, none where the history
    tells it."""

    run: str
    started_wall: float
    drills: Mapping[str, SeenDrill]
    place: tuple[int, str] = (0, "")
    images: frozenset[tuple[str, str]] = frozenset()
    target: str = ""
    ended: bool = True
    not_selected: frozenset[str] = frozenset()

    @property
    def identity(self) -> tuple[str, float]:
        """Two runs may have one name."""
        return self.run, self.started_wall

    @property
    def seconds(self) -> float:
        """For how long its drills watched."""
        return sum(each.seconds for each in self.drills.values())

    @property
    def elsewhere(self) -> float | None:
        """How busy the machine was with other things, on average over the drills that know."""
        known = [each.elsewhere for each in self.drills.values() if each.elsewhere is not None]
        return sum(known) / len(known) if known else None


def table_of(key: Key, runs: Sequence[SeenRun], drills: Sequence[str]) -> NDArray[np.float64]:
    """The numbers of runs that all have it in these drills; shape (runs, drills)."""
    return np.array([[run.drills[name].levels[key].value for name in drills] for run in runs])


@dataclass
class _Found:
    """What one drill shows, while it is gathered."""

    levels: dict[Key, DrillLevel] = field(default_factory=dict)
    counts: dict[Key, Counted] = field(default_factory=dict)

    def level(self, key: Key, value: float | None) -> None:
        """See `level_of`."""
        self.levels.update(level_of(key, value))


def level_of(key: Key, value: float | None) -> dict[Key, DrillLevel]:
    """The logarithm of a number above 0; what is not one was not measured."""
    measured = value is not None and value > 0 and math.isfinite(value)
    return {key: DrillLevel(math.log(value))} if value is not None and measured else {}


def seen_run(folder: Path) -> SeenRun:
    """Of a stored run. Raises UsageError where it is not a run's folder, SetupError where its evidence is not
    as the run left it, InputError where something cannot be read."""
    taken = take(folder)
    drills = [
        each
        for each in taken.drills
        if _was_drilled(each.verdict.verdict) and not each.verdict.control and each.kept is None
    ]
    return SeenRun(
        taken.facts.run,
        taken.facts.started_wall,
        {each.verdict.drill: _of_folder(folder, each) for each in drills},
        (taken.facts.machine.cores, taken.facts.cluster.context),
        frozenset(taken.facts.cluster.images.items()),
        taken.facts.target,
        bool(taken.manifest),
        frozenset(taken.facts.not_selected),
    )


def _was_drilled(verdict: str) -> bool:
    """False of a drill for which the target lacks something: nothing was carried out."""
    return verdict != "not applicable"


def seen_in_history(drills: Sequence[PastDrill]) -> list[SeenRun]:
    """Of runs that are remembered, in the order in which they began; only those that ended."""
    by_run: dict[int, list[PastDrill]] = defaultdict(list)
    for drill in drills:
        if drill.run.ended and _was_drilled(drill.verdict) and not drill.control and not drill.kept_run:
            by_run[drill.run.id].append(drill)
    return [
        SeenRun(
            past[0].run.run,
            past[0].run.started_wall,
            {each.drill: _of_history(each) for each in past},
            (past[0].run.cores, past[0].run.context),
            frozenset(past[0].run.images.items()),
            past[0].run.target,
        )
        for past in by_run.values()
    ]


def _of_folder(folder: Path, taken: TakenDrill) -> SeenDrill:
    verdict = taken.verdict
    found = _Found()
    measures = {(each.kind, each.name): each for each in taken.measures}
    _by_measures(found, measures, verdict.recovered_seconds)
    case = Case(folder / verdict.evidence)
    dispersion, per_second = 1.0, None
    if case.started is not None:
        dispersion = dispersion_of(case.calibration)
        per_second = case.setup.settings.requests_per_second
        if verdict.criteria and case.timeline.after is not None:
            dispersion = max(dispersion, _by_requests(found, case))
    return SeenDrill(
        verdict.drill,
        verdict.scenario,
        verdict.watched_seconds,
        verdict.verdict,
        taken.as_expected,
        verdict.why,
        found.levels,
        found.counts,
        verdict.criteria,
        dispersion,
        per_second,
        _elsewhere(measures),
    )


def _of_history(past: PastDrill) -> SeenDrill:
    found = _Found()
    _by_measures(found, past.measures, past.recovered_seconds)
    watched = past.measures.get(("duration", "watched_seconds"))
    return SeenDrill(
        past.drill,
        past.scenario,
        watched.value or 0.0 if watched else 0.0,
        past.verdict,
        past.as_expected,
        past.why,
        found.levels,
        found.counts,
        elsewhere=_elsewhere(past.measures),
    )


def _elsewhere(measures: Mapping[tuple[str, str], Measure]) -> float | None:
    found = measures.get(("machine", "busy_elsewhere"))
    return None if found is None else found.value


def _by_measures(found: _Found, measures: Mapping[tuple[str, str], Measure], recovered: float | None) -> None:
    """What verdicts tell, and the history with them."""
    if recovered is not None:
        found.levels[Key("recovery")] = DrillLevel(recovered)
    for name, seconds in _phases(measures).items():
        found.levels[Key("phase", name)] = DrillLevel(seconds)
    response = measures.get(("criterion", "response_time"))
    if response is not None and response.value:
        variance = None
        if response.low and response.high and response.high < math.inf:
            variance = (math.log(response.high / response.low) / (2 * 1.96)) ** 2
        found.levels[Key("p95", ALL)] = DrillLevel(math.log(response.value), variance)
    errors = measures.get(("criterion", "error_rate"))
    if errors is not None and errors.value is not None and errors.samples:
        found.counts[Key("error_rate")] = Counted(errors.value * errors.samples, errors.samples)
    writes = [measures.get(("writes", name)) for name in ("acknowledged", "lost", "allowed_lost")]
    told = [each.value for each in writes if each is not None and each.value is not None]
    if len(told) == len(writes) and told[0] > 0:
        acknowledged, lost, allowed = told
        found.counts[Key("writes_lost")] = Counted(max(0.0, lost - allowed), acknowledged)


def _phases(measures: Mapping[tuple[str, str], Measure]) -> dict[str, float]:
    """Seconds of each on the way to recovery. They lie between the same moments in every run, whichever came
    first: users are served now a moment before the procedure is over, and now a moment after."""
    at = {name: each.value for (kind, name), each in measures.items() if kind == "phase"}
    recovered, started = at.get("recovered"), at.get("procedure started")
    if recovered is None:
        return {}
    helped = started is not None and started < recovered
    wanted = PHASES_OF_A_PROCEDURE if helped else PHASES_OF_THE_PLATFORM
    moments = ((before, after, at.get(before), at.get(after)) for before, after in wanted)
    return {
        f"{before} to {after}": end - begin
        for before, after, begin, end in moments
        if begin is not None and end is not None
    }


def _by_requests(found: _Found, case: Case) -> float:
    """What the requests and samples of the window after tell; the dispersion of its failures."""
    requests = case.after
    timeout, seconds = case.setup.settings.timeout_seconds, block_seconds(case.calibration)
    for number, name in enumerate(requests.names):
        found.levels.update(latencies_of(name, requests.where(requests.name == number), timeout, seconds))
    # the verdict's own p95 again, with what blocks of time tell of it
    overall = latencies_of(ALL, requests, timeout, seconds)
    found.levels.update({key: level for key, level in overall.items() if key == Key("p95", ALL)})
    if not len(requests):
        return 1.0
    served = float((~requests.failed).mean()) * case.setup.settings.requests_per_second
    found.level(Key("throughput"), served)
    samples = samples_of(case)
    if served > 0 and not too_little(case, samples):
        cores, used = cores_used(case.within(ResourcesSampled, case.window)), _bytes(samples)
        found.level(Key("cpu"), cores / served if cores is not None else None)
        found.level(Key("memory"), used / served if used is not None else None)
    return dispersion_of_failures(requests.failed, requests.planned).estimate


def latencies_of(name: str, requests: Requests, timeout: float, seconds: float) -> dict[Key, DrillLevel]:
    """The quantiles of one name's latency, those that enough requests lie beyond. `seconds`: of a block."""
    found: dict[Key, DrillLevel] = {}
    if not len(requests):
        return found
    latency = response_latency(requests, timeout)
    blocks = in_blocks(latency, requests.planned, seconds)
    for criterion, probability in QUANTILES.items():
        value = quantile(latency, probability)
        if len(latency) * (1 - probability) >= LEAST_BEYOND and value > 0:
            variance = log_quantile_variance(blocks, probability)
            found[Key(criterion, name)] = DrillLevel(math.log(value), variance)
    return found


def _bytes(samples: Sequence[PodSample]) -> float | None:
    """Memory of all pods together, on average over the looks at which each was measured."""
    sums = list(_sums(samples))
    return float(np.mean(sums)) if sums else None


def _sums(samples: Sequence[PodSample]) -> Iterator[float]:
    for sample in samples:
        used = [pod.memory_bytes for pod in sample.pods.values() if pod.memory_bytes is not None]
        if used and len(used) >= len(sample.expected):
            yield sum(used)
