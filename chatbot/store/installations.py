"""Which workspaces of Slack have installed the bot: slack_sdk's own stores, in our database.

Law of the file: a token is in the database as ciphertext only, and nothing that is written elsewhere has one in it.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from slack_sdk.oauth.installation_store.models import Bot, Installation
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from slack_sdk.oauth.sqlalchemy_utils import normalize_datetime_for_db
from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore
from sqlalchemy import Connection, Dialect, Engine, MetaData, Table, Text, delete, desc, func, or_, select
from sqlalchemy.types import TypeDecorator

from chatbot.errors import Unauthorized
from chatbot.store import slack_tables
from chatbot.store.database import reading, writing

# What of an installation is as good as a token.
SECRETS = frozenset({"bot_token", "bot_refresh_token", "user_token", "user_refresh_token", "incoming_webhook_url"})
_KEY = re.compile(r"[A-Za-z0-9_+/-]{43}=")
# Anybody can begin to install, and each beginning is a row: no more than this are remembered.
MOST_STATES = 1_000
WRONG_KEY = "the installations in the database were written with another key; name it, too, behind the newest"
# The SDK's stores would log what strangers send.
_QUIET = logging.getLogger("chatbot.slack.installations")
_QUIET.setLevel(logging.CRITICAL + 1)


class Keys:
    """What tokens are written with: the first key writes, and all read."""

    def __init__(self, written: str) -> None:
        """With commas between them. Raises ValueError for what is none."""
        keys = [one.strip() for one in written.split(",")]
        if not all(map(_KEY.fullmatch, keys)):  # Fernet would pass over what is no sign of a key
            raise ValueError("this is no key")
        self._rings, self.several = MultiFernet(map(Fernet, keys)), len(keys) > 1
        self.digest = hashlib.sha256(written.encode()).hexdigest()[:12]

    def close(self, text: str) -> str:
        """As the database may have it."""
        return self._rings.encrypt(text.encode()).decode()

    def open(self, closed: str) -> str:
        """As Slack gave it. Raises Unauthorized."""
        try:
            return self._rings.decrypt(closed).decode()
        except InvalidToken:
            raise Unauthorized(WRONG_KEY) from None

    def over(self, table: Table) -> Table:
        """The same table, in which secrets are written and read with these keys."""
        found = table.to_metadata(MetaData())
        for name in SECRETS & set(found.columns.keys()):
            found.columns[name].type = _Closed(self)
        return found


class _Closed(TypeDecorator[str]):
    """A text that is ciphertext in the database."""

    impl = Text
    cache_ok = True

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self.keys = keys

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else self.keys.close(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else self.keys.open(value)


class _Transactions:
    """Our engine as the SDK's stores use one: what they begin writes, what they connect to reads."""

    def __init__(self, engine: Engine) -> None:
        self.begin: Callable[[], AbstractContextManager[Connection]] = lambda: writing(engine)
        self.connect: Callable[[], AbstractContextManager[Connection]] = lambda: reading(engine)


class Installations(SQLAlchemyInstallationStore):
    """Those of one app. What they raise is Unavailable, and Unauthorized for a key that is not theirs."""

    def __init__(self, client_id: str, engine: Engine, keys: Keys) -> None:
        """The engine comes from `open_database`."""
        transactions: Any = _Transactions(engine)
        super().__init__(client_id, transactions, logger=_QUIET)
        self._transactions = transactions
        self._keys, self.login = keys, keys.digest
        self.bots, self.installations = keys.over(slack_tables.slack_bots), keys.over(slack_tables.slack_installations)

    def workspace(self, name: str) -> Bot | None:
        """The newest installation in the workspace, or in the whole organisation, of this id."""
        return next((one for one in self._newest_first(name) if self.name_of(one) == name), None)

    def workspaces(self) -> tuple[Bot, ...]:
        """The newest installation of each, in the order of their names."""
        found: dict[str, Bot] = {}
        for one in self._newest_first():
            found.setdefault(self.name_of(one), one)
        return tuple(found[name] for name in sorted(found))

    @staticmethod
    def name_of(one: Bot | Installation) -> str:
        """What stands before the slash of its rooms: the id of the workspace, or of the whole organisation."""
        return str(one.team_id or one.enterprise_id)

    def _newest_first(self, name: str | None = None) -> list[Bot]:
        c = self.bots.c
        query = select(self.bots).where(c.client_id == self.client_id, c.bot_token.is_not(None))
        if name is not None:
            query = query.where(or_(c.team_id == name, c.enterprise_id == name))
        with self._transactions.connect() as connection:
            rows = connection.execute(query.order_by(desc(c.installed_at), desc(c.id))).mappings()
            return [self.build_bot_entity(row) for row in rows]

    def drop(self, bot: Bot) -> None:
        """Forget this installation and those before it: not one that came after it."""
        made = normalize_datetime_for_db(bot._to_standard_value_dict()["installed_at"])  # noqa: SLF001  # as it is written
        with self._transactions.begin() as connection:
            for table in (self.bots, self.installations):
                c = table.c
                mine = (c.client_id == self.client_id, c.enterprise_id == bot.enterprise_id, c.team_id == bot.team_id)
                connection.execute(delete(table).where(*mine, c.installed_at <= made))

    def renew(self) -> None:
        """Where there are several keys, write all with the first: then the others can go."""
        if not self._keys.several:
            self.workspaces()
            return
        with self._transactions.begin() as connection:
            for table in (self.bots, self.installations):
                secrets = [column for column in table.c if column.name in SECRETS]
                for row in connection.execute(select(table.c.id, *secrets)).mappings().all():
                    values = {column.name: row[column.name] for column in secrets}
                    connection.execute(table.update().where(table.c.id == row["id"]).values(values))


class States(SQLAlchemyOAuthStateStore):
    """What says that who comes back from Slack is who went there; each counts once."""

    def __init__(self, engine: Engine, seconds: int) -> None:
        """The engine comes from `open_database`; after so many seconds one has to begin anew."""
        transactions: Any = _Transactions(engine)
        super().__init__(seconds, transactions, logger=_QUIET)
        self._transactions = transactions
        self.oauth_states = slack_tables.slack_oauth_states

    def issue(self, *args: Any, **kwargs: Any) -> str:
        """A new one."""
        state = super().issue(*args, **kwargs)
        c = self.oauth_states.c
        with self._transactions.begin() as connection:
            newest = select(func.max(c.id)).scalar_subquery()
            connection.execute(delete(self.oauth_states).where(c.id <= newest - MOST_STATES))
        return state
