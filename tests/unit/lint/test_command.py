"""`drill lint` as somebody calls it: what it prints, in which form, and how it ends."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BAD = "# T\n\n```bash\nkubectl logs -l app=a\n```\n"
START = "from drill.start import main; main()"


def drill_lint(
    *arguments: str, folder: Path = ROOT, path: str | None = None, cache: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": path if path is not None else "/usr/local/bin:/usr/bin:/bin",
        **({"XDG_CACHE_HOME": str(cache)} if cache is not None else {}),
    }
    return subprocess.run(
        [sys.executable, "-c", START, "lint", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "runbook.md"
    file.write_text(BAD, encoding="utf-8")
    return file


def test_nothing_found_ends_with_0(tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text("# T\n\nWords.\n", encoding="utf-8")
    done = drill_lint("r.md", folder=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, "Nothing found.", "")


def test_a_finding_ends_with_1_and_is_shown_with_its_line(bad: Path) -> None:
    done = drill_lint("runbook.md", folder=bad.parent)
    assert done.returncode == 1
    first, margin, line, marks = done.stdout.splitlines()[:4]
    assert first.startswith("runbook.md:4:1: D401 [*] shows the last ten lines")
    assert (margin, line) == ("  |", "4 | kubectl logs -l app=a")
    assert marks == "  | " + "^" * len("kubectl logs -l app=a")


def test_what_could_not_be_applied_is_named(bad: Path) -> None:
    said = drill_lint("runbook.md", folder=bad.parent).stdout
    assert (
        "Not applied: D101, D102, D103, D104, D105, D112, D113, D114, D403, D508, D509, D510, D601, "
        "D602, D801 (they need --manifests FOLDER)" in said
    )
    said = drill_lint("runbook.md", folder=bad.parent, path="/nowhere", cache=bad.parent).stdout
    assert "Not applied: D901 (they need promtool" in said


def test_the_promtool_that_drill_installed_is_asked(tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text("# T\n\n```yaml\n- alert: A\n  expr: up ==\n```\n", encoding="utf-8")
    own = tmp_path / "drill" / "bin" / "promtool"
    own.parent.mkdir(parents=True)
    own.write_text('#!/bin/sh\necho "FAILED: rules.yaml: of drill\'s own"\nexit 1\n', encoding="utf-8")
    own.chmod(0o755)
    said = drill_lint("r.md", "--select", "D901", folder=tmp_path, path="/bin", cache=tmp_path).stdout
    assert "D901 Prometheus refuses A: of drill's own" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no runbook is named"),
        (["absent.md"], "absent.md: no such file"),
        (["binary.md"], "binary.md:2: b'\\xff' is not right here: expected UTF-8 text"),
        (["runbook.md", "--manifests", "absent"], "absent: no such folder"),
        (["runbook.md", "--manifests", "broken"], "broken/a.yaml:2:"),
        (["runbook.md", "--image", "redis"], "expected IMAGE=TOOLS"),
        (["runbook.md", "--image", "redis=@absent"], "absent: no such file"),
        (["runbook.md", "--metrics", "empty.txt"], "names of metrics"),
        (["runbook.md", "--metrics", "bare.txt"], "names of metrics"),
        (["runbook.md", "--metrics", "loop"], "drill: loop: Too many levels of symbolic links"),
        (["a" * 300], "File name too long"),
        (["runbook.md", "--select", "X9"], "'X9' begins the id of no rule"),
        (["--explain", "D999"], "'D999' is no rule"),
        (["runbook.md", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_bad_input_ends_with_3_and_one_message(bad: Path, arguments: Sequence[str], message: str) -> None:
    (bad.parent / "binary.md").write_bytes(b"# T\n\xff\n")
    (bad.parent / "empty.txt").write_text("\n", encoding="utf-8")
    (bad.parent / "bare.txt").write_text("# TYPE \n", encoding="utf-8")
    (bad.parent / "loop").symlink_to("loop")
    (bad.parent / "broken").mkdir()
    (bad.parent / "broken" / "a.yaml").write_text("a: [1\nb: ]\n", encoding="utf-8")
    done = drill_lint(*arguments, folder=bad.parent)
    assert (done.returncode, done.stdout) == (3, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_json_says_all(bad: Path) -> None:
    data = json.loads(drill_lint("runbook.md", "--format", "json", folder=bad.parent).stdout)
    (finding,) = data["findings"]
    assert (finding["file"], finding["line"], finding["rule"]) == ("runbook.md", 4, "D401")
    assert finding["edit"] == {"line": 4, "column": 22, "end_line": 4, "end_column": 22, "text": " --tail=-1"}
    assert data["shell_blocks"] == 1
    assert data["not_applied"]["metrics"] == ["D408", "D908"]


def test_sarif_has_what_code_scanning_asks_for(bad: Path) -> None:
    data = json.loads(drill_lint("runbook.md", "--format", "sarif", folder=bad.parent).stdout)
    (run,) = data["runs"]
    (result,) = run["results"]
    assert data["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "D401"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "runbook.md"
    assert place["region"]["startLine"] == 4


def test_an_annotation_of_github_is_one_line(bad: Path) -> None:
    (line,) = drill_lint("runbook.md", "--format", "github", folder=bad.parent).stdout.splitlines()
    assert line.startswith(
        "::error file=runbook.md,line=4,col=1,endLine=4,endColumn=22,title=drill lint D401::shows"
    )


def test_select_and_ignore_by_id_and_by_kind(bad: Path) -> None:
    assert drill_lint("runbook.md", "--select", "D2", folder=bad.parent).returncode == 0
    assert drill_lint("runbook.md", "--ignore", "D401", folder=bad.parent).returncode == 0
    assert drill_lint("runbook.md", "--select", "d4,D2", folder=bad.parent).returncode == 1


def test_explain_gives_both_examples() -> None:
    said = drill_lint("--explain", "d201").stdout
    assert said.startswith("D201: it watches and never returns (commands that never return, or not here)")
    assert "Bad:\n    kubectl get pods" in said


def test_fix_writes_what_is_certain_and_nothing_else(bad: Path) -> None:
    shell = "kubectl logs -l app=a  # é\r\ncurl -s https://a.b/health\r\nredis-cli FLUSHALL\r\n"
    text = f"\ufeff# T\r\n\r\n```bash\r\n{shell}```\r\n"
    bad.write_bytes(text.encode())
    done = drill_lint("runbook.md", "--fix", folder=bad.parent)
    corrected = text.replace("app=a", "app=a --tail=-1").replace("curl", "curl --fail")
    assert bad.read_bytes().decode() == corrected
    assert "2 corrected" in done.stderr
    assert "D701" in done.stdout
    assert "D401" not in done.stdout


@pytest.mark.parametrize(
    "text",
    ["# T\r\r```bash\rkubectl logs -l app=a\r```\r", "# T\r\r\n\n```bash\nkubectl logs -l app=a\r\n```\n"],
    ids=["CR", "mixed"],
)
def test_fix_finds_the_place_whatever_ends_a_line(bad: Path, text: str) -> None:
    bad.write_bytes(text.encode())
    assert drill_lint("runbook.md", "--fix", folder=bad.parent).returncode == 0
    assert bad.read_bytes().decode() == text.replace("app=a", "app=a --tail=-1")


def test_fix_finds_the_place_on_a_line_that_begins_with_a_byte_order_mark(bad: Path) -> None:
    bad.write_text("\ufeff# caf\u00c3\u00a9\n", encoding="utf-8")
    drill_lint("runbook.md", "--fix", folder=bad.parent)
    assert bad.read_text(encoding="utf-8") == "\ufeff# café\n"


def test_fix_corrects_a_file_once_that_a_link_names_too(bad: Path) -> None:
    (bad.parent / "link.md").symlink_to("runbook.md")
    drill_lint("--fix", ".", folder=bad.parent)
    assert bad.read_text(encoding="utf-8") == BAD.replace("app=a", "app=a --tail=-1")


def test_fix_leaves_a_file_as_it_is_that_cannot_be_written_whole(bad: Path) -> None:
    text = BAD + "word " * 30
    bad.write_text(text, encoding="utf-8")
    bad.chmod(0o640)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (99, 99)); "
    command = [sys.executable, "-c", limit + START, "lint", "--fix", "runbook.md"]
    done = subprocess.run(
        command, cwd=bad.parent, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert "runbook.md: File too large" in done.stderr
    assert (bad.read_text(encoding="utf-8"), [*bad.parent.iterdir()]) == (text, [bad])
    drill_lint("--fix", "runbook.md", folder=bad.parent)
    assert bad.stat().st_mode & 0o777 == 0o640


def processor_seconds() -> float:
    """What the children of this process that have ended, and theirs, have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_six_hundred_lines_take_less_than_two_seconds() -> None:
    before = processor_seconds()
    done = drill_lint("runbook/as-first-written.md", "--manifests", "novel_engine/manifests")
    assert processor_seconds() - before < 2 * 3, "three times the limit, since others may slow the processor"
    assert done.returncode == 1
