"""Measurements of drill itself: `python -m benchmarks`, or `make bench`. They have aims, not expectations:
`make test` does not run them.
"""
