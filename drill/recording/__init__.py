"""The recording of a drill: an append-only log of events and the stream of requests. Whoever acts writes
here; whoever judges only reads. Files of one drill's evidence folder:

    recording.jsonl   one Event a line (log.py), of the kinds in events.py
    requests.jsonl    one Request a line (requests.py), written by the load's process
    journal.json      the Chaos Toolkit journal of the fault
    transcripts/      one file per step that the operator ran
"""

from drill.recording.clock import Moment, monotonic_of, now
from drill.recording.log import (
    RECORDING,
    Event,
    Recorder,
    all_of,
    decode_event,
    first_of,
    of_kind,
    read_events,
)
from drill.recording.requests import REQUESTS, Request, Requests, read_requests

__all__ = [
    "RECORDING",
    "REQUESTS",
    "Event",
    "Moment",
    "Recorder",
    "Request",
    "Requests",
    "all_of",
    "decode_event",
    "first_of",
    "monotonic_of",
    "now",
    "of_kind",
    "read_events",
    "read_requests",
]
