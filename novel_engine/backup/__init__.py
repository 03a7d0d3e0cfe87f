"""Backups of the Novel Engine: four kinds, made and verified. The service does not import it.

Modules, each importing only those before it: store (files, manifests, age), database, data, configuration and
infrastructure (how one kind is made and what is in it), kinds (the table of them), __main__ (the command).
"""
