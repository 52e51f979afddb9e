"""What a stretch of a list has of each posting, and of talk about none. A database takes thousands of mails together in
a third of the time that it takes to hand them over.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Connection, Text, and_, bindparam, case, cast, func, select

from chatbot.store import tables
from chatbot.store.rows import by_ids
from chatbot.store.spent import spent
from chatbot.store.standings import Home


class Share(NamedTuple):
    """Its head's row; the row of `seen` of the first of its own mails, if there is one, and how many there are; how
    many mails humans sent below it, and how many humans; and the Message-IDs of those mails that turn it.
    """

    head_id: int
    began: int | None
    own: int
    mails: int
    people: int
    turning: tuple[str, ...] = ()


class Placed(NamedTuple):
    """A mail of the stretch: its rows of `seen` and `mail`, and its Message-ID."""

    place: int
    id: int
    message_id: str


def kept_shares(
    connection: Connection, which: Sequence[ColumnElement[bool]], between: tuple[int, int]
) -> tuple[Share, ...] | None:
    """Of the mails on a list that these conditions on `seen` choose, as it is kept where they belong. None where that
    is not known of all, or something was said about one since. `between` these rows of `mail` all of them are: a
    database that knows so need not look for each by itself.
    """
    seen, homes, mail = tables.seen.c, tables.belongs.c, tables.mail.c
    said = case((homes.head_id != seen.mail_id, homes.who))
    lowest, highest = map(_written, between)
    query = select(
        homes.head_id,
        func.min(case((homes.own, seen.id))),
        func.count(case((homes.own, 1))),
        func.count(said),
        func.count(said.distinct()),
        func.aggregate_strings(case((homes.turns, cast(seen.mail_id, Text))), " "),
    )
    there = and_(homes.mail_id == seen.mail_id, homes.mail_id >= lowest, homes.mail_id <= highest)
    query = query.join_from(tables.seen, tables.belongs, there, isouter=True)
    found = connection.execute(query.where(*which).group_by(homes.head_id)).all()
    heads = {row[0] for row in found}
    if None in heads or heads.intersection(spent(connection)):
        return None
    turning = {head_id: tuple(map(int, mails.split())) for head_id, *_, mails in found if mails}
    ids = sorted(one for mails in turning.values() for one in mails)
    names = dict(map(tuple, by_ids(connection, select(mail.id, mail.message_id), mail.id, ids)))
    return tuple(
        Share(head_id, began, own, mails, people, tuple(names[one] for one in turning.get(head_id, ())))
        for head_id, began, own, mails, people, _ in found
    )


def placed(connection: Connection, which: Sequence[ColumnElement[bool]]) -> list[Placed]:
    """These mails one by one, in the order of the list."""
    seen, mail = tables.seen.c, tables.mail.c
    query = select(seen.id, mail.id, mail.message_id).join_from(tables.seen, tables.mail, seen.mail_id == mail.id)
    return [Placed(*row) for row in connection.execute(query.where(*which).order_by(seen.id))]


def shares_of(mails: Iterable[Placed], homes: Mapping[int, Home]) -> Iterator[Share]:
    """The same of mails that are put together now."""
    theirs: dict[int, list[tuple[Placed, Home]]] = {}
    for mail in mails:
        home = homes[mail.id]
        theirs.setdefault(home.head_id, []).append((mail, home))
    for head_id, members in theirs.items():
        own = [mail.place for mail, home in members if home.own]
        said = [home.who for mail, home in members if home.who is not None and mail.id != head_id]
        turning = tuple(mail.message_id for mail, home in members if home.turns)
        yield Share(head_id, min(own, default=None), len(own), len(said), len(set(said)), turning)


def _written(row: int) -> BindParameter[int]:
    """A number as part of the statement, for PostgreSQL to plan by, and not once for whatever it may be."""
    return bindparam(None, row, unique=True, literal_execute=True)
