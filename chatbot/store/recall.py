"""Taking posts back that tell of a mail which is gone.

Law of the file: what has certainly not gone out is planned anew, without the mail; its key will be the same. Of what
nobody knows the fate of, the text goes at once, and it is planned anew when the platform has said that it is not there.
What was cut off from its subscription's progress is let go: `had_upto` without `had_slot` says so.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, or_, select, update

from chatbot.store import tables

# Stands for the list of a post that tells of several.
SEVERAL = "*"

# As in delivery.State, which an ingest does not load.
_WAITING = ("pending", "sending", "parked")


def plan_anew(connection: Connection, list_id: int, seen_id: int) -> None:
    """Take back the posts that tell of a mail of a list and have not gone out, and those behind them."""
    table = tables.delivery
    name = select(tables.mailing_list.c.name).where(tables.mailing_list.c.id == list_id).scalar_subquery()
    telling = and_(table.c.list_name.in_((name, SEVERAL)), table.c.state.in_(_WAITING), table.c.upto >= seen_id)
    done: set[str] = set()
    for row in connection.execute(select(table).where(telling).order_by(table.c.sequence, table.c.part)).all():
        if row.subscription in done:
            continue
        if _begun(connection, row):
            connection.execute(update(table).where(table.c.id == row.id).values(body=""))
        else:
            _rewind(connection, row)
            if not _cut(row):
                done.add(row.subscription)


def cut_off(connection: Connection, *where: ColumnElement[bool]) -> None:
    """What waits of these goes out as it is: no later digest takes its place, nor begins where it does."""
    table = tables.delivery
    values = {"had_upto": func.coalesce(table.c.had_upto, table.c.upto), "had_slot": None}
    connection.execute(update(table).where(*where, table.c.state.in_(_WAITING)).values(values))


def give_back(connection: Connection, delivery_id: int) -> bool:
    """A withdrawn post is certainly not there: plan it anew, or, where more of its digest is out, let it go. Whether it
    will be planned anew.
    """
    table = tables.delivery
    here = table.c.id == delivery_id
    connection.execute(update(table).where(here).values(doubt=None))
    row = connection.execute(select(table).where(here)).one()
    if _begun(connection, row):
        gone = {"state": "dead", "error": "a mail that it told of was taken out of the archive"}
        connection.execute(update(table).where(here).values(gone))
        return False
    _rewind(connection, row)
    return True


def tell_again(connection: Connection, delivery_id: int, known: int) -> None:
    """A digest told the rows of `seen` up to `known`, and maybe more; the next one begins behind them. The first of its
    rows it told at least, so that the next one begins elsewhere, and has another key.
    """
    table, progress = tables.delivery, tables.progress
    row = connection.execute(select(table).where(table.c.id == delivery_id)).one()
    told = max(known, (row.had_upto or 0) + 1)
    if row.part or told >= row.upto or _cut(row):
        return
    later = select(table).where(table.c.subscription == row.subscription, table.c.sequence > row.sequence)
    following = connection.execute(later.where(table.c.state.in_(_WAITING)).order_by(table.c.sequence)).first()
    if following:
        _rewind(connection, following)
    here = progress.c.subscription == row.subscription
    connection.execute(update(progress).where(here).values(upto=told))


def _begun(connection: Connection, row: Row[Any]) -> bool:
    """Whether anything of this digest, or of a later one of its subscription, is out or may be."""
    table = tables.delivery.c
    out = or_(table.state == "sent", table.doubt.is_not(None))
    later = and_(table.subscription == row.subscription, table.room == row.room, table.sequence >= row.sequence)
    return bool(connection.execute(select(exists().where(later, out))).scalar())


def _rewind(connection: Connection, row: Row[Any]) -> None:
    """The next tick plans this digest again, and those behind it; no progress leads to one that was cut off."""
    table, progress = tables.delivery, tables.progress
    place = table.c.sequence == row.sequence if _cut(row) else table.c.sequence >= row.sequence
    behind = and_(table.c.subscription == row.subscription, place)
    # What was given up, too, for its key is taken.
    connection.execute(delete(table).where(behind, table.c.state.in_((*_WAITING, "dead"))))
    here = progress.c.subscription == row.subscription
    if _cut(row):
        return
    if row.had_upto is None:
        connection.execute(delete(progress).where(here))
    else:
        connection.execute(update(progress).where(here).values(upto=row.had_upto, slot=row.had_slot))


def _cut(row: Row[Any]) -> bool:
    return row.had_upto is not None and row.had_slot is None
