"""What is released and its candidate, in alternation on one cluster, so that the machine's mood meets both.
Flows in: two images, a selection of drills, a budget. Flows out: stored runs of both sides, and a decision.

A round is a run of the released image and one of the candidate, each with new pods. After every round it is
decided. To look again and again, until something is found, would find something: so it is settled after the
first round how many times it may be looked, and each look has that part of the error rates in [gate].
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from drill.cluster.access import Cluster
from drill.cluster.lease import Holder, hold
from drill.errors import SetupError, UsageError
from drill.gate.command import decide_on
from drill.gate.decide import Decision
from drill.gate.turns import Side
from drill.parts.health import wait_until_healthy
from drill.putback import close_images, image_of, open_images, put_back, run_image
from drill.putback.ledger import ImageEntry, Ledger
from drill.putback.place import state_folder
from drill.run.child import run_child
from drill.run.facts import FILE as RUN_FILE
from drill.run.facts import read_facts
from drill.run.files import write_file
from drill.run.outcome import INCONCLUSIVE, SETUP
from drill.settings import Settings

SIDES: tuple[Side, Side] = ("released", "candidate")
STANDARD_ERROR = 2


@dataclass(frozen=True)
class Images:
    """Two images of the application's workload by name, with their ids, empty where unknown."""

    released: str
    candidate: str
    released_id: str = ""
    candidate_id: str = ""

    def of(self, side: Side) -> str:
        """The name of that side's."""
        return self.released if side == "released" else self.candidate

    @property
    def are_the_same(self) -> bool:
        """One image, maybe by two names."""
        return self.released == self.candidate or ("" != self.released_id == self.candidate_id)


@dataclass(frozen=True)
class AlternationPlan:
    """`pytest`: the command line of a run, but its name; `name`: the runs' begins so; `rounds`: before the
    first decision; `budget_seconds`: for further ones."""

    pytest: tuple[str, ...]
    reports: Path
    name: str
    rounds: int = 1
    budget_seconds: float = 360.0


class AlternatedRun(msgspec.Struct, frozen=True):
    """One run. `image`: by name, `ran`: as the pods of that run had it, with its digest; `seconds`: with the
    rollout before it; `exit_status`: of its drills."""

    run: str
    side: Side
    image: str
    ran: str
    seconds: float
    exit_status: int


@dataclass
class Alternated:
    """`runs`: in the order in which they were made; `looks`: so many decisions shared the error rates;
    `ended`: why there is no further round."""

    images: Images
    runs: list[AlternatedRun] = field(default_factory=list)
    looks: int = 1
    spent_seconds: float = 0.0
    decision: Decision | None = None
    ended: str = ""

    def names(self, side: Side) -> list[str]:
        """Of the runs of that side."""
        return [each.run for each in self.runs if each.side == side]

    @property
    def seconds(self) -> float:
        """Of all runs."""
        return sum(each.seconds for each in self.runs)

    def lines(self) -> Iterator[str]:
        """What was compared, and how, for people."""
        if self.images.are_the_same:
            yield f"both sides are the same image: {self.images.released}, {self.images.candidate}"
        yield (
            f"released {self.images.released}: {', '.join(self.names('released'))}; candidate "
            f"{self.images.candidate}: {', '.join(self.names('candidate'))}; {self.seconds:.0f} s"
        )
        if self.looks > 1:
            yield f"at most {self.looks} decisions, each with 1/{self.looks} of false_alarms and misses"
        if self.ended:
            yield self.ended


def alternate(
    settings: Settings,
    cluster: Cluster,
    images: Images,
    plan: AlternationPlan,
    say: Callable[[str], None],
) -> Alternated:
    """Alternate until it is decided or the budget is spent. However it ends, the cluster runs the image that
    was found; where this process is killed, the next `drill put-back` or run sees to that.

    Raises UsageError where a run of these names exists, SetupError where an image does not become well, a run
    could not be carried out, or somebody else released meanwhile."""
    work = _Alternation(settings, cluster, plan, Alternated(images), say)
    work.refuse_existing()
    holder = Holder.of_this_process(plan.name)
    with hold(cluster, holder):
        put_back(settings, cluster)
        wait_until_healthy(cluster, settings)
        workload = settings.target.application
        entry = open_images(settings, cluster, workload, [images.released, images.candidate])
    try:
        work.rounds(entry)
    finally:
        with hold(cluster, holder):
            for line in close_images(settings, cluster, entry).lines():
                say(line)
    return work.done


def released_image(settings: Settings, cluster: Cluster) -> str:
    """The image that the application's workload runs; what was left open, such as another, is put back
    first."""
    if Ledger(state_folder(cluster)).files():
        with hold(cluster, Holder.of_this_process("drill gate alternate")):
            put_back(settings, cluster)
    return image_of(cluster, settings.target.application)


@dataclass
class _Alternation:
    settings: Settings
    cluster: Cluster
    plan: AlternationPlan
    done: Alternated
    say: Callable[[str], None]

    def rounds(self, entry: ImageEntry) -> None:
        """All of them, until it is decided or the budget is spent."""
        done, budget_seconds = self.done, self.plan.budget_seconds
        number, seconds = 0, 0.0
        for number in range(1, self.plan.rounds + 1):
            seconds = self._round(entry, number)
        done.looks = 1 + math.floor(budget_seconds / seconds)
        for look in range(1, done.looks + 1):
            done.decision = self._decide()
            self._keep()
            if done.decision.exit_status != INCONCLUSIVE:
                return
            left_seconds = budget_seconds - done.spent_seconds
            if done.decision.more_seconds is None:
                done.ended = "no further round: more drills would not decide what is inconclusive"
            elif look == done.looks or seconds > left_seconds:
                done.ended = (
                    f"no further round: one takes about {seconds:.0f} s, and of the budget of "
                    f"{budget_seconds:.0f} s {max(left_seconds, 0.0):.0f} s are left"
                )
            if done.ended:
                return
            number += 1
            seconds = self._round(entry, number)
            done.spent_seconds += seconds

    def refuse_existing(self) -> None:
        """Raise UsageError where the first run cannot be called so."""
        folder = self.plan.reports / self._name(1, "released")
        if folder.exists():
            raise UsageError(f"{folder}: a run of that name exists; give another --run")

    def _decide(self) -> Decision:
        policy, looks = self.settings.gate, self.done.looks
        share = {"false_alarms": policy.false_alarms / looks, "misses": policy.misses / looks}
        shared = self.settings.model_copy(update={"gate": policy.model_copy(update=share)})
        candidate, released = (
            [self.plan.reports / run for run in self.done.names(side)] for side in reversed(SIDES)
        )
        return decide_on(shared, candidate, released, self.plan.reports)

    def _round(self, entry: ImageEntry, number: int) -> float:
        """How many seconds it took."""
        began = time.monotonic()
        for side in SIDES:
            image, run, since = self.done.images.of(side), self._name(number, side), time.monotonic()
            self.say(f"round {number}: {side}, {image}: run {run}")
            with hold(self.cluster, Holder.of_this_process(run)):
                run_image(self.settings, self.cluster, entry, image)
            status = _run([*self.plan.pytest, "--reports", str(self.plan.reports), "--run", run])
            ran = _ran(entry, self.plan.reports / run, status)
            self.done.runs.append(AlternatedRun(run, side, image, ran, time.monotonic() - since, status))
            self._keep()
            _refuse_mixed(self.done)
        return time.monotonic() - began

    def _name(self, number: int, side: Side) -> str:
        return f"{self.plan.name}-{number}-{side}"

    def _keep(self) -> None:
        """reports/NAME.gate.json: which run is of which side."""
        images, decision = self.done.images, self.done.decision
        whole = {
            "released": {"image": images.released, "id": images.released_id},
            "candidate": {"image": images.candidate, "id": images.candidate_id},
            "runs": self.done.runs,
            "decisions_at_most": self.done.looks,
            "outcome": decision.outcome if decision else None,
        }
        file = self.plan.reports / f"{self.plan.name}.gate.json"
        write_file(file, msgspec.json.format(msgspec.json.encode(whole)) + b"\n")


def _run(command: Sequence[str]) -> int:
    """The exit status of the drills, which bound themselves."""
    status = run_child(command, output=STANDARD_ERROR)
    assert status is not None
    return status


def _ran(entry: ImageEntry, folder: Path, status: int) -> str:
    """The image that the run's pods had, with its digest. Raises SetupError where there was no such run."""
    if status >= SETUP or not (folder / RUN_FILE).is_file():
        raise SetupError(
            f"{folder}: its drills could not be carried out (exit status {status}); what they said stands "
            "above. Put that right, and alternate again under another --run"
        )
    return read_facts(folder).cluster.images.get(f"{entry.workload}/{entry.container}", "")


def _refuse_mixed(done: Alternated) -> None:
    """Raise SetupError where the runs of one side were of two images."""
    for side in SIDES:
        ran = sorted({each.ran for each in done.runs if each.side == side})
        if len(ran) > 1:
            raise SetupError(
                f"the runs of the {side} image were of more than one ({', '.join(ran)}): somebody changed it "
                "meanwhile, and nothing can be compared"
            )
