"""How the tables came to be what they are, one revision a file. Each is frozen: it knows the tables of its own time.

A change of tables.py needs a new revision here, and its number in versions.py; the tests compare.
"""
