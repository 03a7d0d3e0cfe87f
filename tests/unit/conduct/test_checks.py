"""What scenarios say, and what is refused at collection: each with its file and line, both ways."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from pytest_bdd.parser import FeatureParser

from drill import settings as settings_module
from drill.conduct.book import Book
from drill.conduct.checks import lacks, troubles, troubles_together, written_of
from drill.conduct.feature_file import feature_troubles, misspelt
from drill.conduct.scenario import (
    TAGS,
    Place,
    Sentence,
    Written,
    facts_of,
    folder_name,
    place_of,
)
from drill.conduct.world import not_at_hand
from drill.recording.events import AlertDue

ROOT = Path(__file__).resolve().parents[3]
KNOWN = {*TAGS, "smoke", "nightly", "gate", "quarterly", "RB-001", "RB-002"}
GOOD = """
@P0
Feature: Down

  Background:
    Given the target is healthy
    And users are on it

  @nightly
  Scenario: It is scaled up again
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Service Completely Down / Immediate Actions"
    Then the service recovers within the response time of P0
"""


@pytest.fixture(scope="module")
def settings() -> settings_module.Settings:
    return settings_module.load(ROOT / "drill.toml")


@pytest.fixture(scope="module")
def book(settings: settings_module.Settings) -> Book:
    return Book(settings)


def write(folder: Path, text: str) -> Path:
    path = folder / "down.feature"
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def scenarios_of(path: Path) -> list[Written]:
    feature = FeatureParser(str(path.parent), path.name).parse()
    return [
        written_of(template.render({}), template.tags | feature.tags)
        for template in feature.scenarios.values()
    ]


def found_in(folder: Path, text: str, settings: settings_module.Settings, book: Book) -> list[str]:
    path = write(folder, text)
    return [line for written in scenarios_of(path) for line in troubles(settings, book, written)]


def test_a_good_scenario_has_no_trouble(
    tmp_path: Path, settings: settings_module.Settings, book: Book
) -> None:
    assert feature_troubles(write(tmp_path, GOOD), KNOWN) == []
    assert found_in(tmp_path, GOOD, settings, book) == []


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ("@P0\n", "", 8, "has no severity"),
        ("@nightly", "@nightly @P1", 9, "has the severities P0, P1"),
        (
            "@P0",
            "@P4",
            9,
            "'P4' is not right here: expected a severity whose response time is stated: P0, P1",
        ),
        ("users are on it", "the target is healthy", 9, "has no load"),
        ('the fault "deployment-scaled-to-zero" takes effect', "the target is healthy", 9, "has no fault"),
        ("deployment-scaled-to-zero", "deployment-hugged", 10, "'deployment-hugged' is no fault"),
        (
            "takes effect\n",
            'takes effect\n    And the fault "no-such" takes effect\n',
            11,
            "'no-such' is no fault",
        ),
        ("takes effect\n", "takes effect\n    And nothing is broken\n", 11, "in a scenario with a fault"),
        ("    And the operator follows", "    And the operator fetches", 9, "does not say who acts"),
        ("Immediate Actions", "Imediate Actions", 11, "'Imediate Actions' is not right here"),
        ("Immediate Actions", "block 9", 11, "its places: "),
        ('Immediate Actions"', 'Immediate Actions" twice', 11, "expected 'the operator follows \"PLACE\"'"),
        ('Immediate Actions"', 'Immediate Actions" with "<x>" as "y"', 11, "it has none"),
        ('Immediate Actions"', 'Immediate Actions"\n    And nobody acts', 11, "nobody does"),
        ("@nightly", "@nightly @control", 11, "nobody does"),
        ("of P0", "of P1", 12, "'P1' is not right here: expected P0, as it is tagged"),
        (
            "Then the service",
            'Then the procedure fails as defect "RB-999" says\n    And the service',
            12,
            "'RB-999'",
        ),
        ("Immediate Actions", "../Common Emergency Scenarios", 11, "is not right here"),
        ("Service Completely Down / Immediate Actions", "Monitoring Alerts", 11, "is not right here"),
    ],
)
def test_a_wrong_scenario_is_named_with_its_line(  # noqa: PLR0917 - fixtures and parameters
    tmp_path: Path,
    settings: settings_module.Settings,
    book: Book,
    right: str,
    wrong: str,
    line: int,
    says: str,
) -> None:
    assert right in GOOD
    found = found_in(tmp_path, GOOD.replace(right, wrong, 1), settings, book)
    assert any(
        re.match(rf"{re.escape(str(tmp_path))}/down\.feature:{line}: ", each) and says in each
        for each in found
    ), found


TELLING = """
@P0
Feature: Down

  Background:
    Given the target is healthy
    And users are on it

  Scenario: It is seen
    Given the operator has looked at "Service Completely Down / Immediate Actions" while all is well
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Service Completely Down / Immediate Actions"
    Then "Service Completely Down / Immediate Actions / # Check cluster status" tells "0/1" TELLS
""".replace("TELLS", "under the fault, and not before")


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ("", "", 0, ""),
        (
            "Given the operator has looked",
            "Given the operator looked",
            12,
            "was not looked at before the fault",
        ),
        ('Immediate Actions" while', 'Imediate Actions" while', 9, "'Imediate Actions' is not right here"),
        ('Immediate Actions" while', 'Recovery Actions" while', 12, "was not looked at before the fault"),
        ('Actions" while', 'Actions" as first written while', 12, "was not looked at before the fault"),
        ('Actions"\n    Then', 'Actions / # Check recent events"\n    Then', 12, "is not followed, so"),
        ("# Check cluster status", "# Check cluster", 12, "'# Check cluster' is not right here"),
        ('"0/1"', '"(0/1"', 12, "expected a regular expression"),
        ("and not before", "but not before", 12, "or 'anew under the fault'"),
        ("and not before", 'and not before, where "kubectl" is at hand', 0, ""),
        ("and not before", "and not before, where kubectl is at hand", 12, 'where "{tool}" is at hand'),
        ("    And users are on it\n", "", 7, "has no load"),
    ],
)
def test_what_a_block_tells_is_compared_with_what_it_told(  # noqa: PLR0917 - fixtures and parameters
    tmp_path: Path,
    settings: settings_module.Settings,
    book: Book,
    right: str,
    wrong: str,
    line: int,
    says: str,
) -> None:
    assert right in TELLING
    found = found_in(tmp_path, TELLING.replace(right, wrong, 1), settings, book)
    if not line:
        assert found == []
    else:
        assert any(f"down.feature:{line}: " in each and says in each for each in found), found


PRINTING = TELLING.replace(
    '    Given the operator has looked at "Service Completely Down / Immediate Actions" while all is well\n',
    "",
)
PRINTING = PRINTING.replace('tells "0/1" under the fault, and not before', 'prints "Ready"')


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("", "", ""),
        ('"Ready"', '"(Ready"', "expected a regular expression"),
        ("# Check cluster status", "# Check cluster", "'# Check cluster' is not right here"),
        ('Actions"\n    Then', 'Actions / # Check recent events"\n    Then', "is not followed, so"),
        (
            'prints "Ready"',
            'prints "Ready"\n    And nothing is left over, missing or changed but "(x"',
            "expected a reg",
        ),
        ('prints "Ready"', 'prints "Ready"\n    And nothing is left over, missing or changed but "x"', ""),
    ],
)
def test_what_a_block_prints_and_what_is_left_are_looked_up(  # noqa: PLR0917 - fixtures and parameters
    tmp_path: Path, settings: settings_module.Settings, book: Book, right: str, wrong: str, says: str
) -> None:
    assert right in PRINTING
    found = found_in(tmp_path, PRINTING.replace(right, wrong, 1), settings, book)
    assert (any(says in each for each in found), len(found)) == ((True, 1) if says else (False, 0)), found


def test_a_scenario_states_what_its_procedure_leaves(tmp_path: Path) -> None:
    nothing = "    And nothing is left over, missing or changed"
    for added, leaves in (
        ("", None),
        (nothing, ()),
        (f'{nothing} but "cpu is \'4\'", "Pod/x: was not there"', ("cpu is '4'", "Pod/x: was not there")),
    ):
        (written,) = scenarios_of(write(tmp_path, f"{PRINTING.rstrip()}\n{added}\n"))
        assert facts_of(written).leaves == leaves
    waits = "    And the procedure does not end before users are served"
    (written,) = scenarios_of(write(tmp_path, f"{PRINTING.rstrip()}\n{waits}\n"))
    assert (facts_of(written).waits, facts_of(written).leaves) == (True, None)


@pytest.mark.parametrize(
    ("stated", "asked"),
    [
        ("every command of the procedure succeeds", False),
        ("the procedure does not end before users are served", True),
        ('the procedure fails as defect "RB-006" says', False),
        ('the procedure fails as defect "RB-048" says', True),
    ],
)
def test_whether_the_procedure_waits_is_asked_where_it_or_its_defect_is_stated(
    tmp_path: Path, book: Book, stated: str, asked: bool
) -> None:
    (written,) = scenarios_of(write(tmp_path, f"{GOOD.rstrip()}\n    And {stated}\n"))
    assert book.waits(facts_of(written)) is asked


def test_a_tool_that_a_machine_may_lack_is_named_by_the_sentence(
    tmp_path: Path, settings: settings_module.Settings
) -> None:
    (written,) = scenarios_of(
        write(tmp_path, TELLING.replace("and not before", 'and not before, where "trivy" is at hand'))
    )
    assert [telling.tool for telling in facts_of(written).tells] == ["trivy"]
    assert [telling.tool for telling in facts_of(scenarios_of(write(tmp_path, TELLING))[0]).tells] == [""]
    assert not_at_hand(settings, ["bash", "no-such-program"]) == ["no-such-program"]


CALLED = GOOD.replace(
    "takes effect\n", 'takes effect\n    And the alert "ServiceDown" has called the operator\n'
)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (CALLED, 0, ""),
        (CALLED.replace("ServiceDown", "ServiceDwn"), 11, "expected an alert of operations-runbook.md"),
        (
            GOOD.replace(
                "When the fault", 'When the alert "ServiceDown" has called the operator\n    And the fault'
            ),
            10,
            "before anything",
        ),
        (
            GOOD.replace(
                'Immediate Actions"',
                'Immediate Actions"\n    And the alert "ServiceDown" has called the operator',
            ),
            12,
            "after somebody acted",
        ),
    ],
)
def test_an_alert_calls_after_the_fault_and_before_anybody_acts(  # noqa: PLR0917 - fixtures and parameters
    tmp_path: Path, settings: settings_module.Settings, book: Book, text: str, line: int, says: str
) -> None:
    found = found_in(tmp_path, text, settings, book)
    if not line:
        assert found == []
    else:
        assert any(f"down.feature:{line}: " in each and says in each for each in found), found


def test_without_monitoring_a_scenario_that_waits_for_a_call_is_not_applicable(
    tmp_path: Path, settings: settings_module.Settings
) -> None:
    (called,) = map(facts_of, scenarios_of(write(tmp_path, CALLED)))
    (good,) = map(facts_of, scenarios_of(write(tmp_path, GOOD)))
    without = settings.model_copy(update={"monitoring": None})
    assert (called.calls, good.calls) == (("ServiceDown",), ())
    assert lacks(without, called) == ["[monitoring]"]
    assert lacks(settings, called) == lacks(without, good) == []


def test_who_looks_after_the_fault_or_before_users_came_is_named(
    tmp_path: Path, settings: settings_module.Settings, book: Book
) -> None:
    look, fault = (f"{line}\n" for line in TELLING.splitlines()[9:11])
    load = "    And users are on it\n"
    for text, line in (
        (TELLING.replace(look, "").replace(fault, fault + look), 10),
        (TELLING.replace(look, "").replace(load, look + load), 6),
    ):
        found = found_in(tmp_path, text, settings, book)
        assert any(f"feature:{line}: " in each and "must come after" in each for each in found), found


def test_the_order_of_sentences(tmp_path: Path, settings: settings_module.Settings, book: Book) -> None:
    text = """
    @P0
    Feature: F
      Scenario: s
        When the operator follows "Service Completely Down / Immediate Actions"
        And the fault "pods-killed" takes effect
        And users are on it
        And the operator follows "Service Completely Down / Immediate Actions"
    """
    found = found_in(tmp_path, text, settings, book)
    assert [re.sub(r"^.*feature:(\d+): ", r"\1 ", each) for each in found] == [
        "6 'users are on it' after the fault: expected before it, since users witness it",
        "4 somebody acts, or waits, before anything is broken: expected after the fault",
    ]


def test_several_faults_and_places_are_each_looked_up(
    tmp_path: Path, settings: settings_module.Settings, book: Book
) -> None:
    text = GOOD.replace(
        'Immediate Actions"\n',
        'Immediate Actions"\n'
        '    And the fault "redis-killed" takes effect\n'
        '    And the operator follows "Issue: Pod Stuck in Pending State" with "<pod-name>" as "web-0"\n'
        '    And the operator follows "Database Recovery" as first written\n',
    )
    (written,) = scenarios_of(write(tmp_path, text))
    facts = facts_of(written)
    assert facts.faults == ("deployment-scaled-to-zero", "redis-killed")
    assert [(place.place, place.as_written, dict(place.bindings)) for place in facts.procedures] == [
        ("Service Completely Down / Immediate Actions", False, {}),
        ("Issue: Pod Stuck in Pending State", False, {"pod-name": "web-0"}),
        ("Database Recovery", True, {}),
    ]
    assert facts.as_written
    assert troubles(settings, book, written) == []
    unbound = write(tmp_path, text.replace(' with "<pod-name>" as "web-0"', ""))
    (trouble,) = [line for one in scenarios_of(unbound) for line in troubles(settings, book, one)]
    assert "down.feature:13: " in trouble
    assert "'<pod-name>' is not right here: expected a value for it" in trouble


def test_the_no_fault_drill(tmp_path: Path, settings: settings_module.Settings, book: Book) -> None:
    text = GOOD.replace('the fault "deployment-scaled-to-zero" takes effect', "nothing is broken").replace(
        'the operator follows "Service Completely Down / Immediate Actions"', "nobody acts"
    )
    (written,) = scenarios_of(write(tmp_path, text))
    assert (facts_of(written).nothing_broken, facts_of(written).faults) == (True, ())
    assert troubles(settings, book, written) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('the operator follows "A / b"', Place("A / b", False, {})),
        ('the operator follows "A" as first written', Place("A", True, {})),
        ('the operator follows "A" with "<x>" as "1"', Place("A", False, {"x": "1"})),
        (
            'the operator follows "A" as first written with "<x>" as "1" and "{y}" as "2" and "z" as "3"',
            Place("A", True, {"x": "1", "y": "2", "z": "3"}),
        ),
        ('the operator follows "A" with "<x>" as "1" as first written', None),
        ('the operator follows "A" and "B"', None),
        ("the operator follows", None),
        ("nobody acts", None),
    ],
)
def test_the_sentence_with_which_the_operator_follows(text: str, place: Place | None) -> None:
    assert place_of(text) == place


def test_folder_names_do_not_collide() -> None:
    long = (
        "The runbook puts back what was broken, and nobody notices anything of it at all, neither before nor"
    )
    names = {folder_name(each) for each in (long, f"{long} after", f"{long} now", "日本", "中国", "Ä", "Ö")}
    assert len(names) == 7
    assert all(re.fullmatch(r"[a-z0-9-]{1,80}", name) for name in names)
    assert folder_name("Nobody acts, on a Redis!") == "nobody-acts-on-a-redis"


def test_two_scenarios_of_one_folder_name_are_refused() -> None:
    def written(line: int, title: str) -> Written:
        return Written("a.feature", line, "F", title, ("P0",), (Sentence(line + 1, "nobody acts"),))

    assert troubles_together([written(3, "One"), written(9, "Two")]) == []
    (trouble,) = troubles_together([written(3, "One, two"), written(9, "One: two")])
    assert trouble.startswith("a.feature:9: two scenarios make the same folder name 'one-two'")


def test_what_a_target_lacks_is_not_applicable_rather_than_wrong() -> None:
    settings = settings_module.load(ROOT / "tests" / "second_service" / "drill.toml")
    sentences = (
        Sentence(4, 'the fault "redis-killed" takes effect'),
        Sentence(5, 'the operator follows "No"'),
    )
    written = Written("a.feature", 3, "F", "S", ("P0",), (Sentence(3, "users are on it"), *sentences))
    assert lacks(settings, facts_of(written)) != []
    assert troubles(settings, Book(settings), written) == []


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ('the operator holds a fresh backup of "files" as "f.tar.gz"', "[parts.files]"),
        ('the status page takes updates with the token "t"', "[communication] status_page"),
    ],
)
def test_what_the_operator_is_to_have_and_the_target_has_not_is_named(
    settings: settings_module.Settings, sentence: str, missing: str
) -> None:
    written = Written(
        "a.feature", 3, "F", "S", ("P0",), (Sentence(3, "users are on it"), Sentence(4, sentence))
    )
    second = settings_module.load(ROOT / "tests" / "second_service" / "drill.toml")
    assert lacks(second, facts_of(written)) == [missing]
    assert lacks(settings, facts_of(written)) == []


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (("novel_engine/terraform", "terraform"), ""),
        (("features/held/another-service.tf", "main.tf"), ""),
        (
            ("novel_engine/terrafrom", "terraform"),
            "'novel_engine/terrafrom' is not right here: expected a fi",
        ),
        (("../elsewhere", "terraform"), "'../elsewhere' is not right here: expected a path that stays below"),
        (("/etc/passwd", "passwd"), "'/etc/passwd' is not right here"),
        (("novel_engine/terraform", "../../terraform"), "'../../terraform' is not right here"),
    ],
)
def test_what_the_operator_holds_is_there_and_stays_in_its_folder(
    tmp_path: Path, settings: settings_module.Settings, book: Book, held: tuple[str, str], says: str
) -> None:
    file, name = held
    holds = f'Given the operator holds "{file}" as "{name}"'
    found = found_in(tmp_path, GOOD.replace("    When", f"    {holds}\n    When"), settings, book)
    assert len(found) == bool(says)
    assert all(f"down.feature:10: {says}" in line for line in found)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "expected a Feature with at least one Scenario"),
        ("\n\n# only a remark\n", 1, "expected a Feature with at least one Scenario"),
        ("Feature: F\n  words\n", 1, "has no Scenario"),
        ("Feature: F\n  Scenario: s\n", 2, "has no step"),
        ("Feature: F\n  Scenario: s\n    When a\n  Scenario: s\n    When b\n", 4, "line 2 has it too"),
        ("Feature: F\n  Scenario: s\n    When a\n    Whenn b\n", 4, "expected Gherkin"),
        ("Feature: F\n  Scenario: s\n    And a\n", 3, "First step"),
        ("Feature: F\n  Scenario: s\n    When a\nFeature: G\n", 4, "expected Gherkin"),
        ("@nightl\nFeature: F\n  Scenario: s\n    When a\n", 1, "expected @nightly"),
        ("Feature: F\n  @expect_fail\n  Scenario: s\n    When a\n", 2, "expected @expect-fail"),
        ("Feature: F\n  @P9\n  Scenario: s\n    When a\n", 2, "expected a severity: @P0"),
        ("Feature: F\n  @RB-999\n  Scenario: s\n    When a\n", 2, "expected the id of a defect"),
        ("Feature: F\n  Rule: r\n    @contol\n    Scenario: s\n      When a\n", 3, "expected @control"),
        (
            "Feature: F\n  Scenario: s\n    When " + "<" * 30_000 + "\n",
            3,
            "a line of at most 1000 characters",
        ),
    ],
)
def test_a_feature_file_that_is_wrong_as_such(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = tmp_path / "down.feature"
    path.write_text(text)
    found = feature_troubles(path, KNOWN)
    assert any(each.startswith(f"{path}:{line}: ") and says in each for each in found), found


def test_a_feature_file_that_is_no_text_no_file(tmp_path: Path) -> None:
    path = tmp_path / "down.feature"
    path.write_bytes(b"Feature: F\n\xff\n")
    assert feature_troubles(path, KNOWN)[0].startswith(f"{path}:2: ")
    path.unlink()
    path.mkdir()
    assert "a folder" in feature_troubles(path, KNOWN)[0]


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("nightly", ""),
        ("slow", ""),
        ("regression", ""),
        ("night", "@nightly"),
        ("Gate", "@gate"),
        ("expectfail", "@expect-fail"),
        ("restore-backup", "@restores-backup"),
        ("p1", "@P1"),
        ("sev1", "@SEV-1, @SEV1"),
        ("rb-1", "@RB-001, @RB-002"),
    ],
)
def test_a_tag_that_is_nearly_one(tag: str, meant: str) -> None:
    assert meant in misspelt(tag, KNOWN)
    assert bool(misspelt(tag, KNOWN)) == bool(meant)


STATED = (
    GOOD
    + '    And the alert "ServiceDown" fires within 3 minutes\n    And only the alerts "ServiceDown" fire\n'
)


def test_alerts_that_a_scenario_states_are_those_that_are_to_fire(
    tmp_path: Path, settings: settings_module.Settings, book: Book
) -> None:
    assert found_in(tmp_path, STATED, settings, book) == []
    (stated,) = scenarios_of(write(tmp_path, STATED))
    assert facts_of(stated).alerts == ("ServiceDown",)
    assert facts_of(stated).due == (AlertDue("ServiceDown", 0.0, 180.0),)
    earliest = '    And the alert "ServiceDown" fires after 1.5 minutes at the earliest\n'
    assert found_in(tmp_path, STATED + earliest, settings, book) == []
    (both,) = scenarios_of(write(tmp_path, STATED + earliest))
    assert facts_of(both).due == (AlertDue("ServiceDown", 90.0, 180.0),)
    (alone,) = scenarios_of(write(tmp_path, GOOD + earliest))
    assert (facts_of(alone).alerts, facts_of(alone).due) == (
        ("ServiceDown",),
        (AlertDue("ServiceDown", 90.0, None),),
    )
    (silent,) = scenarios_of(write(tmp_path, GOOD + "    And no alert fires\n"))
    assert facts_of(silent).alerts == ()
    (good,) = scenarios_of(write(tmp_path, GOOD))
    assert facts_of(good).alerts is None


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ('the alert "ServiceDwn" fires within 3 minutes', "'ServiceDwn' is not right here"),
        ('only the alerts "ServiceDown", "Nobody" fire', "'Nobody' is not right here"),
        ('the alert "ServiceDown" leads to "Service Completely Up (P0)"', "Service Completely Up"),
    ],
)
def test_an_alert_or_section_that_is_not_there_is_refused(
    tmp_path: Path, settings: settings_module.Settings, book: Book, sentence: str, wrong: str
) -> None:
    (found,) = found_in(tmp_path, f"{GOOD}    And {sentence}\n", settings, book)
    assert found.startswith(f"{tmp_path / 'down.feature'}:13: ")
    assert wrong in found
