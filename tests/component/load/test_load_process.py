"""The load against a real service: what was planned is recorded, whatever becomes of the service, the load's
parent, or the load.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from running_service import RunningService

from drill import wait
from drill.errors import SetupError
from drill.load.plan import NOT_SENT
from drill.load.process import LOCUSTFILE, STOP_SECONDS, Load
from drill.load.tail import RequestTail
from drill.recording import Recorder, read_events
from drill.recording.events import Limit, LoadStarted, LoadStopped, LoadTrouble
from drill.recording.requests import Request, stream_requests

LIMITS = {"error_rate": Limit(0.001), "response_time": Limit(0.5, statistic="p95")}


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "recording.jsonl")
    yield recorder
    recorder.close()


def recorded(stream: Path) -> list[Request]:
    return sorted(
        (request for chunk in stream_requests(stream) for request in chunk),
        key=lambda request: request.planned,
    )


def assert_no_slot_is_missing(requests: list[Request]) -> None:
    slots = np.rint(np.array([request.planned for request in requests]) * 100).astype(int)
    assert list(slots) == list(range(slots[0], slots[0] + len(slots))), (
        "no slot of the plan is missing or sent twice"
    )


def troubles(recorder: Recorder) -> list[LoadTrouble]:
    return [event.data for event in read_events(recorder.path) if isinstance(event.data, LoadTrouble)]


def process_of(load: Load) -> int:
    assert load._process is not None
    return load._process.pid


def errors_of(requests: list[Request]) -> list[str]:
    """Their errors, without what a busy machine did not let the load send."""
    return [each.error for each in requests if each.error and not each.error.startswith(NOT_SENT)]


def follow(load: Load, settings_timeout: float = 1.0, requests_per_second: float = 100) -> RequestTail:
    return RequestTail(load.stream, settings_timeout, requests_per_second)


def test_every_planned_request_is_recorded_once(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(3)
        load.check()
    requests = recorded(load.stream)
    assert_no_slot_is_missing(requests)
    assert len(requests) >= 290
    assert not errors_of(requests)
    posts = [request for request in requests if request.name == "POST /notes"]
    assert len(posts) == pytest.approx(len(requests) / 4, abs=2)
    assert len({request.write for request in posts}) == len(posts)
    assert all(request.acknowledged and request.read_back.startswith("/notes/n") for request in posts)
    lateness = np.array([request.sent - request.planned for request in requests])
    assert np.min(lateness) >= 0
    assert np.quantile(lateness, 0.5) < 0.005
    others = [event.data for event in read_events(recorder.path) if not isinstance(event.data, LoadTrouble)]
    assert others == [LoadStarted(100.0, 1.0, "requests.jsonl"), LoadStopped(0)]


def test_no_two_connections_come_from_one_address(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    """What address translation remembers of a connection never meets another."""
    with Load(service.settings, tmp_path, recorder):
        wait.pause(3)
    addresses = json.loads(service.ask("GET", "/addresses")[1])[:-1]
    assert len(addresses) >= 10
    assert all(address.startswith("127.") for address in addresses)
    assert len(set(addresses)) == len(addresses)


def test_a_stopped_service_fails_each_request_planned_meanwhile(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(1)
        stopped = time.monotonic()
        os.kill(service.process.pid, signal.SIGSTOP)
        wait.pause(2)
        os.kill(service.process.pid, signal.SIGCONT)
        continued = time.monotonic()
        wait.pause(7.5)
        tail = follow(load)
        tail.poll()
        seen = tail.summary()
        recovered = tail.recovered_since(stopped, 5, LIMITS)
        too_early = tail.recovered_since(stopped, 5, LIMITS, now=continued + 3)
    requests = recorded(load.stream)
    failed = [request for request in requests if request.error]
    # those planned in the first of the two seconds ran into their timeout of one second while nobody answered
    doomed = [request for request in requests if stopped + 0.02 <= request.planned < continued - 1.02]
    assert len(doomed) == pytest.approx(96, abs=6)
    assert all(request.error == "timeout" and request.status == 0 for request in doomed)
    assert all(1.0 <= request.finished - request.planned < 2 for request in doomed)
    assert all(stopped - 0.05 <= request.planned < continued for request in failed)
    slow = [
        request
        for request in requests
        if stopped <= request.planned < continued and request.finished - request.planned > 0.05
    ]
    assert len(slow) == pytest.approx(195, abs=15), "latency counts from the planned moment"
    assert seen.requests_per_second == pytest.approx(100, abs=15)
    assert seen.error_share == 0
    assert seen.p95_seconds is not None
    assert seen.p95_seconds < 0.5
    assert recovered is not None
    assert continued - 1.1 < recovered <= continued + 0.5
    assert too_early is None
    names = {request.name for request in tail.failed_since(stopped)}
    assert names == {"GET /", "POST /notes"}
    assert {request.name for request in tail.failed_since(stopped, {"POST /notes"})} == {"POST /notes"}


def test_a_killed_service_fails_from_the_kill_until_the_next_one_answers(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(1)
        service.process.kill()
        service.process.wait()
        killed = time.monotonic()
        wait.pause(1)
        script = Path(__file__).with_name("small_service.py")
        again = subprocess.Popen([sys.executable, str(script), str(service.port)], stdout=subprocess.PIPE)
        try:
            assert again.stdout is not None
            assert int(again.stdout.readline()) == service.port
            answering = time.monotonic()
            wait.pause(1.5)
        finally:
            load.stop()
            again.kill()
            again.wait()
    requests = recorded(load.stream)
    between = [request for request in requests if killed <= request.planned < answering - 0.1]
    assert len(between) > 80
    assert {request.error for request in between} == {"connection refused"}
    later = [request for request in requests if request.planned >= answering]
    assert len(later) > 100
    assert not errors_of(later), "kept connections cause no errors of their own"


def test_a_get_that_breaks_is_not_sent_again(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    """A server that reads a request and hangs up: each planned GET is one arrival at the server and one
    recorded failure.
    """
    server = subprocess.Popen([sys.executable, "-c", HANG_UP], stdout=subprocess.PIPE)
    assert server.stdout is not None
    port = int(server.stdout.readline())
    target = service.settings.target.model_copy(update={"address": f"http://127.0.0.1:{port}"})
    try:
        with Load(service.settings.model_copy(update={"target": target}), tmp_path, recorder) as load:
            wait.pause(1)
    finally:
        server.terminate()
    arrived = int(server.stdout.read())
    requests = recorded(load.stream)
    assert {request.error for request in requests} == {"connection closed"}
    assert arrived == len(requests)


HANG_UP = """
import signal, socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
print(listener.getsockname()[1], flush=True)
arrived = 0
def end(*_):
    print(arrived, flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
while True:
    connection, _ = listener.accept()
    if connection.recv(65536):
        arrived += 1
    connection.close()
"""

PARENT = """
import sys
from pathlib import Path
from drill import settings, wait
from drill.load.process import Load
from drill.recording import Recorder
folder = Path(sys.argv[2])
load = Load(settings.load(sys.argv[1]), folder, Recorder(folder / "recording.jsonl"))
load.start()
print(load._process.pid, flush=True)
wait.pause(60)
"""


def test_the_load_ends_when_its_parent_is_killed(service: RunningService, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(service.settings_file), str(tmp_path)], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    locust = psutil.Process(int(parent.stdout.readline()))
    assert "locust" in " ".join(locust.cmdline())
    parent.kill()
    parent.wait()
    wait.until(
        "the end of the load",
        lambda: not locust.is_running() or locust.status() == psutil.STATUS_ZOMBIE,
        seconds=60,
    )
    requests = recorded(tmp_path / "requests.jsonl")
    assert_no_slot_is_missing(requests)  # what was under way has its record


def test_a_load_that_ends_by_itself_is_a_setup_error_with_the_log(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        assert load._process is not None
        os.kill(load._process.pid, signal.SIGKILL)
        load._process.wait()
        with pytest.raises(SetupError, match=r"exit status -9; the end of .*load\.log") as caught:
            load.check()
    assert "Starting Locust" in str(caught.value)


def test_a_stream_that_cannot_be_written_is_a_setup_error(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    (tmp_path / "requests.jsonl").symlink_to("/dev/full")
    with pytest.raises(SetupError, match=r"cannot be written .*No space left on device"):
        Load(service.settings, tmp_path, recorder).start()


def test_a_stopped_load_says_so_and_none_of_it_is_the_targets(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(1)
        stopped = time.monotonic()
        os.kill(process_of(load), signal.SIGSTOP)
        wait.pause(2)
        said_meanwhile = load.trouble()
        os.kill(process_of(load), signal.SIGCONT)
        continued = time.monotonic()
        wait.pause(1)
        said_live = [trouble for trouble in troubles(recorder) if trouble.end - trouble.start > 1]
        tail = follow(load)
        tail.poll()
        witness = tail.failed_since(stopped)
        load.check()
    requests = recorded(load.stream)
    assert_no_slot_is_missing(requests)
    (trouble,) = said_live
    assert stopped - 0.5 < trouble.start < stopped + 0.05
    assert continued - 0.05 < trouble.end < continued + 0.5
    assert "stood still" in trouble.what
    assert "the load has stood still for 1." in said_meanwhile or "for 2." in said_meanwhile
    not_sent = [request for request in requests if request.error.startswith(NOT_SENT)]
    assert len(not_sent) == pytest.approx(175, abs=15), "all but what was late by less than 0.25 s"
    assert all(trouble.start <= request.planned < trouble.end for request in not_sent)
    late = [request for request in requests if request.sent - request.planned > 0.5]
    assert all(trouble.start <= request.planned < trouble.end for request in late)
    assert witness == []
    others = [request for request in requests if request.error and not request.error.startswith(NOT_SENT)]
    assert all(request.planned < trouble.end and request.finished >= trouble.start for request in others)


def test_a_load_that_is_stopped_to_the_end_has_its_slots_and_its_trouble(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(0.5)
        stopped = time.monotonic()
        os.kill(process_of(load), signal.SIGSTOP)
        wait.pause(1)
        ending = time.monotonic()
    assert time.monotonic() - ending < STOP_SECONDS, "it ended by itself"
    requests = recorded(load.stream)
    assert_no_slot_is_missing(requests)
    assert requests[-1].planned > ending - 0.1
    longest = max(troubles(recorder), key=lambda trouble: trouble.end - trouble.start)
    assert longest.start < stopped + 0.05
    assert longest.end > ending - 0.05


LATE_DRAIN = """
import sys
sys.path.insert(0, sys.argv[1])
import locustfile
class User:
    def take(self, kind, planned):
        taken.append(round(planned * 100))
taken, arrivals = [], locustfile.Arrivals()
arrivals.users = [User()]
begun = arrivals._slot_of_now() - 50
arrivals.share.begin(begun)
arrivals.drain()
ended = arrivals._slot_of_now()
assert taken[:50] == list(range(begun + 1, begun + 51)), taken
assert ended - 1 <= taken[-1] <= ended, (taken, ended)
count = len(taken)
arrivals.drain()
assert len(taken) == count
"""


def test_what_is_due_when_the_load_is_told_to_end_is_handed_out_before_it_does(
    service: RunningService,
) -> None:
    """Half a second of slots that its loop did not come to."""
    environment = {**os.environ, "DRILL_TARGET": str(service.settings_file)}
    command = [sys.executable, "-c", LATE_DRAIN, str(LOCUSTFILE.parent)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_load_that_was_not_disturbed_has_no_trouble(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(2)
        assert load.trouble() == ""
    assert [trouble for trouble in troubles(recorder) if trouble.end - trouble.start > 0.5] == []


def test_a_killed_load_is_trouble_from_its_last_sign_until_the_load_is_stopped(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(0.5)
        killed = time.monotonic()
        os.kill(process_of(load), signal.SIGKILL)
        wait.pause(1)
        with pytest.raises(SetupError, match="exit status -9"):
            load.check()
        stopping = time.monotonic()
    found = [trouble for trouble in troubles(recorder) if "exit status -9" in trouble.what]
    assert killed - 0.5 < found[0].start < killed
    assert found[-1].end >= stopping
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    assert read_events(recorder.path)[-1].data == LoadStopped(-9)


def test_begun_early_it_is_there_when_it_is_awaited(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    load = Load(service.settings, tmp_path, recorder)
    load.begin()
    try:
        assert read_events(recorder.path) == []
        wait.until("records", lambda: load.stream.exists() and load.stream.stat().st_size > 0, seconds=60)
        waited = time.monotonic()
        load.wait_until_arrived()
        assert time.monotonic() - waited < 1
        assert read_events(recorder.path)[0].data == LoadStarted(100.0, 1.0, "requests.jsonl")
    finally:
        load.stop()


def test_begun_and_never_awaited_it_leaves_nothing_behind(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    load = Load(service.settings, tmp_path, recorder)
    load.begin()
    pid = process_of(load)
    load.stop()
    assert not psutil.pid_exists(pid)
    assert read_events(recorder.path) == []


def test_what_this_machine_ran_out_of_is_not_the_targets(
    service: RunningService, tmp_path: Path, recorder: Recorder
) -> None:
    with Load(service.settings, tmp_path, recorder) as load:
        wait.pause(0.5)
        process = psutil.Process(process_of(load))
        process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds(), process.rlimit(psutil.RLIMIT_NOFILE)[1]))
        service.process.send_signal(signal.SIGSTOP)  # so that many are under way at once
        wait.pause(1)
        service.process.send_signal(signal.SIGCONT)
    errors = {request.error for request in recorded(load.stream)}
    assert f"{NOT_SENT}too many open files" in errors


def locust(
    service: RunningService, *arguments: str, stream: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Locust as people start it."""
    environment = {
        **os.environ,
        "DRILL_TARGET": str(service.settings_file),
        **({"DRILL_REQUESTS": str(stream)} if stream else {}),
    }
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", *arguments]
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_another_host_is_refused_before_anything_is_sent(service: RunningService) -> None:
    ended = locust(service, "--users", "1", "--host", "http://192.0.2.1:80")
    assert ended.returncode == 3
    assert "only be sent to this machine" in ended.stderr
    assert "http://192.0.2.1:80" in ended.stderr


def test_locust_alone_fills_its_own_tables(service: RunningService, tmp_path: Path) -> None:
    ended = locust(
        service,
        "--users",
        "5",
        "--spawn-rate",
        "5",
        "--run-time",
        "3",
        "--requests-per-second",
        "50",
        "--only-summary",
        "--json",
        "--exit-code-on-error",
        "0",
        stream=tmp_path / "requests.jsonl",
    )
    assert ended.returncode == 0, ended.stderr
    assert '"name": "/notes"' in ended.stdout
    failed = sum(int(part.split(",")[0]) for part in ended.stdout.split('"num_failures": ')[1:])
    errors = [request.error for request in recorded(tmp_path / "requests.jsonl") if request.error]
    assert len(errors) == failed
    assert all(error.startswith(NOT_SENT) for error in errors), "only what a busy machine did not let it send"


def test_locust_on_two_processes_holds_one_plan(service: RunningService, tmp_path: Path) -> None:
    stream = tmp_path / "requests.jsonl"
    ended = locust(
        service,
        "--processes",
        "2",
        "--users",
        "6",
        "--spawn-rate",
        "6",
        "--run-time",
        "4",
        "--only-summary",
        "--json",
        "--exit-code-on-error",
        "0",
        stream=stream,
    )
    assert ended.returncode == 0, ended.stderr
    requests = recorded(stream)
    steady = [
        request
        for request in requests
        if requests[0].planned + 1 <= request.planned < requests[0].planned + 2
    ]
    assert len(steady) == pytest.approx(100, abs=2)
    slots = np.rint(np.array([request.planned for request in steady]) * 100).astype(int)
    assert len(set(slots)) == len(slots)
    assert {request.error.partition(":")[0] for request in requests} <= {"", "not sent"}
    counted = sum(int(part.split(",")[0]) for part in ended.stdout.split('"num_requests": ')[1:])
    assert counted == len(requests), "Locust's own table has them all"
