"""The file of the history. Flows in: runs that were taken. Flows out: what is known of them, oldest first.

Each run is one transaction under SQLite's own lock, on disk when it returns. So writers wait for each other,
and one that is killed leaves the file as it was before its run; that run's folder can be imported at any
time, and importing it twice changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drill.errors import InputError, SetupError, UsageError
from drill.history.schema import TABLES, VERSION
from drill.history.taken import CarriedOut, Measure, TakenDrill, TakenRun, take
from drill.run.facts import FILE as RUN_FILE
from drill.run.facts import read_facts

DEFAULT_NAME = "history.sqlite"
APPLICATION = 0x64726C6C
"""Tells the file from any other SQLite file: "drll"."""
WAIT_SECONDS = 60.0
"""For other writers; each needs some milliseconds."""
RUN_COLUMNS = (
    "id",
    "run",
    "started",
    "started_wall",
    "target",
    "exit_status",
    "manifest",
    "drill_commit",
    "changed_files",
    "cores",
    "kernel",
    "context",
    "cluster_version",
)
DRILL_COLUMNS = (
    "drill",
    "scenario",
    "severity",
    "procedures",
    "expected",
    "verdict",
    "as_expected",
    "why",
    "control",
    "kept_run",
    "credit",
    "began_wall",
    "recovered_seconds",
)


@dataclass(frozen=True)
class PastRun:
    """A run's keys. `exit_status`: None where it did not end; `images`: container -> image and digest;
    `inputs`: (role, name) -> SHA-256."""

    id: int
    run: str
    started: str
    started_wall: float
    target: str
    exit_status: int | None
    manifest: str
    drill_commit: str
    changed_files: int
    cores: int
    kernel: str
    context: str
    cluster_version: str
    images: dict[str, str]
    inputs: dict[tuple[str, str], str]

    @property
    def ended(self) -> bool:
        """Only the files of a run that ended are vouched for, by its manifest."""
        return bool(self.manifest)

    @property
    def runbook(self) -> str:
        """The digest of the runbook under test; empty where none was kept."""
        return next((digest for (role, _), digest in self.inputs.items() if role == "runbook"), "")


@dataclass(frozen=True)
class PastDrill:
    """A drill of a run. `measures`: by kind and name; `kept_run`: of a control that was measured in an
    earlier run, else empty."""

    run: PastRun
    drill: str
    scenario: str
    severity: str
    procedures: str
    expected: str
    verdict: str
    as_expected: bool
    why: str
    control: bool
    kept_run: str
    credit: str
    began_wall: float
    recovered_seconds: float | None
    measures: dict[tuple[str, str], Measure]
    carried_out: tuple[CarriedOut, ...]


@dataclass(frozen=True)
class Imported:
    """What became of one folder. `outcome`: added, or known already; `refused`: why it was not taken, empty
    where it was."""

    folder: Path
    outcome: str = ""
    refused: str = ""

    def line(self) -> str:
        """The same for people."""
        return (
            f"{self.folder}: not imported: {self.refused}"
            if self.refused
            else f"{self.folder}: {self.outcome}"
        )


class History:
    """The history in `file`. Made with the first run that is added; reading one that is not there finds
    nothing."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def add(self, folder: Path) -> str:
        """Remember the run in a folder: "added", "known already", or "taken anew" where it was
        judged again since. Raises what `take` raises, and SetupError where the file cannot be written."""
        taken = take(folder)
        with self._connection(create=True) as connection:
            return _write(connection, taken)

    def add_all(self, folder: Path) -> list[Imported]:
        """Remember the run in a folder, or every run right below it, oldest first by name. Raises UsageError
        where there is none, SetupError where the history cannot be written."""
        folders = [folder] if (folder / RUN_FILE).is_file() else _runs_below(folder)
        if not folders:
            raise UsageError(
                f"{folder}: neither a run's folder nor one of runs, since no run.json lies there"
            )
        with self._connection(create=True) as connection:
            return [_imported(connection, each) for each in folders]

    def absent(self, folder: Path) -> list[Path]:
        """The folders of runs right below `folder` that are not remembered, or cannot be read."""
        known = {(run.run, run.started_wall) for run in self.runs()}
        return [each for each in _runs_below(folder) if _key_of(each) not in known] if folder.is_dir() else []

    def runs(self) -> list[PastRun]:
        """All runs, in the order in which they began."""
        with self._connection(create=False) as connection:
            return _runs(connection)

    def drills(self, target: str | None = None) -> list[PastDrill]:
        """All drills of a target (of every one), in the order in which their runs began, then they."""
        with self._connection(create=False) as connection:
            runs = {run.id: run for run in _runs(connection) if target in (None, run.target)}
            return list(_drills(connection, runs))

    @contextmanager
    def _connection(self, *, create: bool) -> Iterator[sqlite3.Connection]:
        """The file, opened; where there is nothing to read, an empty history that is no file."""
        try:
            if create:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            place = self.file if create or self.file.exists() else ":memory:"
            with closing(sqlite3.connect(place, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA synchronous = FULL")
                if not _is_empty(connection):
                    self._refuse_other(connection)
                    yield connection
                elif place != ":memory:" and not create:
                    with closing(sqlite3.connect(":memory:", isolation_level=None)) as nothing:
                        _make_tables(nothing)
                        yield nothing
                else:
                    _make_tables(connection)
                    yield connection
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise self._refusal(error) from error
        except OSError as error:
            raise SetupError(f"{self.file}: the history could not be written ({error.strerror})") from error

    def _refuse_other(self, connection: sqlite3.Connection) -> None:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION:
            raise InputError(self.file, None, "another SQLite file", "a history that drill made")
        if version != VERSION:
            raise InputError(
                self.file,
                None,
                f"version {version}",
                f"version {VERSION}: it was made by another version of drill. Move it away and import the "
                "stored runs: drill history import reports",
            )
        _refuse_damaged(connection)

    def _refusal(self, error: sqlite3.DatabaseError | UnicodeDecodeError) -> SetupError | InputError:
        if isinstance(error, sqlite3.OperationalError):
            return SetupError(
                f"{self.file}: the history could not be read or written ({error}). What the run left in its "
                "folder stays; drill history import takes it up later"
            )
        return InputError(
            self.file,
            None,
            str(error),
            "a history that drill made. Move this file away and import the stored runs: drill history import "
            "reports",
        )


def _is_empty(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _refuse_damaged(connection: sqlite3.Connection) -> None:
    """Raise DataError for a value that is not of its column's kind: SQLite takes what a damaged page says."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        kinds = {
            name: {kind.lower()} | (set() if needed or key else {"null"})
            for _, name, kind, needed, _, key in connection.execute(f"PRAGMA table_info({table})")
        }
        others = " OR ".join(
            f"typeof({name}) NOT IN ({', '.join(repr(each) for each in sorted(kind))})"
            for name, kind in kinds.items()
        )
        if connection.execute(f"SELECT 1 FROM {table} WHERE {others} LIMIT 1").fetchone():
            raise sqlite3.DataError(f"a value in {table} is not of the kind that stands there")


def _make_tables(connection: sqlite3.Connection) -> None:
    """In one transaction, unless another writer made them meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(connection):
            for statement in TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _runs_below(folder: Path) -> list[Path]:
    """Folders of runs, in order of their names; links, such as `latest`, lead to one of them."""
    return [
        each for each in sorted(folder.iterdir()) if not each.is_symlink() and (each / RUN_FILE).is_file()
    ]


def _key_of(folder: Path) -> tuple[str, float] | None:
    """Two runs may have one name. None where it cannot be read."""
    try:
        facts = read_facts(folder)
    except InputError:
        return None
    return facts.run, facts.started_wall


def _imported(connection: sqlite3.Connection, folder: Path) -> Imported:
    try:
        taken = take(folder)
        outcome = _write(connection, taken)
    except (InputError, SetupError, UsageError) as error:
        return Imported(folder, refused=str(error))
    return Imported(folder, f"{outcome} ({len(taken.drills)} drills)")


def _write(connection: sqlite3.Connection, taken: TakenRun) -> str:
    """One run, in one transaction; what was known of it before is replaced. Raises SetupError for one that
    cannot be kept."""
    facts = taken.facts
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = connection.execute(
            "SELECT id, manifest FROM runs WHERE run = ? AND started_wall = ?",
            (facts.run, facts.started_wall),
        ).fetchone()
        if before is not None and before[1] == taken.manifest != "":
            return "known already"
        if before is not None and before[1] and not taken.manifest:
            raise SetupError(
                f"{facts.run} is remembered as a run that ended, and this copy of it has no manifest.json: "
                "nothing vouches for its files, and what is known stays"
            )
        if before is not None:
            connection.execute("DELETE FROM runs WHERE id = ?", (before[0],))
        run = _insert_run(connection, taken)
        for drill in taken.drills:
            _insert_drill(connection, run, drill)
        connection.execute("COMMIT")
    except sqlite3.IntegrityError as error:
        raise SetupError(f"{facts.run}: what it says cannot be kept ({error})") from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return "added" if before is None else "taken anew"


def _insert(connection: sqlite3.Connection, table: str, **values: object) -> int:
    names, marks = ", ".join(values), ", ".join("?" for _ in values)
    # the names of tables and columns are this module's own
    done = connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
    return done.lastrowid or 0


def _insert_run(connection: sqlite3.Connection, taken: TakenRun) -> int:
    facts = taken.facts
    run = _insert(
        connection,
        "runs",
        run=facts.run,
        started=facts.started,
        started_wall=facts.started_wall,
        target=facts.target,
        target_digest=facts.cluster.target_digest,
        exit_status=facts.exit_status,
        manifest=taken.manifest,
        command_line=facts.command_line,
        drill_commit=facts.project.commit,
        changed_files=len(facts.project.changed),
        cores=facts.machine.cores,
        memory_bytes=facts.machine.memory_bytes,
        kernel=facts.machine.kernel,
        context=facts.cluster.context,
        cluster_version=facts.cluster.version,
    )
    for container, image in facts.cluster.images.items():
        _insert(connection, "images", run_id=run, container=container, image=image)
    for role, name, digest in {(each.role, each.name, each.sha256) for each in facts.inputs}:
        _insert(connection, "inputs", run_id=run, role=role, name=name, sha256=digest)
    for tool, version in facts.tools.items():
        _insert(connection, "tools", run_id=run, tool=tool, version=version)
    return run


def _insert_drill(connection: sqlite3.Connection, run: int, taken: TakenDrill) -> None:
    verdict, calibration = taken.verdict, taken.verdict.calibration
    drill = _insert(
        connection,
        "drills",
        run_id=run,
        drill=verdict.drill,
        feature=verdict.feature,
        scenario=verdict.scenario,
        severity=verdict.severity,
        faults=verdict.fault,
        procedures=verdict.procedure,
        expected=verdict.expected,
        verdict=verdict.verdict,
        as_expected=taken.as_expected,
        why=verdict.why,
        control=verdict.control,
        kept_run=taken.kept.run if taken.kept else None,
        credit=verdict.credit,
        began_wall=verdict.began_wall,
        recovered_seconds=verdict.recovered_seconds,
        dispersion=calibration.dispersion if calibration else None,
        correlation_seconds=calibration.correlation_seconds if calibration else None,
        capacity=calibration.capacity if calibration else None,
        calibrated_wall=calibration.taken_wall if calibration else None,
    )
    for each in taken.measures:
        _insert(connection, "measures", drill_id=drill, **vars(each))
    for piece in taken.carried_out:
        _insert(connection, "carried_out", drill_id=drill, **vars(piece))


def _runs(connection: sqlite3.Connection) -> list[PastRun]:
    images: dict[int, dict[str, str]] = {}
    for run, container, image in connection.execute("SELECT * FROM images"):
        images.setdefault(run, {})[container] = image
    inputs: dict[int, dict[tuple[str, str], str]] = {}
    for run, role, name, digest in connection.execute("SELECT * FROM inputs"):
        inputs.setdefault(run, {})[role, name] = digest
    rows = connection.execute(f"SELECT {', '.join(RUN_COLUMNS)} FROM runs ORDER BY started_wall, id")
    return [
        PastRun(
            **dict(zip(RUN_COLUMNS, row, strict=True)),
            images=images.get(row[0], {}),
            inputs=inputs.get(row[0], {}),
        )
        for row in rows
    ]


def _drills(connection: sqlite3.Connection, runs: dict[int, PastRun]) -> Iterator[PastDrill]:
    measures: dict[int, dict[tuple[str, str], Measure]] = {}
    for drill, *row in connection.execute("SELECT * FROM measures ORDER BY rowid"):
        measure = Measure(*row)
        measures.setdefault(drill, {})[measure.kind, measure.name] = measure
    pieces: dict[int, list[CarriedOut]] = {}
    for drill, place, digest, runbook, as_written in connection.execute(
        "SELECT * FROM carried_out ORDER BY rowid"
    ):
        pieces.setdefault(drill, []).append(CarriedOut(place, digest, runbook, bool(as_written)))
    rows = connection.execute(
        f"SELECT drills.id, run_id, {', '.join(DRILL_COLUMNS)} FROM drills JOIN runs ON runs.id = run_id "
        "ORDER BY started_wall, run_id, drills.id"
    )
    for drill, run, *row in rows:
        if run in runs:
            values = dict(zip(DRILL_COLUMNS, row, strict=True))
            values |= {name: bool(values[name]) for name in ("control", "as_expected")}
            values["kept_run"] = values["kept_run"] or ""
            yield PastDrill(
                **values,
                run=runs[run],
                measures=measures.get(drill, {}),
                carried_out=tuple(pieces.get(drill, ())),
            )
