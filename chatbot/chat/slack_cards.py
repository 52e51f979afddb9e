"""Cards: what a mail is, in a few lines, below a link to it, or for who asks what a message is about.

Law of the file: a link, an id or a subject is handed on as it is, as what stands behind a command; who answers finds
out what it means. What is not known has no card.
"""

import re
from collections.abc import Awaitable, Callable, Iterator

from slack_sdk.web.async_client import AsyncWebClient

from chatbot.chat.platform import Request
from chatbot.chat.post import Dialect, Post
from chatbot.chat.slack_blocks import Json, slack_blocks
from chatbot.chat.slack_errors import asked
from chatbot.chat.slack_pace import Pace

# The callback of the shortcut, which the manifest names.
LOOK_UP = "look_up"
# As many as one can see at once.
MOST = 3
NOTHING = "I know no mail in this message: I look for links to mails, Message-IDs, and subjects."
_LINK = re.compile(r"https?://[^\s<>|]{1,1000}")
_ID = re.compile(r"(?<![\w/@.])[\w.+=~-]{1,200}@[\w.-]{1,200}\w")
# Of a line, and of so much before it: these are strangers' texts, and all that is repeated has an end.
_SUBJECT = re.compile(
    r"^[ \t>*_`]{0,40}(?:re: {0,9})?(\[[^\]\n]{0,60}(?:PATCH|RFC|PULL)[^\]\n]{0,60}\][^\n]{3,300})",
    re.IGNORECASE | re.MULTILINE,
)

Ask = Callable[[Request], Awaitable[Post]]


def named_in(text: str) -> tuple[str, ...]:
    """What a message names that may be a mail, the surest first."""
    return tuple(dict.fromkeys(_named_in(text)))


def _named_in(text: str) -> Iterator[str]:
    yield from (link for link in _LINK.findall(text) if "@" in link or "%40" in link)
    rest = _LINK.sub(" ", text)
    yield from _ID.findall(rest)
    yield from (subject.strip(" *_`") for subject in _SUBJECT.findall(rest))


class Cards:
    """What is asked goes the way of all commands."""

    def __init__(self, ask: Ask, client: AsyncWebClient, pace: Pace, dialect: Dialect) -> None:
        self._ask, self._client, self._pace, self._dialect = ask, client, pace, dialect

    async def unfurl(self, event: Json) -> None:
        """Show below a message what the links in it lead to, where that is known."""
        request = Request(event["channel"], event["user"], "")
        links = [one["url"] for one in event["links"]][:MOST]
        cards = {link: card for link in links if (card := await self._card(request, link))}
        if not cards:
            return
        await self._pace.call("chat.unfurl")
        where = {"channel": event["channel"], "ts": event["message_ts"]}
        await asked(
            self._client.chat_unfurl(
                **where, unfurls={link: {"blocks": slack_blocks(card)} for link, card in cards.items()}
            )
        )

    async def of(self, request: Request) -> list[str]:
        """The bodies of what the text of a message is about; a line that says so where nothing of it is known."""
        found: list[str] = []
        for name in named_in(request.text)[: 2 * MOST]:
            card = await self._card(request, name)
            if card and card not in found:
                found.append(card)
        return found[:MOST] or [self._dialect.lines([NOTHING])]

    async def _card(self, request: Request, name: str) -> str:
        """Empty where it is not known."""
        post = await self._ask(Request(request.room, request.person, f"/series {name} card"))
        return "" if post.aside else self._dialect.parts(post.body)[0]
