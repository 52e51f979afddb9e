"""The rooms that names of the config stand for: a table that begins empty."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "room_name",
        sa.Column("platform", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("room", sa.String, nullable=False),
    )
