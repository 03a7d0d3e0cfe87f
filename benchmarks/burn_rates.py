"""One window or several? `python -m benchmarks.burn_rates`. Flows in: the runbook's HighErrorRate and its
baseline of errors. Flows out: by stated share of failing requests, seconds until each form of the rule fires.

    as corrected    the runbook's own rule: 5 % over 5 minutes, and still so over one
    burn 14.4       14.4 times the budget over an hour, and still so over 5 minutes: 2 % of a month's budget
    burn 6          6 times the budget over 6 hours, and still so over 30 minutes: 5 % of it

The budget is the baseline's error rate. Traffic is stated: 12 requests a second, even, scraped every 15 s in
the 6 hours before, so that every range is full, and in the 2 after. Needs no cluster.
"""

from __future__ import annotations

from pathlib import Path

from drill import settings as drill_settings
from drill.alerts.engine import evaluate
from drill.alerts.rules import alert_rules
from drill.alerts.series import ScrapedSeries, SeriesFile, SeriesHeader
from drill.conduct.book import Book
from drill.machine.promtool import ensure_promtool

ROOT = Path(__file__).parents[1]
RULE = "HighErrorRate"
SCRAPE_SECONDS = 15
BEFORE_SECONDS, AFTER_SECONDS = 6 * 3600, 2 * 3600
A_SECOND = 12.0
FAILED = 'http_requests_total{status=~"5.."}'
BURNS = (("burn 14.4", 14.4, "1h", "5m"), ("burn 6", 6.0, "6h", "30m"))
SCENES = (
    ("all requests fail", 1.0, AFTER_SECONDS),
    ("all requests fail, for 30 s", 1.0, 30),
    ("all requests fail, for 60 s", 1.0, 60),
    ("all requests fail, for 2 min", 1.0, 120),
    ("20 % fail", 0.2, AFTER_SECONDS),
    ("7 % fail", 0.07, AFTER_SECONDS),
    ("2 % fail", 0.02, AFTER_SECONDS),
    ("0.5 % fail", 0.005, AFTER_SECONDS),
)


def burn_rules(budget: float) -> str:
    """The rules of several windows, as a file."""
    made = ["groups:", "- name: burn", "  rules:"]
    for name, factor, long, short in BURNS:
        both = " and ".join(
            f"sum(rate({FAILED}[{window}])) / sum(rate(http_requests_total[{window}])) > {factor * budget:g}"
            for window in (long, short)
        )
        made += [f"  - alert: {name}", f"    expr: {both}"]
    return "\n".join(made) + "\n"


def stated(name: str, share: float, seconds: float) -> SeriesFile:
    """Requests that are well, of which this share fails for so many seconds, and that are well again."""
    failed: list[float] = []
    for at in range(-BEFORE_SECONDS, AFTER_SECONDS + 1, SCRAPE_SECONDS):
        under = share * A_SECOND * SCRAPE_SECONDS if 0 < at <= seconds else 0.0
        failed.append(round((failed[-1] if failed else 0.0) + under, 3))
    served = [A_SECOND * SCRAPE_SECONDS * number - each for number, each in enumerate(failed)]
    header = SeriesHeader("drill alert series 1", name, SCRAPE_SECONDS, float(BEFORE_SECONDS))
    series = tuple(
        ScrapedSeries({"__name__": "http_requests_total", "status": status}, "counter", tuple(values))
        for status, values in (("200", served), ("500", failed))
    )
    return SeriesFile(name, header, series)


def main() -> None:
    """Print the table."""
    book = Book(drill_settings.load(ROOT / "drill.toml"))
    rules = alert_rules(book.corrected)
    own = rules.named(RULE)
    assert own is not None
    budget = book.limits("")["error_rate"]["value"]
    files = [*rules.files(), burn_rules(budget)]
    cases = [stated(*scene) for scene in SCENES]
    print(f"budget {budget:.1%} ({rules.path.name}); seconds from the first failure until each fires")
    for case, episodes in zip(cases, evaluate(ensure_promtool(), files, cases), strict=True):
        told = []
        for label, alert in (("as corrected", RULE), *((name, name) for name, *_ in BURNS)):
            firing = [
                each.firing_seconds - BEFORE_SECONDS
                for each in episodes
                if each.alert == alert and each.firing_seconds is not None
            ]
            told.append(f"{label} {min(firing):.0f} s" if firing else f"{label} silent")
        print(f"{case.name:30}" + "; ".join(told), flush=True)


if __name__ == "__main__":
    main()
