"""Putting the target back: what is open, what it was like, and the way there."""
