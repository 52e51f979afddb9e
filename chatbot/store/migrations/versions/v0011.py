"""The rooms that names of the config stand for: a table that begins empty. Pictures beside what is on its way: none."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table, and the column."""
    op.add_column("delivery", sa.Column("picture", sa.LargeBinary))
    op.create_table(
        "room_name",
        sa.Column("platform", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("room", sa.String, nullable=False),
    )
