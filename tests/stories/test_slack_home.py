"""From the opening of Home to a digest: the whole bot, on the Slack of tests/fakes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from chatbot.app import bot
from chatbot.chat.slack import Slack
from chatbot.chat.slack_entrance import Sockets
from chatbot.config import check_config
from chatbot.serve import Bot
from chatbot.sources.public_inbox import write_epoch
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.when import parse_when
from tests.conftest import NOON, compose
from tests.fakes import slack as fake
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, serving
from tests.fakes.slack_views import View

MIA, ROOM = "U0MIA", "C0KERNEL"
HOSTILE = "x <!channel> <@U0EVE> <https://evil.example|x> @here :skull: *b*\u202e"


class Clock:
    def __init__(self) -> None:
        self.now = NOON + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now


class Setting:
    """A bot with one list, the workspace that it is in, and the time there."""

    def __init__(self, server: fake.Slack, made: Bot, clock: Clock, archive: Path) -> None:
        self.server, self.views, self.bot, self.clock, self.archive = server, server.views, made, clock, archive

    async def home(self, *words: str, person: str = MIA, without: str = "\0") -> View:
        """A person's Home, when it says this, and not that."""
        while True:
            found = self.views.homes.get(person)
            if found and all(word in found.words for word in words) and without not in found.words:
                return found
            await asyncio.sleep(0.01)

    async def form(self, title: str, person: str = MIA) -> View:
        """What lies on top of all, when it has this title."""
        while True:
            stack = self.views.modals.get(person)
            if stack and stack[-1].title == title:
                return stack[-1]
            await asyncio.sleep(0.01)

    async def followed(self, number: int, *rooms: str) -> list[Subscription]:
        """What people have subscribed to in these rooms, when it is so many."""
        while True:
            found = [one for one in self.bot.subscriptions.all() if one.room in rooms and not one.of_config]
            if len(found) == number:
                return found
            await asyncio.sleep(0.01)

    async def later(self, number: int, subject: str) -> None:
        """An hour later there is a mail."""
        self.clock.now += timedelta(hours=1)
        data = compose(subject, 100 + number, date=f"{self.clock.now:%a, %d %b %Y %H:%M:%S +0000}")
        write_epoch(self.archive / "git" / f"{number}.git", [(data, "Ana <ana@a.example>", self.clock.now)])
        self.clock.now += timedelta(hours=1)
        await self.bot.tick()


Use = Callable[[Setting], Awaitable[None]]


def with_home(folder: Path, archive: Path, use: Use) -> None:
    settings = {
        "store": {"url": f"sqlite:///{folder}/bot.sqlite3"},
        "platforms": {"slack": {}},
        "lists": [{"name": "kvm", "title": "KVM", "archive": str(archive), "link": "https://lore.example/kvm/"}],
        "rooms": [
            {"platform": "slack", "room": ROOM, "managers": [MIA], "zone": "Europe/Berlin"},
            {"platform": "slack", "room": "C0OTHER"},
        ],
        "subscriptions": [{"platform": "slack", "room": "C0OTHER", "list": "kvm", "when": "daily at 7:00"}],
    }

    async def run() -> None:
        async with serving(fake.Slack()) as server:
            clock = Clock()
            adapter = Slack(BOT_TOKEN, Sockets(APP_TOKEN), lambda: datetime.now(UTC), api=f"{server.url}/api/", pace=0)
            with bot(check_config(settings, folder), clock, {"slack": adapter}) as made:
                await made.tick()
                listening = asyncio.ensure_future(adapter.listen(partial(made.answer, adapter)))
                try:
                    await asyncio.wait_for(server.connected.wait(), 30)
                    await asyncio.wait_for(use(Setting(server, made, clock, archive)), 60)
                finally:
                    listening.cancel()
                    with suppress(asyncio.CancelledError):
                        await listening
            assert server.views.slow == []

    asyncio.run(run())


Archive = Callable[..., Path]


def test_what_is_filled_in_is_checked_rehearsed_saved_and_told(tmp_path: Path, archive: Archive) -> None:
    async def use(at: Setting) -> None:
        await at.views.open_home(at.server.event)
        await at.home("You have subscribed to nothing yet")
        await at.views.press("Add")
        form = await at.form("Add a subscription")
        assert list(form.inputs) == ["room", "topic", "filter", "when"]
        for field, typed, fault in (
            ("topic", "kmv", "'kmv': there is no such list or subsystem; write kvm"),
            ("filter", "author:ana", "'author:': at column 1, there is no such prefix; write f:ana"),
            ("when", "every tuesdy", "'every tuesdy': "),
            ("room", "C0OTHER", "you may not manage what this room follows"),
        ):
            await at.views.submit(**{"room": ROOM, "topic": "kvm", "filter": "s:tdx", "when": "hourly", field: typed})
            (where, told), *more = at.views.modals[MIA][-1].errors.items()
            assert (where, fault in told, more) == (field, True, []), told
        assert at.bot.subscriptions.of_room("slack", ROOM) == ()

        await at.views.submit(room=ROOM, topic="kvm", filter="s:tdx -is:bot", when="hourly")
        rehearsed = await at.form("Rehearsed")
        assert "In the last 14 days it would have been 1 post with 1 line" in rehearsed.words
        assert at.bot.subscriptions.of_room("slack", ROOM) == ()
        await at.views.submit()
        assert (await at.form("Saved")).words.startswith("Subscribed to kvm")
        at.views.back()
        assert at.views.modals[MIA] == []
        home = await at.home("hourly", "yours, since 2025-11-03", "Mon 2025-11-03 15:00 Europe/Berlin")
        assert home.effects.mentions == (ROOM,)
        (one,) = at.bot.subscriptions.of_room("slack", ROOM)
        assert (one.owner, one.filter, str(one.when)) == (MIA, "s:tdx AND NOT is:bot", "hourly")

        await at.later(1, "[PATCH] tdx: what came after it")
        assert "what came after it" in " ".join(one.words for one in at.server.messages if one.channel == ROOM)
        assert at.server.refusals == ["users.info: missing_scope users:read"]

    with_home(tmp_path, archive([compose("[PATCH] tdx: before", 1)]), use)


def test_one_that_is_there_is_changed_without_losing_its_place_paused_and_ended(
    tmp_path: Path, archive: Archive
) -> None:
    async def use(at: Setting) -> None:
        await at.server.command("/subscribe", "kvm s:tdx every 5 mails", channel=ROOM)
        kept = await at.followed(1, ROOM)
        had = at.bot.outbox.progress()[kept[0].id]
        await at.later(1, "[PATCH] sev: untold as yet")
        await at.views.open_home(at.server.event)
        await at.home(ROOM, "every 5 mails")

        await at.views.press("Edit")
        form = await at.form("Change a subscription")
        filled = {name: one["element"].get("initial_value") for name, one in form.inputs.items()}
        assert filled == {"topic": "kvm", "filter": "s:tdx", "when": "every 5 mails"}
        assert form.effects.mentions == (ROOM,)
        await at.views.submit(filter="s:sev", when="hourly")
        assert "Change" not in [one["text"]["text"] for one in (await at.form("Rehearsed")).buttons]
        await at.views.submit()
        assert "It goes on where it was." in (await at.form("Saved")).words
        (one,) = at.bot.subscriptions.of_room("slack", ROOM)
        assert (one.id, one.owner, one.created, one.asked) == (kept[0].id, MIA, kept[0].created, "kvm s:sev hourly")
        assert at.bot.outbox.progress()[one.id] == had
        await at.bot.tick()
        assert "untold as yet" in " ".join(one.words for one in at.server.messages if one.channel == ROOM)

        await at.home("hourly")
        await at.views.press("Pause")
        await at.home("Paused", "paused until somebody resumes it")
        await at.views.press("Resume")
        home = await at.home("Resumed", without="paused until")
        (remove,) = [one for one in home.buttons if one["text"]["text"] == "Remove"]
        assert one.id in remove["confirm"]["text"]["text"]
        await at.views.press("Remove")
        await at.home("Unsubscribed", "You have subscribed to nothing yet")
        assert at.bot.subscriptions.of_room("slack", ROOM) == ()

    with_home(tmp_path, archive([compose("[PATCH] tdx: before", 1)]), use)


def test_home_shows_what_is_the_persons_own_and_buttons_ask_who_may(tmp_path: Path, archive: Archive) -> None:
    async def use(at: Setting) -> None:
        eve = "U0EVE"
        await at.server.command("/subscribe", "kvm hourly", channel="D0MIA")
        await at.server.command("/subscribe", "kvm as it happens", channel="C0OTHER", person="U0CREATOR")
        while len(at.bot.subscriptions.all()) < 3:  # noqa: ASYNC110  # and the config's
            await asyncio.sleep(0.01)
        for person in (MIA, eve, "U0CREATOR"):
            await at.views.open_home(at.server.event, person)
        mias = await at.home("Here, between you and me", "hourly", without="C0OTHER")
        eves = await at.home("You have subscribed to nothing yet", person=eve)
        made = await at.home("as it happens", person="U0CREATOR", without="daily at 7:00")
        assert [one["text"]["text"] for one in eves.buttons] == ["Add"]
        # Who is the creator no more may no more.
        at.server.channels["C0OTHER"].creator = MIA
        await at.views.press("Pause", "U0CREATOR")
        told = await at.home("you may not manage what this room follows", person="U0CREATOR")
        assert told.id == made.id
        # A button of Mia's is of no use to anybody else: theirs are sealed, and what is not ours is not opened.
        forged = {**mias.buttons[-1], "value": f"{ROOM} /unsubscribe all"}
        at.views.homes[eve] = View("V0", {**eves.body, "blocks": [{"type": "actions", "elements": [forged]}]}, "h")
        await at.views.press("Remove", eve)
        await at.home("You have subscribed to nothing yet", person=eve)
        assert len(await at.followed(2, "D0MIA", "C0OTHER")) == len(at.bot.subscriptions.all()) - 1

    with_home(tmp_path, archive([compose("[PATCH] a", 1)]), use)


def test_what_people_type_does_nothing_in_home_and_in_forms(tmp_path: Path, archive: Archive) -> None:
    async def use(at: Setting) -> None:
        hostile = Subscription(
            "",
            "slack",
            ROOM,
            HOSTILE,
            subsystem=True,
            filter="",
            when=parse_when("hourly"),
            owner=HOSTILE,
            created=NOON,
        )
        at.bot.subscriptions.add([hostile, replace(hostile, owner=MIA, filter="s:x")], [(), ()], NOON)
        await at.views.open_home(at.server.event)
        home = await at.home("hourly", f"of {HOSTILE[:-1]}")
        assert (home.effects.mentions, home.effects.links, home.effects.emoji) == ((ROOM,), (), ())
        await at.views.press("Edit")
        form = await at.form("Change a subscription")
        assert form.inputs["topic"]["element"]["initial_value"] == HOSTILE[:-1]
        assert (form.effects.mentions, form.effects.links, form.effects.emoji) == ((ROOM,), (), ())
        await at.views.submit()
        assert list(at.views.modals[MIA][-1].errors) == ["topic"]
        await at.views.submit(topic="kvm", filter=f's:"{HOSTILE.replace("*", "")}"')
        for title in ("Rehearsed", "Saved"):
            view = await at.form(title)
            assert (view.effects.mentions, view.effects.links, view.effects.emoji) == ((), (), ())
            if title == "Rehearsed":
                await at.views.submit()

    with_home(tmp_path, archive([compose("[PATCH] a", 1)]), use)
