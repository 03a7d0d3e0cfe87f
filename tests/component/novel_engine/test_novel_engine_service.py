"""The service with everything in order: endpoints, metrics and log lines as the issue and the runbook name
them.
"""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

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
        seconds=60,
    )
    assert (told["status"], len(told["narrative"])) == ("finished", turns)
    assert shared_engine.metric("narrative_queue_depth") == 0


def test_simulation_of_somebody_unknown_fails_by_name(shared_engine):
    queued = shared_engine.http.post(
        "/simulations", json={"character_names": ["aria", "nobody"], "turns": 1}
    ).json()
    path = f"/simulations/{queued['simulation_id']}"
    told = wait.until(
        "the outcome", lambda: shared_engine.http.get(path).json(), lambda seen: "reason" in seen, seconds=60
    )
    assert (told["status"], told["reason"]) == ("failed", "unknown characters: nobody")


def test_queue_goes_on_after_flushall(engine, redis_server):
    redis_server.command("FLUSHALL")  # the runbook's "Clear Redis cache"
    queued = engine.http.post("/simulations", json={"character_names": ["aria", "bram"], "turns": 1}).json()
    path = f"/simulations/{queued['simulation_id']}"
    wait.until(
        "the narrative", lambda: engine.http.get(path).json(), lambda seen: "narrative" in seen, seconds=60
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
    wait.until("two sessions", lambda: engine.metric("active_sessions"), lambda seen: seen == 2, seconds=60)
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


def log_in(engine, name="editor", password=None):
    password = f"{name}-password" if password is None else password
    return engine.http.post("/login", json={"name": name, "password": password})


def session_of(login):
    return {"X-Session-Id": login.json()["session_id"]}


def runbook_finds(engine):
    """What the runbook's search after a breach shows, without the lines of requests and of the start, whose
    folder has the test's name."""
    said = subprocess.run(
        ["grep", "-E", "(auth|login|admin|unauthorized)"],
        input="\n".join(
            line for line in engine.log() if not re.search(" request method=| starting on ", line)
        ),
        text=True,
        capture_output=True,
        check=False,
    )
    return [re.sub(r"^\S+ ", "", line) for line in said.stdout.splitlines()]


def test_who_logs_in_is_known_by_the_session(engine):
    login = log_in(engine)
    assert (login.status_code, login.json()["name"]) == (200, "editor")
    assert login.cookies["session_id"] == login.json()["session_id"]
    engine.http.cookies.clear()
    assert engine.http.get("/account").status_code == 401
    assert engine.http.get("/account", headers=session_of(login)).json() == {"name": "editor"}
    assert runbook_finds(engine) == [
        "INFO login of 'editor' from 127.0.0.1",
        "WARNING unauthorized method=GET path=/account account=None client=127.0.0.1",
    ]


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("editor", "wrong"),
        ("editor", "admin-password"),
        ("nobody", "x"),
        ("../accounts/editor", "editor-password"),
        (".", "x"),
    ],
)
def test_a_failed_login_is_401_and_logged_in_the_words_that_the_runbook_searches(engine, name, password):
    assert log_in(engine, name, password).status_code == 401
    assert runbook_finds(engine) == [f"WARNING login failed for '{name}' from 127.0.0.1: unauthorized"]
    assert engine.metric('logins_total{outcome="failed"}') == 1


def test_a_name_cannot_forge_a_line_of_the_log(engine):
    assert log_in(engine, "x\nlogin of 'admin'", "x").status_code == 401
    assert len(runbook_finds(engine)) == 1


def test_a_password_that_is_changed_counts_at_once(engine):
    (engine.folder / "accounts" / "editor").write_text("changed\n")
    assert log_in(engine).status_code == 401
    assert log_in(engine, password="changed").status_code == 200


def test_too_many_wrong_passwords_lock_this_account_and_no_other(engine, redis_server):
    assert [log_in(engine, password="wrong").status_code for _ in range(10)] == [401] * 10
    refused = log_in(engine)  # the right password does not help either
    assert refused.status_code == 429
    assert runbook_finds(engine)[-1] == "WARNING login failed for 'editor' from 127.0.0.1: rate-limited"
    assert engine.metric('rate_limited_total{limit="login"}') == 1
    assert log_in(engine, "admin").status_code == 200
    assert 0 < int(redis_server.command("TTL", "login-failures:editor")) <= 60
    redis_server.command("DEL", "login-failures:editor")
    assert log_in(engine).status_code == 200


def test_admin_pages_are_for_admins(engine):
    engine.http.get("/characters", headers={"X-Session-Id": "someone"})
    wait.until("a session", lambda: engine.metric("active_sessions"), lambda seen: seen == 1, seconds=60)
    assert engine.http.get("/admin/state").status_code == 401
    editor = session_of(log_in(engine))
    engine.http.cookies.clear()
    assert engine.http.get("/admin/state", headers=editor).status_code == 403
    admin = session_of(log_in(engine, "admin"))
    engine.http.cookies.clear()
    state = engine.http.get("/admin/state", headers=admin)
    assert (state.status_code, state.json()["narrative_queue_depth"]) == (200, 0)
    assert "WARNING unauthorized method=GET path=/admin/state account='editor' client=127.0.0.1" in (
        runbook_finds(engine)
    )


def test_flushall_logs_everybody_out(engine, redis_server):
    session = session_of(log_in(engine))
    engine.http.cookies.clear()
    assert engine.http.get("/account", headers=session).status_code == 200
    redis_server.command("FLUSHALL")
    assert engine.http.get("/account", headers=session).status_code == 401


def test_a_session_that_asks_too_often_is_refused_and_nobody_else(engine):
    def ask(headers, times):
        """Eight at a time, until somebody is refused, and `times` at most."""
        answers = []
        with ThreadPoolExecutor(8) as users:
            while len(answers) < times and 429 not in answers:
                answers += users.map(
                    lambda _: engine.http.get("/characters/aria", headers=headers).status_code, range(80)
                )
        return answers

    greedy = ask({"X-Session-Id": "greedy-and-more"}, 4000)
    assert {200, 429} == set(greedy)
    assert set(ask({}, len(greedy))) == {200}  # as many, by nobody in particular
    assert engine.metric('rate_limited_total{limit="session"}') == greedy.count(429)
    said = [line for line in engine.log() if "rate limit" in line]
    assert said[0].endswith(
        "WARNING rate limit: session 'greedy-a'... sent more than 50 requests in a second"
    )
    assert "greedy-and-more" not in "".join(said)
    refused = [line for line in engine.log() if "status=429" in line]
    assert len(refused) == greedy.count(429)


def test_a_manuscript_is_written_by_who_has_logged_in_and_read_by_everybody(engine):
    starter = "/campaigns/starter-0000/manuscript"
    assert engine.http.get(starter).text.startswith("# Starter campaign 0\n")
    made = engine.http.post("/campaigns", json=CAMPAIGN).json()["campaign_id"]
    path = f"/campaigns/{made}/manuscript"
    assert engine.http.get(path).status_code == 404
    assert engine.http.post(path).status_code == 401
    log_in(engine)  # the client sends its cookie back
    assert engine.http.post(path).status_code == 201
    text = engine.http.get(path).text
    assert text == "# The drowned stars\n\nWith aria, bram.\n\na voyage\n"
    assert (engine.folder / "manuscripts" / f"{made}.md").read_text() == text
    assert engine.http.post("/campaigns/none/manuscript").status_code == 404
    assert len(list((engine.folder / "manuscripts").iterdir())) == 9


def test_manuscripts_that_cannot_be_kept_are_an_error_that_is_logged(engine):
    log_in(engine)
    (engine.folder / "manuscripts").rename(engine.folder / "moved")
    (engine.folder / "manuscripts").write_text("no folder")
    assert engine.http.post("/campaigns/starter-0000/manuscript").status_code == 500
    assert any(
        re.search(r"error in files for POST /campaigns/starter-0000/manuscript: .* FileExistsError$", line)
        for line in engine.log()
    )
    assert engine.metric('error_total{kind="files"}') == 1
