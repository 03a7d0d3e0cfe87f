"""Turns of plain load, as they are stored and as they are compared. Flows in: the folder of rounds. Flows
out: numbers by criterion for each turn, or why a turn tells none.

A stretch is what is recorded between one rollout and the next, in a folder of its own: the load's requests
and the samples. A turn is a part of it, so many seconds long; a pair is one turn of each image, with a
rollout between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from drill.errors import InputError
from drill.gate.observed import ALL, LEAST_BEYOND, QUANTILES, DrillLevel, Key, latencies_of, level_of
from drill.history.elsewhere import cores_used
from drill.recording import RECORDING, REQUESTS, Requests, all_of, read_events, read_requests
from drill.recording.events import LoadTrouble, ResourcesSampled
from drill.statistics import Counted
from drill.statistics.noise import dispersion_of

FILE = "rounds.json"
Side = Literal["released", "candidate"]
LEAST_SENT = 0.9
"""Of what was planned in a turn, as much must have been sent and seen through undisturbed."""
BLOCK_SECONDS = 1.0
LEAST_LOOKS = 2


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One turn. `pair`: counted from 0; `folder`: of its stretch, below that of the rounds; [start, end):
    monotonic seconds."""

    pair: int
    side: Side
    folder: str
    start: float
    end: float


class StoredRounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """rounds.json. `released`, `candidate`: images by name; `images`: folder of a stretch -> what its pods
    ran, with digests; `names`: of requests, as drill.toml has them; `seconds`: since the first rollout
    began; `share`: of the error rates, the part of the present decision."""

    released: str
    candidate: str
    requests_per_second: float
    timeout_seconds: float
    turn_seconds: float
    names: list[str]
    turns: list[Turn] = []
    images: dict[str, list[str]] = {}
    seconds: float = 0.0
    share: float = 1.0


@dataclass(frozen=True)
class SeenTurn:
    """What one turn shows. `levels`: logarithms; `counts`: events in trials; `sizes`: requests by name;
    `spoiled`: why it tells nothing, empty where it does."""

    levels: Mapping[Key, DrillLevel] = field(default_factory=dict)
    counts: Mapping[Key, Counted] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    dispersion: float = 1.0
    spoiled: str = ""


@dataclass(frozen=True)
class Pair:
    """A turn of each image."""

    released: SeenTurn
    candidate: SeenTurn

    @property
    def spoiled(self) -> str:
        """Why it is not compared; empty where it is."""
        return self.released.spoiled or self.candidate.spoiled


def seen_pairs(folder: Path, stored: StoredRounds) -> list[Pair]:
    """Each pair of which both turns are there, in order. Raises InputError for what cannot be read."""
    by_pair: dict[int, dict[Side, Turn]] = defaultdict(dict)
    for turn in stored.turns:
        by_pair[turn.pair][turn.side] = turn
    stretches: dict[str, _Stretch] = {}
    found = []
    for _, sides in sorted(by_pair.items()):
        if len(sides) == 2:
            for turn in sides.values():
                if turn.folder not in stretches:
                    stretches[turn.folder] = _stretch(folder / turn.folder)
            seen = {side: _seen(turn, stretches[turn.folder], stored) for side, turn in sides.items()}
            found.append(Pair(seen["released"], seen["candidate"]))
    return found


@dataclass(frozen=True)
class _Stretch:
    requests: Requests
    troubles: Sequence[LoadTrouble]
    looks: Sequence[tuple[float, ResourcesSampled]]


def _stretch(folder: Path) -> _Stretch:
    events = read_events(folder / RECORDING)
    requests = read_requests(folder / REQUESTS)
    if requests.unreadable:
        raise InputError(
            folder / REQUESTS,
            None,
            requests.unreadable[0],
            "a request as JSON in every line, as the load wrote it",
        )
    return _Stretch(
        requests,
        all_of(LoadTrouble, events),
        [(each.monotonic, each.data) for each in events if isinstance(each.data, ResourcesSampled)],
    )


def _seen(turn: Turn, stretch: _Stretch, stored: StoredRounds) -> SeenTurn:
    inside = [look for look in stretch.looks if turn.start <= look[0] <= turn.end]
    requests = stretch.requests.between(turn.start, turn.end)
    return seen_turn(
        requests.where(_undisturbed(requests, stretch.troubles)),
        inside,
        seconds=turn.end - turn.start,
        requests_per_second=stored.requests_per_second,
        timeout_seconds=stored.timeout_seconds,
        names=stored.names,
    )


def _undisturbed(requests: Requests, troubles: Sequence[LoadTrouble]) -> NDArray[np.bool_]:
    """What says something of the target: sent by the load, and not under way while that stood still."""
    kept = ~requests.unsent
    for each in troubles:
        kept &= ~((requests.planned < each.end) & (requests.finished >= each.start))
    return kept


def seen_turn(
    requests: Requests,
    looks: Sequence[tuple[float, ResourcesSampled]],
    *,
    seconds: float,
    requests_per_second: float,
    timeout_seconds: float,
    names: Sequence[str],
) -> SeenTurn:
    """What undisturbed requests and samples of `seconds` tell."""
    planned = seconds * requests_per_second
    if not planned or len(requests) < LEAST_SENT * planned:
        return SeenTurn(
            spoiled=f"of {planned:.0f} requests that were planned the load sent {len(requests)} undisturbed, "
            f"less than {LEAST_SENT:.0%}"
        )
    levels: dict[Key, DrillLevel] = {}
    rows = {name: requests.name == requests.names.index(name) for name in requests.names if name in names}
    for name, own in [(ALL, np.ones(len(requests), np.bool_)), *rows.items()]:
        levels |= latencies_of(name, requests.where(own), timeout_seconds, BLOCK_SECONDS)
    failures = int(requests.failed.sum())
    served = (1 - failures / len(requests)) * requests_per_second
    # of a turn in which none was served it is known that it were fewer than one
    levels |= level_of(Key("throughput"), max(served, 1 / seconds))
    if served > 0 and len(looks) >= LEAST_LOOKS:
        cores, held = cores_used(looks), _memory(looks)
        levels |= level_of(Key("cpu"), None if cores is None else cores / served)
        levels |= level_of(Key("memory"), None if held is None else held / served)
    return SeenTurn(
        levels,
        {Key("error_rate"): Counted(failures, len(requests))},
        {name: int(own.sum()) for name, own in rows.items()} | {ALL: len(requests)},
        dispersion_of(requests.failed, requests.planned).estimate,
    )


def least_requests(criterion: str) -> int:
    """So many of one name a turn needs for that quantile to be compared."""
    return round(LEAST_BEYOND / (1 - QUANTILES[criterion]))


def _memory(looks: Sequence[tuple[float, ResourcesSampled]]) -> float | None:
    """Bytes of all pods together, on average over the looks at which each was measured."""
    sums = []
    for _, look in looks:
        held = [pod.memory_bytes for pod in look.pods if pod.memory_bytes is not None]
        if held and len(held) >= len(look.expected):
            sums.append(sum(held))
    return float(np.mean(sums)) if sums else None
