"""What an auditor is handed. Flows in: the folder of a stored run, and the plan that was stated before it.
Flows out: one signed archive that stands for itself, and the life of what was found.

keys.py       the Ed25519 key that signs, kept outside of any repository
envelope.py   DSSE: a signed text
layout.py     the archive: a tar whose every byte follows from what is in it
secret.py     what looks like a secret, and leaving it out
plan.py       the plan, and the seal that says when it was stated
pack.py       run -> archive
differences.py  whether a verdict made again is the one in the pack
verify.py     archive -> what is wrong with it
findings.py   findings.yaml: read strictly
life.py       opening, closing and counting findings
report.py     the after-action report (demands.py: which demand each field speaks to)
command.py    `drill evidence`
"""
