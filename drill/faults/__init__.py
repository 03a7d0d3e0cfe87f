"""Faults: what is broken, how it shows, and how it is put back."""
