"""The load of a drill: users of the target, in a process of their own, and what is known of their requests
while they run.

plan.py      what is sent and when (pure; the Locust process imports it too, so nothing heavy is imported here)
process.py   Load: start and stop of the Locust process
tail.py      RequestTail: the live stream, for the live line, the witness and "restored"
audit.py     audit_writes: is everything that was acknowledged still there
"""
