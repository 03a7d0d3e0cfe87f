"""Experiment files: the shipped ones are complete, and what is wrong with one is named by file, line and
value."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from drill import settings as target_settings
from drill.errors import InputError, UsageError
from drill.faults.catalogue import as_data, from_data, kinds
from drill.faults.kill import Kill
from drill.inject.experiment import (
    OWN_EXPERIMENTS,
    experiment_of,
    fault_names,
    lacking,
    planned_fault,
    read_experiment,
)
from drill.inject.ritual import configure_control
from drill.inject.witness import affected_requests
from drill.recording.events import PlannedFault
from drill.settings import Settings

ROOT = Path(__file__).parents[3]
LONGEST_LINES = 85


@pytest.fixture(scope="module")
def settings() -> Settings:
    return target_settings.load(ROOT / "drill.toml")


@pytest.mark.parametrize("fault", fault_names())
def test_a_shipped_experiment_is_read_and_short(settings: Settings, fault: str) -> None:
    found = experiment_of(settings, fault)
    assert found.fault == fault
    assert found.kind in kinds().values()
    assert len(found.path.read_text().splitlines()) <= LONGEST_LINES
    planned = planned_fault(settings, fault)
    assert planned.felt == found.felt
    assert (planned.part in settings.parts) == bool(found.part)
    assert lacking(settings, fault) == ()


@pytest.mark.parametrize("fault", fault_names())
def test_a_shipped_experiment_names_alert_and_section_as_the_runbook_does(
    settings: Settings, fault: str
) -> None:
    found = experiment_of(settings, fault)
    text = settings.target.runbook.read_text()
    alerts = re.findall(r"^- alert: (\w+)$", text, re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert len(alerts) >= 3
    assert set(found.alerts) <= set(alerts)
    assert bool(found.alerts) == (found.felt in ("failed", "slow"))
    assert found.section in [*headings, "none"]
    assert (found.section == "none") == (fault == "no-fault")


def test_the_faults_are_those_of_the_folder_and_of_the_targets_own(
    tmp_path: Path, settings: Settings
) -> None:
    assert fault_names() == sorted(file.stem for file in OWN_EXPERIMENTS.glob("*.yaml"))
    (tmp_path / "experiments").mkdir()
    own = (OWN_EXPERIMENTS / "no-fault.yaml").read_text().replace("fault: no-fault", "fault: ours")
    (tmp_path / "experiments" / "ours.yaml").write_text(own)
    here = settings.model_copy(update={"root": tmp_path})
    assert "ours" in fault_names(here)
    assert experiment_of(here, "ours").felt == "nothing"
    with pytest.raises(UsageError, match="'ours' is no fault: expected one of admission-blocked"):
        experiment_of(settings, "ours")


@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"),
    [
        ("title: ", "title: [", 2, "expected YAML ("),
        ("title: Someone", "titel: Someone", 1, "expected one of title, description"),
        ("strategy: always", "strategy: never", 3, "so that it is undone however it ends"),
        ("drill.inject.ritual", "drill.inject.other", 4, "module: drill.inject.ritual"),
        ("method: []", "method: [1]", 5, "drill.inject.ritual adds what is to be done"),
        ("name: drill\n    fault", "name: other\n    fault", 7, "one with the name drill"),
        ("fault: deployment", "fault: statefulset", 8, "'deployment-scaled-to-zero', as the file is called"),
        ("kind: scale", "kind: skale", 9, "a kind of fault: command, create, delete, detour, kill"),
        ("felt: failed", "felt: hard", 10, "how users feel it: failed, slow, latent, nothing"),
        ("    alerts: [ServiceDown]\n", "", 7, "alerts: names in brackets, each once, or []"),
        ("alerts: [ServiceDown]", "alerts: ServiceDown", 12, "alerts: names in brackets"),
        ("alerts: [ServiceDown]", "alerts: [A, A]", 12, "'A' is not right here: expected alerts: names"),
        ("alerts: [ServiceDown]", "alerts: [1]", 12, "alerts: names in brackets"),
        ("alerts: [ServiceDown]", "alert: ServiceDown", 12, "expected one of name, fault, kind, part"),
        ("alert: ServiceDown", "alert: Other", 15, "expected one of its alerts, each once"),
        ("within_seconds: 150", "within_seconds: 99", 15, "a later within_seconds of at most 3600"),
        ("within_seconds: 150", "within: 150", 15, "expected due: [{alert: NAME"),
        ("felt: failed", "felt: failed\n    witness_seconds: 601", 11, "from 0 to 600 seconds"),
        ("felt: failed", "felt: failed\n    witness_seconds: soon", 11, "a number of seconds"),
        ("felt: failed", "felt: failed\n    comes_and_goes: often", 11, "true or false, and true"),
        ("felt: failed", "felt: latent\n    comes_and_goes: true", 11, "only of what users feel"),
        ("witness: the", "wittness: the", 11, "expected one of name, fault, kind, part"),
        ("replicas: 0", "replicas: -1", 17, "scale: Expected `int` >= 0"),
        ("replicas: 0", "replicas: many", 17, "scale: Expected `int`, got `str`"),
        ("endpoints: none", "endpoints: few", 17, "scale: Invalid enum value 'few'"),
        ("shows: {", "shoes: {", 17, "scale: Object contains unknown field `shoes`"),
    ],
)
def test_what_is_wrong_with_an_experiment_is_named(
    tmp_path: Path, right: str, wrong: str, line: int, said: str
) -> None:
    text = (OWN_EXPERIMENTS / "deployment-scaled-to-zero.yaml").read_text()
    assert right in text
    path = tmp_path / "deployment-scaled-to-zero.yaml"
    path.write_text(text.replace(right, wrong, 1))
    with pytest.raises(InputError) as raised:
        read_experiment(path)
    assert str(raised.value).startswith(f"{path}:{line}: "), raised.value
    assert said in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"a: &x [*x]", b"{" * 5000, b"title: 1\n" * 2])
def test_no_experiment_at_all_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_experiment(path)


def test_the_ritual_is_added_to_what_an_experiment_says() -> None:
    experiment = {"title": "x", "method": [], "extensions": [{"name": "drill", "fault": "pods-killed"}]}
    configure_control(experiment)
    assert [each["provider"]["func"] for each in experiment["method"]] == ["announce", "inject", "hold"]
    assert [each["provider"]["func"] for each in experiment["rollbacks"]] == ["undo"]
    assert {each["provider"]["arguments"]["fault"] for each in experiment["method"]} == {"pods-killed"}
    assert len(experiment["steady-state-hypothesis"]["probes"]) == 2


def test_what_a_target_lacks_is_named() -> None:
    notebook = target_settings.load(ROOT / "tests" / "second_service" / "drill.toml")
    assert lacking(notebook, "database-corrupted") == ("sqlite",)
    assert lacking(notebook, "redis-killed") == ("redis",)
    assert lacking(notebook, "pods-killed") == ()


def test_a_part_is_found_by_its_kind_whatever_it_is_called(settings: Settings) -> None:
    renamed = settings.model_copy(update={"parts": {"sessions": settings.parts["redis"]}})
    assert planned_fault(renamed, "redis-slow") == PlannedFault(
        "redis-slow", "slow", "sessions", alerts=["HighErrorRate"]
    )


def test_failures_of_requests_that_need_a_part_witness_its_faults(settings: Settings) -> None:
    assert affected_requests(settings, "redis") == ["POST /simulations"]
    assert affected_requests(settings, "") == [request.name for request in settings.load.requests]


@pytest.mark.parametrize("name", sorted(kinds()))
def test_every_kind_can_be_kept_and_read_again(name: str) -> None:
    """A record survives the ledger; its fields are plain data."""
    kind = kinds()[name]
    made = msgspec.convert(
        {field.encode_name: _example(field.type) for field in msgspec.structs.fields(kind)}, kind
    )
    kept = msgspec.json.decode(msgspec.json.encode(as_data(made)))
    assert from_data(kept) == made
    assert made.shown()["kind"] == name


def test_a_record_of_another_drill_is_named() -> None:
    record = as_data(Kill("web", "Deployment", "web", ["web-1"]))
    with pytest.raises(Exception, match="'kidnap' is no kind of fault: expected one of command, create"):
        from_data({**record, "kind": "kidnap"})
    with pytest.raises(Exception, match="cannot be undone by this drill"):
        from_data({"kind": "kill", "workload": "web"})


SUBJECT = {"workload": "web", "workload_kind": "Deployment", "container": "web", "service": "web"}
SERVICE = {"kind": "Service", "metadata": {"name": "web", "labels": {}}}
EXAMPLES: tuple[tuple[str, object], ...] = (
    ("create.Create", {"objects": [SERVICE], "subject": SUBJECT, "shows": {}, "lost_pods": "none"}),
    (
        "patch.Patch",
        {
            "object_kind": "Service",
            "name": "web",
            "patch": [],
            "before": SERVICE,
            "subject": SUBJECT,
            "shows": {},
        },
    ),
    ("Shows", {"endpoints": "none"}),
    ("StruckWorkload", SUBJECT),
    (
        "DatabaseFile",
        {"workload": "web", "workload_kind": "Deployment", "container": "web", "path": "/a", "helper": {}},
    ),
    ("Literal", "none"),
    ("list[tuple", [["web", "Deployment", "web"]]),
    ("KeptVolume", [{"name": "pv-1", "claim": "data", "policy": "Delete"}]),
    ("dict[str, str]", {"app": "web"}),
    ("float", 1.0),
    ("list[dict", [{"kind": "ResourceQuota", "metadata": {"name": "web"}}]),
    ("list", ["one"]),
    ("dict", SERVICE),
    ("int", 3),
)


def _example(annotation: object) -> object:
    text = str(annotation)
    return next((example for word, example in EXAMPLES if word in text), "one")
