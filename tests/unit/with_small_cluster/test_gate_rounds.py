"""`drill gate rounds` on a small cluster: rollouts and turns in their order, a decision on what was recorded,
and the image that was found afterwards, however it ended. The load is made: each image is as slow as it is
said."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from small_cluster import SmallCluster, a_deployment

from drill import wait
from drill.cli import cli
from drill.cluster.access import Cluster
from drill.errors import SetupError, UsageError
from drill.gate import rounds as rounds_module
from drill.gate.alternate import Images, released_image
from drill.gate.plain_load import Driven
from drill.gate.rounds import Rounds, RoundsPlan, take_rounds
from drill.gate.turns import FILE, StoredRounds
from drill.gate.words import decision_lines
from drill.putback.ledger import ImageEntry, Ledger
from drill.putback.place import state_folder
from drill.settings import Settings
from tests.unit.gate.made_rounds import Like, write_stretch

ROOT = Path(__file__).parents[3]
IMAGES = Images("web:1", "web:2")
ROLLOUT_SECONDS = 10.0


class Clock:
    """Time of the rounds: a rollout takes ROLLOUT_SECONDS of it, load as long as it lasts."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


class Users:
    """A load that is made. `meanwhile`: what happens under it."""

    def __init__(
        self,
        small: SmallCluster,
        clock: Clock,
        like: dict[str, Like],
        meanwhile: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.small, self.clock, self.like, self.meanwhile = small, clock, like, meanwhile
        self.asked: list[tuple[str, float]] = []

    def __call__(self, settings: Settings, folder: Path, seconds: float, allow_context: str | None) -> Driven:
        image = self.small.get("Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
        self.asked.append((image, seconds))
        random = np.random.default_rng(zlib.crc32(folder.name.encode()))
        driven = write_stretch(
            folder,
            self.like.get(image, Like()),
            random,
            self.clock.seconds,
            seconds=seconds,
            per_second=settings.load.requests_per_second,
        )
        self.clock.seconds = driven.end
        self.meanwhile(len(self.asked))
        return driven


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made, roll_out = Clock(), rounds_module.run_image

    def roll_out_slowly(settings: Settings, cluster: Cluster, entry: ImageEntry, image: str) -> None:
        made.seconds += ROLLOUT_SECONDS
        roll_out(settings, cluster, entry, image)

    monkeypatch.setattr(rounds_module, "time", made)
    monkeypatch.setattr(rounds_module, "run_image", roll_out_slowly)
    return made


def taken(
    settings: Settings, cluster: Cluster, users: Users, *, images: Images = IMAGES, budget: float = 360.0
) -> Rounds:
    policy = settings.gate.model_copy(update={"block": ("p95", "error_rate"), "warn": ()})
    settings = settings.model_copy(update={"gate": policy})
    plan = RoundsPlan(settings.file.parent / "reports" / "one", "one", 4.0, budget, drive=users)
    return take_rounds(settings, cluster, images, plan, lambda line: None)


def image_of(small: SmallCluster) -> str:
    return str(small.get("Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"])


def test_the_same_image_passes_and_the_found_one_runs_again(
    small: SmallCluster, settings: Settings, cluster: Cluster, clock: Clock
) -> None:
    users = Users(small, clock, {})
    done = taken(settings, cluster, users, images=Images("web:1", "web:2", "sha256:1", "sha256:1"))
    assert done.decision is not None
    assert done.decision.outcome == "pass"
    assert next(done.lines()) == "both sides are the same image: web:1, web:2"
    assert image_of(small) == "web:1"
    assert Ledger(state_folder(cluster)).files() == []


def test_turns_follow_each_other_as_abba(
    small: SmallCluster, settings: Settings, cluster: Cluster, clock: Clock
) -> None:
    # of latencies that differ so much, nothing is told
    users = Users(small, clock, dict.fromkeys(("web:1", "web:2"), Like(spread=2.0)))
    done = taken(settings, cluster, users, budget=150.0)
    assert done.decision is not None
    assert (done.decision.outcome, done.decisions) == ("inconclusive", 2), list(decision_lines(done.decision))
    assert users.asked[0] == ("web:1", 4.0)
    assert users.asked[-1][1] == 4.0
    assert {seconds for _, seconds in users.asked[1:-1]} == {8.0}
    assert [image for image, _ in users.asked] == [
        image for image, _ in zip(itertools.cycle(["web:1", "web:2"]), users.asked)
    ]
    written = settings.file.parent / "reports" / "one" / FILE
    stored = msgspec.json.decode(written.read_bytes(), type=StoredRounds)
    assert stored == done.stored
    order = [turn.side for turn in sorted(stored.turns, key=lambda turn: turn.start)]
    assert order[:6] == ["released", "candidate", "candidate", "released", "released", "candidate"]
    for pair in range(done.pairs):
        assert sorted(turn.side for turn in stored.turns if turn.pair == pair) == ["candidate", "released"]
    # the whole of it, with the rollout that comes after, stays within the budget
    assert done.stored.seconds + ROLLOUT_SECONDS <= 150.0
    assert done.pairs >= 6


def test_a_slowed_image_is_blocked_at_the_early_decision(
    small: SmallCluster, settings: Settings, cluster: Cluster, clock: Clock
) -> None:
    users = Users(small, clock, {"web:2": Like(slow=0.015, spread=0.2)})
    done = taken(settings, cluster, users)
    assert done.decision is not None
    assert done.decision.exit_status == 1
    assert any(row.name == "p95 all requests" and row.outcome == "regression" for row in done.decision.rows)
    assert (done.decisions, done.stored.share) == (1, 0.2)
    assert done.stored.seconds < 250
    assert "this decision, one of two, has 20% of false_alarms and misses" in list(done.lines())
    assert image_of(small) == "web:1"


def test_a_budget_too_small_for_four_pairs_ends_at_once_and_says_how_many_seconds_are_lacking(
    small: SmallCluster, settings: Settings, cluster: Cluster, clock: Clock
) -> None:
    users = Users(small, clock, {"web:2": Like(slow=1.0)})
    done = taken(settings, cluster, users, budget=40.0)
    assert done.decision is not None
    assert done.decision.exit_status == 2
    assert len(users.asked) == 1
    assert done.decision.more_seconds is not None
    assert done.decision.more_seconds > 0
    assert "no further pair: one takes about 18 s, and of the budget of 40 s 14 s are spent" in done.ended


def test_a_load_that_stalls_never_passes(
    small: SmallCluster, settings: Settings, cluster: Cluster, clock: Clock
) -> None:
    users = Users(small, clock, {"web:2": Like(silent=0.5)})
    done = taken(settings, cluster, users, budget=150.0)
    assert done.decision is not None
    assert (done.decision.exit_status, done.decisions) == (2, 2)
    assert "of 400 requests that were planned the load sent" in done.decision.rows[0].why


def test_a_load_that_cannot_be_sent_ends_it_and_the_image_is_put_back(
    small: SmallCluster, settings: Settings, cluster: Cluster, clock: Clock
) -> None:
    def end(number: int) -> None:
        if number == 2:
            raise SetupError("the load ended by itself")

    with pytest.raises(SetupError, match="the load ended by itself"):
        taken(settings, cluster, Users(small, clock, {}, end))
    assert image_of(small) == "web:1"
    assert Ledger(state_folder(cluster)).files() == []


def test_a_release_under_the_load_ends_it_and_stays(
    small: SmallCluster, settings: Settings, cluster: Cluster, clock: Clock
) -> None:
    def release(number: int) -> None:
        if number == 2:
            small.put("Deployment", a_deployment(image="web:9"))

    with pytest.raises(SetupError, match="web:9"):
        taken(settings, cluster, Users(small, clock, {}, release))
    assert image_of(small) == "web:9"


def test_one_name_that_became_another_image_ends_it(
    small: SmallCluster, settings: Settings, cluster: Cluster, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = iter([["web:1 sha256:a"], ["web:2 sha256:b"], ["web:1 sha256:c"]])
    monkeypatch.setattr(rounds_module, "_ran", lambda *_: next(ran))
    with pytest.raises(SetupError, match="the released pods were of more than one image"):
        taken(settings, cluster, Users(small, clock, {}))
    assert image_of(small) == "web:1"


def test_rounds_of_that_name_are_refused_before_anything_is_changed(
    small: SmallCluster, settings: Settings, cluster: Cluster, clock: Clock
) -> None:
    (settings.file.parent / "reports" / "one").mkdir(parents=True)
    small.changes.clear()
    with pytest.raises(UsageError, match="rounds of that name exist"):
        taken(settings, cluster, Users(small, clock, {}))
    assert small.changes == []


HOLDING = """
import sys
from pathlib import Path
from drill import settings as target_settings, wait
from drill.cluster.access import connect
from drill.gate.alternate import Images
from drill.gate.rounds import RoundsPlan, take_rounds
from drill.run.child import ends_on_sigterm

def drive(settings, folder, seconds, allow_context):
    Path(sys.argv[2]).touch()
    wait.pause(60)

settings = target_settings.load(Path(sys.argv[1]))
plan = RoundsPlan(settings.file.parent / "reports" / "one", "one", drive=drive)
with ends_on_sigterm():
    take_rounds(settings, connect(settings), Images("web:2", "web:1"), plan, print)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_it_the_found_image_runs_again(
    small: SmallCluster, settings: Settings, cluster: Cluster, number: signal.Signals
) -> None:
    reached = settings.file.parent / "under-load"
    command = [sys.executable, "-c", HOLDING, str(settings.file), str(reached)]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    try:
        wait.until("load on the candidate", reached.exists, seconds=300)
        assert image_of(small) == "web:2"
        process.send_signal(number)
        process.wait(120)
    finally:
        process.kill()
    if number == signal.SIGKILL:
        assert image_of(small) == "web:2"
        # nor does the next gate take it for what is released
        assert released_image(settings, cluster) == "web:1"
    assert image_of(small) == "web:1"
    assert Ledger(state_folder(cluster)).files() == []


def test_the_command_tells_and_keeps_its_decision(
    small: SmallCluster, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = settings.file
    policy = '\n[gate]\nblock = ["p95"]\nwarn = []\n'
    file.write_text(file.read_text(encoding="utf-8") + policy, encoding="utf-8")
    users = Users(small, clock, {"web:2": Like(slow=0.02)})
    monkeypatch.setattr("drill.gate.rounds_command.images_of", lambda *_: IMAGES)
    monkeypatch.setattr("drill.gate.rounds_command.DRIVE", users)
    place, decision = file.parent / "reports", file.parent / "decision.json"
    words = ["--target", str(file), "gate", "rounds", "web:2", "--reports", str(place), "--run", "two"]
    done = CliRunner().invoke(cli, [*words, "--turn-seconds", "4", "--json", str(decision)])
    assert done.exit_code == 1, done.output
    assert "REGRESSION: candidate web:2 against released web:1" in done.output
    assert json.loads(decision.read_text(encoding="utf-8"))["outcome"] == "regression"
    assert (place / "two" / "rounds.json").is_file()
