"""What a user may get wrong: the real commands say file, line, value and what would be right, without a
traceback, and exit with 3.

The good input that each test spoils is the second service's folder, copied. The commands run in copies of one
process (commands.py), but for some of each kind that begin at the beginning.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.unit.commands import DRILL, ROOT, drill, fresh_python, python

COLLECT = ("-m", "pytest", "features", "--collect-only", "-q")
DRILLS = ("-m", "pytest", "features")
USAGE_ERROR = 3


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A folder with drill.toml, runbook.md, features/ and a copy of an experiment of its own."""
    folder = tmp_path / "service"
    shutil.copytree(ROOT / "tests" / "second_service", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "experiments").mkdir()
    shutil.copy(ROOT / "experiments" / "pods-killed.yaml", folder / "experiments")
    return folder


def spoil(file: Path, right: str, wrong: str) -> int:
    """Put what is wrong in place of the first `right`; the line on which that stands."""
    text = file.read_text()
    assert right in text, f"{file} does not hold {right!r}"
    file.write_text(text.replace(right, wrong, 1))
    return text[: text.index(right)].count("\n") + 1


def assert_refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    printed = done.stdout + done.stderr
    for each in said:
        assert each in printed, printed
    assert "Traceback" not in printed
    assert "During handling" not in printed
    assert done.returncode == USAGE_ERROR, printed


def test_the_input_that_is_spoiled_here_is_good(service: Path) -> None:
    done = fresh_python(service, *COLLECT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 tests collected" in done.stdout
    listed = fresh_python(service, *DRILL, "coverage")
    assert (listed.returncode, "1 steps" in listed.stdout) == (0, True), listed.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "value", "expected"),
    [
        ("[judge]", "[judge", "'[judge'", "expected TOML"),
        (
            "requests_per_second = 40",
            'requests_per_second = "many"',
            "'many'",
            "load.requests_per_second: Input should be a valid number",
        ),
        (
            "requests_per_second = 40",
            "requests_per_second = -1",
            "-1",
            "load.requests_per_second: Input should be greater than 0",
        ),
        (
            'container = "web"',
            'contaner = "web"',
            "'web'",
            "target.workloads.0.contaner: a name that drill knows; this one it does not",
        ),
        (
            'address = "http://127.0.0.1:18081"',
            'address = "localhost:80/x"',
            "'localhost:80/x'",
            "http://HOST:PORT without a path",
        ),
        (
            "ports = { 18081 = 30081 }",
            'ports = { 18081 = "web" }',
            "'web'",
            "Input should be a valid integer",
        ),
        ('runbook = "runbook.md"', "runbook = 7", "7", "target.runbook: Input is not a valid path"),
    ],
)
def test_a_wrong_drill_toml(service: Path, right: str, wrong: str, value: str, expected: str) -> None:
    line = spoil(service / "drill.toml", right, wrong)
    assert_refused(
        drill(service, "coverage"), f"drill.toml:{line}: {value} is not right here: expected", expected
    )


@pytest.mark.parametrize("arguments", [DRILLS, COLLECT])
def test_a_wrong_drill_toml_for_pytest(service: Path, arguments: tuple[str, ...]) -> None:
    line = spoil(service / "drill.toml", "requests_per_second = 40", 'requests_per_second = "many"')
    assert_refused(
        fresh_python(service, *arguments),
        f"drill.toml:{line}: 'many' is not right here: expected load.requests_per_second: ",
    )


@pytest.mark.parametrize("command", ["up", "doctor", "restore"])
def test_a_missing_drill_toml(service: Path, command: str) -> None:
    assert_refused(
        fresh_python(service, *DRILL, "--target", "nowhere.toml", command),
        "nowhere.toml: no such file. Name the target's file with --target",
    )


@pytest.mark.parametrize(
    ("arguments", "file", "said"),
    [
        (DRILLS, "drill.toml", "drill.toml: no such file. Name the target's file with --target"),
        (DRILLS, "runbook.md", "runbook.md: no such file"),
        (COLLECT, "runbook.md", "runbook.md: no such file"),
    ],
)
def test_a_missing_file(service: Path, arguments: tuple[str, ...], file: str, said: str) -> None:
    (service / file).unlink()
    assert_refused(python(service, *arguments), said)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            "users are on it",
            "users are on a bus",
            "'users are on a bus': no step definition matches; expected exactly one",
        ),
        (
            'fault "pods-killed"',
            'fault "pods-hugged"',
            "'pods-hugged' is no fault: expected one of admission-blocked, autoscaler-missing",
        ),
        (
            "Nobody Can Read Their",
            "Nobody Can Reed",
            "'Nobody Can Reed Notes' is not right here: expected the title of a section; near to it",
        ),
        (
            "/ Bring It Back",
            "/ Bring It Bakc",
            "'Bring It Bakc' is not right here: expected a label of a block",
        ),
        ("And the operator", "Und the operator", "'Und the operator follows"),
        ("@P1", "@P9", "'@P9' is not right here: expected a severity: "),
        ("@P1", "@contrl @P1", "'@contrl' is not right here: expected @control"),
        ("time of P0", "time of P1", "'P1' is not right here: expected P0, as it is tagged"),
    ],
)
def test_a_wrong_feature(service: Path, right: str, wrong: str, said: str) -> None:
    line = spoil(service / "features" / "notebook.feature", right, wrong)
    assert_refused(python(service, *COLLECT), f"notebook.feature:{line}: ", said)


@pytest.mark.parametrize(
    ("right", "wrong"), [("users are on it", "users are on a bus"), ("And the operator", "Und the operator")]
)
def test_a_wrong_feature_ends_a_run_before_anything_is_broken(service: Path, right: str, wrong: str) -> None:
    line = spoil(service / "features" / "notebook.feature", right, wrong)
    assert_refused(python(service, *DRILLS), f"notebook.feature:{line}: ")
    assert not list(service.glob("reports/*/evidence"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "'(empty)' is not right here: expected a Feature with at least one Scenario"),
        (b"Feature: nothing\n", "'nothing' has no Scenario"),
        (b"Feature: \xff\n", "expected UTF-8 text"),
        (
            b"@P0\nFeature: F\n Scenario: a\n  When nobody acts\n Scenario: a\n  When nobody acts\n",
            "line 3 has it",
        ),
    ],
)
def test_a_feature_file_that_would_be_passed_over(service: Path, text: bytes, said: str) -> None:
    (service / "features" / "more.feature").write_bytes(text)
    assert_refused(python(service, *COLLECT), "more.feature:", said)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("5 minutes", "1,5 hours", "write 1.5"),
        ("5 minutes", "-5 minutes", "has a sign"),
        ("5 minutes", "5-15 minutes", "a range"),
        ("< 800ms", "< 0ms", "not above 0"),
        ("**P1**", "**P0**", "one response time for P0"),
        ("- **P0**: 5 minutes\n", "", "'P0' is not right here: expected a severity whose response time is"),
        ("- **Error Rate**", "- **Eror Rate**", "one of the baselines that drill measures"),
    ],
)
def test_a_limit_that_is_not_understood(service: Path, right: str, wrong: str, said: str) -> None:
    line = spoil(service / "runbook.md", right, wrong)
    assert_refused(python(service, *COLLECT), f"runbook.md:{line if wrong else 3}: ", said)


def test_a_sentence_that_two_definitions_match(service: Path) -> None:
    module = service / "features" / "test_notebook.py"
    spoil(module, "import scenarios", "import scenarios, when")
    module.write_text(module.read_text() + '\n\n@when("nobody acts")\ndef again(): ...\n')
    assert_refused(
        python(service, *COLLECT),
        "notebook.feature:20: ",
        "'nobody acts': 2 step definitions match; expected exactly one",
    )


def test_a_placeholder_that_nobody_binds(service: Path) -> None:
    line = spoil(service / "runbook.md", "kubectl get deployment notebook-web", "kubectl logs <pod-name>")
    assert_refused(
        python(service, *COLLECT),
        f"runbook.md:{line}: '<pod-name>' is not right here: expected a value for it from the scenario",
    )


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("title: ", "title: [", "expected YAML ("),
        ("strategy: always", "strategy: never", "so that it is undone however it ends"),
        ("module: drill.inject.ritual", "module: ritual", "module: drill.inject.ritual"),
        (
            "kind: kill",
            "kind: kil",
            "a kind of fault: command, create, delete, detour, kill, name-server, namespace, network",
        ),
        ("felt: failed", "felt: hard", "how users feel it: failed, slow, latent, nothing"),
        ("    fault: pods-killed", "    fault: pod-killed", "'pods-killed', as the file is called"),
    ],
)
def test_a_malformed_experiment(service: Path, right: str, wrong: str, said: str) -> None:
    spoil(service / "experiments" / "pods-killed.yaml", right, wrong)
    done = python(service, *COLLECT)
    assert_refused(done, "pods-killed.yaml:", said)
    assert re.search(
        r"notebook\.feature:19: .*pods-killed\.yaml:\d+: .* is not right here", done.stdout + done.stderr
    )


@pytest.mark.parametrize(
    ("entry", "line", "said"),
    [
        ("- id: RB-001\n  section: [", 2, "expected YAML ("),
        (
            "- id: RB-1\n  section: A\n  line: 3\n  what: x\n  as_written: y\n  as_corrected: z\n",
            1,
            "id: String should match pattern",
        ),
        (
            "- id: RB-001\n  section: A\n  line: three\n  what: x\n  as_written: y\n  as_corrected: z\n",
            3,
            "line: Input should be a valid integer",
        ),
        ("id: RB-001\n", 1, "expected a list of defects"),
    ],
)
def test_wrong_errata(service: Path, entry: str, line: int, said: str) -> None:
    spoil(service / "drill.toml", 'runbook = "runbook.md"', 'runbook = "runbook.md"\nerrata = "errata.yaml"')
    (service / "errata.yaml").write_text(entry)
    assert_refused(python(service, *COLLECT), f"errata.yaml:{line}: ", said)


def test_a_runbook_without_the_limits_that_restored_is_told_by(service: Path) -> None:
    spoil(service / "runbook.md", "- **Error Rate**: < 1%\n", "")
    assert_refused(
        python(service, *COLLECT),
        "'What Users May Expect' is not right here: expected a baseline for error rate",
    )


@pytest.mark.parametrize("arguments", [(*DRILLS, "-n", "2"), (*COLLECT, "-n", "2")])
def test_drills_side_by_side_are_refused(service: Path, arguments: tuple[str, ...]) -> None:
    assert_refused(python(service, *arguments), "one at a time: -n above 1 is refused")


@pytest.mark.parametrize(
    "arguments", [("frobnicate",), ("judge", "no-such-folder"), ("--frobnicate", "up")], ids=" ".join
)
def test_a_wrong_command_line(service: Path, arguments: tuple[str, ...]) -> None:
    assert_refused(
        drill(service, *arguments), arguments[-1] if arguments[0] != "--frobnicate" else "--frobnicate"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("alerts", "test", ".", "--hold", "nan"),
        ("calibrate", "--seconds", "nan"),
        ("mutate", "drill", "--minutes", "nan"),
    ],
    ids=" ".join,
)
def test_no_number_where_one_is_expected(service: Path, arguments: tuple[str, ...]) -> None:
    assert_refused(drill(service, *arguments), f"'{arguments[-2]}': 'nan' is no number.")


def test_a_folder_that_is_no_run(service: Path) -> None:
    assert_refused(drill(service, "judge", "features"), "features")


@pytest.fixture
def foreign(service: Path) -> Iterator[list[str]]:
    """A server that is no kind cluster, in a kubeconfig whose current context leads to it. What reaches it,
    connections included.
    """
    reached: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            reached.append(f"a connection from {self.client_address}")
            super().setup()

        def do_GET(self) -> None:
            reached.append(f"{self.command} {self.path}")
            body = json.dumps({"kind": "List", "items": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: the test reads `reached`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "production",
        "clusters": [{"name": "production", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "production", "user": {"token": "a token"}}],
        "contexts": [{"name": "production", "context": {"cluster": "production", "user": "production"}}],
    }
    (service / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    spoil(service / "drill.toml", 'context = "kind-drill"', 'context = "production"')
    spoil(service / "drill.toml", "http://127.0.0.1:18081", f"http://127.0.0.1:{server.server_port}")
    yield reached
    server.shutdown()
    server.server_close()


def kubeconfigs(service: Path) -> dict[str, str]:
    return {"DRILL_KUBECONFIG": str(service / "kubeconfig"), "KUBECONFIG": str(service / "kubeconfig")}


@pytest.mark.parametrize(
    "arguments",
    [("up",), ("restore",), ("doctor",), ("down",), ("--allow-context", "staging", "restore")],
    ids=" ".join,
)
def test_a_foreign_context_is_refused_by_each_command(
    service: Path, foreign: list[str], arguments: tuple[str, ...]
) -> None:
    done = drill(service, *arguments, **kubeconfigs(service))
    assert_refused(done, "'production'")
    assert foreign == []


@pytest.mark.parametrize("allowed", [(), ("--allow-context", "staging")], ids=["", "another is allowed"])
def test_a_foreign_context_is_refused_by_drills(
    service: Path, foreign: list[str], allowed: tuple[str, ...]
) -> None:
    done = python(service, *DRILLS, "--target", "drill.toml", *allowed, **kubeconfigs(service))
    assert_refused(
        done,
        "context 'production' is not one that drill may break things in: expected kind-*; no request was "
        "sent",
    )
    assert foreign == []


def test_a_foreign_context_that_the_command_line_names_is_reached(service: Path, foreign: list[str]) -> None:
    """The other way round, so that the server is shown to record what reaches it."""
    drill(service, "--allow-context", "production", "doctor", **kubeconfigs(service))
    assert any(line.startswith("GET /apis/apps/v1/namespaces/notebook/deployments") for line in foreign)
