"""/watch: a room is told what becomes of one series, each thing once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from chatbot.announce import announce
from chatbot.chat.rich import plain
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.commands.command import Context
from chatbot.mail.mail import Mail
from chatbot.report.digest import MailingList
from chatbot.report.news import What
from chatbot.store.following import Following
from chatbot.subscriptions.room import Room
from tests.conftest import NOON, RENDERER, RICH, add, answered, compose, context_of, read_one

LISTS = {"kvm": MailingList("kvm", "KVM", "https://lore.example/kvm/")}
ANA, BO, MIA = "Ana <ana@a.example>", "Bo <bo@b.example>", "Mia <mia@m.example>"
DIFF = "Log.\n---\n a | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-{0}\n+{1}\n"


def sent(number: int, hours: float, subject: str, sender: str = ANA, body: str = "", **fields: str) -> Mail:
    body = body or DIFF.format(number % 10, "x")
    mail = read_one(compose(subject, number, body, sender, **fields))
    return replace(mail, received=NOON + timedelta(hours=hours))


def below(number: int) -> dict[str, str]:
    return {"in_reply_to": f"<m{number}@sample.example>"}


ONE = sent(11, 0, "[PATCH 1/2] kvm: one thing"), sent(12, 0.01, "[PATCH 2/2] kvm: another thing", **below(11))
TAG = sent(13, 1, "Re: [PATCH 1/2] kvm: one thing", MIA, "Reviewed-by: Mia <mia@m.example>\n", **below(11))
LAST_TAG = sent(14, 2, "Re: [PATCH 2/2] kvm: another thing", BO, "Acked-by: Bo <bo@b.example>\n", **below(12))
MORE = sent(15, 3, "Re: [PATCH 2/2] kvm: another thing", MIA, "Reviewed-by: Mia <mia@m.example>\n", **below(12))
TWO = sent(21, 4, "[PATCH v2 1/2] kvm: one thing"), sent(22, 4.01, "[PATCH v2 2/2] kvm: another thing", **below(21))
MERGED = sent(23, 6, "Re: [PATCH v2 1/2] kvm: one thing", MIA, "Applied, thanks!\n", **below(21))
OTHER = sent(31, 5, "[PATCH] mm: something else", BO)


@dataclass
class Watching:
    """A room that watches the first version; `tell` is what the bot does at a tick, some hours after noon."""

    context: Context
    follow: Callable[[], int]

    def come(self, *mails: Mail) -> None:
        add(self.context.index, "kvm", *mails)
        self.follow()

    def tell(self, hours: float) -> tuple[What, ...]:
        (one,) = self.context.subscriptions.all()
        found = announce(
            one,
            self.context.outbox.progress()[one.key],
            NOON + timedelta(hours=hours),
            self.context.index.newest("kvm"),
            standings=lambda mails: self.context.search.standings(mails, self.context.people),
            page=lambda standing: f"https://lore.example/kvm/{standing.message_id}/",
            stretches=self.context.summarizer.stretches,
            outbox=self.context.outbox,
            renderer=RENDERER,
            dialect=RICH,
        )
        return tuple(each.what for each in found)

    def bodies(self) -> list[str]:
        waiting = self.context.outbox.waiting(NOON + timedelta(days=9))
        return [plain(one.post.body) for one in waiting]


@pytest.fixture
def watching(engine: Engine) -> Watching:
    context = context_of(engine, LISTS, now=NOON + timedelta(minutes=30), room=Room("slack", "C1"))
    context = replace(context, manager=True)
    made = Watching(context, lambda: Following(engine).keep_up(context.people, context.now))
    made.come(*ONE)
    assert answered("/watch one thing", context).startswith("Watching kvm: one thing  ")
    return made


def test_a_room_is_told_once_of_each_thing_that_becomes_of_a_series(watching: Watching) -> None:
    assert watching.tell(0.6) == ()
    watching.come(TAG)
    assert watching.tell(1.1) == ()  # a patch still lacks a review
    watching.come(LAST_TAG)
    assert watching.tell(2.1) == (What.REVIEWED,)
    assert watching.tell(2.2) == ()
    watching.come(MORE)
    assert watching.tell(3.1) == ()  # it was reviewed before
    watching.come(*TWO)
    assert watching.tell(4.05) == ()  # its patches are still coming in
    assert watching.tell(4.2) == (What.VERSION,)
    watching.come(OTHER, MERGED)
    assert watching.tell(6.1) == (What.APPLIED,)
    assert watching.tell(6.2) == ()


def test_after_a_long_absence_all_of_it_is_told_in_one_post(watching: Watching) -> None:
    watching.come(TAG, LAST_TAG, *TWO, MERGED)
    assert watching.tell(7) == (What.APPLIED, What.VERSION)
    (body,) = watching.bodies()
    assert body.startswith("kvm: one thing <https://lore.example/kvm/m21@sample.example/>\nv2: said to be applied")
    assert "said by Mia" in body
    assert "v2 is here: v2 · 2 patches · Ana" in body


def test_both_faces_say_the_same(watching: Watching) -> None:
    watching.come(*TWO)
    standings = watching.context.search.standings(["m21@sample.example"], watching.context.people)
    from chatbot.report.news import news

    values = {
        "news": news(standings, {"m21@sample.example"}),
        "links": {"m21@sample.example": "https://l.example/"},
        "id": "k7mq",
    }
    terminal = plain_text(RENDERER.render(DIALECT, "news", **values))
    assert set(terminal.split()) - {"https://l.example/"} <= set(plain(RENDERER.render(RICH, "news", **values)).split())


def test_a_watch_is_listed_paused_and_ended_like_any_subscription(watching: Watching) -> None:
    context = watching.context
    (one,) = context.subscriptions.all()
    listed = answered("/subscriptions", context)
    assert listed.startswith(f"{one.id}  the series kvm: one thing\n")
    assert "next: when it has a new version, is reviewed, or is applied" in listed
    assert answered("/watch m12@sample.example", context).startswith("/watch: this room watches it already, as ")
    assert "paused" in answered(f"/pause {one.id} 2w", context)
    assert answered(f"/unsubscribe {one.id}", context).startswith("Unsubscribed\n")
    assert context.subscriptions.all() == ()


def test_what_is_no_mail_of_the_series_is_said_to_be_none(watching: Watching) -> None:
    watching.come(OTHER, TAG)
    assert "it is no mail of this series" in answered("/whynot m31@sample.example", watching.context)
    assert "it will be told" in answered("/whynot m13@sample.example", watching.context)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/watch", "/watch: it needs a series; type /watch WORDS | MESSAGE-ID | LINK"),
        ("/watch nosuchthing", "No series matches nosuchthing."),
        ("/watch gone@x.example", "No series matches gone@x.example."),
    ],
)
def test_what_names_no_series_is_answered_with_what_is_close(watching: Watching, text: str, answer: str) -> None:
    assert answered(text, watching.context).startswith(answer)


def test_who_may_not_manage_may_not_watch(watching: Watching) -> None:
    assert "you may not manage" in answered("/watch one thing", replace(watching.context, manager=False))
