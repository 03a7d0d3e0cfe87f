"""`drill mutate` on a service of one file: its scenarios are run by a real pytest, in a process of its own,
each with a runbook that somebody spoilt.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from drill import wait
from drill.cli import cli
from drill.errors import InputError, SetupError, UsageError
from drill.mutate import workbench
from drill.mutate.held import hold_folder
from drill.mutate.mutant import Mutant
from drill.mutate.reading import rules_that_find
from drill.mutate.workbench import UNCALIBRATED
from drill.recording.events import Calibration
from drill.run.stored import write_verdicts
from tests.unit.report.recorded_runs import Shape, make_run

ROOT = Path(__file__).parents[3]
RUNBOOK = """# Service

## Repair
```bash
# what keeps it down is removed
rm -f service
echo stopped > service
sleep 0
cat service
```

## Nobody follows this
```bash
rm other
```
"""
FEATURE = """Feature: Repair

  Scenario: The repair tells that it stopped
    When the operator follows "Repair"
    Then it says "stopped"
"""
SECOND = """
  Scenario: A second look at the repair
    Given all is quiet
    When the operator follows "Repair"
    Then it says "something else"
"""
CONFTEST = """
import re, subprocess, tomllib
from pathlib import Path

from pytest_bdd import given, parsers, then, when


def pytest_addoption(parser):
    for option in ("--target", "--run", "--reports"):
        parser.addoption(option)


@given("all is quiet")
def quiet():
    pass


@when(parsers.parse('the operator follows "{place}"'), target_fixture="said")
def follows(pytestconfig, place):
    target = tomllib.loads(Path(pytestconfig.getoption("--target")).read_text())["target"]
    block = re.search(r"```bash\\n(.*?)```", Path(target["runbook"]).read_text(), re.S)[1]
    done = subprocess.run(["bash", "-c", block], capture_output=True, text=True)
    return done.stdout.strip()


@then(parsers.parse('it says "{words}"'))
def says(said, words):
    assert said == words
"""
INI = "[pytest]\naddopts = -p pytest_bdd.plugin -p no:cacheprovider\n"


def service(folder: Path, feature: str = FEATURE, conftest: str = CONFTEST) -> Path:
    """A folder with drill.toml, a runbook and scenarios."""
    target = (ROOT / "drill.toml").read_text(encoding="utf-8")
    for key in ("runbook_as_written", "errata", "manifests"):
        target = re.sub(rf"(?m)^{key} = .*\n", "", target)
    target = re.sub(r"(?ms)^\[monitoring\].*?(?=^\[judge\])", "", target)
    target = re.sub(r"(?ms)^images = \[.*?^\]\n", "", target)
    target = target.replace("runbook/operations-runbook.md", "runbook.md")
    files = {
        "drill.toml": target,
        "runbook.md": RUNBOOK,
        "pytest.ini": INI,
        "conftest.py": conftest,
        "features/repair.feature": feature,
        "features/test_repair.py": 'from pytest_bdd import scenarios\n\nscenarios(".")\n',
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def mutate(folder: Path, *arguments: str) -> Result:
    """The command with its own options for this folder; what it raises is raised."""
    options = ["--features", str(folder / "features"), "--folder", str(folder / "mutants" / "runbook")]
    return CliRunner().invoke(
        cli,
        ["--target", str(folder / "drill.toml"), "mutate", *options, *arguments],
        catch_exceptions=False,
        standalone_mode=False,
    )


def kept(folder: Path) -> list[dict[str, object]]:
    state = json.loads((folder / "mutants" / "runbook" / "state.json").read_text(encoding="utf-8"))
    tried: list[dict[str, object]] = state["tried"]
    return tried


@pytest.fixture(scope="module", autouse=True)
def few_plugins() -> Iterator[None]:
    """The pytest of the service has those alone that it names, and so begins at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        yield


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The mutants of two operators, drilled in two goes."""
    folder = service(tmp_path_factory.mktemp("service"))
    mutate(folder, "drill", "--only", "wait")
    return folder, mutate(folder, "drill", "--only", "wait,drop")


def test_list_prints_and_writes_every_mutant(tmp_path: Path) -> None:
    folder = service(tmp_path)
    done = mutate(folder, "list", "--write", str(tmp_path / "texts"))
    written = sorted((tmp_path / "texts").glob("*.md"))
    assert len(written) == 7
    assert all(f"{file.stem} line " in done.output for file in written)
    assert "7 in all, of which 0 are equivalent" in done.output
    texts = [file.read_text(encoding="utf-8") for file in written]
    assert RUNBOOK.replace("sleep 0\n", "") in texts
    assert all("rm other" in text for text in texts)


def test_each_mutant_that_breaks_the_repair_is_caught(drilled: tuple[Path, Result]) -> None:
    _, done = drilled
    survived, caught = done.output.partition("Survived:")[2].split("Caught:")
    assert "cat service -> (nothing)" in caught
    assert "echo stopped > service -> (nothing)" in caught
    assert "sleep 0 -> (nothing)" in survived
    assert "rm -f service -> (nothing)" in survived
    assert "caught by drills: 2 of 4 (50.0 %), 6.8 % to 93.2 % (95 %, Clopper and Pearson)" in done.output
    assert "not a random sample" in done.output
    assert "Not run: 3 (3 swap)" in done.output
    assert mutate(drilled[0], "report").output in done.output


def test_what_was_drilled_is_not_drilled_again(drilled: tuple[Path, Result]) -> None:
    folder, _ = drilled
    tried = kept(folder)
    assert len({(each["mutant"], each["scenario"]) for each in tried}) == len(tried)
    logs = list((folder / "mutants" / "runbook" / "runs").glob("*.log"))
    assert len(logs) == len(tried)


def test_the_runbook_itself_is_untouched(drilled: tuple[Path, Result]) -> None:
    assert (drilled[0] / "runbook.md").read_text(encoding="utf-8") == RUNBOOK


def test_no_time_drills_nothing(tmp_path: Path) -> None:
    folder = service(tmp_path)
    done = mutate(folder, "drill", "--minutes", "0", "--sample", "2")
    assert "the time is up" in done.output
    assert "caught by drills: unmeasured" in done.output
    assert "Not run: 7" in done.output
    assert "caught by lint alone: unmeasured" in done.output


def test_a_scenario_that_fails_with_the_corrected_runbook_tells_nothing(tmp_path: Path) -> None:
    folder = service(tmp_path, feature=FEATURE + SECOND)
    done = mutate(folder, "drill", "--only", "wait")
    assert "'A second look at the repair': with the corrected runbook it is not as expected" in done.output
    assert "caught by drills: unmeasured; 1 undecided" in done.output
    assert {each["mutant"] for each in kept(folder) if each["outcome"] == "not as expected"} == {""}


def test_a_scenario_that_does_not_apply_to_the_target_tells_nothing(tmp_path: Path) -> None:
    """A test that is skipped ends with 0, as one that passes does."""
    skips = CONFTEST.replace("    pass\n", "    pytest.skip('the target has no such part')\n")
    folder = service(tmp_path, feature=FEATURE + SECOND, conftest=f"import pytest\n{skips}")
    done = mutate(folder, "drill", "--only", "wait")
    assert "'A second look at the repair': with the corrected runbook it is not applicable" in done.output
    assert {each["outcome"] for each in kept(folder)} == {"as expected", "not applicable"}
    assert "caught by drills: 0 of 1" in done.output  # survived the one that applies
    alone = service(
        tmp_path / "alone", feature=f"Feature: Repair\n{SECOND}", conftest=f"import pytest\n{skips}"
    )
    assert "caught by drills: unmeasured; 0 undecided" in mutate(alone, "drill", "--only", "wait").output


def test_every_mutant_meets_its_cheapest_scenario_before_any_meets_its_second(tmp_path: Path) -> None:
    second = SECOND.replace("something else", "stopped")
    folder = service(tmp_path, feature=FEATURE + second)
    mutate(folder, "drill", "--only", "wait,drop")
    met = [each["scenario"] for each in kept(folder) if each["mutant"]]
    first = "The repair tells that it stopped"
    assert met == [first] * 4 + ["A second look at the repair"] * 2


def test_drills_that_cannot_be_made_end_it(tmp_path: Path) -> None:
    """What ends with 1 before any test has run says nothing of the runbook."""
    no_cluster = (
        "\n\ndef pytest_runtestloop(session):\n    if not session.config.option.collectonly: sys.exit(1)\n"
    )
    folder = service(tmp_path, conftest=f"import sys\n{CONFTEST}{no_cluster}")
    with pytest.raises(SetupError, match="drills in a row that could not be made: 2"):
        mutate(folder, "drill")
    assert {each["outcome"] for each in kept(folder)} == {"error"}


def test_a_mutant_that_its_scenario_does_not_fit_any_more_is_refused_and_counts_as_caught(
    tmp_path: Path,
) -> None:
    """As where the only line with a placeholder is gone that the scenario gives a value."""
    fits = """

def pytest_collection_modifyitems(config):
    if "cat service" not in Path("runbook.md").read_text():
        raise pytest.UsageError("repair.feature:4: nothing is said there")
"""
    folder = service(tmp_path, conftest=f"import pytest\n{CONFTEST}{fits}")
    done = mutate(folder, "drill", "--only", "wait,drop")
    refused, caught = done.output.partition("Refused, which counts as caught:")[2].split("Caught:")
    assert "cat service -> (nothing)" in refused
    assert "echo stopped > service -> (nothing)" in caught
    assert "caught by drills: 2 of 4 (50.0 %)" in done.output
    told = ablation(folder, "--told").output
    why = "'The repair tells that it stopped' does not fit the runbook without it"
    assert f"line 9: undecided ({why})" in told


def test_an_equivalent_mutant_is_left_out_and_a_stale_one_refused(tmp_path: Path) -> None:
    folder = service(tmp_path)
    identity = next(line.split()[0] for line in mutate(folder, "list").output.splitlines() if "wait-" in line)
    file = folder / "equivalent-mutants.yaml"
    file.write_text(f"- mutant: {identity}\n  reason: no second is no wait\n", encoding="utf-8")
    assert "7 in all, of which 1 are equivalent" in mutate(folder, "list").output
    assert "6 mutants of procedures followed by scenarios (1); 1 more" in mutate(folder, "report").output
    file.write_text("- mutant: wait-00000000\n  reason: gone\n", encoding="utf-8")
    with pytest.raises(InputError, match="wait-00000000"):
        mutate(folder, "list")
    file.unlink()
    file.mkdir()
    with pytest.raises(UsageError, match=r"equivalent-mutants\.yaml: a folder"):
        mutate(folder, "list")
    file.rmdir()
    file.symlink_to(file.name)
    with pytest.raises(UsageError, match=r"equivalent-mutants\.yaml: cannot be read"):
        mutate(folder, "list")


def test_lint_keeps_what_it_finds(tmp_path: Path) -> None:
    folder = service(tmp_path)
    done = mutate(folder, "lint")
    assert re.search(r"caught by lint alone: \d of 7", done.output)
    assert re.search(r"caught by lint alone: \d of 7", mutate(folder, "report").output)


def test_what_lint_found_before_it_was_interrupted_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any) -> Iterator[tuple[Mutant, tuple[str, ...]]]:
        yield from islice(rules_that_find(*given), 2)
        raise KeyboardInterrupt

    monkeypatch.setattr("drill.mutate.command.rules_that_find", interrupted)
    folder = service(tmp_path)
    with pytest.raises((KeyboardInterrupt, click.Abort)):
        mutate(folder, "lint")
    state = json.loads((folder / "mutants" / "runbook" / "state.json").read_text(encoding="utf-8"))
    assert len(state["read"]) == 2


def test_a_folder_without_features_is_refused(tmp_path: Path) -> None:
    folder = service(tmp_path)
    for file in (folder / "features").iterdir():
        file.unlink()
    with pytest.raises(UsageError, match="no feature in it"):
        mutate(folder, "list")


def slow_service(folder: Path) -> Path:
    """Its scenario makes a file `began`, and `putting-back` when it is told to end, which lasts until there
    is a file `end`; then `put-back`."""
    slow = CONFTEST.replace(
        "    done = subprocess",
        "    import signal, time\n"
        f"    here = Path({str(folder)!r})\n"
        "    def end(*_):\n"
        "        (here / 'putting-back').touch()\n"
        "        while not (here / 'end').exists(): time.sleep(0.05)\n"
        "        (here / 'put-back').touch()\n"
        "        raise KeyboardInterrupt\n"
        "    signal.signal(signal.SIGTERM, end)\n"
        "    (here / 'began').touch()\n"
        "    time.sleep(60)\n"
        "    done = subprocess",
    )
    return service(folder, conftest=slow)


@contextmanager
def drilling(folder: Path, ignored: str = "SIGINT") -> Iterator[subprocess.Popen[bytes]]:
    """`drill mutate drill` while its scenario runs; by default as a shell without a terminal starts it with
    `&`, which lets it ignore SIGINT."""
    command = f"import signal; signal.signal(signal.{ignored}, signal.SIG_IGN)\n"
    command += "from drill.start import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", command, "mutate", "--features", "features", "drill"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait.until("the scenario to have begun", (folder / "began").exists, seconds=60)
            yield process
        finally:
            (folder / "end").touch()
            process.kill()


@pytest.mark.parametrize(("number", "ignored"), [("SIGINT", "SIGHUP"), ("SIGTERM", "SIGINT")])
def test_an_interrupt_lets_the_scenario_put_back(tmp_path: Path, number: str, ignored: str) -> None:
    """Ctrl-C while a scenario runs, and SIGTERM to a command in the background: it is told to end, and does
    what it does then."""
    folder = slow_service(tmp_path)
    (folder / "end").touch()
    with drilling(folder, ignored) as process:
        process.send_signal(signal.Signals[number])
        assert process.wait(60) == 130
        assert (folder / "put-back").exists()


def test_a_folder_is_one_commands_at_a_time_until_its_drill_has_put_back(tmp_path: Path) -> None:
    folder = slow_service(tmp_path)
    with drilling(folder) as process:
        said = rf"mutants/runbook: process {process.pid} has it\. Wait .*`kill {process.pid}`"
        for refused in ("drill", "lint"):
            with pytest.raises(SetupError, match=said):
                mutate(folder, refused)
        with pytest.raises(SetupError, match=said):
            ablation(folder)
        assert "Not run: 7" in mutate(folder, "report").output
        assert "4 not run" in ablation(folder, "--told").output
        process.kill()
        process.wait(60)
        wait.until("the scenario to put back", (folder / "putting-back").exists, seconds=60)
        with pytest.raises(SetupError, match=f"process {process.pid} had it and is gone, but the drill"):
            mutate(folder, "lint")
        (folder / "end").touch()

        def is_free() -> bool:
            with contextlib.suppress(SetupError):
                mutate(folder, "lint")
                return True
            return False

        wait.until("the folder to be free", is_free, seconds=60)
        assert (folder / "put-back").exists()


def test_sigterm_between_two_drills_is_an_interrupt(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), hold_folder(tmp_path):
        os.kill(os.getpid(), signal.SIGTERM)


def test_the_projects_own_list_of_equivalent_mutants_is_not_stale() -> None:
    options = ["--target", str(ROOT / "drill.toml"), "mutate", "--features", str(ROOT / "features"), "list"]
    done = CliRunner().invoke(cli, options, catch_exceptions=False, standalone_mode=False)
    listed = (ROOT / "runbook" / "equivalent-mutants.yaml").read_text(encoding="utf-8").count("- mutant:")
    assert listed > 0
    assert f"of which {listed} are equivalent" in done.output


def ablation(folder: Path, *arguments: str) -> Result:
    options = ["--features", str(folder / "features"), "--folder", str(folder / "mutants" / "runbook")]
    return CliRunner().invoke(
        cli,
        ["--target", str(folder / "drill.toml"), "ablation", *options, *arguments],
        catch_exceptions=False,
        standalone_mode=False,
    )


def test_ablation_tells_by_procedure_which_commands_are_needed(drilled: tuple[Path, Result]) -> None:
    folder, _ = drilled
    before = kept(folder)
    told = ablation(folder, "--told").output
    assert "Repair: 4 commands: 2 needed, 2 not shown to be needed\n" in told
    assert "line 6: not shown to be needed: rm -f service\n" in told
    assert "line 9: needed ('The repair tells that it stopped' fails without it): cat service\n" in told
    assert told.endswith("4 commands of 1 procedures: 2 needed, 2 not shown to be needed\n")
    # what `drill mutate` has drilled is not drilled again
    assert told in ablation(folder).output
    assert kept(folder) == before
    assert ablation(folder, "--told", "--only", "other").output == "0 commands of 0 procedures: none\n"


def test_ablation_says_what_was_not_run_and_what_cannot_matter(tmp_path: Path) -> None:
    folder = service(tmp_path)
    identity = next(line.split()[0] for line in mutate(folder, "list").output.splitlines() if "wait-" in line)
    file = folder / "equivalent-mutants.yaml"
    file.write_text(f"- mutant: {identity}\n  reason: no second is no wait\n", encoding="utf-8")
    done = ablation(folder, "--minutes", "0")
    assert "the time is up" in done.output
    assert "Repair: 4 commands: 1 not shown to be needed, 3 not run" in done.output
    assert "line 8: not shown to be needed (no second is no wait): sleep 0" in done.output


@pytest.mark.parametrize(("calibration", "count"), [(None, 1), (Calibration(taken_wall=1.0), 0)])
def test_drills_that_are_not_calibrated_are_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calibration: Calibration | None, count: int
) -> None:
    """Stored runs in the place of drills."""

    def stored(command: Sequence[str], **_: object) -> int:
        reports, run, result = (
            next(part.removeprefix(option) for part in command if part.startswith(option))
            for option in ("--reports=", "--run=", "--junitxml=")
        )
        folder, verdicts = make_run(Path(reports), [Shape(calibration=calibration)], name=run)
        write_verdicts(folder, verdicts)
        Path(result).write_text("<testsuite><testcase/></testsuite>", encoding="utf-8")
        return 0

    monkeypatch.setattr(workbench, "run_child", stored)
    folder = service(tmp_path)
    drilled = mutate(folder, "drill", "--only", "wait").output
    assert drilled.count("as expected") == 2
    assert drilled.count(UNCALIBRATED) == count
    assert ablation(folder).output.count(UNCALIBRATED) == count
