"""A patch's content key and its series' change-id: empty in rows of before, for only the mail itself tells them.

Defaults, so that no row is written: an index of millions of mails is migrated at once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add both columns, and look-ups by the change-id."""
    for name in ("content", "change_id"):
        op.add_column("mail", sa.Column(name, sa.Text, nullable=False, server_default=""))
    known = sa.text("change_id != ''")
    op.create_index("mail_by_change_id", "mail", ["change_id"], sqlite_where=known, postgresql_where=known)
