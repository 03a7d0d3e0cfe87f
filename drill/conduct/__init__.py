"""Conducting a drill from its health gate to the repaired target. Above everything that acts, below the
command line and pytest.
"""
