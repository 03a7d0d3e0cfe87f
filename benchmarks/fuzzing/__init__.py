"""Fuzzing of every reader: what people write, and what a run stores, spoiled at random, over and over.

mutate.py     one spoiled input, made of a seed's bytes
families.py   what is read, by which reader, and what must be true of an input that is accepted
examine.py    one family's inputs through its reader: what was refused, accepted, or went wrong
__main__.py   `python -m benchmarks.fuzzing --inputs 100000`
"""
