"""What people subscribe to: a table that begins empty. What rooms have had of the config's digests is theirs still."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "subscription",
        sa.Column("id", sa.String, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("platform", "room", "topic")),
        sa.Column("subsystem", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("filter", "due", "owner")),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("paused_until", sa.BigInteger),
    )
