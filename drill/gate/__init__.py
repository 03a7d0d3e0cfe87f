"""Is a candidate worse than what it is to replace? Flows in: stored runs, the history, the policy in [gate]
of drill.toml. Flows out: a decision, pass, regression or inconclusive, with each comparison that it rests
on.

observed.py   what is compared of a run, from its folder or from the history
spread.py     how much runs of one image differ by themselves, as the history has shown
compare.py    candidate and baseline: a difference for each criterion
drift.py      whether the history changed for the worse of late
decide.py     the policy: many comparisons, minimum effects, waivers, one outcome
words.py      the same as text, Markdown, JSON, and annotations of CI
command.py    `drill gate`
alternate.py  runs of two images in turn on one cluster, until it is decided
alternate_command.py  `drill gate alternate`
turns.py      what a turn of plain load shows
pairs.py      pairs of turns against each other: a decision
plain_load.py load on a target to which nothing is done
rounds.py     turns of two images on one cluster, many times, until it is decided
rounds_command.py  `drill gate rounds`
"""
