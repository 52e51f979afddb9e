"""Alembic's entry. The connection, with its transaction, is versions.py's; so is the end of both."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
