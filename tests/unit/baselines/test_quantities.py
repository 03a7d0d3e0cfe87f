"""What an item names, and the numbers with units that it states: piece by piece."""

from __future__ import annotations

import re

import pytest

from drill.baselines.limits import Item, named_item, refusal, states_limit
from drill.baselines.quantities import Dimension, NotUnderstoodError, number, plain, stated

# text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**Error   Rate**:\n  `< 0.1%`", "Error Rate: < 0.1%"),
        ("__Error Rate__", "Error Rate"),
        ("[ ] P1: [x] 1 hour [X] done", "P1: 1 hour done"),
        ("P1: <!-- was\n 2 hours --> 1 hour<!-- so -->", "P1: 1 hour"),
        (r"\*P1\*: \< 1 hour\!", "P1: < 1 hour!"),
        ("&lt; 1&nbsp;hour", "< 1 hour"),
        ("[y] 1", "[y] 1"),
    ],
)
def test_markdowns_own_signs_and_comments_are_not_read(text: str, said: str) -> None:
    assert plain(text) == said


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("**Error Rate**: < 0.1%", Item("Error Rate", "< 0.1%")),
        ("**Error Rate:** < 0.1%", Item("Error Rate", "< 0.1%")),
        ("- __Error Rate__ – < 0.1%", Item("Error Rate", "< 0.1%")),
        ("  * **Error Rate** | < 0.1%", Item("Error Rate", "< 0.1%")),
        ("**Error Rate**:\n< 0.1%", Item("Error Rate", "< 0.1%")),
        ("**Errors in UX:** < 0.1%", Item("Errors in UX", "< 0.1%")),
        ("**Error Rate** < 0.1%", Item("Error Rate", "< 0.1%")),
        ("**P1** -5 minutes", Item("P1", "-5 minutes")),
        ("+ Error Rate: < 0.1%", Item("Error Rate", "< 0.1%")),
        (" Database : Daily at 02:00 ", Item("Database", "Daily at 02:00")),
        ("Error Rate - < 0.1%", Item("Error Rate", "< 0.1%")),
        ("Error Rate — < 0.1% | of all", Item("Error Rate", "< 0.1% | of all")),
        ("Error rate < 0.1%: always", Item("", "Error rate < 0.1%: always")),
        ("Error rate ≥ 0.1%: always", Item("", "Error rate ≥ 0.1%: always")),
        ("see the dashboard", Item("", "see the dashboard")),
    ],
)
def test_an_item_is_named_by_its_bold_words_its_colon_or_a_dash(text: str, item: Item) -> None:
    assert named_item(text) == item


@pytest.mark.parametrize("sign", ["0", "9", "<", ">", "≤", "≥"])
def test_a_number_or_a_comparison_states_a_limit_in_the_name_or_after_it(sign: str) -> None:
    assert states_limit(Item(f"CPU {sign}", "low"))
    assert states_limit(Item("CPU", f"low {sign}"))


def test_without_number_and_comparison_no_limit_is_stated() -> None:
    assert not states_limit(Item("Owner", "the team"))


def test_an_item_that_is_refused_is_shown_in_one_line_by_its_first_120_characters() -> None:
    whole, long = refusal("a.md", 7, f"a  b\n{'c' * 116}", "d"), refusal("a.md", 7, "c" * 121, "d")
    assert whole.value == f"a b {'c' * 116}"
    assert long.value == f"{'c' * 120}..."
    assert (str(long.path), long.line, long.expected) == ("a.md", 7, "d")


# numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("15", 15.0),
        ("007", 7.0),
        ("0.5", 0.5),
        ("0.500", 0.5),
        ("1.50", 1.5),
        ("1234.567", 1234.567),
        ("1,000", 1000.0),
        ("12,345,678.25", 12345678.25),
        ("9" * 15, 999999999999999.0),
    ],
)
def test_a_number_that_can_be_read_in_one_way(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-5", "'-5' has a sign; a limit is above 0"),
        ("+5", "'+5' has a sign; a limit is above 0"),
        ("1" * 16, f"'{'1' * 15}'... has more than 15 digits"),
        ("1.500", "'1.500' can be read as 1.5 and as 1500: write it as either"),
        ("12.345", "'12.345' can be read as 12.345 and as 12345: write it as either"),
        ("1,5", "'1,5' has a comma before its decimals: write 1.5"),
        ("0,500", "'0,500' has a comma before its decimals: write 0.500"),
        ("1.2.3", "'1.2.3' is no number that can be read in one way only"),
        ("1,000,00", "'1,000,00' is no number that can be read in one way only"),
        ("X5", "'X5' is no number that can be read in one way only"),
        ("0", "'0' is not above 0"),
        ("0.000", "'0.000' is not above 0"),
    ],
)
def test_a_number_that_is_refused_says_why(text: str, why: str) -> None:
    with pytest.raises(NotUnderstoodError, match=f"^{re.escape(why)}$"):
        number(text)


# what is stated

WORDS = {"average", "response", "of"}


@pytest.mark.parametrize(
    ("said", "dimension", "expected", "words"),
    [
        ("500ms", "time", (0.5, "", None), ""),
        ("Less Than 2 Hours", "time", (7200.0, "<", None), ""),
        ("no more than 90 SEC", "time", (90.0, "<=", None), ""),
        ("at least 1 d", "time", (86400.0, ">=", None), ""),
        ("over 3 weeks", "time", (1814400.0, ">", None), ""),
        ("=< 1 m (response).", "time", (60.0, "<=", None), "response"),
        ("Average of 70 PERCENT", "share", (0.7, "", None), "average of"),
        ("max 0.1%", "share", (0.001, "<=", None), ""),
        ("P99 < 1 s", "time", (1.0, "<", 99), ""),
        ("< 1s, 95th percentile", "time", (1.0, "<", 95), ""),
        ("1h 30 min 15 s", "time", (5415.0, "", None), ""),
    ],
)
def test_all_that_is_said_is_read(
    said: str, dimension: Dimension, expected: tuple[float, str, int | None], words: str
) -> None:
    found = stated(said, dimension, WORDS)
    assert found == (pytest.approx(expected[0]), *expected[1:], frozenset(words.split()))


@pytest.mark.parametrize(
    ("said", "dimension", "why"),
    [
        ("1 to 2 hours", "time", "it is a range: only one end of it can be the limit"),
        ("1h TO 2h", "time", "it is a range: only one end of it can be the limit"),
        ("Between 1 hour and a day", "time", "it is a range: only one end of it can be the limit"),
        ("soon, or late 1 hour", "time", "'late', 'or', 'soon' is not understood"),
        ("< 1 hour > of", "time", "it compares twice"),
        ("p95 p99 1 hour", "time", "it compares twice"),
        ("1 hour of 2 minutes", "time", "it states more than one number"),
        ("1 hour, 2 minutes", "time", "it states more than one number"),
        ("1 min 1 min", "time", "it states more than one number"),
        ("1 min 1 hour", "time", "it states more than one number"),
        ("of", "time", "it states no number with a unit"),
        ("70%", "time", "'70%' is no time"),
        ("70 Percent", "time", "'70 Percent' is no time"),
        ("5 s", "share", "'5 s' is no percentage"),
        ("5 M", "time", "'5 M' is no time"),
        ("average ?! of 1 s", "time", "'?! of' is not understood"),
        ("1 s ?!", "time", "'?!' is not understood"),
        ("\N{NO-BREAK SPACE}1 s", "time", "'\\xa01 s' is not understood"),
    ],
)
def test_what_is_not_understood_is_named(said: str, dimension: Dimension, why: str) -> None:
    with pytest.raises(NotUnderstoodError, match=f"^{re.escape(why)}$"):
        stated(said, dimension, WORDS)
