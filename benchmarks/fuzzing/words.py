"""Words that mean something to a reader, by family: what the fuzzer puts in and exchanges. Those that hold a
space or end a line are given apart."""

from __future__ import annotations


def _split(text: str) -> list[bytes]:
    return [word.encode() for word in text.split()]


LIMITS = [
    *_split("""
        P0 P1 P9 SEV1 SEV-1 Sev Priority 1 15 30 0.1 99.9 1,000 1,5 minutes min hours hrs h m s ms seconds %
        percent < <= ≤ > >= within under about average mean limit of p95 p99 95th percentile Every Daily
        - – to or
        and / ~ ( ) ** : 24/7 business days weeks M
    """),
    b" ",
]
SETTINGS = _split("""
    [target] [load] [[load.requests]] [parts.x] [judge] name = "" true false [] {} {unique} {sequence}
    {x} 0 -1 1e9
    inf nan 2024-01-01 requests_per_second weight write body kind http://127.0.0.1:1 ../.. /etc
""")
RUNBOOK = [
    *_split("""
        # ## ### ```bash ```console ``` ~~~ ** P0 P1 < 500ms | - 1. > $ \\ <pod-name> {token} <!-- -->
    """),
    b"\n# Top\n",
    b"\n## Two\n",
    b"\n**Look**:\n",
    b"\n```sh\ntrue\n```\n",
    b"\n- **P0**: 15 minutes\n",
    b"\n### Response Times\n",
    b"\n### Performance Baselines\n",
    b"\n|a|b|\n|---|---|\n|P0|1 h|\n",
]
ERRATA = [
    *_split("""
        id: section: line: what: as_written: as_corrected: evidence: status: output_matches: '(' (?:a+)+
        - [] {}
        RB-001 RB-002 !!python/object:os.system 2024-13-45 1:30 null
    """),
    b"\n  line: 3",
]
CHECKLISTS = [
    b"- item: Monthly Checklist / Drill a disaster\n",
    b"  scenarios: [One, Two]\n",
    b"  command: drill doctor\n",
    b"  seconds: 0\n",
    b"  days: 1.5\n",
    b"  date: 2026-02-30\n",
    b"  name: [A, B]\n",
    b"checklists:\n",
    b"attestations:\n",
    b"'",
    b"null",
]
FEATURES = [
    *_split("""
        Feature: Scenario: Background: Rule: Examples: Given When Then And But * @P0 @P1 @P9 @SEV1
        @control @nightl
        @expect_fail @RB-999 # | \""" ``` <pod-name> the fault takes effect nobody acts as first written
    """),
    b"\n  Scenario Outline: a <b>\n",
    b"\n    Examples:\n      | b |\n      | 1 |\n",
    b'\n    And the operator follows "Database Recovery / 1" with "<a>" as "b"\n',
    b"\n    When nothing is broken\n",
    b"\n    And users are on it\n",
]
EXPERIMENTS = _split("""
    title: method: rollbacks: provider: type: python module: func: arguments: announce inject hold undo
    probes: [] {} -
    name: steady-state-hypothesis: configuration: null 2024-13-45 &a *a
""")
EVENTS = [
    *_split("""
        "kind" "data" "wall" "monotonic" "line" "status" "pods" : , { } [ ] null true -1 1e308 ""
        "fault.injected"
    """),
    b"\n",
    b"\\ud800",
    b"\\u0000",
]
REQUESTS = [
    *_split("""
        "planned" "sent" "finished" "name" "status" "error" "write" : , { } null true -1 1e308 "" 2147483648
    """),
    b"\n",
    b"\\ud800",
    b"\\u0000",
]
RUN = [
    *_split("""
        "run" "schema" "started_wall" "drills" "folder" "kept" "inputs" "role" "findings" "kind" "trouble"
        "name" : , { } [ ] null true -1 1e308 "" "../.." "/etc" "evidence/../.." 2 3 "exit_status"
    """),
    b"\n",
    b"\\ud800",
    b"\\u0000",
]
VERDICT = [
    *_split("""
        "verdict" "pass" "inconclusive" "criteria" "interval" "value" "samples" "requests" "planned" "writes"
        "outages" "commands" "credit" "runbook" : , { } [ ] null true -1 1e308 "" 2147483648 0.1
    """),
    b"\n",
    b"\\ud800",
    b"\\u0000",
]
JOURNAL = _split("""
    "status" "deviated" "run" "rollbacks" "steady_states" "before" "activity" "name" null true [ ] { } : ,
""")
