"""Every scenario of every feature file in this folder is a test."""

from pytest_bdd import scenarios

scenarios(".")
