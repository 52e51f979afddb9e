"""A chat bot that tells a team what happened on its mailing lists."""

__version__ = "0.1.0"
