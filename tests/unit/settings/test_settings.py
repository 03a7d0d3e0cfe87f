"""drill.toml: what does not fit across its fields, or cannot be read at all, is named by file, line and
value."""

from __future__ import annotations

import random
import re
import shutil
import time
from pathlib import Path

import pytest

from drill import settings as target_settings
from drill.errors import DrillError, InputError, UsageError
from drill.settings import Settings

ROOT = Path(__file__).parents[3]
MUTANTS = 1_500
SLOW_SECONDS = 1.0
"""Of the processor, which other programs on the machine do not change."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the reference target's file, with everything that it names."""
    for name in ("drill.toml",):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "runbook").symlink_to(ROOT / "runbook")
    (tmp_path / "novel_engine").symlink_to(ROOT / "novel_engine")
    return tmp_path


def spoilt(folder: Path, right: str, wrong: str) -> InputError:
    """The error that reading gives once the first `right` is replaced; it stands on that line."""
    file = folder / "drill.toml"
    text = file.read_text()
    assert right in text, right
    file.write_text(text.replace(right, wrong, 1))
    with pytest.raises(InputError) as raised:
        target_settings.load(file)
    line = text[: text.index(right)].count("\n") + 1
    assert raised.value.line == line, raised.value
    return raised.value


def test_the_reference_target_is_good(folder: Path) -> None:
    settings = target_settings.load(folder / "drill.toml")
    assert settings.part_kinds() == {
        "database": "sqlite",
        "redis": "redis",
        "backup": "backup",
        "configuration": "backup",
        "files": "backup",
    }
    assert settings.missing_parts() == []
    assert settings.target.application.name == "novel-engine"
    assert settings.workload("redis").container == "redis"
    assert settings.part_name("sqlite") == "database"
    assert settings.part("nothing") is None
    assert list(settings.parts_of("redis")) == ["redis"]


def test_a_byte_order_mark_is_no_part_of_the_file(folder: Path) -> None:
    file = folder / "drill.toml"
    file.write_text("\ufeff" + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert target_settings.load(file).target.name == "Novel Engine"


def test_what_a_target_lacks() -> None:
    settings = target_settings.load(ROOT / "tests" / "second_service" / "drill.toml")
    assert settings.missing_parts() == ["database", "metrics", "backup"]
    assert settings.lacks("sqlite")
    assert not settings.lacks("writes")


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ('path = "/characters/aria"', 'path = "/characters/{aria}"', "{unique} or {sequence}"),
        ('path = "/characters/aria"', 'path = "characters"', "a path that begins with /"),
        ('"description": "written', '"description": "{who} written', "{unique} or {sequence}"),
        ('{"name": "{unique}", "description"', '{"name": "x", "description"', "{unique} in a write's body"),
        ('body = \'{"name": "{unique}",', 'body = \'{"name": {unique},', "load.requests.3.body: JSON ("),
        (
            'read_back = "/campaigns/{campaign_id}"',
            'read_back = "/campaigns/{campaign-id}"',
            "a field of the answer",
        ),
        ('read_back = "/campaigns/{campaign_id}"', 'read_back = "/campaigns/{id"', "closing brace"),
        ('read_back = "/campaigns/{campaign_id}"', 'read_back = "/campaigns/{a.b}"', "a field of the answer"),
        ('contains = "{unique}"', 'contains = "written"', "what tells this write from all others"),
        ('method = "POST"', 'method = "GET"', None),
        ("success_status = 201", "success_status = -1", "greater than or equal to 100"),
        ("success_status = 201", "success_status = 600", "less than or equal to 599"),
        ("success_status = 201", 'success_status = "201"', "valid integer"),
        ("requests_per_second = 150", "requests_per_second = 0", "greater than 0"),
        ("requests_per_second = 150", "requests_per_second = inf", "finite number"),
        ("requests_per_second = 150", "requests_per_second = nan", "finite number"),
        ("requests_per_second = 150", "requests_per_second = 1e9", "less than or equal to 5000"),
        ("requests_per_second = 150", "requests_per_second = true", "valid number"),
        ("timeout_seconds = 2.0", "timeout_seconds = 23.0", "at most judge.after_seconds (22)"),
        ("timeout_seconds = 2.0", "timeout_seconds = -2.0", "greater than 0"),
        ("weight = 40", "weight = 0", "greater than 0"),
        ("weight = 40", "weight = 1000000", "less than or equal to 1000"),
        ("hold_seconds = 5", "hold_seconds = 23", "at most after_seconds (22)"),
        ("after_seconds = 22", "after_seconds = 109", None),
        ("after_at_most_seconds = 108", "after_at_most_seconds = 10", "at least after_seconds (22)"),
        ("minimum_requests = 500", "minimum_requests = 3301", "at most the 3300 requests"),
        ("before_seconds = 2", "before_seconds = 0.001", "long enough for one request"),
        ("before_seconds = 2", "before_seconds = 26", "less than or equal to 25"),
        ('region = "eu-central-1"', 'region = "Frankfurt"', "cloud.region: String should match pattern"),
        ('region = "eu-central-1"', 'regions = "eu-central-1"', "a name that drill knows"),
        (
            'eks_clusters = ["novel-engine-production-cluster"]',
            'eks_clusters = ["novel engine"]',
            "cloud.eks_clusters.0: String should match pattern",
        ),
        ('Block Store" = 31.2', 'Block Store" = -31.2', "greater than or equal to 0"),
        ("18081 = 30081", "18081 = 70000", "less than or equal to 65535"),
        ("port = 8000", "port = 0", "greater than or equal to 1"),
        ('cache_hits = "cache_hits_total"', 'cache_hits = "cache-hits"', "metrics.cache_hits: String should"),
        (
            'cache_hits = "cache_hits_total" ',
            'cache_hit = "cache_hits_total" ',
            "metrics.cache_hit: a name that drill knows",
        ),
        (
            'namespace = "novel-engine-production"',
            'namespace = "Novel Engine"',
            "name of a Kubernetes object",
        ),
        (
            'address = "http://127.0.0.1:18080"',
            'address = "http://127.0.0.1:99999"',
            "a port from 1 to 65535",
        ),
        ('name = "GET /characters"', 'name = "GET /campaigns"', "a name that no other has"),
        ('runbook = "runbook/operations-runbook.md"', 'runbook = "nowhere.md"', "nowhere.md: no such file"),
        ('runbook = "runbook/operations-runbook.md"', 'runbook = "runbook"', "runbook: no such file"),
        ('errata = "runbook/errata.yaml"', 'errata = "errata.yaml"', "errata.yaml: no such file"),
        ('manifests = "novel_engine/manifests"', 'manifests = "manifests"', "manifests: no such folder"),
        ("images/redis.Dockerfile", "images/Redis.Dockerfile", "Redis.Dockerfile: no such file"),
        ('needs = ["redis"]', 'needs = ["rediss"]', "a name of [parts]: database, redis, backup"),
        (
            'workload = "redis"',
            'workload = "rediss"',
            "one of [[target.workloads]]: novel-engine, redis, edge",
        ),
        ('kind = "sqlite"', 'kind = "postgres"', "a kind of part: 'sqlite', 'redis', 'backup'"),
        ('cronjob = "novel-engine-backup"', 'cronjobs = "novel-engine-backup"', "a name that drill knows"),
        ('"novel-engine.com:443" = "127.0.0.1:18443"', '"novel-engine.com:443" = "127.0.0.1"', "HOST:PORT"),
        (
            'manifests = "novel_engine/monitoring"',
            'manifests = "novel_engine/metering"',
            "metering: no such folder",
        ),
        (
            'manifests = "novel_engine/monitoring"',
            'namespace = "novel-engine-production"\nmanifests = "novel_engine/monitoring"',
            None,
        ),
        (
            "[monitoring.metrics]",
            "[monitoring.missing]\n\"Queue Depth\" = 'x'\n[monitoring.metrics]",
            None,
        ),
        ("image/monitoring.Dockerfile", "image/Dockerfile", "Dockerfile: no such file"),
        ("[monitoring.dashboards]", "[monitoring.dashbords]", "a name that drill knows"),
        ("[target]", "evidence = 3\n[target]", "evidence: a table of names with values"),
        ("controls_days = 7 ", "controls_days = 0 ", "greater than 0"),
        ('name = "Novel Engine"', 'name = ""', "some text on one line"),
        ('name = "Novel Engine"', 'name = "a\\u0000b"', "without control characters"),
        ('runbook = "runbook/operations-runbook.md"', 'runbook = "a\\u0000b"', "without control characters"),
        ('name = "Novel Engine"', f"name = {'9' * 5000}", "a number that is not so long"),
        ('name = "Novel Engine"', f"name = {'9' * 4000}", "valid string"),
        ('name = "Novel Engine"', "name = 1979-05-27", "valid string"),
        ('name = "Novel Engine"', 'root = "/"\nname = "Novel Engine"', "a name that drill knows"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, right: str, wrong: str, expected: str | None) -> None:
    if expected is None:
        # it contradicts another field, which is named
        text = (folder / "drill.toml").read_text()
        (folder / "drill.toml").write_text(text.replace(right, wrong, 1))
        with pytest.raises(InputError, match="expected"):
            target_settings.load(folder / "drill.toml")
        return
    found = spoilt(folder, right, wrong)
    assert expected in str(found)
    assert len(str(found)) < 700


@pytest.mark.parametrize(("left", "absent"), [("hits", "misses"), ("misses", "hits")])
def test_a_counter_of_the_cache_without_the_other_one_is_named(folder: Path, left: str, absent: str) -> None:
    file = folder / "drill.toml"
    lines = file.read_text().splitlines(keepends=True)
    assert sum(line.startswith(f"cache_{absent} =") for line in lines) == 1
    file.write_text("".join(line for line in lines if not line.startswith(f"cache_{absent} =")))
    found = spoilt(folder, f'cache_{left} = "cache_{left}_total"', f'cache_{left} = "looked_up_{left}"')
    assert f": 'looked_up_{left}' is not right here" in str(found)
    assert f"metrics.cache_{left}: cache_{absent} beside it, for a hit rate is told of both" in str(found)


def test_without_counters_of_the_cache_the_other_metrics_are_read(folder: Path) -> None:
    file = folder / "drill.toml"
    metrics = target_settings.load(file).metrics
    assert metrics is not None
    assert metrics.cache == ("cache_hits_total", "cache_misses_total")
    text = "".join(line for line in file.read_text().splitlines(True) if not line.startswith("cache_"))
    file.write_text(text)
    without = target_settings.load(file).metrics
    assert without is not None
    assert (without.cache, without.sampled) == (None, True)
    file.write_text("".join(line for line in text.splitlines(True) if not line.startswith("database_sec")))
    nothing = target_settings.load(file).metrics
    assert nothing is not None
    assert not nothing.sampled


def test_many_services_make_ids_themselves_and_only_list(folder: Path) -> None:
    file = folder / "drill.toml"
    write = 'write = { read_back = "/campaigns/{campaign_id}", contains = "{unique}" }'
    text = file.read_text()
    assert write in text
    text = text.replace(write, 'write = { read_back = "/campaigns", contains = "{campaign_id}" }')
    file.write_text(text.replace('{"name": "{unique}", "description"', '{"name": "x", "description"'))
    assert isinstance(target_settings.load(file), Settings)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe", "UTF-8 text"),
        (b"a = " + b"[" * 100_000, "less deeply nested"),
        (b"[target", "TOML ("),
        (b"", "(missing)"),
        (b'root = "/"', "no key 'root' here"),
        (b"#" * 1_100_000, "at most 1000000 bytes"),
        (b"a.b.c" + b".d" * 5_000 + b" = 1", "a name that drill knows"),
    ],
)
def test_what_cannot_be_read_at_all(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "drill.toml"
    file.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(expected)):
        target_settings.load(file)


def test_a_folder_and_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a folder\. Name the target's file itself: "):
        target_settings.load(tmp_path)
    with pytest.raises(UsageError, match=r"no such file\. Name the target's file with --target"):
        target_settings.load(tmp_path / "nowhere.toml")


def test_whatever_is_written_is_read_or_refused(folder: Path) -> None:
    """Pieces of the file are taken away, doubled, or replaced by odd ones."""
    text, file = (folder / "drill.toml").read_text(), folder / "drill.toml"
    pieces = [
        "0",
        "-1",
        "inf",
        "1e309",
        '""',
        "''",
        '"\\u0000"',
        "[]",
        "{}",
        "true",
        "1979-05-27",
        "[[",
        "]]",
    ]
    pieces += [
        "9" * 5000,
        "\x00",
        "\u2028",
        '"""',
        "kind = 'sqlite'",
        "[parts.x]",
        "{unique}",
        "{",
        "}",
        "=",
        "#",
    ]
    seeds = random.Random(6)
    for number in range(MUTANTS):
        mutant = text
        for _ in range(seeds.randint(1, 3)):
            begin = seeds.randrange(len(mutant))
            end = min(len(mutant), begin + seeds.choice([0, 1, 3, 10, 60]))
            replaced = seeds.choice([seeds.choice(pieces), mutant[begin:end] * 2, ""])
            mutant = mutant[:begin] + replaced + mutant[end:]
        file.write_bytes(mutant.encode())
        began = time.process_time()
        try:
            target_settings.load(file)
        except DrillError as error:
            assert str(error).startswith(str(file)), f"{number}: {error}"  # noqa: PT017
        assert time.process_time() - began < SLOW_SECONDS, f"{number}: {mutant[:200]}"
