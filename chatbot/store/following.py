"""Postings put together with all that was said below them, and what follows of it: their standings, kept or not.

Law of the file: what is kept is what anybody would get who puts it together now. So it is kept with the rules about
people by which it was made, and put together anew where something about it was said, taken out or corrected.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.review import answers
from chatbot.mail.standing import Standing
from chatbot.mail.standings import standings
from chatbot.mail.state import STALE_AFTER
from chatbot.store import tables
from chatbot.store.database import reading, writing
from chatbot.store.lineages import Family, family_of
from chatbot.store.spent import leave, spent
from chatbot.store.standings import Home, Kept, homes_of, keep, load
from chatbot.store.tables import seconds
from chatbot.store.threads import replies_below, rows_named, thread_above
from chatbot.store.words import key_of

# So many mails are followed in one transaction: others wait a second for it.
AT_ONCE = 200
# So old is what is followed from the beginning: what is not stale yet, for digests of the last month, too.
AGE = STALE_AFTER + timedelta(days=30)
# What standings are made by beside the rules about people: another number where they are made in another way.
FORM = 1


@dataclass(slots=True)
class Followed:
    """Where mails belong, by their rows; how the postings stand, by the rows of their heads; and the row of the first
    head of each one's lineage, where that was looked for.
    """

    homes: dict[int, Home] = field(default_factory=dict)
    standings: dict[int, Standing] = field(default_factory=dict)
    lineages: dict[int, int] = field(default_factory=dict)


def follow(connection: Connection, message_ids: Iterable[str], people: People) -> Followed:
    """What these mails belong to, with all other mails of it."""
    found, done = Followed(), set[str]()
    for message_id in message_ids:
        if message_id in done:
            continue
        thread = list(thread_above(connection, [message_id]))
        posted = next((mail for mail in thread if mail.patch or mail.subject.pull), None)
        family = family_of(connection, posted.message_id, people.identity) if posted else None
        if family:
            done |= _take_in(connection, family, people, found)
        if message_id not in done and thread:
            # Talk about no patch, or about one that was said to be none; and what came below it before it came.
            talk = {message_id: thread[0]}
            for mail in replies_below(connection, [message_id]):
                if mail.in_reply_to in talk and not mail.subject.pull:
                    talk[mail.message_id] = mail
            rows = rows_named(connection, (thread[-1].message_id, *talk))
            home = rows[thread[-1].message_id]
            found.homes.update((rows[one], Home(home, _who(talk[one], people))) for one in talk.keys() - done)
            done |= talk.keys()
    return found


def look_up(
    connection: Connection, mails: Mapping[int, str], people: People
) -> tuple[dict[int, Home], dict[int, Kept]]:
    """Where these mails belong, by their rows and Message-IDs, and how those postings stand, by the rows of their
    heads: as it is kept, else as it is put together now.
    """
    tracked = connection.execute(select(tables.tracking.c.rules)).scalar() == rules_of(people)
    homes = homes_of(connection, mails) if tracked else {}
    loaded = load(connection, {home.head_id for home in homes.values()})
    spent = {head_id for head_id, kept in loaded.items() if not kept.document}
    unknown = (
        message_id for mail_id, message_id in mails.items() if mail_id not in homes or homes[mail_id].head_id in spent
    )
    now = follow(connection, unknown, people)
    homes |= now.homes
    # One whose cover came last was kept by a patch that heads nothing any more.
    heads = {head_id: kept for head_id, kept in loaded.items() if kept.document and head_id not in now.homes}
    return homes, heads | {
        head_id: Kept.of(head_id, now.lineages[head_id], one) for head_id, one in now.standings.items()
    }


def _take_in(connection: Connection, family: Family, people: People, found: Followed) -> set[str]:
    """Those of its mails that belong to it; what hangs below them, and opens something of its own, does not."""
    versions = family.lineage.series
    answered = tuple(answers(family.mails))
    heads = {mail.message_id: one.head.message_id for one in versions for mail in one.everything}
    replies = {reply.message_id: reply for reply, _ in answered}
    heads |= {reply.message_id: heads[above.message_id] for reply, above in answered if above.message_id in heads}
    rows = rows_named(connection, heads)
    own, turning = set[str](), set[str]()
    titles = tuple(dict.fromkeys(one.title for one in family.guessed.values()))
    first = rows[versions[0].head.message_id]
    for standing in standings(family.lineage, answered, people, titles):
        found.standings[rows[standing.mail]] = standing
        found.lineages[rows[standing.mail]] = first
        own.update(standing.own)
        turning.update(remark.mail for remark in standing.remarks if remark.turns)
    for message_id, head in heads.items():
        reply = replies.get(message_id)
        who = _who(reply, people) if reply else None
        found.homes[rows[message_id]] = Home(rows[head], who, message_id in own, message_id in turning)
    return set(heads)


def _who(mail: Mail, people: People) -> int | None:
    return None if people.is_bot(mail) else key_of(people.identity(mail.sender))


def rules_of(people: People) -> str:
    """By what standings are made: what others have made is not read."""
    return f"{FORM} {people.rules}"


class Following:
    """Standings that are kept, brought up to date with what is new."""

    def __init__(self, engine: Engine) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine

    def keep_up(
        self,
        people: People,
        now: datetime,
        *,
        told: Callable[[int], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> int:
        """Follow what has come since the last time, and what has changed; how many mails that were.

        The first time, and when the rules are others, all that is not stale yet. After each transaction `told` hears
        how many mails have been followed, and `stopped` is asked.
        """
        done, left = 0, set[int]()
        while not (stopped() or self._kept_up(people)):
            with writing(self._engine) as connection:
                upto, since = _begin(connection, people, now)
                mails = _renew(connection, people, left)
                if not mails:
                    fresh, reached = _fresh(connection, upto, since)
                    mails = _keep(connection, fresh, people, left)
                    connection.execute(update(tables.tracking).values(upto=reached))
            done += mails
            told(done)
        return done

    def renew(self, people: People) -> None:
        """Put together anew what was corrected, if somebody follows by these rules: who says so wants to see it."""
        left = set[int]()
        while self._has_spent() and not self.by_other_rules(people):
            with writing(self._engine) as connection:
                _renew(connection, people, left)

    def by_other_rules(self, people: People) -> bool:
        """Whether somebody follows by other rules, who would have to begin anew."""
        with reading(self._engine) as connection:
            rules = connection.execute(select(tables.tracking.c.rules)).scalar()
            return rules is not None and rules != rules_of(people)

    def _has_spent(self) -> bool:
        with reading(self._engine) as connection:
            return bool(spent(connection, 1))

    def _kept_up(self, people: People) -> bool:
        """Whether there is nothing to do, which takes no lock to see."""
        with reading(self._engine) as connection:
            row = connection.execute(select(tables.tracking)).first()
            newest = connection.execute(select(func.max(tables.mail.c.id))).scalar() or 0
            return row is not None and row.rules == rules_of(people) and row.upto >= newest and not spent(connection, 1)


def _renew(connection: Connection, people: People, left: set[int]) -> int:
    """Put some of what is spent together anew; of how many mails."""
    mails, heads = _spent(connection)
    # What is gone leaves nothing; the others are put in again.
    connection.execute(delete(tables.standing).where(tables.standing.c.head_id.in_(heads)))
    return _keep(connection, mails, people, left)


def _keep(connection: Connection, mails: Sequence[str], people: People, left: set[int]) -> int:
    """Follow these mails; how many they are. What leaves a lineage is `left` but once, so that this comes to an end."""
    found = follow(connection, mails, people)
    left |= leave(connection, found.standings, left)
    keep(connection, found.homes, found.standings, found.lineages)
    return len(mails)


def _begin(connection: Connection, people: People, now: datetime) -> tuple[int, int]:
    """Up to which row of `mail`, and since when, all has been followed; everything anew where the rules are others."""
    row = connection.execute(select(tables.tracking)).first()
    if row and row.rules == rules_of(people):
        return row.upto, row.since
    for table in (tables.tracking, tables.standing, tables.belongs):
        connection.execute(delete(table))
    seen = tables.seen.c
    newest = connection.execute(select(func.max(seen.received)).where(seen.received <= seconds(now))).scalar()
    since = (newest or seconds(now)) - int(AGE.total_seconds())
    first = connection.execute(select(func.min(seen.mail_id)).where(seen.received >= since)).scalar()
    upto = first - 1 if first else connection.execute(select(func.max(tables.mail.c.id))).scalar() or 0
    connection.execute(insert(tables.tracking).values(id=1, rules=rules_of(people), since=since, upto=upto))
    return upto, since


def _spent(connection: Connection) -> tuple[list[str], list[int]]:
    """The mails of some postings that are to be put together anew, and their heads, which may be gone."""
    heads, homes, mail = spent(connection, AT_ONCE // 10), tables.belongs.c, tables.mail.c
    theirs = select(homes.mail_id).where(homes.head_id.in_(heads))
    query = select(mail.message_id).where(mail.id.in_(theirs.union(select(mail.id).where(mail.id.in_(heads)))))
    return list(connection.execute(query.where(mail.blob != "").order_by(mail.id)).scalars()) if heads else [], heads


def _fresh(connection: Connection, upto: int, since: int) -> tuple[list[str], int]:
    """The next mails that have come, and up to which row that is all."""
    mail = tables.mail.c
    query = select(mail.message_id, mail.id).where(mail.id > upto, mail.received >= since, mail.blob != "")
    rows = connection.execute(query.order_by(mail.id).limit(AT_ONCE)).all()
    if len(rows) == AT_ONCE:
        return [row.message_id for row in rows], rows[-1].id
    newest = connection.execute(select(func.max(mail.id))).scalar() or 0
    return [row.message_id for row in rows], max(newest, upto)
