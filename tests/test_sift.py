"""Digests of what somebody follows: what a filter leaves of a list's, and what several lists have of a subsystem."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from chatbot.chat.post import MARKDOWN
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.errors import Unreadable
from chatbot.ingest import ingest
from chatbot.mail.people import People
from chatbot.originals import Originals
from chatbot.readers import Readers
from chatbot.report.digest import Attention, Digest, MailingList, Missed, Need
from chatbot.report.document import document
from chatbot.report.render import Renderer
from chatbot.report.selection import merge, narrow, only_new
from chatbot.sift import Sifter, Topic
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.sample import EVENING
from chatbot.store.database import open_database
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.search import Search
from chatbot.store.stretches import Stretches
from chatbot.subscriptions.filter import parse_filter
from chatbot.subscriptions.subsystem import Subsystem, Subsystems
from tests.conftest import RICH, summarizer

KVM = MailingList("kvm", "KVM", "https://lore.example/kvm/")
COCO = MailingList("linux-coco", "LINUX-COCO", "https://lore.example/coco/")
ARM = Subsystem("KVM ARM64", files=("arch/arm64/kvm/",))
COCO_HOST = Subsystem("TSM", files=("drivers/virt/coco/",))


class Followed:
    """The sample archives' two weeks."""

    def __init__(self, engine, archives) -> None:
        self.engine = engine
        self.summarizer = summarizer(engine)
        self.stretches = {
            one.name: Stretches(engine).between(one.name, EVENING - timedelta(days=14), EVENING) for one in (KVM, COCO)
        }
        subsystems = Subsystems([ARM, COCO_HOST])
        self.originals = originals = Originals(
            self.summarizer.stretches.places, {one: partial(archives.get, one) for one in archives}
        )
        self.sifter = Sifter(self.summarizer, Search(engine), originals, People(), lambda: subsystems)

    def digest(self, text: str, *lists: MailingList, subsystem: Subsystem | None = None) -> Digest:
        topic = Topic(lists or (KVM,), subsystem, parse_filter(text))
        return self.sifter.digest(topic, self.stretches, EVENING)


@pytest.fixture(scope="module")
def followed(sample: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, readers: Readers) -> Iterator[Followed]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('store')}/index.sqlite3")
    with ExitStack() as stack:
        archives = {name: stack.enter_context(PublicInbox(name, folder)) for name, folder in sample.items()}
        for inbox in archives.values():
            ingest(inbox, Index(engine), readers)
        Following(engine).keep_up(People(), EVENING)
        yield Followed(engine, archives)
    engine.dispose()


def told(digest: Digest) -> dict[str, list[str]]:
    return {
        "series": [one.standing.title for one in digest.series],
        "versions": [one.standing.title for one in digest.versions],
        "applied": [one.standing.title for one in digest.applied],
        "attention": [one.posting.standing.title for one in digest.attention],
        "discussed": [one.mail for one in digest.discussed],
    }


# Each asks for a part, and its contrary for the rest of what is about a posting at all.
@pytest.mark.parametrize(
    "text",
    [
        "s:tdx",
        "f:marc",
        "t:linux-coco",
        "dfn:arch/x86/",
        "b:memslot",
        "l:linux-coco",
        "org:kernelworks",
        "is:revised",
        "age:<3d",
    ],
)
def test_a_filter_and_its_contrary_share_out_what_a_digest_tells(followed: Followed, text: str) -> None:
    whole, one, other = (
        told(followed.digest("is:bot OR NOT is:bot")),
        told(followed.digest(text)),
        told(followed.digest(f"NOT ({text})")),
    )
    for section, titles in whole.items():
        assert sorted(one[section] + other[section]) == sorted(titles)
    assert any(one.values())
    assert any(other.values())


def test_a_filter_that_wants_everything_leaves_what_the_list_has(followed: Followed) -> None:
    whole, sifted = followed.digest(""), followed.digest("is:bot OR NOT is:bot")
    assert not whole.only
    assert {**told(whole), "discussed": []} == {**told(sifted), "discussed": []}
    assert set(told(sifted)["discussed"]) <= set(told(whole)["discussed"])
    assert not sifted.authors + sifted.reviewers + sifted.organisations + sifted.bots
    assert sifted.lines <= whole.lines


def test_a_face_says_what_alone_it_tells(followed: Followed) -> None:
    made = followed.digest("s:tdx is:new")
    text = plain_text(Renderer().render(DIALECT, "digest", digest=made))
    assert text.startswith('KVM mailing list, only: subject has "tdx"; is new  1 new series, ')
    assert "Authors" not in text
    assert document(made)["only"] == 'subject has "tdx"; is new'
    assert followed.digest("s:nothing-of-the-kind").empty


def test_a_subsystem_has_what_changes_its_files_of_all_lists_and_once(followed: Followed) -> None:
    made = followed.digest("", KVM, COCO, subsystem=ARM)
    assert made.series or made.versions
    assert all(
        any(path.startswith("arch/arm64/kvm/") for path in followed.sifter.facts(one.standing, EVENING).files)
        for one in (*made.series, *made.versions)
    )
    both = followed.digest("s:tdx", KVM, COCO, subsystem=None)
    assert both.mailing_list == KVM  # a list's filter asks one list
    cross = followed.digest("", KVM, COCO, subsystem=COCO_HOST)
    mails = [one.standing.mail for one in (*cross.series, *cross.versions)]
    assert len(mails) == len(set(mails))
    assert plain_text(Renderer().render(DIALECT, "digest", digest=made)).startswith("KVM ARM64  ")


def test_what_was_seen_on_two_lists_is_told_once_and_linked_to_its_own(followed: Followed) -> None:
    sifted = [narrow(followed.digest("", one), lambda _: True, {}, "") for one in (KVM, COCO)]
    made = merge(sifted, "BOTH", KVM)
    names = [one.standing.mail for one in made.series]
    assert set(names) == {one.standing.mail for part in sifted for one in part.series}
    assert len(names) == len(set(names)) < sum(len(part.series) for part in sifted)
    of_coco = {one.standing.message_id for one in sifted[1].series} - {
        one.standing.message_id for one in sifted[0].series
    }
    assert all(made.link(one).startswith(COCO.base) for one in of_coco)
    assert [one.standing.received for one in made.series] == sorted(
        (one.standing.received for one in made.series), reverse=True
    )
    assert only_new(made).lines == len(made.series) + len(made.versions)


def test_what_goes_on_waiting_is_no_news_by_itself(followed: Followed) -> None:
    made = followed.digest("is:bot OR NOT is:bot")
    waiting, refused = (Attention(need, made.series[0], "") for need in (Need.SILENT, Need.REFUSED))
    quiet = replace(made, series=(), versions=(), applied=(), discussed=(), attention=(waiting,))
    assert quiet.empty
    for news in ({"series": made.series}, {"versions": made.versions}, {"attention": (refused,)}):
        assert not replace(quiet, **news).empty


def test_every_face_says_what_was_missed_and_from_when_it_is_only_counted(followed: Followed) -> None:
    made = followed.digest("s:tdx")
    for missed, said in (
        (Missed(EVENING), "Nothing was posted since 2025-11-14 18:00 UTC; this covers all of it"),
        (
            Missed(EVENING - timedelta(days=30), EVENING, 1234),
            "what came until 2025-11-14 18:00 is only counted, 1,234 mails, and the rest is here",
        ),
    ):
        for dialect in (DIALECT, MARKDOWN, RICH):
            assert said in plain_text(Renderer().render(dialect, "digest", digest=replace(made, missed=missed)))
            assert said not in plain_text(Renderer().render(dialect, "digest", digest=made))


def test_a_subsystem_that_asks_for_words_finds_them_in_lines_of_code(followed: Followed) -> None:
    """As K: of MAINTAINERS is meant; an index keeps no lines of code."""
    sought = Subsystem("NEW", contents=(r"\bnew[ ]line\b",))
    made = followed.digest("", subsystem=sought)
    found = {one.standing.mail for one in (*made.series, *made.versions)}
    assert found
    assert followed.digest('b:"new line"').empty
    assert followed.digest("", subsystem=replace(sought, contents=(r"\bcontext\b",))).empty  # which is not changed


def test_where_no_archive_tells_to_whom_a_mail_was_sent_nothing_is_taken_for_told(followed: Followed) -> None:
    sifter = Sifter(followed.summarizer, Search(followed.engine), Originals(lambda _: (), {}), People(), Subsystems)
    with pytest.raises(Unreadable, match="only its archive tells; name its list's archive in the config"):
        sifter.digest(Topic((KVM,), filter=parse_filter("t:kvm")), followed.stretches, EVENING)
