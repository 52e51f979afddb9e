"""How the posts of a subscription are shown: until somebody says so, as they were."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Of what is followed, and of what is on its way."""
    for table in ("subscription", "delivery"):
        op.add_column(table, sa.Column("manner", sa.Text, nullable=False, server_default=""))
