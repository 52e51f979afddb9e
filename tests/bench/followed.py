"""An index whose postings are followed, as a bot's is; but every posting by itself.

The archives of the bench hold each series ten times, under other names: to look for versions among them says nothing of
a real list's time. What is kept has as many rows, and as large ones, as if it had been looked for.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Engine, func, insert, select

from chatbot.mail.grouping import group
from chatbot.mail.lineage import Lineage
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.review import answers
from chatbot.mail.standing import Standing, standings
from chatbot.store import tables
from chatbot.store.database import reading, writing
from chatbot.store.following import rules_of
from chatbot.store.rows import load_mails_by_id
from chatbot.store.standings import Home, keep
from chatbot.store.threads import rows_named

# Mails put together at once.
MANY = 5_000


def follow_each(engine: Engine) -> None:
    """Keep how all postings stand, unless that has been done."""
    with reading(engine) as connection:
        if connection.execute(select(tables.tracking)).first():
            return
        newest = connection.execute(select(func.max(tables.mail.c.id))).scalar() or 0
    for first in range(1, newest + 1, MANY):
        with writing(engine) as connection:
            mails = load_mails_by_id(connection, range(first, min(first + MANY, newest + 1)))
            rows = rows_named(connection, [mail.message_id for mail in mails])
            found = dict(_standings(mails))
            homes = {rows[mail.message_id]: Home(rows[mail.message_id]) for mail in mails}
            for reply, above in answers(mails):
                homes[rows[reply.message_id]] = Home(rows[above.message_id], reply.sender.identity)
            for one in group(mails):
                homes |= {rows[mail.message_id]: Home(rows[one.head.message_id]) for mail in one.everything}
            kept = {rows[head]: standing for head, standing in found.items()}
            keep(connection, homes, kept, {row: row for row in kept})
    with writing(engine) as connection:
        values = {"id": 1, "rules": rules_of(People()), "since": 0, "upto": newest}
        connection.execute(insert(tables.tracking), values)


def _standings(mails: Sequence[Mail]) -> Iterator[tuple[str, Standing]]:
    answered: dict[str, list[tuple[Mail, Mail]]] = {}
    for reply, above in answers(mails):
        answered.setdefault(above.message_id, []).append((reply, above))
    for one in group(mails):
        pairs = [pair for mail in one.everything for pair in answered.get(mail.message_id, ())]
        (standing,) = standings(Lineage((one,)), pairs, People())
        yield one.head.message_id, standing
