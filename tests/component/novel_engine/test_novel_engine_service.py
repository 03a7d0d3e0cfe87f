"""The service with everything in order: endpoints, metrics and log lines as the issue and the runbook name
them.
"""

from __future__ import annotations

import re
import subprocess

import pytest

from drill import wait

CAMPAIGN = {"name": "The drowned stars", "description": "a voyage", "participants": ["aria", "bram"]}


def test_health_names_both_parts(shared_engine):
    assert shared_engine.health() == (200, {"status": "ok", "database": "ok", "redis": "ok"})


def test_campaign_is_acknowledged_and_read_back_by_id_and_in_the_list(engine):
    made = engine.http.post("/campaigns", json=CAMPAIGN)
    assert made.status_code == 201
    assert set(made.json()) == {"campaign_id", "name", "status", "created_at"}
    campaign_id = made.json()["campaign_id"]
    assert engine.http.get(f"/campaigns/{campaign_id}").json() == made.json() | CAMPAIGN
    wait.pause(1.2)  # lists may be a second old
    newest = engine.http.get("/campaigns", params={"limit": 2}).json()["campaigns"]
    assert [campaign["campaign_id"] for campaign in newest] == [campaign_id, "starter-0239"]


def test_description_may_be_left_out(shared_engine):
    made = shared_engine.http.post("/campaigns", json={"name": "bare", "participants": ["aria"]})
    assert shared_engine.http.get(f"/campaigns/{made.json()['campaign_id']}").json()["description"] == ""


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/campaigns", {"participants": ["aria"]}),
        ("/campaigns", {"name": "", "participants": ["aria"]}),
        ("/campaigns", {"name": "x", "participants": []}),
        ("/campaigns", {"name": "x"}),
        ("/simulations", {"character_names": ["aria"], "turns": 1}),
        ("/simulations", {"character_names": ["aria"] * 7, "turns": 1}),
        ("/simulations", {"character_names": ["aria", "bram"], "turns": 0}),
        ("/simulations", {"character_names": ["aria", "bram"], "turns": 11}),
    ],
)
def test_invalid_input_is_refused(shared_engine, path, sent):
    assert shared_engine.http.post(path, json=sent).status_code == 422


@pytest.mark.parametrize(("count", "turns"), [(2, 1), (6, 10)])
def test_simulation_at_the_edges_of_what_is_allowed_is_queued_and_told(shared_engine, count, turns):
    names = ["aria", "bram", "cass", "dara", "edda", "finn"][:count]
    queued = shared_engine.http.post("/simulations", json={"character_names": names, "turns": turns})
    assert (queued.status_code, queued.json()["status"]) == (202, "pending")
    path = f"/simulations/{queued.json()['simulation_id']}"
    told = wait.until(
        "the narrative",
        lambda: shared_engine.http.get(path).json(),
        lambda seen: "narrative" in seen,
        seconds=10,
    )
    assert (told["status"], len(told["narrative"])) == ("finished", turns)
    assert shared_engine.metric("narrative_queue_depth") == 0


def test_simulation_of_somebody_unknown_fails_by_name(shared_engine):
    queued = shared_engine.http.post(
        "/simulations", json={"character_names": ["aria", "nobody"], "turns": 1}
    ).json()
    path = f"/simulations/{queued['simulation_id']}"
    told = wait.until(
        "the outcome", lambda: shared_engine.http.get(path).json(), lambda seen: "reason" in seen, seconds=10
    )
    assert (told["status"], told["reason"]) == ("failed", "unknown characters: nobody")


def test_queue_goes_on_after_flushall(engine, redis_server):
    redis_server.command("FLUSHALL")  # the runbook's "Clear Redis cache"
    queued = engine.http.post("/simulations", json={"character_names": ["aria", "bram"], "turns": 1}).json()
    path = f"/simulations/{queued['simulation_id']}"
    wait.until(
        "the narrative", lambda: engine.http.get(path).json(), lambda seen: "narrative" in seen, seconds=10
    )


def test_characters(shared_engine):
    listed = shared_engine.http.get("/characters").json()["characters"]
    assert {"aria", "bram"} <= {character["character_id"] for character in listed}
    assert shared_engine.http.get("/characters/aria").json() == listed[0]


@pytest.mark.parametrize("path", ["/characters/nobody", "/campaigns/none", "/simulations/none", "/elsewhere"])
def test_what_is_not_there_is_404(shared_engine, path):
    assert shared_engine.http.get(path).status_code == 404


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_limit_outside_its_range_is_refused(shared_engine, limit):
    assert shared_engine.http.get("/campaigns", params={"limit": limit}).status_code == 422


def test_metrics_have_the_names_of_the_runbook(engine):
    engine.http.get("/campaigns")
    engine.http.get("/campaigns")
    engine.http.get("/campaigns/none")
    text = engine.http.get("/metrics").text
    for line in (
        r'http_requests_total{method="GET",path="/campaigns",status="200"} 2\.0',
        r'http_requests_total{method="GET",path="/campaigns/\{campaign_id\}",status="404"} 1\.0',
        r'http_request_duration_seconds_bucket{le="0\.5",method="GET",path="/campaigns"} 2\.0',
        r"database_query_duration_seconds_sum \d",
        r"database_query_duration_seconds_count [1-9]",
        r"active_sessions 0\.0",
        r"narrative_queue_depth 0\.0",
        r"cache_hits_total 1\.0",
        r"cache_misses_total 1\.0",
        r"process_cpu_seconds_total \d",
        r"process_resident_memory_bytes \d",
        r"python_gc_collections_total{",
    ):
        assert re.search(f"^{line}", text, re.MULTILINE), f"expected a line like {line} in:\n{text}"


def test_sessions_are_counted_once_each(engine):
    cookie = engine.http.get("/").cookies["session_id"]
    assert cookie
    engine.http.get("/characters")  # the client sends its cookie back
    engine.http.get("/characters", headers={"X-Session-Id": "someone-else"})
    wait.until("two sessions", lambda: engine.metric("active_sessions"), lambda seen: seen == 2, seconds=5)
    wait.pause(1.2)
    assert engine.metric("active_sessions") == 2


def test_log_lines_suit_the_runbook_s_log_analysis_script(engine):
    engine.http.get("/campaigns")
    engine.http.get("/campaigns/none")
    engine.http.get("/health")
    lines = engine.log()
    assert (engine.folder / "stdout").read_text().splitlines() == lines
    timed = [line for line in lines if "response_time" in line]
    assert [re.search(r"path=(\S+)", line)[1] for line in timed] == ["/campaigns", "/campaigns/none"]
    script = (
        """grep "response_time" | awk '{print $NF}' | sort -n | """
        """awk 'BEGIN{sum=0; count=0} {sum+=$1; count++} END{if(count>0) print "Average:", sum/count "ms"}'"""
    )
    said = subprocess.run(
        ["bash", "-c", script], input="\n".join(lines), text=True, capture_output=True, check=True
    )
    average = re.fullmatch(r"Average: ([\d.]+)ms\n", said.stdout)
    assert average, said.stdout
    assert 0 < float(average[1]) < 2000
