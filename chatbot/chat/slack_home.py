"""The bot's Home in Slack, and the form for a subscription.

Law of the file: nothing is known here of what a room follows. Home is the answer to a command, and what is filled in
makes another one, which is first asked to rehearse itself (`--try`) and then as it is.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from itertools import islice
from secrets import token_urlsafe
from typing import Any, Protocol, TypeVar

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.chat.platform import Answer, Request
from chatbot.chat.post import Dialect, Post, printable
from chatbot.chat.rich import addressed
from chatbot.chat.sealed import Seal
from chatbot.chat.slack_blocks import FORM, Json, slack_blocks, typed_here, words
from chatbot.chat.slack_errors import asked
from chatbot.chat.slack_pace import Pace
from chatbot.chat.turns import PATIENCE, Turns
from chatbot.errors import Refused, Unavailable, Unknown

MINE = "/subscriptions mine"
# https://docs.slack.dev/reference/views: blocks; characters of a title, and of what a view keeps for us.
MOST_BLOCKS, MOST_TITLE, MOST_KEPT = 100, 24, 3_000
# Of a field; a filter of more has to be typed.
MOST_TYPED, MOST_ERROR, MOST_HINT = 1_500, 500, 150
# Slack waits three seconds for what becomes of a form: what takes longer than this comes after it.
SOON = 1.5
# Seconds between, and number of, attempts to change a view that Slack has perhaps not shown yet.
AGAIN, TRIES = 0.5, 4
OLD = "This button has grown old: open this page again, or type the command again."
BUSY = f"You have asked {PATIENCE} things at once: wait for their answers, and try again."
CHECKING = "This looks through the last two weeks, and may take some seconds …"
FAILED = "Something went wrong; try again."
LONG = "This is too much for a form: type /subscribe in the channel."
CHANNEL = "Choose a channel; of what we talk about alone, type /subscribe in our messages."
_TRIED, _KEPT = "subscribe", "keep"
_FILTER_HINT = "Empty: everything. s: subject, f: from, dfn: files, is:new, age:<2w …; OR, NOT and ( ) combine them."
_WHEN_HINT = "daily at 9:00 Europe/Berlin, every monday, every 200 mails, as it happens. Empty: daily at 09:00."


Done = TypeVar("Done")


class Spawn(Protocol):
    """Has a task end before we do; what fails is None."""

    def __call__(self, work: Awaitable[Done], /) -> "asyncio.Task[Done | None]":  # noqa: D102
        ...


class Home:
    """One for each way in."""

    def __init__(
        self,
        answer: Answer,
        seal: Seal,
        dialect: Dialect,
        turns: Turns,
        pace: Pace,
        *,
        first: Callable[[str | None], bool],
        spawn: Spawn,
    ) -> None:
        """`first` says whether something was not delivered before."""
        self._answer, self._seal, self._dialect, self._turns = answer, seal, dialect, turns
        self._pace, self._first, self._spawn = pace, first, spawn
        # Whose Home is about to be drawn: once more would show the same.
        self._opening = set[str]()

    def register(self, app: AsyncApp) -> None:
        """Before who takes all that happens."""
        app.event("app_home_opened")(self._opened)
        app.action(re.compile(f"^{FORM}"))(self._form_wanted)
        app.action(re.compile(".*"), matchers=[_in_view])(self._clicked)
        app.view(_TRIED)(self._submitted)
        app.view(_KEPT)(self._saved)

    # Home

    async def _opened(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        event = body["event"]
        if event.get("tab") == "home" and self._first(body.get("event_id")):
            self._redraw(client, event["user"])

    async def _clicked(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        person, command = body["user"]["id"], self._seal.open(body["actions"][0].get("value", ""))
        if not self._first(body.get("trigger_id")):
            return
        if command is None:
            self._redraw(client, person)
        elif self._turns.admits(person):
            self._spawn(self._draw(client, person, in_room(command, "", person)))

    def _redraw(self, client: AsyncWebClient, person: str) -> None:
        if person not in self._opening and self._turns.admits(person):
            self._opening.add(person)
            self._spawn(self._draw(client, person))

    async def _draw(self, client: AsyncWebClient, person: str, request: Request | None = None) -> None:
        """Home, below what is said to a request; some requests are for a page of it."""
        async with self._turns.of(person):
            self._opening.discard(person)
            home = Request("", person, MINE)
            turned = request is not None and request.text.startswith(MINE)
            requests = [request] if request and turned else [request, home] if request else [home]
            posts = [await self._answer(one) for one in requests]
            drawn = [await asyncio.to_thread(self._blocks, post.body) for post in posts]
            blocks = [block for some in drawn for block in [{"type": "divider"}, *some]][1:]
            view = {"type": "home", "blocks": blocks[:MOST_BLOCKS]}
            await self._pace.call("views.publish")
            await asked(client.views_publish(user_id=person, view=view))

    # The form

    async def _form_wanted(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        if not self._first(body.get("trigger_id")):
            return
        command = self._seal.open(body["actions"][0].get("value", ""))
        view = _said("Subscription", self._blocks(self._dialect.lines([OLD])))
        if command is not None:
            request = in_room(command, body["container"].get("channel_id", ""), body["user"]["id"])
            view = self._form(request)
        self._spawn(asked(client.views_open(trigger_id=body["trigger_id"], view=view)))

    def _form(self, request: Request) -> Json:
        """With what the lines of the command say; the room can be chosen where it is not that of one to be changed."""
        head, topic, wanted, when = islice([*request.text.split("\n"), "", "", ""], 4)
        changed = "--replace" in head
        room = {
            "type": "conversations_select",
            "action_id": "value",
            "default_to_current_conversation": True,
            "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        }
        where = (
            slack_blocks(f"<p><room>{self._dialect.escape(request.room)}</room></p>")
            if changed
            else [_input("room", "Channel", room)]
        )
        typed = [
            _typed("topic", "List or subsystem", topic, "kvm", "What to follow; /subsystems finds names."),
            _typed("filter", "Filter", wanted, "dfn:arch/x86/kvm/ -is:bot", _FILTER_HINT),
            _typed("when", "When", when, "weekdays 08:30", _WHEN_HINT),
        ]
        return {
            "type": "modal",
            "callback_id": _TRIED,
            "title": words("Change a subscription" if changed else "Add a subscription", MOST_TITLE),
            "submit": words("Rehearse", MOST_TITLE),
            "close": words("Cancel", MOST_TITLE),
            "private_metadata": self._seal.close(f"{request.room} {head}"),
            "blocks": [*where, *typed],
        }

    async def _submitted(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        """What the command says to what was filled in, below the field that is wrong or as a view of its own."""
        view, person = body["view"], body["user"]["id"]
        values = {name: field["value"] for name, field in view["state"]["values"].items()}
        command = self._seal.open(view["private_metadata"])
        head = in_room(command or "", "", person)
        room = values["room"].get("selected_conversation") or "" if "room" in values else head.room
        topic, wanted, when = (" ".join((values[name].get("value") or "").split("\n")) for name in _FIELDS)
        rest = f'"{topic}"\n{wanted}\n{when}'
        kept = self._seal.close(f"{room} {head.text} {rest}")
        first = next(iter(values))
        if command is None:
            await ack(response_action="errors", errors={first: OLD})
        elif "room" in values and not room.startswith(("C", "G")):
            await ack(response_action="errors", errors={"room": CHANNEL})
        elif len(kept) > MOST_KEPT:
            await ack(response_action="errors", errors={"filter": LONG})
        elif not self._turns.admits(person):
            await ack(response_action="errors", errors={first: BUSY})
        else:
            work = self._spawn(self._in_turn(Request(room, person, f"{head.text} --try {rest}")))
            if not await _soon(work):
                name = token_urlsafe(12)
                await ack(
                    response_action="push", view={**_said("Rehearsing", self._lines(CHECKING)), "external_id": name}
                )
                self._spawn(self._shown_late(client, work, lambda post: self._rehearsed(post, kept), external_id=name))
            elif (post := work.result()) is None or post.fault:
                fault = words(printable(post.fault) if post else FAILED, MOST_ERROR)["text"]
                await ack(
                    response_action="errors", errors={post.part if post and post.part in values else first: fault}
                )
            else:
                await ack(response_action="push", view=self._rehearsed(post, kept))

    async def _saved(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        """What was rehearsed is asked for; Home shows it."""
        view, person = body["view"], body["user"]["id"]
        command = self._seal.open(view["private_metadata"])
        if not self._first(body.get("trigger_id")):
            await ack(response_action="clear")
        elif command is None or not self._turns.admits(person):
            await ack(response_action="update", view=_said("Not saved", self._lines(BUSY if command else OLD)))
        else:
            work = self._spawn(self._in_turn(in_room(command, "", person)))
            if await _soon(work):
                await ack(response_action="update", view=self._done(work.result()))
            else:
                await ack(response_action="update", view=_said("Saving", self._lines(CHECKING)))
                self._spawn(self._shown_late(client, work, self._done, view_id=view["id"]))
            await asyncio.wait([work])
            self._redraw(client, person)

    async def _in_turn(self, request: Request) -> Post:
        async with self._turns.of(request.person):
            return await self._answer(request)

    async def _shown_late(
        self,
        client: AsyncWebClient,
        work: "asyncio.Task[Post | None]",
        drawn: Callable[[Post | None], Json],
        **which: str,
    ) -> None:
        """In a view that is there by now, or is about to be."""
        view = drawn(await work)
        for left in reversed(range(TRIES)):
            await self._pace.call("views.update")
            try:
                await asked(client.views_update(view=view, **which))
            except (Refused, Unavailable, Unknown) as error:
                if not left:
                    raise
                await asyncio.sleep(max(AGAIN, error.after if isinstance(error, Unavailable) else 0))
            else:
                return

    def _rehearsed(self, post: Post | None, kept: str) -> Json:
        if post is None or post.fault:
            return _said("Not understood", self._blocks(post.body) if post else self._lines(FAILED))
        submit = {"callback_id": _KEPT, "submit": words("Save", MOST_TITLE), "private_metadata": kept}
        return {**_said("Rehearsed", self._blocks(post.body)), **submit}

    def _done(self, post: Post | None) -> Json:
        """Nothing is to be seen below what was saved."""
        if post is None or post.fault:
            return _said("Not saved", self._blocks(post.body) if post else self._lines(FAILED))
        return {**_said("Saved", self._blocks(post.body), close="Done"), "clear_on_close": True}

    def _lines(self, text: str) -> list[Json]:
        return self._blocks(self._dialect.lines([text]))

    def _blocks(self, body: str) -> list[Json]:
        parts = self._dialect.parts(typed_here(body))
        return [block for part in parts for block in slack_blocks(part, self._seal.close)]


_FIELDS = ("topic", "filter", "when")


async def _in_view(body: Json) -> bool:
    return "view" in body


async def _soon(work: "asyncio.Task[Post | None]") -> bool:
    done, _ = await asyncio.wait([work], timeout=SOON)
    return bool(done)


def in_room(command: str, here: str, person: str) -> Request:
    """What a button asks for, which may name its room."""
    room, text = addressed(command, here)
    return Request(room, person, text)


def _said(title: str, blocks: list[Json], close: str = "Back") -> Json:
    """A view to be read: what its buttons would ask, it asks itself."""
    return {
        "type": "modal",
        "title": words(title, MOST_TITLE),
        "close": words(close, MOST_TITLE),
        "blocks": [block for block in blocks if block["type"] != "actions"][:MOST_BLOCKS],
    }


def _input(name: str, label: str, element: Json, hint: str = "", *, optional: bool = False) -> Json:
    told = {"hint": words(hint, MOST_HINT)} if hint else {}
    label_of_it = words(label, MOST_TITLE)
    return {"type": "input", "block_id": name, "label": label_of_it, "element": element, "optional": optional, **told}


def _typed(name: str, label: str, value: str, example: str, hint: str) -> Json:
    """Only what is followed has to be said."""
    element = {
        "type": "plain_text_input",
        "action_id": "value",
        "placeholder": words(example, MOST_HINT),
        "max_length": MOST_TYPED,
    }
    filled = {"initial_value": found} if (found := printable(value)[:MOST_TYPED]) else {}
    return _input(name, label, {**element, **filled}, hint, optional=name != "topic")
