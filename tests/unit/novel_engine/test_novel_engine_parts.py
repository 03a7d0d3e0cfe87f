"""The service's own parts without a server: storage, narratives, sessions, settings, log lines."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from novel_engine.app import accounts, database, logs, manuscripts, narrator, settings, web
from novel_engine.app.rate_limit import RequestsOfThisSecond


def test_database_is_in_wal_mode_with_a_library_of_many_pages(path):
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA page_count").fetchone()[0] > 60
    connection.close()
    assert len(database.campaigns(path, 100)) == 100
    assert {"aria", "bram"} <= {character["character_id"] for character in database.characters(path)}


def test_preparing_again_changes_nothing(path):
    made = database.add_campaign(path, "kept", "", ["aria"])
    database.prepare(path)
    assert database.campaign(path, made["campaign_id"]) == made | {
        "description": "",
        "participants": ["aria"],
    }


def test_processes_that_start_together_make_one_library(tmp_path):
    paths = [tmp_path / "novel-engine.db"] * 6
    with ProcessPoolExecutor(3) as processes:
        list(processes.map(database.prepare, paths))
    connection = sqlite3.connect(paths[0])
    assert connection.execute("SELECT count(*) FROM campaigns").fetchone() == (database.STARTER_CAMPAIGNS,)
    connection.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM campaigns ORDER BY created_at DESC LIMIT 20",
        "SELECT * FROM campaigns ORDER BY created_at LIMIT 1",
        "SELECT * FROM campaigns WHERE number >= 7 ORDER BY number LIMIT 1",
        "SELECT * FROM campaigns WHERE campaign_id = 'x'",
        "SELECT * FROM characters WHERE character_id IN ('x', 'y')",
    ],
)
def test_no_query_reads_or_sorts_the_whole_table(path, query):
    connection = sqlite3.connect(path)
    plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
    connection.close()
    assert "INDEX" in plan or "INTEGER PRIMARY KEY" in plan, plan
    assert "TEMP B-TREE" not in plan


RUNBOOK_QUERY = "SELECT * FROM campaigns ORDER BY created_at DESC LIMIT 10;"


def explained(path: Path) -> str:
    """The runbook's own command, by the shell that the runbook starts."""
    said = subprocess.run(
        ["sqlite3", str(path), f"EXPLAIN QUERY PLAN {RUNBOOK_QUERY}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout


def test_the_runbook_s_explain_tells_an_index_from_a_scan(path):
    assert "SCAN campaigns USING INDEX campaigns_by_created_at" in explained(path)
    connection = sqlite3.connect(path)
    connection.execute("DROP INDEX campaigns_by_created_at")
    connection.close()
    assert re.search(r"SCAN campaigns\n.*USE TEMP B-TREE FOR ORDER BY", explained(path))


def test_the_runbook_s_analyze_counts_the_index(path):
    subprocess.run(["sqlite3", str(path), "ANALYZE;"], check=True)
    connection = sqlite3.connect(path)
    counted = dict(connection.execute("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = 'campaigns'"))
    connection.close()
    assert counted["campaigns_by_created_at"].split()[0] == str(database.STARTER_CAMPAIGNS)


def test_newest_campaign_is_first(path):
    names = [database.add_campaign(path, f"number {number}", "", ["aria"])["name"] for number in range(3)]
    assert [campaign["name"] for campaign in database.campaigns(path, 3)] == names[::-1]


def test_visit_to_a_missing_file_is_an_error_and_makes_none(tmp_path):
    missing = tmp_path / "missing.db"
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        database.check(missing)
    assert not missing.exists()


@pytest.mark.parametrize("turns", [1, 10])
def test_narrative_has_a_line_per_turn_and_everybody_speaks_in_turn(path, turns):
    names = ["aria", "bram", "cass"]
    outcome = narrator.narrate(
        {"character_names": names, "turns": turns}, database.characters_by_id(path, names)
    )
    assert outcome["status"] == "finished"
    speakers = [line.split()[0].lower() for line in outcome["narrative"]]
    assert speakers == (names * 4)[:turns]


def test_narrative_about_somebody_unknown_fails(path):
    outcome = narrator.narrate(
        {"character_names": ["aria", "x"], "turns": 1}, database.characters_by_id(path, ["aria"])
    )
    assert (outcome["status"], outcome["reason"]) == ("failed", "unknown characters: x")


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        ([], None),
        ([(b"cookie", b"theme=dark")], None),
        ([(b"cookie", b"theme=dark; session_id=abc")], "abc"),
        ([(b"x-session-id", b"def")], "def"),
        ([(b"x-session-id", b"x" * 65)], "x" * 64),
    ],
)
def test_session_of_a_request(headers, session):
    assert web.session_of(headers) == session


def test_settings_come_from_the_environment():
    chosen = settings.from_environment(
        {"DATABASE_PATH": "/d/x.db", "REDIS_PORT": "1", "DRAIN_SECONDS": "0.5"}
    )
    assert (chosen.database, chosen.redis_port, chosen.drain_seconds) == (Path("/d/x.db"), 1, 0.5)
    assert (chosen.port, chosen.logs) == (8000, Path("/app/logs"))
    assert chosen.manuscripts == Path("/d/manuscripts")
    with pytest.raises(ValueError, match="many"):
        settings.from_environment({"PORT": "many"})


def test_log_lines_end_in_what_the_runbook_counts(caplog):
    caplog.set_level(logging.INFO, logger="novel_engine")
    logs.request("GET", "/campaigns", 200, 0.0123)
    logs.failure("database", sqlite3.DatabaseError("malformed\nimage"))
    timed, failed = caplog.messages
    assert timed.split()[-2:] == ["response_time", "12.300"]
    assert "error" not in timed
    assert "error" in failed
    assert failed.split()[-1] == "DatabaseError"
    assert "\n" not in failed


def test_lines_about_who_may_are_found_by_the_runbook_and_are_no_errors(caplog):
    caplog.set_level(logging.INFO, logger="novel_engine")
    logs.login("editor", "1.2.3.4")
    logs.login_refused("x\n2026 INFO login of 'admin'", "1.2.3.4", "unauthorized")
    logs.login_refused("editor" * 50, "1.2.3.4", "rate-limited")
    logs.unauthorized("GET", "/account", None, "1.2.3.4")
    assert all(re.search("auth|login|admin|unauthorized", message) for message in caplog.messages)
    logs.rate_limited("abcdefghijklmnop\n", 50)
    for message in caplog.messages:
        assert "error" not in message.lower()
        assert "response_time" not in message
        assert "\n" not in message
        assert len(message) < 200
    assert "ijkl" not in caplog.messages[-1]


def test_requests_are_counted_anew_each_second():
    moment = 10.0
    requests = RequestsOfThisSecond(lambda: moment)
    assert [requests.count("a"), requests.count("a"), requests.count("b")] == [1, 2, 1]
    moment = 10.999
    assert requests.count("a") == 3
    moment = 11.0
    assert [requests.count("a"), requests.count("b")] == [1, 1]


@pytest.mark.parametrize(
    ("name", "password", "right"),
    [
        ("editor", "secret", True),
        ("editor", "secret\n", False),
        ("editor", "Secret", False),
        ("editor", "", False),
        ("empty", "", False),
        ("other", "secret", False),
        ("", "", False),
        ("../x/editor", "secret", False),
        ("..", "", False),
    ],
)
def test_only_the_password_in_the_account_s_file_is_right(tmp_path, name, password, right):
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "editor").write_text("secret\n")
    (folder / "empty").write_text("")
    assert accounts.is_right(folder, name, password) is right


@pytest.mark.parametrize("campaign_id", ["../secret", "", "a/b", "x" * 65, "none", ".."])
def test_no_manuscript_is_read_from_elsewhere(tmp_path, campaign_id):
    (tmp_path / "secret.md").write_text("not for readers")
    (tmp_path / "manuscripts").mkdir()
    assert manuscripts.read(tmp_path / "manuscripts", campaign_id) is None


def test_starters_have_manuscripts_and_nobody_s_work_is_written_over(path, tmp_path):
    folder = tmp_path / "manuscripts"
    manuscripts.prepare(folder, path)
    assert len(list(folder.iterdir())) == manuscripts.STARTERS
    (folder / "starter-0000.md").write_text("by hand")
    manuscripts.prepare(folder, path)
    assert manuscripts.read(folder, "starter-0000") == b"by hand"


def test_bodies_are_compact_json():
    assert web.body({"a": [1, 2]}) == b'{"a":[1,2]}'
    assert json.loads(web.body(database.CHARACTERS[0])) == list(database.CHARACTERS[0])
