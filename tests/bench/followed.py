"""An index whose postings are followed, as a bot's is; but each copy of the source by itself.

The archives of the bench hold each series many times, under other names: to look for versions among the copies says
nothing of a real list's time. What is kept is what would be kept of a list that had this copy alone.
"""

import re
from collections.abc import Sequence

from sqlalchemy import Engine, func, insert, select, text

from chatbot.mail.grouping import group, pull_requests
from chatbot.mail.lineage import lineages
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.review import answers
from chatbot.mail.standings import standings
from chatbot.store import tables
from chatbot.store.database import reading, writing
from chatbot.store.following import Followed, rules_of
from chatbot.store.rows import load_mails_by_id
from chatbot.store.standings import Home, keep
from chatbot.store.words import key_of

_COPY = re.compile(r"\.r(\d+)(?=@|$)")


def follow_each(engine: Engine, people: People | None = None) -> None:
    """Keep how all postings stand by what is known of people, unless that has been done."""
    mail, people, copies = tables.mail.c, people or People(), dict[str, dict[str, int]]()
    with reading(engine) as connection:
        if connection.execute(select(tables.tracking)).first():
            return
        newest = connection.execute(select(func.max(mail.id))).scalar() or 0
        for mail_id, message_id in connection.execute(select(mail.id, mail.message_id)):
            copies.setdefault("".join(_COPY.findall(message_id)), {})[message_id] = mail_id
    for rows in copies.values():
        with writing(engine) as connection:
            found = _followed(load_mails_by_id(connection, rows.values()), rows, people)
            keep(connection, found.homes, found.standings, found.lineages)
    with writing(engine) as connection:
        connection.execute(insert(tables.tracking).values(id=1, rules=rules_of(people), since=0, upto=newest))
        if engine.dialect.name == "postgresql":  # where rows lie as they came; in truth that is by time
            for table in ("belongs", "standing"):
                connection.execute(text(f"CLUSTER {table} USING {table}_pkey"))


def _followed(mails: Sequence[Mail], rows: dict[str, int], people: People) -> Followed:
    """All there is to know of these, which are all there are."""
    found, series = Followed(), (*group(mails), *pull_requests(mails))
    heads = {mail.message_id: one.head.message_id for one in series for mail in one.everything}
    said = {reply.message_id: heads.get(above.message_id, above.message_id) for reply, above in answers(mails)}
    answered: dict[str, list[tuple[Mail, Mail]]] = {}
    for reply, above in answers(mails):
        answered.setdefault(said[reply.message_id], []).append((reply, above))
    own, turning = set[str](), set[str]()
    for lineage in lineages(series, identify=people.identity):
        pairs = [pair for one in lineage.series for pair in answered.get(one.head.message_id, ())]
        for standing in standings(lineage, pairs, people):
            found.standings[rows[standing.mail]] = standing
            found.lineages[rows[standing.mail]] = rows[lineage.series[0].head.message_id]
            own.update(standing.own)
            turning.update(remark.mail for remark in standing.remarks if remark.turns)
    for mail in mails:
        name = mail.message_id
        who = None if name in heads or people.is_bot(mail) else key_of(people.identity(mail.sender))
        home = rows[heads.get(name) or said.get(name, name)]
        found.homes[rows[name]] = Home(home, who, name in own, name in turning)
    return found
