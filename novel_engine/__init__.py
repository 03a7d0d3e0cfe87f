"""The reference target: the Novel Engine that the runbook assumes. Nothing of drill is in it, nor fault
hooks.
"""
