"""One drill, in the one order there is (design decision 3).

Flows in: a scenario's sentences, one method each. Flows out: the evidence folder and its verdict.

gate -> load -> before -> inject -> witness -> procedure -> restored -> after -> audit -> judge; then `close`:
undo -> known state. Calling a method out of order is a UsageError; whatever happens, `close` puts the target
back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from drill import wait
from drill.cluster.access import Cluster
from drill.cluster.health import target_health
from drill.conduct.book import Book, step_at
from drill.conduct.scenario import Facts
from drill.conduct.world import world_of
from drill.errors import DeadlineError, DrillError, SetupError, UsageError
from drill.inject.injection import Injection
from drill.judge.judge import judge
from drill.judge.verdict import DrillVerdict
from drill.load.audit import audit_writes
from drill.load.process import Load
from drill.load.tail import RequestTail
from drill.observe.sampler import Sampler
from drill.operate import Operator
from drill.parts.backup import fetch_newest_backup, make_backup
from drill.putback.restore import restore_all
from drill.recording import Event, Moment, Recorder, now, read_events
from drill.report.live import LiveLine
from drill.settings import Settings
from drill.statistics import hold, rate_interval

GATE_SECONDS = 60
WATCH_EVERY_SECONDS = 0.25
WRITES_AFTER_BACKUP = 20
BACKUP_SECONDS = 60
NORMAL_SECONDS = 30
LEAST_CONTROL_SECONDS = 12.0
# a little more than the judge asks for, since his clock starts at the last request that was planned
MARGIN, MARGIN_SECONDS = 1.25, 7.0


class Drill:
    """One drill on one target. Make it, call the methods in the scenario's order, read `verdict`, and `close`
    it in any case.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        book: Book,
        facts: Facts,
        folder: Path,
        *,
        live: LiveLine,
        allow_context: str | None = None,
        earlier: tuple[DrillVerdict, ...] = (),
    ) -> None:
        """`folder`: where the evidence goes; `earlier`: the verdicts of this run so far, which tell a control
        how long to watch.
        """
        self.settings, self.cluster, self.book, self.facts, self.folder = (
            settings,
            cluster,
            book,
            facts,
            folder,
        )
        self.recorder = Recorder(folder / "recording.jsonl")
        self._live, self._allow_context, self._earlier = live, allow_context, earlier
        self._limits = book.limits(facts.severity)
        self._tail = RequestTail(
            folder / "requests.jsonl", settings.load.timeout_seconds, settings.load.requests_per_second
        )
        self._load: Load | None = None
        self._sampler: Sampler | None = None
        self._injection: Injection | None = None
        self._injected: Event | None = None
        self._procedure_finished: float | None = None
        self._verdict: DrillVerdict | None = None
        self._files = folder / "operator-files"
        self._record_start()

    def gate(self) -> None:
        """The target must be healthy before anything is blamed on it. Raises SetupError with what was last
        seen.
        """
        self._show("health gate", "a healthy target")
        try:
            seen = wait.until(
                "a healthy target",
                lambda: target_health(self.cluster, self.settings),
                lambda health: health.healthy,
                seconds=GATE_SECONDS,
            )
        except DeadlineError as error:
            self.recorder.record("health.gate", healthy=False, observed=str(error.last_seen))
            raise SetupError(f"health gate: {error}") from error
        self.recorder.record("health.gate", healthy=True, observed=seen.observed)

    def start_load(self) -> None:
        """Users come, and are seen to be served before anything is broken: the window before."""
        self._show("load", "the first requests")
        self._load = Load(self.settings, self.folder, self.recorder)
        self._load.start()
        self._sampler = Sampler(self.settings, self.recorder, allow_context=self._allow_context)
        self._sampler.start()
        self.recorder.record("window.opened", window="before")
        started = time.monotonic()
        try:
            wait.until(
                f"{self.settings.judge.before_seconds:.0f} s in which users are served within the limits",
                lambda: self._restored_since(started, self.settings.judge.before_seconds, None),
                lambda since: since is not None,
                seconds=NORMAL_SECONDS,
                every_seconds=WATCH_EVERY_SECONDS,
            )
        except DeadlineError as error:
            raise SetupError(
                f"{error}; the service did not hold its own limits before anything was broken"
            ) from error

    def back_up(self) -> None:
        """Start the target's own backup job by hand, wait for it, and until writes have been acknowledged
        after it.
        """
        self._show("backup", "the backup job")
        made = make_backup(self.cluster, self.settings, seconds=BACKUP_SECONDS)
        self.recorder.record("backup.made", name=made.name, started=made.started, finished=made.finished)
        wait.until(
            f"{WRITES_AFTER_BACKUP} writes acknowledged after the backup",
            lambda: self._acknowledged_since(made.finished),
            lambda count: count >= WRITES_AFTER_BACKUP,
            seconds=NORMAL_SECONDS,
        )

    def hand_over_backup(self, name: str) -> None:
        """Put the newest backup into the operator's working folder as `name`, as a person who fetched it
        would have it.
        """
        self._files.mkdir(parents=True, exist_ok=True)
        fetch_newest_backup(self.cluster, self.settings, self._files / name)

    def take_effect(self, fault: str) -> None:
        """Announce, inject and witness a fault. Raises FaultError when it cannot be injected or has no
        effect.
        """
        if self._load is None:
            raise UsageError(f"{fault}: a fault without load has no witness; let users come first")
        self._show("fault", f"{fault} to be announced")
        injection = Injection(
            self.settings,
            self.cluster,
            fault,
            self.folder,
            self.recorder,
            users=self._tail,
            allow_context=self._allow_context,
        )
        self._injection = injection
        injection.announce()
        self.recorder.record("window.closed", window="before")
        self.recorder.record("window.opened", window="fault")
        self._injected = injection.inject()
        self._show("fault", f"the witness of {fault}")
        injection.wait_until_effective()
        self.recorder.record("window.closed", window="fault")
        self.recorder.record("window.opened", window="recovery")

    def follow(self, place: str, bindings: Mapping[str, str]) -> None:
        """The operator carries out the block at `place` of the corrected runbook, word for word."""
        self._operate(place, as_first_written=False, bindings=bindings)

    def follow_as_written(self, place: str, bindings: Mapping[str, str]) -> None:
        """The operator carries out the block at `place` of the runbook as first written, word for word."""
        self._operate(place, as_first_written=True, bindings=bindings)

    def wait_until_restored(self) -> None:
        """Nobody acts until users are served again, or until patience has run out: the judge says which."""
        self._watch(self._effective(), self.settings.judge.patience_seconds, "the platform to heal")

    @property
    def verdict(self) -> DrillVerdict:
        """Watch until restored and through the window after, audit the writes, and judge; once."""
        if self._verdict is None:
            self._verdict = self._finish()
        return self._verdict

    def close(self) -> list[str]:
        """End the load, undo the fault, bring the target into its known state. Returns what could not be
        done; never raises a DrillError.
        """
        troubles: list[str] = []
        for action in (self._stop_load, self._undo, self._return_to_known_state):
            try:
                action()
            except DrillError as error:
                troubles.append(str(error))
                self.recorder.record("drill.error", error=type(error).__name__, message=str(error))
        self.recorder.record("drill.finished", durable=True)
        self.recorder.close()
        return troubles

    def fail_setup(self, error: DrillError) -> DrillVerdict:
        """The drill could not be carried out: record why, and judge what there is, which says "setup"."""
        self.recorder.record("drill.error", error=type(error).__name__, message=str(error), durable=True)
        self._stop_load()
        self._verdict = self._keep(judge(self.folder))
        return self._verdict

    def not_applicable(self, what: str) -> DrillVerdict:
        """The target lacks what the drill needs: said by name, neither failed nor passed."""
        self.recorder.record("drill.not_applicable", what=what, durable=True)
        self._verdict = self._keep(judge(self.folder))
        return self._verdict

    def commands(self) -> list[Mapping[str, object]]:
        """The data of every command.finished so far."""
        return [event.data for event in read_events(self.recorder.path) if event.kind == "command.finished"]

    def _record_start(self) -> None:
        judge_settings = self.settings.judge
        facts = self.facts
        self.recorder.record(
            "drill.started",
            durable=True,
            drill=facts.drill,
            feature=facts.feature,
            scenario=facts.scenario,
            tags=list(facts.tags),
            severity=facts.severity,
            fault=facts.fault,
            procedure=facts.procedure,
            expected=facts.expected,
            control=facts.control,
            restores=facts.restores,
            runbook=str(
                self.settings.target.runbook_as_written if facts.as_written else self.settings.target.runbook
            ),
            limits=self._limits,
            lacks=self.settings.missing(),
            settings={
                "minimum_requests": judge_settings.minimum_requests,
                "hold_seconds": judge_settings.hold_seconds,
                "after_seconds": judge_settings.after_seconds,
                "patience_seconds": self._patience(),
                "requests_per_second": self.settings.load.requests_per_second,
                "timeout_seconds": self.settings.load.timeout_seconds,
            },
        )

    def _operate(self, place: str, *, as_first_written: bool, bindings: Mapping[str, str]) -> None:
        self._effective()
        step = step_at(self.book.as_written if as_first_written else self.book.corrected, place)
        self._show("procedure", place)
        Operator(self.settings, self.folder, self.recorder, world_of(self.settings, self._files)).follow(
            place, [step], bindings
        )
        self._procedure_finished = time.monotonic()

    def _finish(self) -> DrillVerdict:
        self._effective()
        acted = self._procedure_finished
        since = acted if acted is not None else self._injected_at()
        self._watch(since, self._patience(), "the service to be restored")
        restored = self._restored_since(self._injected_at(), self.settings.judge.hold_seconds, acted)
        if restored is not None:
            self._watch_window_after(max(restored, acted or restored))
        self._stop_load()
        self._show("audit", "the acknowledged writes to be read back")
        if any(request.write for request in self.settings.load.requests) and restored is not None:
            audit_writes(self.settings, self.folder / "requests.jsonl", self.recorder)
        return self._keep(judge(self.folder))

    def _watch_window_after(self, start: float) -> None:
        """See the window after through to its end. It began when users were served again and the operator was
        done, before that was known.
        """
        present = now()
        began, judge_settings = (
            Moment(wall=present.wall - (present.monotonic - start), monotonic=start),
            self.settings.judge,
        )
        self.recorder.record("window.closed", window="recovery", at=began)
        self.recorder.record("window.opened", window="after", at=began)
        self._wait_until_passed(start + judge_settings.after_seconds)
        while self._undecided(start) and time.monotonic() < start + judge_settings.after_at_most_seconds:
            self._wait_until_passed(time.monotonic() + judge_settings.after_seconds / 4)
        self.recorder.record("window.closed", window="after")

    def _undecided(self, start: float) -> bool:
        """True where single failures leave open whether the error rate is held: more requests will tell."""
        self._tail.poll()
        failed, count = self._tail.failed_of(start, time.monotonic())
        return (
            failed > 0
            and hold(rate_interval(failed, count), self._limits["error_rate"]["value"]) == "inconclusive"
        )

    def _keep(self, verdict: DrillVerdict) -> DrillVerdict:
        (self.folder / "verdict.json").write_bytes(msgspec.json.format(msgspec.json.encode(verdict)))
        return verdict

    def _patience(self) -> float:
        """How long to watch a service that stays out. A control needs to be watched for clearly longer than
        its drill took, and no longer.
        """
        took = [
            v.restored_seconds
            for v in self._earlier
            if v.fault == self.facts.fault and not v.control and v.restored_seconds is not None
        ]
        if self.facts.control and took:
            return max(LEAST_CONTROL_SECONDS, MARGIN * max(took) + MARGIN_SECONDS)
        return self.settings.judge.patience_seconds

    def _watch(self, since: float, patience_seconds: float, awaited: str) -> None:
        def look() -> bool:
            if self._load is not None:
                self._load.check()
            self._show("recovery", awaited)
            found = self._restored_since(
                self._injected_at(), self.settings.judge.hold_seconds, self._procedure_finished
            )
            return (
                found is not None
                or time.monotonic()
                > since
                + patience_seconds
                + self.settings.judge.hold_seconds
                + self.settings.load.timeout_seconds
            )

        wait.until(awaited, look, seconds=patience_seconds + 60, every_seconds=WATCH_EVERY_SECONDS)

    def _wait_until_passed(self, moment: float) -> None:
        def look() -> bool:
            if self._load is not None:
                self._load.check()
            self._show("after", "the window after to be long enough")
            return time.monotonic() >= moment

        wait.until(
            "the end of the window after",
            look,
            seconds=max(0.0, moment - time.monotonic()) + 5,
            every_seconds=WATCH_EVERY_SECONDS,
        )

    def _restored_since(
        self, moment: float, hold_seconds: float, procedure_finished: float | None
    ) -> float | None:
        self._tail.poll()
        return self._tail.restored_since(
            moment,
            hold_seconds,
            self._limits["error_rate"]["value"],
            self._limits["response_time"]["value"],
            procedure_finished=procedure_finished,
        )

    def _acknowledged_since(self, moment: float) -> int:
        self._tail.poll()
        return self._tail.acknowledged_since(moment)

    def _show(self, phase: str, awaiting: str) -> None:
        summary = self._tail.summary()
        self._live.update(
            phase=phase,
            requests_per_second=summary.requests_per_second,
            p95_seconds=summary.p95_seconds,
            error_share=summary.error_share,
            awaiting=awaiting,
        )

    def _effective(self) -> float:
        if self._injected is None:
            raise UsageError(
                "a recovery is watched only after a fault has taken effect: the scenario names none before "
                "this step"
            )
        return time.monotonic()

    def _injected_at(self) -> float:
        if self._injected is None:
            raise UsageError("the scenario names no fault, so there is nothing to judge")
        return self._injected.monotonic

    def _stop_load(self) -> None:
        if self._sampler is not None:
            self._sampler.stop()
            self._sampler = None
        if self._load is not None:
            self._load.stop()
            self._load = None

    def _undo(self) -> None:
        if self._injection is None:
            return
        self._show("undo", f"{self.facts.fault} to be put back")
        self._injection.undo()
        self._injection.wait_until_undone()

    def _return_to_known_state(self) -> None:
        self._show("known state", "the target as it was")
        restored = restore_all(self.settings, self.cluster)
        differences = [*restored.undone, *restored.differences]
        self.recorder.record("target.restored", differences=differences, repaired=bool(differences))
