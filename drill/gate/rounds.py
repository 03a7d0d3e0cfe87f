"""What is released and its candidate, in turn under plain load, many times within minutes. Flows in: two
images, a budget. Flows out: the folder of the rounds, and a decision.

Each stretch is a rollout and then load for two turns; the first and the last have one. So the turns follow
each other as released, candidate, candidate, released, released, candidate ...: a pair has a rollout between
its two turns, every other pair has the candidate first, and what drifts evenly, such as a table that grows,
cancels.

It is decided twice at most: once about half of the pairs are there, with EARLY_SHARE of the error rates, and
at the end of the budget with the rest. To look again and again, until something is found, would find
something.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from drill import present
from drill.cluster.access import Cluster
from drill.cluster.health import statuses_of
from drill.cluster.lease import Held, Holder, hold
from drill.errors import SetupError, UsageError
from drill.gate.alternate import SIDES, Images
from drill.gate.decide import Decision
from drill.gate.pairs import LEAST_PAIRS, decide_pairs
from drill.gate.plain_load import Drive, drive_load
from drill.gate.turns import FILE, StoredRounds, Turn, seen_pairs
from drill.parts.health import wait_until_healthy
from drill.putback import close_images, open_images, put_back, run_image
from drill.putback.ledger import ImageEntry
from drill.run.files import write_file
from drill.run.outcome import INCONCLUSIVE
from drill.settings import Settings

TURN_SECONDS = 8.0
EARLY_SHARE = 0.2
LAST_SHARE = 1 - EARLY_SHARE
WORTH_A_LOOK = 2
"""So many more pairs than at the early decision must have room for it to be made."""


@dataclass(frozen=True)
class RoundsPlan:
    """`folder`: where they go; `name`: for people; `budget_seconds`: from the first rollout to the last
    decision, with room for the rollout that puts the found image back; `drive`: what sends the load."""

    folder: Path
    name: str
    turn_seconds: float = TURN_SECONDS
    budget_seconds: float = 360.0
    allow_context: str | None = None
    drive: Drive = drive_load


@dataclass
class Rounds:
    """`decisions`: how many were made; `ended`: why there is no further pair; `rollout_seconds`: of the last
    one; `stretch_seconds`: of the longest, as if it had had two turns; `stretches`: their folders."""

    images: Images
    stored: StoredRounds
    decision: Decision | None = None
    decisions: int = 0
    ended: str = ""
    rollout_seconds: float = 0.0
    stretch_seconds: float = 0.0
    stretches: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        """How many are complete."""
        return max(0, len(self.stretches) - 1)

    def lines(self) -> Iterator[str]:
        """What was compared, and how, for people."""
        if self.images.are_the_same:
            yield f"both sides are the same image: {self.images.released}, {self.images.candidate}"
        yield (
            f"released {self.images.released}, candidate {self.images.candidate}: {self.pairs} pairs of "
            f"{self.stored.turn_seconds:g} s of load each in {self.stored.seconds:.0f} s"
        )
        if self.stored.share < 1:
            yield f"this decision, one of two, has {self.stored.share:.0%} of false_alarms and misses"
        if self.ended:
            yield self.ended


def take_rounds(
    settings: Settings,
    cluster: Cluster,
    images: Images,
    plan: RoundsPlan,
    say: Callable[[str], None],
) -> Rounds:
    """Take pairs until it is decided or the budget is spent. However it ends, the cluster runs the image that
    was found; where this process is killed, the next `drill put-back` or run sees to that.

    Raises UsageError where the folder exists, SetupError where an image does not become well, the load cannot
    be sent, or somebody else released or drilled meanwhile."""
    if plan.folder.exists():
        raise UsageError(f"{plan.folder}: rounds of that name exist; give another --run")
    stored = StoredRounds(
        released=images.released,
        candidate=images.candidate,
        requests_per_second=settings.load.requests_per_second,
        timeout_seconds=settings.load.timeout_seconds,
        turn_seconds=plan.turn_seconds,
        names=[request.name for request in settings.load.requests],
    )
    work = _Rounds(settings, cluster, plan, Rounds(images, stored), say)
    with hold(cluster, Holder.of_this_process(plan.name)) as held:
        put_back(settings, cluster)
        wait_until_healthy(cluster, settings)
        workload = settings.target.application
        entry = open_images(settings, cluster, workload, [images.released, images.candidate])
        try:
            work.take(entry, held)
        finally:
            for line in close_images(settings, cluster, entry).lines():
                say(line)
    return work.done


@dataclass
class _Rounds:
    settings: Settings
    cluster: Cluster
    plan: RoundsPlan
    done: Rounds
    say: Callable[[str], None]

    def take(self, entry: ImageEntry, held: Held) -> None:
        """All pairs, until it is decided or there is no room for another."""
        began, done = time.monotonic(), self.done
        early: int | None = None
        room = math.inf
        while True:
            held.check()
            self._stretch(entry, turns=1 if room == 1 or not done.stretches else 2)
            spent = time.monotonic() - began
            done.stored = msgspec.structs.replace(done.stored, seconds=spent)
            left = self.plan.budget_seconds - spent - done.rollout_seconds
            room = max(0, math.floor(left / done.stretch_seconds))
            if early is None and done.pairs:
                early = max(LEAST_PAIRS, (done.pairs + room) // 2)
            enough = done.pairs + room >= LEAST_PAIRS
            if room == 0 or not enough:
                self._decide(1.0 if done.decisions == 0 else LAST_SHARE)
                self._end()
                return
            if done.pairs == early and room >= WORTH_A_LOOK and done.decisions == 0:
                self._decide(EARLY_SHARE)
                if done.decision is not None and done.decision.exit_status != INCONCLUSIVE:
                    return

    def _end(self) -> None:
        done = self.done
        if done.decision is not None and done.decision.exit_status == INCONCLUSIVE:
            done.ended = (
                f"no further pair: one takes about {done.stretch_seconds:.0f} s, and of the budget of "
                f"{self.plan.budget_seconds:.0f} s {done.stored.seconds:.0f} s are spent; about "
                f"{done.rollout_seconds:.0f} s are kept for the rollout of what was found"
            )

    def _decide(self, share: float) -> None:
        """On what lies in the folder, and on nothing else."""
        done = self.done
        done.decisions += 1
        done.stored = msgspec.structs.replace(done.stored, share=share)
        self._keep()
        pairs = seen_pairs(self.plan.folder, done.stored)
        names = f"candidate {done.images.candidate}", f"released {done.images.released}"
        done.decision = decide_pairs(pairs, done.stored, self.settings.gate, present.today(), names)

    def _stretch(self, entry: ImageEntry, turns: int) -> None:
        done, number, began = self.done, len(self.done.stretches), time.monotonic()
        side = SIDES[number % 2]
        image, name = done.images.of(side), f"{number:02d}-{side}"
        self.say(f"{done.pairs} pairs so far; {side}, {image}: a rollout, then {turns} turns of load")
        run_image(self.settings, self.cluster, entry, image)
        done.rollout_seconds = time.monotonic() - began
        seconds = self.plan.turn_seconds
        folder = self.plan.folder / name
        start, _ = self.plan.drive(self.settings, folder, turns * seconds, self.plan.allow_context)
        ran = _ran(self.cluster, entry, image)
        first = max(0, number - 1)
        made = [
            Turn(first + turn, side, name, start + turn * seconds, start + (turn + 1) * seconds)
            for turn in range(turns)
        ]
        done.stretches.append(name)
        done.stored = msgspec.structs.replace(
            done.stored, turns=[*done.stored.turns, *made], images={**done.stored.images, name: ran}
        )
        self._keep()
        _refuse_mixed(done)
        whole = time.monotonic() - began + (2 - turns) * seconds
        done.stretch_seconds = max(done.stretch_seconds, whole)

    def _keep(self) -> None:
        content = msgspec.json.format(msgspec.json.encode(self.done.stored)) + b"\n"
        write_file(self.plan.folder / FILE, content)


def _ran(cluster: Cluster, entry: ImageEntry, image: str) -> list[str]:
    """Images with their digests of the pods that served, as these have them. Raises SetupError where one asks
    for another image: somebody released it under the load."""
    found = set()
    for pod in cluster.pods(entry.workload, entry.kind):
        if "deletionTimestamp" in pod["metadata"]:
            continue
        asked = {each["name"]: each["image"] for each in pod["spec"]["containers"]}.get(entry.container, "")
        if asked != image:
            raise SetupError(
                f"{pod['metadata']['name']} runs {asked or 'no such container'}, and the gate had set "
                f"{image}: somebody released another meanwhile, and nothing can be compared"
            )
        # one that an autoscaler has just asked for has no digest yet
        own = [each for each in statuses_of(pod) if each["name"] == entry.container and each.get("imageID")]
        found |= {f"{image} {each['imageID']}" for each in own}
    return sorted(found)


def _refuse_mixed(done: Rounds) -> None:
    """Raise SetupError where the stretches of one side were of two images."""
    for side in SIDES:
        ran = {tuple(images) for name, images in done.stored.images.items() if name.endswith(side)}
        if len(ran) > 1:
            said = "; ".join(", ".join(each) for each in sorted(ran))
            raise SetupError(
                f"the {side} pods were of more than one image ({said}): somebody changed it meanwhile, and "
                "nothing can be compared"
            )
