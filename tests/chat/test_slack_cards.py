"""Cards below links, and for who asks what a message is about: the whole bot, on the Slack of tests/fakes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.chat.slack_cards import MOST, NOTHING, named_in
from chatbot.chat.slack_listener import unwrapped
from tests.fakes import slack as fake
from tests.stories.test_slack import OURS, shown, with_bot

LORE = "https://lore.kernel.org/kvm/"
COVER, REPLY, TALK = "dirty-3-0@sample.example", "reply-2-gfn-2@sample.example", "no-such@sample.example"
TITLE = "KVM: x86/mmu: Fewer TLB flushes while logging dirty pages"


async def until(said: Callable[[], bool]) -> None:
    while not said():  # noqa: ASYNC110  # of what another party does
        await asyncio.sleep(0.02)


def test_a_link_to_a_known_mail_gets_a_short_card_and_no_other_link_does(
    tmp_path: Path, sample: dict[str, Path]
) -> None:
    async def use(server: fake.Slack) -> None:
        server.scopes |= {"links:read", "links:write"}
        encoded = f"{LORE}{COVER.replace('@', '%40')}/T/#u"
        unknown = [f"{LORE}{TALK}/", f"{LORE}%3C!channel%3E@x/", LORE]
        await server.share(*unknown)
        await server.share(encoded, member=False)
        await server.share(encoded, source="composer")
        await server.share(unknown[0], encoded)
        await until(lambda: bool(server.cards))
        assert set(server.cards) == {encoded}
        card = server.cards[encoded]
        assert card.words.startswith(f"{TITLE} \nv3 · 2 of 2 patches · Grace Okafor · 2025-11-14 10:20 UTC · kvm")
        assert "reviewed :" in card.words
        assert "1 Reviewed-by, 1 Acked-by" in card.words
        assert card.effects.links == (f"{OURS}{COVER}/",)
        assert (card.effects.mentions, card.effects.emoji, card.buttons()) == ((), (), {})
        assert server.calls["chat.unfurl"] == 1
        assert server.refusals == []

    with_bot(tmp_path, sample, use, unfurl=True)


def test_without_the_option_no_link_is_looked_at(tmp_path: Path, sample: dict[str, Path]) -> None:
    async def use(server: fake.Slack) -> None:
        before = len(await shown(server, 2))
        await server.share(f"{LORE}{COVER}/")
        await server.shortcut(f"see <{LORE}{COVER}/>")
        await shown(server, before + 1)  # what was asked later is answered
        assert server.calls["chat.unfurl"] == 0

    with_bot(tmp_path, sample, use)


def test_what_a_message_is_about_is_told_to_who_asks(tmp_path: Path, sample: dict[str, Path]) -> None:
    async def use(server: fake.Slack) -> None:
        before = len(await shown(server, 2))
        await server.shortcut(
            f"see &lt;{REPLY}&gt; and <{LORE}{COVER}/|this>\n[PATCH v3 0/2] {TITLE}\nmail a@b.example"
        )
        await shown(server, before + 2)
        await server.shortcut("lunch?")
        first, second, nothing = (await shown(server, before + 3))[before:]
        assert (first.words.startswith(TITLE), "memslot" in second.words) == (True, True)
        assert nothing.words == NOTHING
        assert {one.user for one in (first, second, nothing)} == {"U0MIA"}

    with_bot(tmp_path, sample, use)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("https://lore.kernel.org/r/a%40b.c/ x <c@d.e>", ("https://lore.kernel.org/r/a%40b.c/", "c@d.e")),
        ("> Re: [PATCH v2 1/3] kvm: one\n*[RFC] two*", ("[PATCH v2 1/3] kvm: one", "[RFC] two")),
        ("@here <!channel> hello https://a.example/ [x] y", ()),
        ("c@d.e " * 9, ("c@d.e",)),
        *[((one * 40_000)[:40_000], ()) for one in ("\n", "\n*", "> ", "-", "a@", "re: ", "[PATCH ", "<mailto:|")],
    ],
    ids=range(12),
)
def test_links_ids_and_subjects_name_mails(text: str, names: tuple[str, ...]) -> None:
    assert named_in(unwrapped(text)) == names
    assert MOST == 3
