"""Deliveries have an order in their room, parts, plainer variants, and a time since when they are in doubt."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Each old post is a digest of its own, in the order in which they were planned."""
    for column in (
        sa.Column("kind", sa.String),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("part", sa.Integer),
        sa.Column("plainer", sa.Integer),
        sa.Column("doubt", sa.BigInteger),
    ):
        op.add_column("delivery", column)
    # When the platform was called was not noted; it had no ledger of other processes, so any time will do.
    op.execute(
        "UPDATE delivery SET kind = 'digest', sequence = id, part = 0, plainer = 0,"
        " doubt = CASE WHEN state = 'sending' THEN next_try END"
    )
    with op.batch_alter_table("delivery") as delivery:
        delivery.alter_column("kind", existing_type=sa.String(), nullable=False)
        delivery.alter_column("sequence", existing_type=sa.BigInteger(), nullable=False)
        delivery.alter_column("part", existing_type=sa.Integer(), nullable=False)
        delivery.alter_column("plainer", existing_type=sa.Integer(), nullable=False)
    op.create_index("delivery_by_room", "delivery", ["platform", "room", "sequence", "part"], unique=True)
    op.create_index("delivery_by_subscription", "delivery", ["subscription", "id"])
