"""The service while its parts fail, and while it is killed or stopped: what users see, what /health says,
what is kept.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from drill import wait
from novel_engine.app import redis_store
from novel_engine.app.redis_store import TIMEOUT_SECONDS, RedisStore
from novel_engine.app.settings import Settings

SIMULATION = {"character_names": ["aria", "bram"], "turns": 1}
READS = ("/campaigns?limit=20", "/characters", "/characters/aria", "/campaigns/starter-0001")


def post_campaign(engine, name: str) -> httpx.Response:
    return engine.http.post("/campaigns", json={"name": name, "participants": ["aria"]})


def test_every_acknowledged_campaign_is_there_after_kill_9(engine):
    acknowledged = [post_campaign(engine, f"write {number}").json()["campaign_id"] for number in range(20)]
    engine.kill()
    connection = sqlite3.connect(engine.database)
    kept = {row[0] for row in connection.execute("SELECT campaign_id FROM campaigns")}
    connection.close()
    assert set(acknowledged) <= kept
    engine.start()
    assert all(
        engine.http.get(f"/campaigns/{campaign_id}").status_code == 200 for campaign_id in acknowledged
    )


def test_what_a_killed_pod_had_taken_from_the_queue_is_taken_over(engine, redis_server):
    engine.kill()
    simulation = json.dumps({"simulation_id": "orphan", "status": "pending"} | SIMULATION)
    entry = redis_server.command("XADD", "narratives:pending", "*", "simulation", simulation).strip()
    taken = redis_server.command(
        "XREADGROUP", "GROUP", "narrators", "dead", "STREAMS", "narratives:pending", ">"
    )
    assert entry in taken
    redis_server.command("XCLAIM", "narratives:pending", "narrators", "dead", "0", entry, "IDLE", "20000")
    engine.start()
    outcome = wait.until(
        "the orphan's narrative",
        lambda: engine.http.get("/simulations/orphan"),
        lambda seen: seen.status_code == 200,
        seconds=60,
    )
    assert outcome.json()["status"] == "finished"
    assert engine.metric("narrative_queue_depth") == 0


def test_without_redis_reads_and_writes_go_on_and_the_queue_answers_503(engine, redis_server):
    redis_server.stop()
    health = engine.until_health("degraded")
    assert (engine.health()[0], health["database"]) == (200, "ok")
    assert [engine.http.get(path).status_code for path in READS] == [200] * len(READS)
    made = post_campaign(engine, "without redis")
    assert made.status_code == 201
    assert engine.http.get(f"/campaigns/{made.json()['campaign_id']}").json()["name"] == "without redis"
    assert engine.http.post("/simulations", json=SIMULATION).status_code == 503
    assert engine.http.get("/simulations/any").status_code == 503
    assert engine.http.post("/login", json={"name": "editor", "password": "x"}).status_code == 503
    assert engine.metric('http_requests_total{method="POST",path="/simulations",status="503"}') == 1
    assert "narrative_queue_depth NaN" in engine.http.get("/metrics").text
    failures = [line for line in engine.log() if "error" in line]
    assert any(line.endswith(" RedisOutError") for line in failures)
    assert not any("response_time" in line for line in failures)


def test_no_simulation_fails_on_an_old_connection_once_redis_is_back(engine, redis_server):
    def queue(_: int) -> int:
        return engine.http.post("/simulations", json=SIMULATION).status_code

    with ThreadPoolExecutor(12) as users:
        assert set(users.map(queue, range(60))) == {202}  # many connections are open now
        redis_server.kill()
        assert queue(0) == 503
        redis_server.start()
        engine.until_health("ok")
        assert set(users.map(queue, range(120))) == {202}


def test_a_start_waits_for_a_redis_that_is_late(redis_server, monkeypatch):
    monkeypatch.setattr(redis_store, "START_SECONDS", 60.0)
    store = RedisStore(Settings(redis_host="127.0.0.1", redis_port=redis_server.port))
    redis_server.freeze()
    start = threading.Thread(target=store.start)
    start.start()
    wait.until("the first answer to be late", lambda: store.out, lambda out: "Timeout" in out, seconds=60)
    assert start.is_alive()
    redis_server.thaw()
    start.join(60)
    assert store.out is None
    store.stop()


def test_a_frozen_redis_does_not_slow_reads(engine, redis_server):
    redis_server.freeze()
    seconds = []
    began = time.monotonic()
    while time.monotonic() - began < 4:
        sent = time.monotonic()
        assert engine.http.get("/campaigns?limit=20").status_code == 200
        seconds.append(time.monotonic() - sent)
    redis_server.thaw()
    # who asks first waits for Redis, and then it is known; were it asked each time, every read would wait
    waited = [each for each in seconds if each >= TIMEOUT_SECONDS]
    assert len(waited) < len(seconds) / 2, f"{len(waited)} of {len(seconds)} reads waited for Redis"
    engine.until_health("ok")


def test_a_password_set_at_run_time_is_redis_being_out_until_it_is_taken_back(engine, redis_server):
    redis_server.command("CONFIG", "SET", "requirepass", "changed")
    redis_server.command("-a", "changed", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert "NOAUTH" in redis_server.command("ping")
    assert (
        "NOAUTH" in engine.until_health("degraded")["redis"]
        or "Authentication" in engine.health()[1]["redis"]
    )
    assert engine.http.post("/simulations", json=SIMULATION).status_code == 503
    assert [engine.http.get(path).status_code for path in READS] == [200] * len(READS)
    redis_server.command("-a", "changed", "CONFIG", "SET", "requirepass", "")
    engine.until_health("ok")
    assert engine.http.post("/simulations", json=SIMULATION).status_code == 202


def test_a_password_of_redis_comes_from_the_settings_and_a_rotated_one_needs_a_restart(engine, redis_server):
    redis_server.command("CONFIG", "SET", "requirepass", "rotated")
    redis_server.command("-a", "rotated", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    engine.until_health("degraded")
    engine.kill()
    engine.redis_password = "rotated"
    engine.start()
    assert engine.until_health("ok")["redis"] == "ok"
    queued = engine.http.post("/simulations", json=SIMULATION).json()["simulation_id"]
    wait.until(
        "the narrative",
        lambda: engine.http.get(f"/simulations/{queued}").json(),
        lambda seen: "narrative" in seen,
        seconds=60,
    )


def test_it_starts_without_redis(engine_alone):
    engine_alone.start()
    assert engine_alone.health()[1]["status"] == "degraded"
    assert engine_alone.http.get("/campaigns").status_code == 200


def overwrite(database, page: int, pages: int) -> None:
    with database.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096 * pages)


def test_overwritten_pages_are_seen_by_health_and_by_users(engine_alone):
    engine_alone.start()
    assert engine_alone.health()[0] == 200
    overwrite(engine_alone.database, page=0, pages=engine_alone.database.stat().st_size // 4096)
    status, health = engine_alone.health()
    assert (status, health["status"]) == (503, "unavailable")
    assert health["database"] != "ok"
    assert [engine_alone.http.get(path).status_code for path in READS] == [500] * len(READS)
    assert post_campaign(engine_alone, "lost").status_code == 500
    assert engine_alone.metric('error_total{kind="database"}') > 0
    assert any("error in database for POST /campaigns" in line for line in engine_alone.log())


def test_health_finds_damage_between_the_newest_and_the_oldest_row(engine_alone):
    engine_alone.start()
    connection = sqlite3.connect(engine_alone.database)
    last = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()
    # About a third of the rows; the schema, the roots and both ends of the table and its indexes stay as they
    # are.
    overwrite(engine_alone.database, page=44, pages=30)
    assert last > 80
    assert engine_alone.http.get("/campaigns/starter-0000").status_code == 200
    assert engine_alone.http.get("/campaigns/starter-0239").status_code == 200
    engine_alone.until_health("unavailable")


def test_it_starts_on_a_damaged_database_and_says_so(engine_alone):
    engine_alone.database.write_bytes(b"not a database" * 1000)
    engine_alone.start()
    assert engine_alone.health()[0] == 503
    assert any("error in database at start" in line for line in engine_alone.log())


def test_a_missing_file_is_not_taken_for_an_empty_database(engine_alone):
    engine_alone.start()
    engine_alone.database.unlink()
    assert engine_alone.health()[0] == 503
    assert not engine_alone.database.exists()


def test_a_long_foreign_lock_is_waited_for(engine_alone):
    engine_alone.start()
    connection = sqlite3.connect(engine_alone.database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(httpx.ReadTimeout):
        engine_alone.http.post("/campaigns", json={"name": "waits", "participants": ["a"]}, timeout=1)
    connection.execute("COMMIT")
    connection.close()
    assert post_campaign(engine_alone, "after").status_code == 201


def test_sigterm_drains_before_it_ends(engine_alone):
    engine_alone.drain_seconds = 4
    engine_alone.start()
    with httpx.Client(base_url=engine_alone.http.base_url) as kept_alive:
        assert "connection" not in kept_alive.get("/characters").headers
        engine_alone.process.send_signal(signal.SIGTERM)
        told_at = time.monotonic()
        wait.pause(0.3)
        on_the_old_connection = kept_alive.get("/characters")
        on_a_new_connection = httpx.get(f"{engine_alone.http.base_url}/characters")
    assert (on_the_old_connection.status_code, on_the_old_connection.headers["connection"]) == (200, "close")
    assert on_a_new_connection.status_code == 200
    engine_alone.process.wait(60)
    assert time.monotonic() - told_at > 3.9
    assert "Traceback" not in (engine_alone.folder / "stdout").read_text()
