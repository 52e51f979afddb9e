"""Who has installed the bot in Slack, by slack_sdk's own stores in our database."""

from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.oauth.installation_store import Bot, Installation
from sqlalchemy import Engine, func, insert, select

from chatbot.store import slack_tables, tables
from chatbot.store.database import reading, writing
from chatbot.store.installations import MOST_STATES, Installations, Keys, States

KEY = "a2V5" * 10 + "a2U="
IDS: dict[str, Any] = {"app_id": "A0APP", "bot_id": "B0BOT", "bot_user_id": "U0BOT", "user_id": "U0MIA"}


def installed(team: str | None, at: float, token: str, enterprise: str | None = None) -> Installation:
    whole = team is None
    ids = {"team_id": team, "enterprise_id": enterprise, "is_enterprise_install": whole}
    return Installation(**IDS, **ids, bot_token=token, bot_scopes="a,b", installed_at=at)


@pytest.fixture
def installations(engine: Engine) -> Installations:
    return Installations("1.2", engine, Keys(KEY))


def tokens(installations: Installations) -> dict[str, str]:
    return {installations.name_of(one): one.bot_token for one in installations.workspaces()}


def test_the_newest_installation_of_each_counts_and_an_organisation_is_not_its_workspaces(
    installations: Installations, engine: Engine
) -> None:
    assert installations.workspaces() == ()
    for one in (
        installed("T0ONE", 2.5, "one, again"),
        installed("T0ONE", 1.5, "one"),
        installed("T0TWO", 1.0, "two", "E0ALL"),
        installed(None, 1.0, "all", "E0ALL"),
    ):
        installations.save(one)
    Installations("another app", engine, Keys(KEY)).save(installed("T0ELSE", 1.0, "else"))
    assert tokens(installations) == {"T0ONE": "one, again", "T0TWO": "two", "E0ALL": "all"}
    found = [installations.workspace(name) for name in ("T0ONE", "T0TWO", "E0ALL", "T0ELSE", "")]
    assert [one and one.bot_token for one in found] == ["one, again", "two", "all", None, None]
    # The SDK asks the same.
    whole = installations.find_bot(enterprise_id="E0ALL", team_id="T0TWO", is_enterprise_install=True)
    assert whole
    assert (whole.bot_token, whole.bot_scopes) == ("all", ["a", "b"])


def test_what_is_forgotten_is_one_and_what_came_before_it_and_nothing_that_came_later(
    installations: Installations,
) -> None:
    at = datetime(2026, 11, 23, 9, 0, 0, 123_457, UTC).timestamp()
    for one in (
        installed("T0ONE", at, "one"),
        installed("T0TWO", at, "two", "E0ALL"),
        installed(None, at, "all", "E0ALL"),
    ):
        installations.save(one)
    gone = installations.workspace("T0ONE")
    assert gone
    installations.save(installed("T0ONE", at + 0.001, "one, again"))
    installations.drop(gone)
    assert tokens(installations) == {"T0ONE": "one, again", "T0TWO": "two", "E0ALL": "all"}
    for name, left in (("T0ONE", {"T0TWO", "E0ALL"}), ("E0ALL", {"T0TWO"}), ("T0TWO", set[str]())):
        bot = installations.workspace(name)
        assert bot
        installations.drop(bot)
        assert set(tokens(installations)) == left
    assert installations.find_installation(enterprise_id=None, team_id="T0ONE") is None


def test_a_new_token_takes_the_place_of_the_old_one(installations: Installations, engine: Engine) -> None:
    installations.save(installed("T0ONE", 1.123_456_7, "one"))
    bot = installations.workspace("T0ONE")
    assert bot
    installations.save_bot(
        Bot(**{**bot.to_dict_for_copying(), "bot_token": "two", "bot_token_expires_at": 1_800_000_000})
    )
    found = installations.workspace("T0ONE")
    assert found
    assert (found.bot_token, found.bot_token_expires_at) == ("two", 1_800_000_000)
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(slack_tables.slack_bots)).scalar_one() == 1


def test_who_asks_does_not_wait_for_who_writes(installations: Installations, engine: Engine) -> None:
    installations.save(installed("T0ONE", 1.0, "one"))
    with writing(engine):
        assert set(tokens(installations)) == {"T0ONE"}


def test_a_beginning_counts_once_for_a_while_and_only_so_many_are_kept(engine: Engine) -> None:
    states, late = States(engine, 600), States(engine, 0)
    one, old = states.issue(), late.issue()
    assert not states.consume("guessed")
    assert not late.consume(old)
    assert (states.consume(one), states.consume(one)) == (True, False)
    first = states.issue()
    many = [{"state": f"s{number}", "expire_at": datetime(2100, 1, 1)} for number in range(MOST_STATES)]  # noqa: DTZ001  # as the SDK has it
    with writing(engine) as connection:
        connection.execute(insert(slack_tables.slack_oauth_states), many)
    last = states.issue()
    with reading(engine) as connection:
        count = connection.execute(select(func.count()).select_from(slack_tables.slack_oauth_states)).scalar_one()
    assert count == MOST_STATES
    assert (states.consume(first), states.consume(last)) == (False, True)


@pytest.mark.parametrize("key", ["", "short", KEY[:-4], f"{KEY},", f"{KEY} {KEY}"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Keys(key)


def test_our_tables_have_the_columns_of_the_sdks() -> None:
    made = (
        Installations.build_bots_table(type(tables.metadata)(), "x"),
        Installations.build_installations_table(type(tables.metadata)(), "x"),
    )
    for theirs, ours in zip(made, (slack_tables.slack_bots, slack_tables.slack_installations), strict=True):
        assert sorted(theirs.columns.keys()) == sorted(ours.columns.keys())
