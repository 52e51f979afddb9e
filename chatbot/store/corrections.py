"""What maintainers said of postings, as it was said.

Law of the file: nothing is taken back; who says the contrary says one thing more, and the later one holds (see
mail/lineage.py). A row names Message-IDs and no mails, so it outlives them: they may come again.
"""

from sqlalchemy import Connection, Engine, insert, select

from chatbot.mail.lineage import Correction
from chatbot.store import tables
from chatbot.store.database import reading, writing
from chatbot.store.spent import spend
from chatbot.store.tables import moment, seconds
from chatbot.store.threads import rows_named


class Corrections:
    """Those of everybody. Each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine

    def add(self, said: Correction) -> None:
        """Keep one. Raises Unavailable."""
        row = {"one": said.one, "other": said.other, "together": said.together, "by": said.by, "at": seconds(said.at)}
        with writing(self._engine) as connection:
            connection.execute(insert(tables.correction), row)
            spend(connection, rows_named(connection, (said.one, said.other)).values())

    def all(self) -> tuple[Correction, ...]:
        """Those that were ever said, the oldest first."""
        with reading(self._engine) as connection:
            return corrections_in(connection)


def corrections_in(connection: Connection) -> tuple[Correction, ...]:
    """The same within a transaction: people type them, so there are few."""
    column = tables.correction.c
    query = select(tables.correction).order_by(column.at, column.id)
    return tuple(
        Correction(row.one, row.other, row.together, row.by, moment(row.at)) for row in connection.execute(query)
    )
