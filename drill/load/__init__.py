"""The load of a drill: users of the target, in a process of their own, and what is known of their requests
while they run.

plan.py         what is sent and when; the Locust process imports it too, so nothing heavy is imported there
process.py      Load: start, watch and stop the Locust process
stalls.py       when the load itself stood still
tail.py         RequestTail: the live stream, for the live line, the witness and "recovered"
audit.py        audit_writes: is everything that was acknowledged still there
content.py      looking for many writes in what a service shows
calibration.py  the target's own noise, and the highest rate that it serves
"""
