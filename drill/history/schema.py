"""The tables of the history, and their version (SQLite's user_version)."""

VERSION = 1
"""Rises when a file of before cannot be read or added to any more as it is."""

TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL, started TEXT NOT NULL, started_wall REAL NOT NULL,
    target TEXT NOT NULL, target_digest TEXT NOT NULL,
    exit_status INTEGER, manifest TEXT NOT NULL, command_line TEXT NOT NULL,
    drill_commit TEXT NOT NULL, changed_files INTEGER NOT NULL,
    cores INTEGER NOT NULL, memory_bytes INTEGER NOT NULL, kernel TEXT NOT NULL,
    context TEXT NOT NULL, cluster_version TEXT NOT NULL,
    UNIQUE (run, started_wall)
);
CREATE TABLE images (
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    container TEXT NOT NULL, image TEXT NOT NULL,
    PRIMARY KEY (run_id, container)
) WITHOUT ROWID;
CREATE TABLE inputs (
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    role TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (run_id, role, name)
) WITHOUT ROWID;
CREATE TABLE tools (
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    tool TEXT NOT NULL, version TEXT NOT NULL,
    PRIMARY KEY (run_id, tool)
) WITHOUT ROWID;
CREATE TABLE drills (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    drill TEXT NOT NULL, feature TEXT NOT NULL, scenario TEXT NOT NULL, severity TEXT NOT NULL,
    faults TEXT NOT NULL, procedures TEXT NOT NULL,
    expected TEXT NOT NULL, verdict TEXT NOT NULL, as_expected INTEGER NOT NULL, why TEXT NOT NULL,
    control INTEGER NOT NULL, kept_run TEXT, credit TEXT NOT NULL,
    began_wall REAL NOT NULL, recovered_seconds REAL,
    dispersion REAL, correlation_seconds REAL, capacity REAL, calibrated_wall REAL,
    UNIQUE (run_id, drill)
);
CREATE TABLE measures (
    drill_id INTEGER NOT NULL REFERENCES drills (id) ON DELETE CASCADE,
    kind TEXT NOT NULL, name TEXT NOT NULL, value REAL, unit TEXT NOT NULL,
    low REAL, high REAL, samples INTEGER NOT NULL, bound REAL, outcome TEXT NOT NULL
);
CREATE INDEX measures_of_drill ON measures (drill_id);
CREATE TABLE carried_out (
    drill_id INTEGER NOT NULL REFERENCES drills (id) ON DELETE CASCADE,
    place TEXT NOT NULL, digest TEXT NOT NULL, runbook TEXT NOT NULL, as_written INTEGER NOT NULL
);
CREATE INDEX carried_out_of_drill ON carried_out (drill_id);
"""
