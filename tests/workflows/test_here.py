"""What carries workflows out here does as a runner would: it stops, goes on and skips as they say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.workflows.here import CarriedOut, carry_out


def carried_out(folder: Path, *steps: dict[str, object], schedule: str = "", **job: object) -> CarriedOut:
    folder.mkdir(exist_ok=True)
    workflow = folder / "workflow.yml"
    workflow.write_text(yaml.safe_dump({"jobs": {"only": {"steps": list(steps), **job}}}), encoding="utf-8")
    return carry_out(
        workflow,
        folder,
        folder / "cache",
        known={"github.run_id": "7"},
        schedule=schedule,
        at_most_seconds=5,
    )


def test_after_a_failure_only_what_always_runs_is_run(tmp_path: Path) -> None:
    done = carried_out(
        tmp_path,
        {"run": "false\necho not reached"},
        {"run": "echo skipped"},
        {"if": "always()", "run": 'echo told >> "$GITHUB_STEP_SUMMARY"'},
    )
    assert [(each.status, each.printed) for each in done.ended] == [(1, ""), (0, "")]
    assert done.skipped == ["echo skipped"]
    assert done.summary == "told\n"


@pytest.mark.parametrize(("schedule", "said"), [("0 2 * * *", "night\n"), ("0 4 1 * *", "quarter\n")])
def test_the_schedule_chooses_its_steps(tmp_path: Path, schedule: str, said: str) -> None:
    done = carried_out(
        tmp_path,
        {"if": "github.event.schedule != '0 4 1 * *'", "run": "echo night"},
        {"if": "github.event.schedule == '0 4 1 * *'", "run": "echo quarter"},
        schedule=schedule,
    )
    assert [each.printed for each in done.ended] == [said]


def test_what_is_kept_is_there_in_the_next_run(tmp_path: Path) -> None:
    restore = {
        "uses": "actions/cache/restore@v4",
        "with": {"path": "reports/kept", "key": "kept-${{ github.run_id }}", "restore-keys": "kept-"},
    }
    save = {
        "uses": "actions/cache/save@v4",
        "with": {"path": "reports/kept", "key": "kept-${{ github.run_id }}"},
    }
    upload = {"uses": "actions/upload-artifact@v4", "with": {"path": "reports/k*\nnothing"}}
    first = carried_out(tmp_path, restore, {"run": "mkdir reports; echo one > reports/kept"}, save)
    (tmp_path / "reports" / "kept").unlink()
    second = carried_out(tmp_path, restore, {"run": "cat reports/kept"}, upload)
    assert (first.restored, second.restored, second.ended[0].printed) == (False, True, "one\n")
    assert second.artifacts == {"reports/k*": [tmp_path / "reports" / "kept"], "nothing": []}


def test_a_secret_that_nobody_set_is_empty(tmp_path: Path) -> None:
    done = carried_out(tmp_path, {"run": 'echo "${HOOK:+set}"'}, env={"HOOK": "${{ secrets.HOOK }}"})
    assert done.ended[0].printed == "\n"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"uses": "somebody/else@v1"}, "uses: somebody/else"),
        ({"if": "failure()", "run": "true"}, r"if: failure\(\)"),
        ({"run": "echo ${{ github.actor }}"}, "github.actor is not known"),
        ({"run": "echo ${{ github.run_id == 7 }}"}, "nothing but names"),
    ],
)
def test_what_it_cannot_carry_out_is_no_silence(tmp_path: Path, step: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        carried_out(tmp_path, step)


def test_a_command_that_hangs_is_ended_and_said(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="was not over after 5 s: begun"):
        carried_out(tmp_path, {"run": "echo begun; sleep 60"})
