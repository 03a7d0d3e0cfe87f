"""One drill, in the one order there is (design decision 3): gate, load, before, inject, witness, procedure,
recovered, after, audit, judge; then `close`: undo, known state. Each stage has a module of its own here.

Calling a method out of order is a UsageError; whatever happens, `close` puts the target back.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import msgspec

from drill import wait
from drill.cluster.access import Cluster, ClusterError
from drill.conduct.acting import Acting
from drill.conduct.alerting import Alerting
from drill.conduct.auditing import ask_rows, audit
from drill.conduct.book import Book
from drill.conduct.breaking import Breaking
from drill.conduct.calling import Calling
from drill.conduct.forgetting import forget_earlier
from drill.conduct.gate import pass_gate
from drill.conduct.run import Run
from drill.conduct.scenario import Facts, Place
from drill.conduct.scene import Scene
from drill.conduct.users import Users
from drill.conduct.watching import Watching
from drill.conduct.world import not_at_hand
from drill.errors import DrillError, FaultError, SetupError, UsageError
from drill.inject.experiment import planned_fault
from drill.judge.case import Case
from drill.judge.followed import missing_tools
from drill.judge.judge import judge
from drill.judge.verdict import DrillVerdict
from drill.load.tail import RequestTail
from drill.observe.changes import record_changes
from drill.parts.catalogue import part_named
from drill.putback import changed_since_open, close_drill, open_drill
from drill.recording import RECORDING, REQUESTS, Recorder, all_of, read_events
from drill.recording.events import (
    BackupMade,
    Calibration,
    CommandFinished,
    DrillFinished,
    DrillNotApplicable,
    DrillStarted,
    Judging,
    Limit,
    StatusPageTold,
    TargetCompared,
    TargetPutBack,
    WindowClosed,
)
from drill.recording.events import DrillError as DrillErrorEvent
from drill.report.live import LiveLine
from drill.run.outcome import without_tools
from drill.runbook import Runbook
from drill.settings import Backup, Settings
from drill.settings.parts import BACKUP

WRITES_AFTER_BACKUP = 20
BACKUP_SECONDS = 60
NORMAL_SECONDS = 30
LEAST_CONTROL_SECONDS = 12.0
# a little more than the judge asks for, since its clock starts at the last request that was planned
MARGIN, MARGIN_SECONDS = 1.25, 7.0


class Drill:
    """One drill on one target. Make it, call the methods in the scenario's order, read `verdict`, and `close`
    it in any case."""

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
        calibration: Calibration | None = None,
        earlier: tuple[DrillVerdict, ...] = (),
    ) -> None:
        """`folder`: where the evidence goes; `earlier`: the verdicts of this run so far, which tell a control
        how long to watch."""
        self.facts, self.book, self.folder = facts, book, folder
        self._earlier = earlier
        load = settings.load
        limits = {name: msgspec.convert(limit, Limit) for name, limit in book.limits(facts.severity).items()}
        self._scene = Scene(
            settings,
            cluster,
            book,
            facts,
            folder,
            Recorder(folder / RECORDING),
            RequestTail(folder / REQUESTS, load.timeout_seconds, load.requests_per_second),
            live,
            limits,
            allow_context,
            calibration,
        )
        self._alerting = Alerting(self._scene)
        self._users = Users(self._scene, self._alerting.listener)
        self._breaking = Breaking(self._scene)
        self._acting = Acting(self._scene)
        self._calling = Calling(self._scene)
        self._watching = Watching(self._scene, self._users, self._breaking, self._acting)
        self._verdict: DrillVerdict | None = None
        self._scene.recorder.record(self._start(), durable=True)

    def gate(self) -> None:
        """The target must be healthy before anything is blamed on it. What takes long to start is started
        meanwhile, once the data is that with which every drill begins: users write as soon as they are there.
        Raises SetupError with what was last seen."""
        self._acting.check()
        if not self._users.there:
            forget_earlier(self._scene)
        self._calling.begin()
        self._alerting.prepare()
        self._users.begin()
        self._breaking.prepare(tuple(fault for fault in self.facts.faults if not self._awaits_backup(fault)))
        pass_gate(self._scene)
        ask_rows(self._scene)
        open_drill(self._scene.settings, self._scene.cluster)

    def _awaits_backup(self, fault: str) -> bool:
        """True for a fault of the backup that the drill itself makes: which file that is, is known then."""
        settings = self._scene.settings
        part = settings.parts.get(planned_fault(settings, fault).part)
        return self.facts.backed_up and isinstance(part, Backup)

    def start_load(self) -> None:
        """Users come, and are served before anything is broken: the window before."""
        self._users.see_served()
        self._calling.wait_until_quiet()

    def back_up(self) -> None:
        """Start the target's own backup job by hand, wait for it, and until writes have been acknowledged
        after it.
        """
        scene = self._scene
        scene.show("backup", "the backup job")
        made = part_named(scene.cluster, scene.settings, BACKUP).back_up(seconds=BACKUP_SECONDS)
        scene.recorder.record(BackupMade(made.name, made.started, made.finished))

        def written() -> int:
            scene.tail.poll()
            return scene.tail.acknowledged_since(made.finished)

        wait.until(
            f"{WRITES_AFTER_BACKUP} writes acknowledged after the backup",
            written,
            lambda count: count >= WRITES_AFTER_BACKUP,
            seconds=NORMAL_SECONDS,
        )

    def hand_over_backup(self, name: str) -> None:
        """Put the newest backup into the operator's working folder as `name`, as a person who fetched it
        would.
        """
        backups = part_named(self._scene.cluster, self._scene.settings, BACKUP)
        backups.fetch_newest_backup(self._acting.file(name))

    def hand_over_fresh_backup(self, part: str, name: str) -> None:
        """Have that part's backup made now, and put it into the operator's working folder as `name`."""
        self._scene.show("backup", f"the backup job of {part}")
        backups = part_named(self._scene.cluster, self._scene.settings, part)
        backups.back_up(seconds=BACKUP_SECONDS)
        backups.fetch_newest_backup(self._acting.file(name))

    def hand_over(self, file: str, name: str) -> None:
        """Put a file or folder that lies beside drill.toml into the operator's working folder as `name`."""
        source, target = self._scene.settings.root / file, self._acting.file(name)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)

    def open_status_page(self, token: str) -> None:
        """The operator's updates go to a status page of the drill's own, which takes them with that token."""
        self._acting.open_status_page(token)

    def page_updates(self) -> list[tuple[float | None, StatusPageTold]]:
        """What the status page was told so far, each with its seconds since the drill's origin."""
        case = Case(self.folder)
        told = ((each.monotonic, each.data) for each in case.events)
        return [
            (case.timeline.since_origin(moment), data)
            for moment, data in told
            if isinstance(data, StatusPageTold)
        ]

    def take_effect(self, fault: str) -> None:
        """Inject and witness a fault. Raises FaultError when it cannot be injected or has no effect."""
        if not self._users.there:
            raise UsageError(f"{fault}: a fault without load has no witness; let users come first")
        self._breaking.take_effect(fault)

    def wait_until_called(self, alert: str) -> None:
        """The operator does nothing until that alert has been received, from the target's own monitoring.
        Raises NobodyCalledError where it is not."""
        if not self._breaking.injected:
            raise UsageError(f"{alert}: nobody is called before anything is broken")
        self._calling.wait_until_called(alert, self._breaking.injected[0])

    def break_nothing(self) -> None:
        """The no-fault drill: nothing is injected. Where somebody will act, users go on first for as long as
        they do afterwards, so that the two can be compared."""
        if not self._users.there:
            raise UsageError("a drill without load shows nothing; let users come first")
        if self.facts.procedures:
            self._users.go_on(self._scene.settings.judge.after_seconds)

    def follow(self, place: Place) -> None:
        """The operator carries out the block at that place, word for word."""
        self._acting.follow(self._text_of(place), place.place, place.bindings)

    def look(self, place: Place) -> None:
        """The operator carries out the block at that place while all is well, for comparison."""
        if self._breaking.injected:
            raise UsageError(f"{place.place}: the target is broken already; look before the fault")
        self._acting.look(self._text_of(place), place.place, place.bindings)

    def _text_of(self, place: Place) -> Runbook:
        return self.book.as_written if place.as_written else self.book.corrected

    def wait_until_recovered(self) -> None:
        """Nobody acts until users are served again, or until patience has run out: the judge says which."""
        if not self.facts.nothing_broken:
            self._watching.until_recovered(self._patience(), "the platform to heal")

    @property
    def verdict(self) -> DrillVerdict:
        """Watch until recovered and through the window after, audit the writes, and judge; once."""
        if self._verdict is None:
            self._verdict = self._finish()
        return self._verdict

    def close(self) -> list[str]:
        """End the load, undo the faults, bring the target into its known state. Returns what could not be
        done; never raises a DrillError."""
        troubles: list[str] = []
        for action in (
            self._users.stop,
            self._acting.close,
            self._calling.close,
            self._undo,
            self._put_back,
            self._end_recording,
        ):
            try:
                action()
            except DrillError as error:
                troubles.append(str(error))
                troubles += self._note(DrillErrorEvent(type(error).__name__, str(error), stage="put back"))
        self._scene.recorder.close()
        return list(dict.fromkeys(troubles))

    def _end_recording(self) -> None:
        self._scene.recorder.record(DrillFinished(), durable=True)

    def _note(self, event: DrillErrorEvent) -> list[str]:
        """Record what went wrong. A disk that is full must not keep the target from being put back: what
        could not be recorded is returned."""
        try:
            self._scene.recorder.record(event, durable=True)
        except SetupError as error:
            return [str(error)]
        return []

    def fail_setup(self, error: DrillError) -> DrillVerdict:
        """The drill could not be carried out: record why, and judge what there is, which says "setup"."""
        unrecorded = self._note(DrillErrorEvent(type(error).__name__, str(error)))
        try:
            self._users.stop()
        except DrillError as other:
            unrecorded.append(str(other))
        self._verdict = judge(self.folder)
        if unrecorded:
            why = "; ".join([str(error), *unrecorded])
            self._verdict = msgspec.structs.replace(self._verdict, verdict="setup", why=why, criteria=[])
        return self._verdict

    def not_applicable(self, what: str) -> DrillVerdict:
        """The target lacks what the drill needs: said by name, neither failed nor passed."""
        self._scene.recorder.record(DrillNotApplicable(what), durable=True)
        self._verdict = judge(self.folder)
        return self._verdict

    def add_to(self, run: Run) -> None:
        """Give the verdict to the run; a control's gives the drills of its faults their credit."""
        run.add(self.verdict)

    def commands(self) -> list[CommandFinished]:
        """Every command that has ended so far."""
        return all_of(CommandFinished, read_events(self._scene.recorder.path))

    def missing_tools(self) -> list[str]:
        """Programs that procedures called so far, and that are not on this machine."""
        return missing_tools(read_events(self._scene.recorder.path))

    def _start(self) -> DrillStarted:
        facts, settings, judging = self.facts, self._scene.settings, self._scene.settings.judge
        target = settings.target
        return DrillStarted(
            drill=facts.drill,
            feature=facts.feature,
            scenario=facts.scenario,
            tags=list(facts.tags),
            severity=facts.severity,
            faults=[planned_fault(settings, fault) for fault in facts.faults],
            procedures=[place.place for place in facts.procedures],
            expected=self._expected(),
            control=facts.control,
            restores=facts.restores,
            runbook=str(target.runbook_as_written if facts.as_written else target.runbook),
            limits=dict(self._scene.limits),
            parts=settings.part_kinds(),
            lacks=settings.missing_parts(),
            calibration=self._scene.calibration,
            alerts=None if facts.alerts is None else list(facts.alerts),
            due=list(facts.due),
            waits=self.book.waits(facts),
            leaves=None if facts.leaves is None else list(facts.leaves),
            symptoms=[self.book.symptom(telling) for telling in facts.tells],
            settings=Judging(
                minimum_requests=judging.minimum_requests,
                hold_seconds=judging.hold_seconds,
                after_seconds=judging.after_seconds,
                after_at_most_seconds=judging.after_at_most_seconds,
                patience_seconds=self._patience(),
                requests_per_second=settings.load.requests_per_second,
                timeout_seconds=settings.load.timeout_seconds,
            ),
        )

    def _expected(self) -> str:
        """What the scenario states; where it takes a tool that may be missing, and is, that nothing can be
        known for want of it."""
        tools = list(dict.fromkeys(telling.tool for telling in self.facts.tells if telling.tool))
        missing = not_at_hand(self._scene.settings, tools)
        return without_tools(missing) if missing else self.facts.expected

    def _finish(self) -> DrillVerdict:
        scene = self._scene
        if self.facts.nothing_broken:
            recovered: float | None = time.monotonic()
        else:
            recovered = self._watching.until_recovered(self._patience(), "users to be served again")
        if recovered is None:
            scene.recorder.record(WindowClosed("recovery"))
        else:
            self._watching.window_after(recovered)
        self._users.stop()
        self._alerting.begin_replay(
            self._breaking.began if self._breaking.injected else None, recovered, self._acting.started
        )
        if self._acting.started is not None:
            record_changes(scene.cluster, scene.recorder, self._acting.started)
        if recovered is not None:  # a service that is out cannot be asked for its writes
            audit(scene, self._breaking.began if self._breaking.injected else None)
        if self.facts.leaves is not None:
            self._compare()
        self._alerting.end_replay()
        return judge(self.folder)

    def _compare(self) -> None:
        scene = self._scene
        try:
            compared = TargetCompared(changed_since_open(scene.cluster))
        except ClusterError as error:  # what is left is not known: that question is inconclusive
            compared = TargetCompared(trouble=str(error))
        scene.recorder.record(compared)

    def _patience(self) -> float:
        """How long to watch a service that stays out. A control is watched for clearly longer than its drill
        took, and no longer."""
        took = [
            verdict.recovered_seconds
            for verdict in self._earlier
            if [seen.fault for seen in verdict.faults] == list(self.facts.faults)
            and not verdict.control
            and verdict.recovered_seconds is not None
        ]
        if self.facts.control and took:
            return max(LEAST_CONTROL_SECONDS, MARGIN * max(took) + MARGIN_SECONDS)
        return self._scene.settings.judge.patience_seconds

    def _undo(self) -> None:
        troubles = self._breaking.undo()
        if troubles:
            raise FaultError("; ".join(troubles))

    def _put_back(self) -> None:
        self._scene.show("known state", "the target as it was")
        differences = close_drill(self._scene.settings, self._scene.cluster)
        self._scene.recorder.record(TargetPutBack(differences, repaired=bool(differences)))
