"""/watch: a room is told what becomes of one series, each thing once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from chatbot.announce import announce
from chatbot.chat.rich import plain
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.commands.command import Context
from chatbot.mail.mail import Mail
from chatbot.report.digest import MailingList
from chatbot.report.news import What, news
from chatbot.report.render import Renderer
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
    renderer: Renderer = RENDERER

    def come(self, *mails: Mail) -> None:
        add(self.context.index, "kvm", *mails)
        self.follow()

    def tell(self, hours: float) -> tuple[What, ...]:
        (one,) = self.context.subscriptions.all()
        found = announce(
            one,
            self.context.outbox.progress()[one.key],
            NOON + timedelta(hours=hours),
            standings=lambda mails: self.context.search.standings(mails, self.context.people),
            page=lambda standing: f"https://lore.example/kvm/{standing.message_id}/",
            stretches=self.context.summarizer.stretches,
            outbox=self.context.outbox,
            renderer=self.renderer,
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
    assert "A new version: v2 · 2 patches · Ana" in body


def test_what_is_seen_on_another_list_later_or_said_again_is_no_news(watching: Watching) -> None:
    watching.come(*TWO, MERGED)
    assert watching.tell(7) == (What.APPLIED, What.VERSION)
    for mail in (*ONE, *TWO, MERGED):
        add(watching.context.index, "linux-coco", mail)
    thanks = sent(24, 8, "Re: [PATCH v2 1/2] kvm: one thing", BO, "Applied, thanks!\n", **below(21))
    watching.come(thanks)
    assert watching.tell(9) == ()


def test_a_cover_that_comes_last_makes_no_second_version(watching: Watching) -> None:
    watching.come(*TWO)
    assert watching.tell(4.2) == (What.VERSION,)
    cover = sent(20, 4.5, "[PATCH v2 0/2] kvm: both things", body="Both.\n")
    watching.come(cover)
    assert watching.tell(5) == ()


def test_what_is_in_the_index_and_not_followed_yet_is_told_when_it_is(watching: Watching) -> None:
    watching.come(TAG)
    add(watching.context.index, "kvm", LAST_TAG)
    assert watching.tell(2.1) == ()
    watching.follow()
    assert watching.tell(2.2) == (What.REVIEWED,)


def test_a_missing_patch_may_be_what_completes_a_review(watching: Watching) -> None:
    cover = sent(40, 1, "[PATCH 0/2] mm: three things", BO, "Cover.\n")
    one = sent(41, 1.01, "[PATCH 1/2] mm: first", BO, **below(40))
    all_of_it = sent(43, 2, "Re: [PATCH 0/2] mm: three things", MIA, "Reviewed-by: Mia <mia@m.example>\n", **below(40))
    watching.come(cover, one, all_of_it)
    (other,) = watching.context.subscriptions.all()
    watching.context.subscriptions.remove([other.id])
    assert answered("/watch mm: three things", watching.context).startswith("Watching")
    watching.come(sent(42, 3, "[PATCH 2/2] mm: second", BO, **below(40)))
    assert watching.tell(3.2) == (What.REVIEWED,)


def test_versions_that_come_all_the_time_hold_nothing_back(watching: Watching) -> None:
    watching.come(*TWO)
    again = [sent(50 + n, 4.04 + n / 20, f"[PATCH v{n + 3}] kvm: one thing") for n in range(3)]
    watching.come(*again)
    assert What.VERSION in watching.tell(4.16)


def test_a_template_that_says_nothing_holds_no_news_back(watching: Watching, tmp_path: Path) -> None:
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich" / "news.j2").write_text("{# nothing #}")
    watching.renderer = Renderer(tmp_path)
    watching.come(*TWO)
    assert watching.tell(4.2) == (What.VERSION,)
    assert watching.bodies() == ["kvm: one thing: version https://lore.example/kvm/m21@sample.example/\n"]


def test_both_faces_say_the_same(watching: Watching) -> None:
    watching.come(*TWO)
    standings = watching.context.search.standings(["m21@sample.example"], watching.context.people)
    values = {
        "news": news(standings, {"m21@sample.example", "m22@sample.example"}),
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
